package engine

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/engine/memory"
	"squall/driver/fault"
)

// The rig is one loop, a listener whose other side is played by the test as raw
// bytes, and the callbacks as a list of events.
type rig struct {
	t        *testing.T
	name     string
	loop     Loop
	listener net.Listener
	nobody   string // an address where nobody listens
	tls      *TLS
	events   chan event
	done     chan error
	peers    []*peer

	// The loop's.
	conns map[Token]Conn
	wakes func(now time.Duration) time.Duration
	onMsg func(t Token, payload []byte)
}

type event struct {
	kind    string // open, message, closed
	token   Token
	opcode  byte
	payload []byte
	at      Stamp
	end     End
}

func (r *rig) Open(t Token, at Stamp) { r.events <- event{kind: "open", token: t, at: at} }
func (r *rig) Message(t Token, opcode byte, payload []byte, at Stamp) {
	r.events <- event{kind: "message", token: t, opcode: opcode, payload: bytes.Clone(payload), at: at}
	if r.onMsg != nil {
		r.onMsg(t, payload)
	}
}
func (r *rig) Closed(t Token, end End) {
	r.events <- event{kind: "closed", token: t, end: end, at: end.At}
}
func (r *rig) Wake(now time.Duration) time.Duration {
	if r.wakes != nil {
		return r.wakes(now)
	}
	return Never
}

// engines are all that must behave alike.
var engines = []struct {
	name   string
	bubble bool // runs in a synctest bubble
	setup  func(t *testing.T, r *rig, o Options)
}{
	{"memory", true, func(t *testing.T, r *rig, o Options) {
		n := new(memory.Network)
		r.loop = NewMemory(n, o)
		r.listener, _ = n.Listen("gateway")
		r.nobody = "nobody"
	}},
	{"portable", false, func(t *testing.T, r *rig, o Options) {
		r.loop = NewPortable(o)
		r.listen()
	}},
	{"portable-tls", false, func(t *testing.T, r *rig, o Options) {
		r.loop = NewPortable(o)
		r.listen()
		server, client := certificate(t)
		r.listener = tls.NewListener(r.listener, server)
		r.tls = &TLS{Config: client}
	}},
	{"epoll", false, func(t *testing.T, r *rig, o Options) {
		if !hasEpoll {
			t.Skip("no epoll here")
		}
		var err error
		if r.loop, err = NewEpoll(o); err != nil {
			t.Fatal(err)
		}
		r.listen()
	}},
}

// onAll runs f on each engine.
func onAll(t *testing.T, f func(t *testing.T, r *rig)) {
	onAllWith(t, Options{}, nil, f)
}

func onAllWith(t *testing.T, o Options, prepare func(*rig), f func(t *testing.T, r *rig)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			body := func(t *testing.T) {
				r := &rig{t: t, name: e.name, events: make(chan event, 1<<16), done: make(chan error, 1), conns: map[Token]Conn{}}
				e.setup(t, r, o)
				if prepare != nil {
					prepare(r)
				}
				go func() { r.done <- r.loop.Run(r) }()
				defer r.stop()
				f(t, r)
			}
			if e.bubble {
				synctest.Test(t, body)
				return
			}
			if prepare == nil {
				t.Parallel() // what prepare captures is shared
			}
			body(t)
		})
	}
}

func (r *rig) listen() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.listener = l
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.nobody = gone.Addr().String()
	gone.Close()
}

func (r *rig) stop() {
	r.loop.Stop()
	r.listener.Close()
	defer func() {
		for _, p := range r.peers {
			p.Close()
		}
	}()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("Run: %v", err)
		}
	case <-time.After(10 * time.Second):
		r.t.Error("Run goes on after Stop")
	}
}

// do runs f on the loop and waits.
func (r *rig) do(f func()) {
	r.t.Helper()
	done := make(chan struct{})
	r.loop.Post(func() { f(); close(done) })
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		r.t.Fatal("Post is not served")
	}
}

// key is the nonce of all test requests.
var key = [16]byte{'a', ' ', 'n', 'o', 'n', 'c', 'e'}

// dial starts connection t to address.
func (r *rig) dialTo(t Token, address string, change func(*Dial)) {
	r.t.Helper()
	request, accept := UpgradeRequest("gateway", "/path?q", [][2]string{{"X-Test", "1"}}, "", key)
	d := &Dial{Address: address, Request: request, Accept: accept, TLS: r.tls, Timeout: 10 * time.Second}
	if change != nil {
		change(d)
	}
	r.do(func() { r.conns[t] = r.loop.Dial(t, d) })
}

// peer is the server's end of one connection.
type peer struct {
	net.Conn
	r   *rig
	buf *bufio.Reader
}

// answer is a correct 101 to a request of dialTo.
func goodAnswer() string {
	_, accept := UpgradeRequest("gateway", "/", nil, "", key)
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n"
}

// accept takes the next connection and reads its request.
func (r *rig) accept() *peer {
	r.t.Helper()
	c, err := r.listener.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	p := &peer{Conn: c, r: r, buf: bufio.NewReader(c)}
	r.peers = append(r.peers, p) // or the garbage collector hangs up
	for {
		line, err := p.buf.ReadString('\n')
		if err != nil {
			r.t.Fatalf("reading the request: %v", err)
		}
		if line == "\r\n" {
			return p
		}
	}
}

// connect opens connection t whole, up to its Open event.
func (r *rig) connect(t Token) *peer {
	r.t.Helper()
	return r.connectWith(t, nil)
}

func (r *rig) connectWith(t Token, change func(*Dial)) *peer {
	r.t.Helper()
	r.dialTo(t, r.listener.Addr().String(), change)
	p := r.accept()
	p.say(goodAnswer())
	r.want("open", t)
	return p
}

func (p *peer) say(s string) {
	p.r.t.Helper()
	if _, err := io.WriteString(p.Conn, s); err != nil {
		p.r.t.Fatalf("server writing: %v", err)
	}
}

// frame is a whole unmasked frame, as a server sends it.
func frame(fin bool, opcode byte, payload string) string {
	var b bytes.Buffer
	ws.WriteHeader(&b, ws.Header{Fin: fin, OpCode: ws.OpCode(opcode), Length: int64(len(payload))})
	return b.String() + payload
}

func text(s string) string { return frame(true, OpText, s) }

// hear reads one frame of the client, which must be masked.
func (p *peer) hear() (opcode byte, payload []byte) {
	p.r.t.Helper()
	h, err := ws.ReadHeader(p.buf)
	if err != nil {
		p.r.t.Fatalf("server reading: %v", err)
	}
	if !h.Masked || !h.Fin || h.Rsv != 0 {
		p.r.t.Fatalf("the client's frame has header %+v", h)
	}
	payload = make([]byte, h.Length)
	if _, err := io.ReadFull(p.buf, payload); err != nil {
		p.r.t.Fatalf("server reading: %v", err)
	}
	ws.Cipher(payload, h.Mask, 0)
	return byte(h.OpCode), payload
}

// end reads to the end of what the client sends and returns how it ended.
func (p *peer) end() (rest []byte, err error) {
	rest, err = io.ReadAll(p.buf)
	return rest, err
}

// reset ends the connection with RST.
func (p *peer) reset() {
	c := p.Conn
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	resetConn(c)
	c.Close()
}

// next is the next callback.
func (r *rig) next() event {
	r.t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(15 * time.Second):
		r.t.Fatal("no callback comes")
		return event{}
	}
}

// want is the next callback, which must be of a kind.
func (r *rig) want(kind string, t Token) event {
	r.t.Helper()
	e := r.next()
	if e.kind != kind || e.token != t {
		r.t.Fatalf("got %v of %d, want %s of %d", e, e.token, kind, t)
	}
	if e.at.Read < e.at.Arrived || e.at.Arrived < 0 || e.at.Read > r.loop.Now() {
		r.t.Fatalf("%s: impossible stamp %+v at %v", kind, e.at, r.loop.Now())
	}
	return e
}

// wantText is the next callback, which must be a text message.
func (r *rig) wantText(t Token, s string) event {
	r.t.Helper()
	e := r.want("message", t)
	if e.opcode != OpText || string(e.payload) != s {
		r.t.Fatalf("got opcode %d %.80q, want text %.80q", e.opcode, e.payload, s)
	}
	return e
}

// wantClosed is the next callback, which must be the end, and the last one.
func (r *rig) wantClosed(t Token, cause Cause) End {
	r.t.Helper()
	e := r.want("closed", t)
	if e.end.Cause != cause {
		r.t.Fatalf("ended %+v, want cause %d", e.end, cause)
	}
	if len(e.end.Text) > 512 || strings.ToValidUTF8(e.end.Text, "") != e.end.Text {
		r.t.Fatalf("End.Text is not fit to be shown: %d bytes %q", len(e.end.Text), e.end.Text)
	}
	r.quiet(20 * time.Millisecond)
	return e.end
}

// wantStats waits for stats that are fine; they are those of the last batch.
func (r *rig) wantStats(fine func(Stats) bool) {
	r.t.Helper()
	for end := time.Now().Add(5 * time.Second); !fine(r.loop.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("stats %+v", r.loop.Stats())
		}
	}
}

// quiet checks that no callback comes for a while.
func (r *rig) quiet(d time.Duration) {
	r.t.Helper()
	select {
	case e := <-r.events:
		r.t.Fatalf("unexpected %v", e)
	case <-time.After(d):
	}
}

func (r *rig) fault(t Token, a fault.Action) {
	r.t.Helper()
	r.do(func() { r.conns[t].Fault(a) })
}

func (e event) String() string {
	return fmt.Sprintf("%s(op %d, %.60q, end %+v)", e.kind, e.opcode, e.payload, e.end)
}

// certificate makes a server's and a client's configuration that fit.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateway"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}},
		&tls.Config{RootCAs: pool}
}
