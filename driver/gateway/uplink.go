package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// Requests that belong to a connection without a WebSocket: its commands, its goodbye,
// and its polls.

// wantsEvents reports whether a request asks for events instead of a WebSocket.
func wantsEvents(req *http.Request) bool {
	return req.Method == http.MethodGet && hasToken(req.Header.Values("Accept"), "text/event-stream") && req.Header.Get("Upgrade") == ""
}

// pollWait is how long a poll shall wait (RFC 7240 §4.3); ok is false if it is none.
func pollWait(req *http.Request) (wait time.Duration, ok bool) {
	for _, line := range req.Header.Values("Prefer") {
		for token := range strings.SplitSeq(line, ",") {
			if s, is := strings.CutPrefix(strings.TrimSpace(token), "wait="); is {
				n, err := strconv.Atoi(s)
				return time.Duration(n) * time.Second, err == nil && n >= 0
			}
		}
	}
	return 0, false
}

// belongs reports whether a request belongs to a connection without a WebSocket, or
// begins one that polls.
func belongs(req *http.Request) bool {
	_, polls := pollWait(req)
	return req.Header.Get(connectionHeader) != "" || polls && wantsEvents(req)
}

// uplink obeys one request of those. Nothing more can be read of r than the request.
func (c *conn) uplink(req *http.Request, r *bufio.Reader) (status int, events []byte) {
	g := c.gateway
	wait, polled := pollWait(req)
	if polled && req.Header.Get(connectionHeader) == "" {
		p, ok := c.beginPolls()
		if !ok {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, opening(p.id)
	}
	defer io.Copy(io.Discard, io.LimitReader(req.Body, int64(g.cfg.Limits.Message))) // what is left would be taken for a request
	x := g.carriers.of(c, req)
	if x == nil {
		return http.StatusGone, nil
	}
	switch req.Method {
	case http.MethodPost:
		body, err := io.ReadAll(io.LimitReader(req.Body, int64(g.cfg.Limits.Message)+1))
		switch {
		case err != nil:
			return http.StatusBadRequest, nil
		case len(body) > g.cfg.Limits.Message:
			req.Close = true
			return http.StatusRequestEntityTooLarge, nil
		}
		if x.post(ws.OpText, body) != nil {
			return http.StatusGone, nil
		}
		return http.StatusAccepted, nil
	case http.MethodDelete:
		if x.post(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, "")) != nil {
			return http.StatusGone, nil
		}
		return http.StatusAccepted, nil
	case http.MethodGet:
		if !polled {
			return http.StatusConflict, nil
		}
		gone, look := c.lookOut(r)
		events, ok := x.poll(gone, wait)
		look()
		if !ok {
			return http.StatusConflict, nil
		}
		return http.StatusOK, events
	}
	return http.StatusMethodNotAllowed, nil
}

// lookOut watches whether the client leaves while a request waits. The connection is to
// be read no further until the returned function has been called.
func (c *conn) lookOut(r *bufio.Reader) (gone <-chan struct{}, stop func()) {
	left, done := make(chan struct{}), make(chan struct{})
	stopping := make(chan struct{})
	c.nc.SetReadDeadline(time.Time{})
	c.gateway.wg.Go(func() {
		defer close(done)
		if _, err := r.Peek(1); err != nil {
			select {
			case <-stopping:
			default:
				close(left)
			}
		}
	})
	return left, func() {
		close(stopping)
		c.nc.SetReadDeadline(time.Unix(1, 0))
		<-done
		c.nc.SetReadDeadline(time.Time{})
	}
}

// respond answers such a request.
func (c *conn) respond(status int, events []byte, keep bool) error {
	more := ""
	if !keep {
		more = "Connection: close\r\n"
	}
	if status == http.StatusOK {
		more += "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
	}
	_, err := fmt.Fprintf(c.nc, "HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), more, len(events), events)
	return err
}
