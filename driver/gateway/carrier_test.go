package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"squall/driver/dialect"
)

// walker is a client without a WebSocket: an event stream or polls, and posts.
type walker struct {
	t      *testing.T
	s      *site
	polls  bool
	id     string
	down   *bufio.Reader // of the events
	nc     net.Conn
	body   *bufio.Reader
	up     net.Conn
	answer *bufio.Reader
	number uint64
	d      dialect.Decoder
	in     []dialect.Message
	closed string
	status int
}

func (s *site) walker(polls bool) *walker {
	s.t.Helper()
	w := &walker{t: s.t, s: s, polls: polls, d: dialect.Events{}.Decoder()}
	w.nc, w.down = w.dial()
	w.get()
	for w.id == "" && w.status == http.StatusOK {
		w.read()
	}
	return w
}

func (w *walker) dial() (net.Conn, *bufio.Reader) {
	nc, err := w.s.network.Dial("gateway")
	if err != nil {
		w.t.Fatal(err)
	}
	return nc, bufio.NewReader(nc)
}

// get asks for events.
func (w *walker) get() {
	w.t.Helper()
	more := ""
	if w.polls {
		more = "Prefer: wait=5\r\n"
	}
	if w.id != "" {
		more += "Connection-Id: " + w.id + "\r\n"
	}
	fmt.Fprintf(w.nc, "GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n%s\r\n", more)
	resp, err := http.ReadResponse(w.down, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.status = resp.StatusCode; w.status == http.StatusOK && resp.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Errorf("the events are %q", resp.Header.Get("Content-Type"))
	}
	w.body = bufio.NewReader(resp.Body)
}

// read takes one event; false when there is none left.
func (w *walker) read() bool {
	w.t.Helper()
	kind, data := "", []string(nil)
	for {
		line, err := w.body.ReadString('\n')
		if err != nil {
			if line != "" || data != nil {
				w.t.Errorf("the events end within one: %q", line)
			}
			return false
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name {
		case "event":
			kind = value
		case "data":
			data = append(data, value)
		case "":
			w.event(kind, strings.Join(data, "\n"))
			return true
		}
	}
}

func (w *walker) event(kind, data string) {
	switch kind {
	case "open":
		w.id = data
	case "close":
		w.closed = data
	case "":
		w.d.Reset([]byte(data))
		var m dialect.Message
		for w.d.Next(&m) {
			m.Payload, m.Channel, m.Epoch = bytes.Clone(m.Payload), bytes.Clone(m.Channel), bytes.Clone(m.Epoch)
			w.in = append(w.in, m)
		}
		if w.d.Err() != nil {
			w.t.Errorf("the gateway said %s: %v", data, w.d.Err())
		}
	}
}

// next is the next message; of kind Ignored when the connection is over.
func (w *walker) next() dialect.Message {
	w.t.Helper()
	for len(w.in) == 0 {
		if !w.read() {
			if !w.polls || w.closed != "" || w.status != http.StatusOK {
				return dialect.Message{}
			}
			w.get()
		}
	}
	m := w.in[0]
	w.in = w.in[1:]
	return m
}

func (w *walker) want(k dialect.Kind) dialect.Message {
	w.t.Helper()
	m := w.next()
	if m.Kind != k {
		w.t.Fatalf("got kind %d %s (%s), want %d", m.Kind, m.Reason, m.Payload, k)
	}
	return m
}

// request makes one request of this connection and returns its status.
func (w *walker) request(method, body string) int {
	w.t.Helper()
	if w.up == nil {
		w.up, w.answer = w.dial()
	}
	fmt.Fprintf(w.up, "%s /events HTTP/1.1\r\nHost: x\r\nConnection-Id: %s\r\nContent-Length: %d\r\n\r\n%s", method, w.id, len(body), body)
	resp, err := http.ReadResponse(w.answer, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (w *walker) say(cmds ...dialect.Command) {
	w.t.Helper()
	var lines [][]byte
	for i := range cmds {
		w.number++
		cmds[i].ID = w.number
		b, err := dialect.Events{}.Append(nil, &cmds[i])
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, b)
	}
	if status := w.request("POST", string(bytes.Join(lines, []byte{'\n'}))); status != http.StatusAccepted {
		w.t.Fatalf("posted commands were answered with %d", status)
	}
}

// walk plays f with either carrier.
func walk(t *testing.T, cfg Config, f func(t *testing.T, s *site, polls bool)) {
	for _, polls := range []bool{false, true} {
		t.Run(map[bool]string{false: "stream", true: "polls"}[polls], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, cfg)
				defer s.close()
				f(t, s, polls)
			})
		})
	}
}

// arrive connects a walker and subscribes it, from a position if it has one.
func (w *walker) arrive(user, channel string, from *dialect.Message) (top dialect.Message) {
	w.t.Helper()
	sub := dialect.Command{Verb: dialect.Subscribe, Channel: channel}
	if from != nil {
		sub.Recover, sub.Epoch, sub.Offset = true, string(from.Epoch), from.Offset
	}
	w.say(dialect.Command{Verb: dialect.Connect, User: user}, sub)
	w.want(dialect.Connected)
	return w.want(dialect.Subscribed)
}

func (c *client) tell(channel string, numbers ...int) {
	for _, n := range numbers {
		c.command(&dialect.Command{Verb: dialect.Publish, Channel: channel, Payload: fmt.Appendf(nil, "{\"n\":%d}", n)})
		c.want(dialect.Published)
	}
}

func (w *walker) wantNumbers(replay bool, numbers ...int) {
	w.t.Helper()
	for _, n := range numbers {
		if m := w.want(dialect.Delivered); string(m.Payload) != fmt.Sprintf("{\"n\":%d}", n) || m.Replay != replay {
			w.t.Errorf("got %s, replay %v, want %d", m.Payload, m.Replay, n)
		}
	}
}

// TestCarried: over plain HTTP a client has the same session as over a WebSocket: its
// commands are obeyed in order, it is sent what it subscribed to, it publishes, and it
// goes on from a position that it had on another transport.
func TestCarried(t *testing.T) {
	walk(t, Config{HeartbeatEvery: -1}, func(t *testing.T, s *site, polls bool) {
		speaker := s.client("bob")
		w := s.walker(polls)
		top := w.arrive("ann", "c", nil)
		speaker.tell("c", 1, 2)
		w.wantNumbers(false, 1, 2)
		w.say(dialect.Command{Verb: dialect.Publish, Channel: "c", Payload: []byte("{\"n\":3}")}, dialect.Command{Verb: dialect.Ping})
		kinds := []dialect.Kind{w.next().Kind, w.next().Kind, w.next().Kind}
		slices.Sort(kinds)
		if !slices.Equal(kinds, []dialect.Kind{dialect.Published, dialect.Delivered, dialect.Ponged}) {
			t.Errorf("a publication and a ping were answered with %v", kinds)
		}
		if n := s.g.Connections(); n != 2 {
			t.Errorf("%d connections, want 2: requests are none", n)
		}
		if got := w.request("DELETE", ""); got != http.StatusAccepted {
			t.Errorf("a goodbye was answered with %d", got)
		}
		for w.closed == "" && w.next().Kind != dialect.Ignored {
		}
		if w.closed != "1000 " {
			t.Errorf("closed with %q, want 1000", w.closed)
		}
		speaker.tell("c", 4)
		if got := w.request("POST", "{}"); got != http.StatusGone {
			t.Errorf("a command after the goodbye was answered with %d, want 410", got)
		}
		// On another carrier, and then on a WebSocket, from the same position.
		again := s.walker(!polls)
		if m := again.arrive("ann", "c", &top); !m.Recovered || m.Offset != 4 {
			t.Errorf("returned at %d, recovered %v, want 4", m.Offset, m.Recovered)
		}
		again.wantNumbers(true, 1, 2, 3, 4)
		c := s.client("ann")
		c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Recover: true, Epoch: string(top.Epoch), Offset: 3})
		if m := c.want(dialect.Subscribed); !m.Recovered {
			t.Error("the position is none on a WebSocket")
		}
		c.want(dialect.Delivered)
		for _, nc := range []net.Conn{again.nc, again.up, w.nc, w.up, speaker.nc, c.nc} {
			nc.Close()
		}
	})
}

// TestCarrierEnds: a client that leaves without a word is gone, at once over an event
// stream and when it has not polled for a while; and its requests are refused then.
func TestCarrierEnds(t *testing.T) {
	walk(t, Config{HeartbeatEvery: -1}, func(t *testing.T, s *site, polls bool) {
		w := s.walker(polls)
		w.arrive("ann", "c", nil)
		w.nc.Close()
		time.Sleep(time.Second)
		if n := s.g.Connections(); (n == 0) == polls {
			t.Errorf("%d connections after a second", n)
		}
		time.Sleep(pollAgain)
		if n := s.g.Connections(); n != 0 {
			t.Errorf("%d connections after the time for a poll, want none", n)
		}
		if got := w.request("POST", "{}"); got != http.StatusGone {
			t.Errorf("a command for nobody was answered with %d, want 410", got)
		}
		w.up.Close()
	})
}

// TestCarriedDrain: a drain is announced and ends with its code, and what belongs to a
// connection can be said until then.
func TestCarriedDrain(t *testing.T) {
	walk(t, Config{HeartbeatEvery: -1}, func(t *testing.T, s *site, polls bool) {
		w := s.walker(polls)
		w.arrive("ann", "c", nil)
		drained := make(chan error)
		go func() {
			drained <- s.g.Drain(t.Context(), Drain{Code: 1012, Grace: 2 * time.Second})
		}()
		w.want(dialect.Draining)
		w.say(dialect.Command{Verb: dialect.Ping})
		w.want(dialect.Ponged)
		for w.closed == "" && w.next().Kind != dialect.Ignored {
		}
		if !strings.HasPrefix(w.closed, "1012") {
			t.Errorf("closed with %q, want 1012", w.closed)
		}
		w.nc.Close()
		if err := <-drained; err != nil {
			t.Error(err)
		}
		w.up.Close()
	})
}

// TestCarriedHeartbeat: pings come, posts answer them, and who does not answer is closed.
func TestCarriedHeartbeat(t *testing.T) {
	walk(t, Config{HeartbeatEvery: 10 * time.Second, HeartbeatTimeout: 4 * time.Second}, func(t *testing.T, s *site, polls bool) {
		w := s.walker(polls)
		w.arrive("ann", "c", nil)
		for range 3 {
			w.want(dialect.Pinged)
			w.say(dialect.Command{Verb: dialect.Pong})
		}
		w.want(dialect.Pinged)
		if m := w.next(); m.Kind != dialect.Ignored || !strings.HasPrefix(w.closed, "4003") {
			t.Errorf("silence ends with kind %d and %q, want 4003", m.Kind, w.closed)
		}
		w.nc.Close()
		w.up.Close()
	})
}

// TestCarrierRefuses: what is no request of a connection is refused.
func TestCarrierRefuses(t *testing.T) {
	walk(t, Config{HeartbeatEvery: -1, Limits: Limits{Connections: 1, Message: 100}}, func(t *testing.T, s *site, polls bool) {
		w := s.walker(polls)
		if x := s.walker(polls); x.status != http.StatusServiceUnavailable {
			t.Errorf("one too many was answered with %d, want 503", x.status)
		} else {
			x.nc.Close()
		}
		for _, row := range []struct {
			method, body string
			want         int
		}{{"PUT", "", 405}, {"GET", "", 409}, {"POST", "{\"type\":\"nonsense\"}", 202}} {
			if got := w.request(row.method, row.body); got != row.want {
				t.Errorf("%s was answered with %d, want %d", row.method, got, row.want)
			}
		}
		if m := w.want(dialect.Error); m.Code != 428 {
			t.Errorf("a command before connect: %d, want 428", m.Code)
		}
		if got := w.request("POST", strings.Repeat(" ", 101)); got != 413 {
			t.Errorf("a long command was answered with %d, want 413", got)
		}
		w.nc.Close()
		w.up.Close()
	})
}

// TestCarrierDefects: each shows its own symptom.
func TestCarrierDefects(t *testing.T) {
	with := func(name string) Config { return Config{HeartbeatEvery: -1, Defects: []Defect{{Name: name}}} }
	walk(t, with("switch-cuts-replay"), func(t *testing.T, s *site, polls bool) {
		speaker, w := s.client("bob"), s.walker(polls)
		top := w.arrive("ann", "c", nil)
		speaker.tell("c", 1, 2, 3)
		again := s.walker(polls)
		if m := again.arrive("ann", "c", &top); !m.Recovered {
			t.Error("not recovered")
		}
		speaker.tell("c", 4)
		again.wantNumbers(true, 1)
		again.wantNumbers(false, 4)
	})
	walk(t, with("sse-without-recovery"), func(t *testing.T, s *site, polls bool) {
		speaker, w := s.client("bob"), s.walker(polls)
		top := w.arrive("ann", "c", nil)
		speaker.tell("c", 1)
		if m := s.walker(polls).arrive("ann", "c", &top); m.Recovered || !m.Recovering {
			t.Errorf("got %+v, want a refused recovery", m)
		}
	})
	walk(t, with("switch-doubles-replay"), func(t *testing.T, s *site, polls bool) {
		speaker, w := s.client("bob"), s.walker(polls)
		top := w.arrive("ann", "c", nil)
		s.walker(polls).arrive("ann", "c", &top)
		speaker.tell("c", 1, 2, 3, 4)
		for i, want := range []uint64{2, 4} { // only the first return doubles
			c := s.client("ann")
			c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Recover: true, Epoch: string(top.Epoch), Offset: 3})
			c.want(dialect.Subscribed)
			if first := c.want(dialect.Delivered).Offset; first != want {
				t.Errorf("replay %d begins at %d, want %d", i, first, want)
			}
		}
	})
	walk(t, with("poll-gap"), func(t *testing.T, s *site, polls bool) {
		speaker, w := s.client("bob"), s.walker(polls)
		w.arrive("ann", "c", nil)
		speaker.tell("c", 1)
		w.wantNumbers(false, 1)
		speaker.tell("c", 2)
		time.Sleep(2 * late)
		speaker.tell("c", 3)
		if polls {
			w.wantNumbers(false, 3)
		} else {
			w.wantNumbers(false, 2, 3)
		}
	})
	walk(t, with("stream-loses-joined"), func(t *testing.T, s *site, polls bool) {
		speaker, w := s.client("bob"), s.walker(polls)
		w.arrive("ann", "c", nil)
		speaker.tell("c", 1, 2)
		time.Sleep(2 * late)
		speaker.tell("c", 3)
		if polls {
			w.wantNumbers(false, 1, 2, 3)
		} else {
			w.wantNumbers(false, 1, 3)
		}
	})
}
