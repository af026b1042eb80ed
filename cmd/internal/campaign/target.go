package campaign

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"

	"squall/driver"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/scenario"
)

// ownProcess is from how many clients on the embedded gateway is a process of
// its own, so that its descriptors are not taken from the clients.
const ownProcess = 9000

// dialTimeout bounds TCP, TLS and upgrade of one attempt.
const dialTimeout = 10 * time.Second

// target is what the clients of a run connect to.
type target struct {
	name string // for people; without user info
	dial engine.Dial
	more []engine.Dial // to further nodes
	tls  bool
	stop func() // ends what was started for this run

	control driver.Control // of what was started; nil: it can't be reached
}

// open makes the plan's target ready: it starts the embedded gateway or
// prepares the URL.
func open(plan *scenario.Plan, about dialect.About, o *Options) (*target, error) {
	if !plan.Target.Embedded {
		t, err := nodes(plan, about, plan.Target.URLs)
		if err != nil {
			return nil, err
		}
		t.stop = func() {}
		return t, nil
	}
	var e *embedded
	var err error
	switch {
	case o.Network != nil:
		e, err = embedMemory(plan, o.Network)
	case len(plan.Clients) > ownProcess && o.Self != "":
		e, err = embedChild(plan, o.Self)
	default:
		e, err = embed(plan)
	}
	if err != nil {
		return nil, targetError{fmt.Errorf("starting the embedded gateway: %w", err)}
	}
	urls := make([]string, len(e.addresses))
	for i, a := range e.addresses {
		urls[i] = "ws://" + a + "/"
	}
	t, err := nodes(plan, about, urls)
	if err != nil {
		e.stop()
		return nil, err
	}
	t.name, t.stop, t.control = "embedded", e.stop, e.control
	return t, nil
}

// nodes prepares the upgrade requests for the URLs of one cluster.
func nodes(plan *scenario.Plan, about dialect.About, urls []string) (*target, error) {
	t, err := remote(plan, about, urls[0])
	if err != nil {
		return nil, err
	}
	for _, u := range urls[1:] {
		x, err := remote(plan, about, u)
		if err != nil {
			return nil, err
		}
		t.more = append(t.more, x.dial)
		t.name += ", " + x.name
		t.tls = t.tls || x.tls
	}
	return t, nil
}

// remote prepares the upgrade request for a URL.
func remote(plan *scenario.Plan, about dialect.About, raw string) (*target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the target's URL: %w", err)
	}
	t := &target{tls: u.Scheme == "wss"}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[t.tls]
	}
	path := u.RequestURI()
	if u.Path == "" || u.Path == "/" {
		path = about.Path
		if path == "" {
			path = "/"
		}
		if u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
	}
	var headers [][2]string
	for _, h := range plan.Target.Headers {
		headers = append(headers, [2]string{h.Name, h.Value})
	}
	if plan.Target.Compression {
		headers = append(headers, [2]string{"Sec-WebSocket-Extensions", engine.DeflateOffer})
	}
	var key [16]byte
	rand.Read(key[:])
	request, accept := engine.UpgradeRequest(u.Host, path, headers, about.Subprotocol, key)
	t.dial = engine.Dial{
		Address: net.JoinHostPort(u.Hostname(), port), Request: request, Accept: accept,
		Protocol: about.Subprotocol, Deflate: plan.Target.Compression, Timeout: dialTimeout,
	}
	shown := *u
	shown.User, shown.RawQuery = nil, ""
	t.name = shown.String()
	if t.tls {
		c, err := clientTLS(plan.Target.TLS, u.Hostname())
		if err != nil {
			return nil, err
		}
		t.dial.TLS = &engine.TLS{Config: c}
	}
	return t, nil
}

func clientTLS(p scenario.TLSPlan, host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, InsecureSkipVerify: p.Insecure, ClientSessionCache: tls.NewLRUClientSessionCache(64)}
	if p.CA != "" {
		pem, err := os.ReadFile(p.CA)
		if err != nil {
			return nil, fmt.Errorf("reading tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading tls.ca: %s holds no PEM certificate", p.CA)
		}
	}
	if p.Cert != "" {
		pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, fmt.Errorf("reading tls.cert and tls.key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// sources are the loopback addresses to connect from, so that none holds more
// connections to the target than ports are found quickly for. Other targets are
// left to the system's choice.
func sources(connections int, addresses ...string) []netip.Addr {
	if connections <= driver.PortsPerSource {
		return nil
	}
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil
		}
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Is4() || !a.IsLoopback() {
			return nil
		}
	}
	var list []netip.Addr
	for n := 0; n*driver.PortsPerSource < connections; n++ {
		list = append(list, netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + n)}))
	}
	return list
}

// addresses are where the clients connect.
func (t *target) addresses() []string {
	all := []string{t.dial.Address}
	for i := range t.more {
		all = append(all, t.more[i].Address)
	}
	return all
}
