package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// A carrier stands where the socket of a WebSocket stands, for a client that can't
// have one: what the connection writes into it as frames goes out as an event stream
// (https://html.spec.whatwg.org/multipage/server-sent-events.html), and what the
// client posts comes in as frames. So a connection does not know how it is carried,
// and is everything that it is over a WebSocket.
type carrier interface {
	net.Conn
	// post hands in what the client says, one frame; it returns when that was read.
	post(op ws.OpCode, payload []byte) error
	// poll answers one poll; false if the carrier needs none.
	poll(gone <-chan struct{}, wait time.Duration) (events []byte, ok bool)
}

// connectionHeader names the connection that a request belongs to.
const connectionHeader = "Connection-Id"

// inbound is the way in, of both kinds of carriers.
type inbound struct {
	g    *Gateway
	id   string
	r    *io.PipeReader
	w    *io.PipeWriter
	once sync.Once
	gone chan struct{} // closed with the carrier
}

func newInbound(g *Gateway) inbound {
	r, w := io.Pipe()
	return inbound{g: g, id: g.word(24), r: r, w: w, gone: make(chan struct{})}
}

func (b *inbound) Read(p []byte) (int, error) { return b.r.Read(p) }

func (b *inbound) post(op ws.OpCode, payload []byte) error {
	f := ws.NewFrame(op, true, bytes.Clone(payload))
	_, err := b.w.Write(ws.MustCompileFrame(ws.MaskFrameInPlace(f)))
	return err
}

// end ends the way in: the connection reads its end, and its requests are refused.
func (b *inbound) end() {
	b.once.Do(func() {
		b.w.Close()
		b.r.Close()
		close(b.gone)
		b.g.carriers.forget(b.id)
	})
}

// events turns whole frames into events. closed says that one was a close frame: then
// no other follows.
func events(dst, frames []byte) (out []byte, closed bool) {
	for len(frames) > 0 && !closed {
		r := bytes.NewReader(frames)
		h, err := ws.ReadHeader(r)
		if err != nil {
			return dst, closed // a frame that a defect has made: nobody could read it
		}
		frames = frames[len(frames)-r.Len():]
		payload := frames[:min(h.Length, int64(len(frames)))]
		frames = frames[len(payload):]
		switch h.OpCode {
		case ws.OpText:
			dst = data(dst, payload)
		case ws.OpClose:
			closed = true
			dst = append(dst, "event: close\n"...)
			text := ""
			if len(payload) >= 2 {
				code, reason := ws.ParseCloseFrameDataUnsafe(payload)
				text = strconv.Itoa(int(code)) + " " + reason
			}
			dst = data(dst, []byte(text))
		}
	}
	return dst, closed
}

// data ends an event with its data, a line each.
func data(dst, payload []byte) []byte {
	dst = append(dst, "data: "...)
	for _, b := range payload {
		if b == '\n' || b == '\r' { // between JSON's tokens, where one is as good as the other
			dst = append(dst, "\ndata: "...)
			continue
		}
		dst = append(dst, b)
	}
	return append(dst, "\n\n"...)
}

// opening is the first event: the name by which requests belong to the connection.
func opening(id string) []byte { return data([]byte("event: open\nretry: 1000\n"), []byte(id)) }

// eventStream is a carrier whose events go out as the endless answer to one request.
type eventStream struct {
	net.Conn // of that request
	inbound
	last time.Time // of stream-loses-joined: the last event of now; the writer's
}

// stream answers a request for an event stream: from now on its connection is a
// client's.
func (c *conn) stream() error {
	g := c.gateway
	s := &eventStream{Conn: c.nc, inbound: newInbound(g)}
	if _, err := fmt.Fprintf(c.nc, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
		return err
	}
	g.carriers.add(s.id, s) // before anybody knows the name
	if err := s.chunk(opening(s.id)); err != nil {
		s.end()
		return err
	}
	g.mu.Lock()
	c.nc = s
	g.mu.Unlock()
	g.wg.Go(func() { // nothing comes on it but its end
		io.Copy(io.Discard, s.Conn)
		s.end()
	})
	return nil
}

func (s *eventStream) chunk(b []byte) error {
	out := make([]byte, 0, len(b)+16)
	out = append(strconv.AppendInt(out, int64(len(b)), 16), "\r\n"...)
	_, err := s.Conn.Write(append(append(out, b...), "\r\n"...))
	return err
}

func (s *eventStream) Read(p []byte) (int, error) { return s.inbound.Read(p) }

func (s *eventStream) Write(frames []byte) (int, error) {
	b, closed := events(nil, s.g.wrong.streamLosesJoined.tooClose(&s.last, frames))
	if len(b) > 0 {
		if err := s.chunk(b); err != nil {
			s.end()
			return 0, err
		}
	}
	if closed { // the client has no close frame to answer with
		io.WriteString(s.Conn, "0\r\n\r\n")
		s.end()
	}
	return len(frames), nil
}

func (s *eventStream) Close() error {
	s.end()
	return s.Conn.Close()
}

// Reset ends it as a crash does.
func (s *eventStream) Reset() {
	s.end()
	reset(s.Conn)
}

func (s *eventStream) poll(<-chan struct{}, time.Duration) ([]byte, bool) { return nil, false }
