package detour

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"squall/driver/engine"
	"squall/driver/engine/memory"
	"squall/driver/fault"
)

// rig is one loop with its callbacks, and a server that the test plays.
type rig struct {
	t        *testing.T
	network  memory.Network
	listener net.Listener
	loop     engine.Loop
	roads    Roads
	conn     engine.Conn
	told     []string
	wait     sync.WaitGroup
}

func (r *rig) Open(engine.Token, engine.Stamp) { r.told = append(r.told, "open") }
func (r *rig) Message(_ engine.Token, op byte, p []byte, _ engine.Stamp) {
	r.told = append(r.told, fmt.Sprintf("%d %s", op, p))
}
func (r *rig) Closed(_ engine.Token, e engine.End) {
	r.told = append(r.told, strings.TrimSpace(fmt.Sprintf("closed %d %d %d %s", e.Cause, e.Status, e.Code, e.Text)))
}
func (r *rig) Wake(time.Duration) time.Duration { return engine.Never }

// do runs f on the loop, and waits until everybody waits.
func (r *rig) do(f func()) {
	r.loop.Post(f)
	synctest.Wait()
}

func (r *rig) want(told ...string) {
	r.t.Helper()
	synctest.Wait()
	var got []string
	r.do(func() { got, r.told = r.told, nil })
	if strings.Join(got, "\n") != strings.Join(told, "\n") {
		r.t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(told, "\n"))
	}
}

// play begins a detour in a bubble.
func play(t *testing.T, by Carrier, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t}
		var err error
		if r.listener, err = r.network.Listen("server"); err != nil {
			t.Fatal(err)
		}
		r.loop = engine.NewMemory(&r.network, engine.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		r.roads = Roads{Loop: r.loop, Handler: r, Go: r.wait.Go, Open: func(_ context.Context, d *engine.Dial) (net.Conn, error) {
			return r.network.Dial(d.Address)
		}}
		done := make(chan struct{})
		go func() { r.loop.Run(r); close(done) }()
		request, _ := engine.UpgradeRequest("server", "/events?k=v", [][2]string{{"X-Env", "ci"}}, "", [16]byte{})
		r.do(func() {
			r.conn = r.roads.Dial(ctx, 1, &engine.Dial{Address: "server", Request: request, Timeout: 5 * time.Second}, by)
		})
		f(r)
		cancel()
		r.wait.Wait()
		r.loop.Stop()
		<-done
		r.listener.Close()
	})
}

// peer is one connection of the client, at the server.
type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (r *rig) accept() *peer {
	r.t.Helper()
	c, err := r.listener.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	return &peer{r.t, c, bufio.NewReader(c)}
}

// request reads one request: its first line, its id, and its body.
func (p *peer) request() string {
	p.t.Helper()
	req, err := http.ReadRequest(p.r)
	if err != nil {
		return err.Error()
	}
	if req.Header.Get("X-Env") != "ci" || req.Host != "server" || req.Header.Get("Upgrade") != "" || req.Header.Get("Sec-WebSocket-Key") != "" {
		p.t.Errorf("headers %v of %s", req.Header, req.Host)
	}
	body, _ := io.ReadAll(req.Body)
	return strings.TrimSpace(fmt.Sprintf("%s %s %s%s %s", req.Method, req.URL, req.Header.Get("Connection-Id"), req.Header.Get("Prefer"), body))
}

func (p *peer) wantRequest(want string) {
	p.t.Helper()
	if got := p.request(); got != want {
		p.t.Errorf("got the request %q, want %q", got, want)
	}
}

func (p *peer) say(text string) { io.WriteString(p, text) }

const streaming = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"

func poll(events string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", len(events), events)
}

// TestStream: events become messages, however they are written and cut; commands are
// posted one request after the other, in order; the goodbye waits for the last word.
func TestStream(t *testing.T) {
	play(t, EventStream, func(r *rig) {
		s := r.accept()
		s.wantRequest("GET /events?k=v")
		text := streaming + "\xef\xbb\xbfretry: 5\r\n: a comment\r\nevent: open\r\ndata: abc\r\n\r\ndata: 1\n\nid: 7\rdata:2\rdata: 3\r\r: ping\n\ndata\n\nevent: message\ndata: 4\n\nevent: other\ndata: 5\n\n"
		for i := range len(text) { // byte by byte
			s.say(text[i : i+1])
			synctest.Wait()
		}
		r.want("open", "1 1", "1 2\n3", "1 ", "1 4")
		r.do(func() {
			r.conn.Send(engine.OpText, []byte(`{"id":1}`))
			r.conn.Send(engine.OpPing, nil) // there is no such thing
			r.conn.Send(engine.OpText, []byte(`{"id":2}`))
		})
		up := r.accept()
		up.wantRequest("POST /events?k=v abc {\"id\":1}\n{\"id\":2}")
		r.do(func() { r.conn.Send(engine.OpText, []byte(`{"id":3}`)); r.conn.Close(4000, "bye") })
		r.do(func() { r.conn.Send(engine.OpText, []byte(`{"id":4}`)) }) // too late
		up.say("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
		up.wantRequest("POST /events?k=v abc {\"id\":3}")
		up.say("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
		up.wantRequest("DELETE /events?k=v abc")
		r.want()
		s.say("data: last\n\nevent: close\ndata: 1000 bye now\n\n")
		r.want("1 last", fmt.Sprintf("closed %d 0 1000 bye now", engine.Local))
	})
}

// TestPolls: one request after the other, each once the one before is answered, with or
// without events.
func TestPolls(t *testing.T) {
	play(t, LongPoll, func(r *rig) {
		s := r.accept()
		s.wantRequest("GET /events?k=v wait=25")
		s.say(poll("event: open\ndata: abc\n\n"))
		s.wantRequest("GET /events?k=v abcwait=25")
		s.say(poll(""))
		s.wantRequest("GET /events?k=v abcwait=25")
		s.say(poll("data: 1\n\ndata: 2\n\n"))
		s.wantRequest("GET /events?k=v abcwait=25")
		r.want("open", "1 1", "1 2")
		s.say(poll("event: close\ndata: 1012 restart\n\n"))
		r.want(fmt.Sprintf("closed %d 0 1012 restart", engine.CloseFrame))
	})
}

// TestEnds: how a connection ends, and what is told of it.
func TestEnds(t *testing.T) {
	open := streaming + "event: open\ndata: abc\n\n"
	rows := map[string]struct {
		by   Carrier
		play func(r *rig, s *peer)
		want []string
	}{
		"refused": {EventStream, func(_ *rig, s *peer) {
			s.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		}, []string{fmt.Sprintf("closed %d 403 0 no", engine.NotUpgraded)}},
		"no stream": {EventStream, func(_ *rig, s *peer) {
			s.say("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")
		}, []string{fmt.Sprintf("closed %d 200 0 an answer that is no event stream: text/html", engine.NotUpgraded)}},
		"hung up": {EventStream, func(_ *rig, s *peer) { s.Close() },
			[]string{fmt.Sprintf("closed %d 0 0 no answer to the request for events: unexpected EOF", engine.NotUpgraded)}},
		"never": {EventStream, func(*rig, *peer) { time.Sleep(6 * time.Second) },
			[]string{fmt.Sprintf("closed %d 0 0 no answer to the request for events", engine.TimedOut)}},
		"half an event": {EventStream, func(_ *rig, s *peer) { s.say(open + "data: {\"half\""); s.Close() },
			[]string{"open", fmt.Sprintf("closed %d 0 0 the event stream ended without a close event", engine.EOF)}},
		"half a poll": {LongPoll, func(_ *rig, s *peer) {
			s.say(poll("event: open\ndata: abc\n\n"))
			s.request()
			s.say(strings.TrimSuffix(poll("data: 1\n\ndata: 2\n\n"), "\n\n"))
			s.Close()
		}, []string{"open", "1 1", fmt.Sprintf("closed %d 0 0 a poll ended without a close event", engine.EOF)}},
		"gone": {LongPoll, func(_ *rig, s *peer) {
			s.say(poll("event: open\ndata: abc\n\n"))
			s.request()
			s.say("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
		}, []string{"open", fmt.Sprintf("closed %d 0 0 a poll was answered with HTTP 410", engine.EOF)}},
		"commands refused": {EventStream, func(r *rig, s *peer) {
			s.say(open)
			synctest.Wait()
			r.do(func() { r.conn.Send(engine.OpText, []byte("{}")) })
			up := r.accept()
			up.request()
			up.say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
			r.want("open")
			time.Sleep(4 * time.Second)
		}, []string{fmt.Sprintf("closed %d 0 0 a request with commands: answered with HTTP 413", engine.Reset)}},
		"commands for nobody": {EventStream, func(r *rig, s *peer) {
			s.say(open)
			synctest.Wait()
			r.do(func() { r.conn.Send(engine.OpText, []byte("{}")) })
			up := r.accept()
			up.request()
			up.say("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
			time.Sleep(4 * time.Second)
		}, []string{"open", fmt.Sprintf("closed %d 0 0 the server does not know the connection any more: HTTP 410", engine.EOF)}},
		"goodbye without an answer": {EventStream, func(r *rig, s *peer) {
			s.say(open)
			synctest.Wait()
			r.do(func() { r.conn.Close(1000, "") })
			r.accept().request()
			time.Sleep(3 * time.Second)
		}, []string{"open", fmt.Sprintf("closed %d 0 0", engine.Local)}},
		"given up": {EventStream, func(r *rig, _ *peer) { r.do(func() { r.conn.Close(1000, "") }) },
			[]string{fmt.Sprintf("closed %d 0 0", engine.Local)}},
		"reset by a fault": {EventStream, func(r *rig, s *peer) {
			s.say(open)
			synctest.Wait()
			r.do(func() { r.conn.Fault(fault.Action{Kind: fault.Reset}) })
			if _, err := s.Read(make([]byte, 1)); err == nil || err == io.EOF {
				r.t.Errorf("the server reads %v, want a reset", err)
			}
		}, []string{"open", fmt.Sprintf("closed %d 0 0", engine.Fault)}},
		"frozen": {EventStream, func(r *rig, s *peer) {
			s.say(open)
			synctest.Wait()
			r.do(func() { r.conn.Fault(fault.Action{Kind: fault.Freeze}) })
			s.say("data: 1\n\ndata: 2\n\n")
			r.want("open")
			r.do(func() { r.conn.Fault(fault.Action{Kind: fault.Heal}) })
			r.want("1 1", "1 2")
		}, nil},
		"abandoned": {EventStream, func(r *rig, s *peer) {
			s.say(open)
			synctest.Wait()
			r.do(func() { r.conn.Fault(fault.Action{Kind: fault.Abandon}) })
			s.say("data: 1\n\n")
			synctest.Wait()
			s.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := s.Read(make([]byte, 1)); err == nil || err == io.EOF {
				r.t.Errorf("the server reads %v, want silence", err)
			}
		}, []string{"open", fmt.Sprintf("closed %d 0 0", engine.Fault)}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			play(t, row.by, func(r *rig) {
				s := r.accept()
				s.request()
				row.play(r, s)
				r.want(row.want...)
			})
		})
	}
}

// TestUnreachable: where nobody listens nothing is tried twice.
func TestUnreachable(t *testing.T) {
	play(t, EventStream, func(r *rig) {
		s := r.accept()
		s.request()
		s.Close()
		synctest.Wait()
		r.do(func() { r.told = nil })
		r.do(func() {
			r.conn = r.roads.Dial(r.t.Context(), 2, &engine.Dial{Address: "nowhere", Request: []byte("GET / HTTP/1.1\r\n\r\n")}, LongPoll)
		})
		synctest.Wait()
		r.do(func() {
			if len(r.told) != 1 || !strings.HasPrefix(r.told[0], fmt.Sprintf("closed %d 0 0 ", engine.Unreachable)) {
				r.t.Errorf("told %q, want that it is unreachable", r.told)
			}
		})
	})
}

// TestLines: a request takes whole commands, as many as fit, and one at least.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{{"aa\nbb\ncc", 5}, {"aaaaaaaa\nb", 8}, {"aaaaaaaaaa", 10}, {"aa\nbbbbbbbbbb", 2}} {
		if got := lines([]byte(c.text), 6); got != c.want {
			t.Errorf("%q: %d bytes, want %d", c.text, got, c.want)
		}
	}
}
