package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"squall/driver"
	"squall/scenario"
)

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

// poster implements driver.Poster.
type poster struct {
	client *http.Client
	nodes  []string // http://host:port of the target's nodes
}

// newPoster returns nil if the plan publishes nothing over HTTP; end closes what is
// idle then.
func newPoster(plan *scenario.Plan, t *target, o Options) (p driver.Poster, end func(), err error) {
	if plan.MostPosts() == 0 {
		return nil, func() {}, nil
	}
	transport := &http.Transport{
		MaxConnsPerHost: plan.MostPosts(), MaxIdleConnsPerHost: plan.MostPosts(), DisableCompression: true,
		TLSHandshakeTimeout: dialTimeout,
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport.DialContext = dialer.DialContext
	if o.Network != nil {
		transport.DialContext = func(_ context.Context, _, address string) (net.Conn, error) { return o.Network.Dial(address) }
	}
	if !plan.Target.Embedded {
		c, err := clientTLS(plan.Target.TLS, "")
		if err != nil {
			return nil, nil, err
		}
		transport.TLSClientConfig = c
	}
	x := &poster{client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, a := range t.addresses() {
		x.nodes = append(x.nodes, "http://"+a)
	}
	return x, transport.CloseIdleConnections, nil
}

// Post implements driver.Poster.
func (p *poster) Post(ctx context.Context, node int, r scenario.Request) (status int, body []byte, written bool, err error) {
	at := r.URL
	if strings.HasPrefix(at, "/") {
		at = p.nodes[node%len(p.nodes)] + at
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { written = true }})
	req, err := http.NewRequestWithContext(ctx, r.Method, at, bytes.NewReader(r.Body))
	if err != nil {
		return 0, nil, false, fmt.Errorf("making the request: %w", err)
	}
	req.GetBody = nil // nothing is sent twice behind our back
	req.Header.Set("Content-Type", "application/json")
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if x := (*url.Error)(nil); errors.As(err, &x) {
			err = x.Err // the address is known
		}
		return 0, nil, written, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	return resp.StatusCode, body, true, err
}
