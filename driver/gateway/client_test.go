package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
	"squall/driver/engine/memory"
)

// site is a gateway on a network in memory.
type site struct {
	t       *testing.T
	g       *Gateway
	network memory.Network
	served  chan error
}

func start(t *testing.T, cfg Config) *site {
	t.Helper()
	if cfg.Seed == 0 {
		cfg.Seed = 1
	}
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, g: g, served: make(chan error, 1)}
	l, err := s.network.Listen("gateway")
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.served <- g.Serve(l) }()
	return s
}

func (s *site) close() {
	s.t.Helper()
	s.g.Close()
	if err := <-s.served; err != nil {
		s.t.Errorf("Serve: %v", err)
	}
}

// upgrade opens a socket and returns the HTTP answer's status.
func (s *site) upgrade(path, extra string) (net.Conn, *bufio.Reader, int) {
	s.t.Helper()
	nc, err := s.network.Dial("gateway")
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, extra)
	r := bufio.NewReader(nc)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode == 101 && resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		s.t.Fatalf("accept %q", resp.Header.Get("Sec-WebSocket-Accept"))
	}
	return nc, r, resp.StatusCode
}

// client is a plain client of the events protocol; it answers pings.
type client struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
	id uint64
	d  dialect.Decoder
	in []dialect.Message // decoded, not yet taken

	left bool // we sent the first close frame
}

// raw is a client without the connect command.
func (s *site) raw() *client {
	s.t.Helper()
	nc, r, status := s.upgrade("/events", "")
	if status != 101 {
		s.t.Fatalf("upgrade answered %d", status)
	}
	return &client{t: s.t, nc: nc, r: r, d: dialect.Events{}.Decoder()}
}

func (s *site) client(user string) *client {
	s.t.Helper()
	c := s.raw()
	c.command(&dialect.Command{Verb: dialect.Connect, User: user})
	c.want(dialect.Connected)
	return c
}

func (c *client) command(cmd *dialect.Command) uint64 {
	c.t.Helper()
	if cmd.Verb != dialect.Pong {
		c.id++
		cmd.ID = c.id
	}
	b, err := dialect.Events{}.Append(nil, cmd)
	if err != nil {
		c.t.Fatal(err)
	}
	c.text(string(b))
	return cmd.ID
}

func (c *client) text(s string) { c.frame(ws.NewTextFrame([]byte(s))) }

func (c *client) frame(f ws.Frame) {
	ws.WriteFrame(c.nc, ws.MaskFrameWith(f, [4]byte{1, 2, 3, 4}))
}

// next returns the next message. An error says how the connection ended.
func (c *client) next() (dialect.Message, error) {
	for len(c.in) == 0 {
		h, err := ws.ReadHeader(c.r)
		if err != nil {
			return dialect.Message{}, err
		}
		if h.Masked || !h.Fin || h.Rsv != 0 {
			c.t.Errorf("bad frame from the gateway: %+v", h)
		}
		p := make([]byte, h.Length)
		if _, err := io.ReadFull(c.r, p); err != nil {
			return dialect.Message{}, err
		}
		switch h.OpCode {
		case ws.OpClose:
			code, reason := ws.ParseCloseFrameData(p)
			if !c.left {
				c.frame(ws.NewCloseFrame(p))
			}
			return dialect.Message{}, &closed{code, reason}
		case ws.OpPong:
			return dialect.Message{Kind: dialect.Ponged, Payload: p}, nil
		case ws.OpText:
			c.d.Reset(p)
			var m dialect.Message
			for c.d.Next(&m) {
				c.in = append(c.in, m)
			}
			if c.d.Err() != nil {
				c.t.Errorf("gateway sent %s: %v", p, c.d.Err())
			}
		default:
			c.t.Errorf("gateway sent opcode %d", h.OpCode)
		}
	}
	m := c.in[0]
	c.in = c.in[1:]
	if m.Kind == dialect.Pinged {
		c.command(&dialect.Command{Verb: dialect.Pong})
		return c.next()
	}
	return m, nil
}

type closed struct {
	code   ws.StatusCode
	reason string
}

func (e *closed) Error() string { return fmt.Sprintf("closed with %d %q", e.code, e.reason) }

func (c *client) want(k dialect.Kind) dialect.Message {
	c.t.Helper()
	m, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for kind %d: %v", k, err)
	}
	if m.Kind != k {
		c.t.Fatalf("got kind %d %s (%s), want %d", m.Kind, m.Reason, m.Payload, k)
	}
	return m
}

// wantClose reads until the connection is closed, with which code.
func (c *client) wantClose(code ws.StatusCode) {
	c.t.Helper()
	for {
		_, err := c.next()
		var e *closed
		switch {
		case errors.As(err, &e) && e.code == code:
			return
		case err != nil:
			c.t.Fatalf("%v, want close code %d", err, code)
		}
	}
}

func (c *client) subscribe(channel string) dialect.Message {
	c.t.Helper()
	c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: channel})
	return c.want(dialect.Subscribed)
}

func (c *client) recover(channel string, epoch string, offset uint64) {
	c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: channel, Recover: true, Epoch: epoch, Offset: offset})
}

// publish publishes and waits for the acknowledgement; events in between are lost.
func (c *client) publish(channel, data string) dialect.Message {
	c.t.Helper()
	c.command(&dialect.Command{Verb: dialect.Publish, Channel: channel, Payload: []byte(data)})
	for {
		m, err := c.next()
		if err != nil {
			c.t.Fatalf("publishing: %v", err)
		}
		if m.Kind == dialect.Published {
			return m
		}
	}
}

// line writes a message as a short text for tables.
func line(m dialect.Message) string {
	name := map[dialect.Kind]string{
		dialect.Connected: "connected", dialect.Subscribed: "subscribed", dialect.Unsubscribed: "unsubscribed",
		dialect.Published: "published", dialect.Delivered: "event", dialect.Gapped: "gap", dialect.Error: "error",
		dialect.Ponged: "pong", dialect.Draining: "drain", dialect.Passed: "position",
		dialect.Present: "presence", dialect.Joined: "join", dialect.Left: "leave",
		dialect.Row: "row", dialect.Snapshot: "snapshot",
	}[m.Kind]
	words := []string{name}
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(m.ID != 0, "id=%d", m.ID)
	add(len(m.Channel) > 0, "%s", m.Channel)
	add(len(m.Member) > 0, "%s", m.Member)
	add(m.Positioned, "@%d", m.Offset)
	add(m.Recovering, "recovered=%v", m.Recovered)
	add(m.Resumed, "resumed")
	add(m.Replay, "replay")
	add(m.Retained, "retained")
	add(m.Last, "last")
	add(m.Code != 0, "%d", m.Code)
	add(len(m.Payload) > 0, "%s", m.Payload)
	return strings.Join(words, " ")
}

// drainFor reads messages until nothing has come for d.
func (c *client) drainFor(d time.Duration) (lines []string) {
	c.t.Helper()
	for {
		c.nc.SetReadDeadline(time.Now().Add(d))
		m, err := c.next()
		c.nc.SetReadDeadline(time.Time{})
		switch {
		case err == nil:
			lines = append(lines, line(m))
		case errors.As(err, new(*closed)):
			return append(lines, err.Error())
		default:
			return lines
		}
	}
}
