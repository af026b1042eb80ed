package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// bubble runs f against a gateway in memory. The bubble fails by itself if any
// goroutine is left behind.
func bubble(t *testing.T, cfg Config, f func(t *testing.T, s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, cfg)
		defer s.close()
		f(t, s)
	})
}

// TestProtocol sends raw text and compares all answers.
func TestProtocol(t *testing.T) {
	const connect = `{"id":1,"type":"connect"}`
	for _, row := range []struct {
		comment string
		send    []string // one message each
		want    []string
	}{
		{"everything in one message", []string{connect + "\n" + `{"id":2,"type":"subscribe","channel":"c"}` + "\n" + `{"id":3,"type":"publish","channel":"c","data":{"a":1}}`},
			[]string{"connected id=1", "subscribed id=2 c @0", `event c @1 {"a":1}`, "published id=3 @1"}},
		{"publish without an id has no answer", []string{connect, `{"type":"publish","channel":"c","data":1}`, `{"id":2,"type":"ping"}`},
			[]string{"connected id=1", "pong id=2"}},
		{"the same key takes effect once", []string{connect, `{"id":2,"type":"subscribe","channel":"c"}`, `{"id":3,"type":"publish","channel":"c","key":"k","data":1}`, `{"id":4,"type":"publish","channel":"c","data":2}`, `{"id":5,"type":"publish","channel":"c","key":"k","data":3}`},
			[]string{"connected id=1", "subscribed id=2 c @0", "event c @1 1", "published id=3 @1", "event c @2 2", "published id=4 @2", "published id=5 @1"}},
		{"nothing comes after unsubscribe", []string{connect, `{"id":2,"type":"subscribe","channel":"c"}`, `{"id":3,"type":"unsubscribe","channel":"c"}`, `{"id":4,"type":"publish","channel":"c","data":1}`},
			[]string{"connected id=1", "subscribed id=2 c @0", "unsubscribed id=3 c", "published id=4 @1"}},
		{"subscribing again after it", []string{connect, `{"id":2,"type":"subscribe","channel":"c"}`, `{"id":3,"type":"unsubscribe","channel":"c"}`, `{"id":4,"type":"subscribe","channel":"c"}`, `{"id":5,"type":"publish","channel":"c","data":1}`},
			[]string{"connected id=1", "subscribed id=2 c @0", "unsubscribed id=3 c", "subscribed id=4 c @0", "event c @1 1", "published id=5 @1"}},
		{"a channel of any letters", []string{connect, `{"id":2,"type":"subscribe","channel":"\u00fc\"\n"}`}, []string{"connected id=1", "subscribed id=2 ü\"\n @0"}},
		{"a line break in data does not break the line", []string{connect + `{"id":2,"type":"subscribe","channel":"c"}`, "{\"type\":\"publish\",\"channel\":\"c\",\"data\":{\r\n\"a\":1}}"},
			[]string{"connected id=1", "subscribed id=2 c @0", `event c @1 {  "a":1}`}},
		{"wrong epoch", []string{connect, `{"id":2,"type":"subscribe","channel":"c","recover":{"epoch":"no","offset":0}}`}, []string{"connected id=1", "subscribed id=2 c @0 recovered=false"}},
		{"unknown members and pongs are ignored", []string{`{"x":[{}],"id":1,"type":"connect","y":null}`, `{"type":"pong"}`}, []string{"connected id=1"}},

		{"command before connect", []string{`{"id":1,"type":"subscribe","channel":"c"}`, connect}, []string{"error id=1 428", "connected id=1"}},
		{"connecting twice", []string{connect, `{"id":2,"type":"connect"}`}, []string{"connected id=1", "error id=2 409"}},
		{"subscribing twice", []string{connect, `{"id":2,"type":"subscribe","channel":"c"}`, `{"id":3,"type":"subscribe","channel":"c"}`}, []string{"connected id=1", "subscribed id=2 c @0", "error id=3 409"}},
		{"unsubscribing from nothing", []string{connect, `{"id":2,"type":"unsubscribe","channel":"c"}`}, []string{"connected id=1", "error id=2 404"}},
		{"no channel", []string{connect, `{"id":2,"type":"subscribe"}`, `{"id":3,"type":"publish","data":1}`}, []string{"connected id=1", "error id=2 400", "error id=3 400"}},
		{"no data", []string{connect, `{"id":2,"type":"publish","channel":"c"}`}, []string{"connected id=1", "error id=2 400"}},
		{"unknown command", []string{connect, `{"id":2,"type":"dance"}`, `{"id":3}`}, []string{"connected id=1", "error id=2 404", "error id=3 400"}},
		{"bad JSON; what came before it was obeyed", []string{connect + "\n" + `{"id":2,`, `{"id":3,"type":"ping"}`}, []string{"connected id=1", "error id=2 400", "pong id=3"}},
		{"no object", []string{`[]`, `7`, `x`, connect}, []string{"error 400", "error 400", "error 400", "connected id=1"}},
		{"members of wrong types", []string{connect, `{"id":"2","type":"ping"}`, `{"id":2,"type":"subscribe","channel":7}`, `{"id":2,"type":"subscribe","channel":"c","recover":true}`}, []string{"connected id=1", "error 400", "error id=2 400", "error id=2 400"}},
	} {
		t.Run(row.comment, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, s *site) {
				c := s.raw()
				for _, text := range row.send {
					c.text(text)
				}
				if got := c.drainFor(time.Second); !reflect.DeepEqual(got, row.want) {
					t.Errorf("\n got %q\nwant %q", got, row.want)
				}
			})
		})
	}
}

// TestRFC6455 sends frames that a client must not send, and some that it may.
func TestRFC6455(t *testing.T) {
	text := func(s string) ws.Frame { return ws.MaskFrame(ws.NewTextFrame([]byte(s))) }
	for _, row := range []struct {
		comment string
		frames  []ws.Frame
		code    ws.StatusCode // of the close frame; 0: the connection lives
	}{
		{"unmasked", []ws.Frame{ws.NewTextFrame([]byte("{}"))}, 1002},
		{"reserved bit", []ws.Frame{ws.MaskFrame(ws.Frame{Header: ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpText}})}, 1002},
		{"reserved opcode", []ws.Frame{ws.MaskFrame(ws.NewFrame(3, true, nil))}, 1002},
		{"continuation of nothing", []ws.Frame{ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, nil))}, 1002},
		{"new message inside a fragmented one", []ws.Frame{ws.MaskFrame(ws.NewFrame(ws.OpText, false, []byte("{"))), text("}")}, 1002},
		{"fragmented ping", []ws.Frame{ws.MaskFrame(ws.NewFrame(ws.OpPing, false, nil))}, 1002},
		{"long ping", []ws.Frame{ws.MaskFrame(ws.NewFrame(ws.OpPing, true, make([]byte, 126)))}, 1002},
		{"binary", []ws.Frame{ws.MaskFrame(ws.NewBinaryFrame([]byte("{}")))}, 1003},
		{"no UTF-8", []ws.Frame{text("\"\xff\"")}, 1007},
		{"too big", []ws.Frame{text(strings.Repeat(" ", 1025))}, 1009},
		{"too big in fragments", []ws.Frame{ws.MaskFrame(ws.NewFrame(ws.OpText, false, make([]byte, 600))), ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, make([]byte, 600)))}, 1009},
		{"claims 2^62 bytes", []ws.Frame{{Header: ws.Header{Fin: true, OpCode: ws.OpText, Masked: true, Length: 1 << 62}}}, 1009},
		{"close is echoed", []ws.Frame{ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(4321, "bye")))}, 4321},
		{"close with a forbidden code", []ws.Frame{ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1005, "")))}, 1002},
		{"close of one byte", []ws.Frame{ws.MaskFrame(ws.NewCloseFrame([]byte{3}))}, 1002},
		{"exactly as large as allowed", []ws.Frame{text(strings.Repeat(" ", 1024))}, 0},
		{"fragments with a ping between, a code point split", []ws.Frame{
			ws.MaskFrame(ws.NewFrame(ws.OpText, false, []byte("{\"x\":\"\xc3"))), ws.MaskFrame(ws.NewPingFrame([]byte("hi"))),
			ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, []byte("\xbc\",\"type\":\"pong\"}")))}, 0},
	} {
		t.Run(row.comment, func(t *testing.T) {
			bubble(t, Config{Limits: Limits{Message: 1024}}, func(t *testing.T, s *site) {
				c := s.raw()
				for _, f := range row.frames {
					ws.WriteFrame(c.nc, f)
					c.left = c.left || f.Header.OpCode == ws.OpClose
				}
				if row.code != 0 {
					c.wantClose(row.code)
					if _, err := c.r.ReadByte(); err != io.EOF {
						t.Errorf("after the close frame: %v", err)
					}
					return
				}
				for _, l := range c.drainFor(time.Second) {
					if !strings.HasPrefix(l, "pong hi") {
						t.Errorf("answered %s", l)
					}
				}
				c.command(&dialect.Command{Verb: dialect.Connect})
				c.want(dialect.Connected)
			})
		})
	}
}

func TestUpgrade(t *testing.T) {
	bubble(t, Config{Limits: Limits{Connections: 1}}, func(t *testing.T, s *site) {
		request := func(text string) string {
			nc, err := s.network.Dial("gateway")
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			io.WriteString(nc, text)
			all, _ := io.ReadAll(nc)
			status, _, _ := strings.Cut(string(all), "\r\n")
			return status
		}
		const rest = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		for _, row := range []struct{ comment, text, want string }{
			{"another path", "GET /other HTTP/1.1\r\n" + rest + key + "Sec-WebSocket-Version: 13\r\n\r\n", "404"},
			{"no upgrade", "GET /events HTTP/1.1\r\nHost: x\r\n\r\n", "426"},
			{"old version", "GET /events HTTP/1.1\r\n" + rest + key + "Sec-WebSocket-Version: 8\r\n\r\n", "426"},
			{"no key", "GET /events HTTP/1.1\r\n" + rest + "Sec-WebSocket-Version: 13\r\n\r\n", "400"},
			{"short key", "GET /events HTTP/1.1\r\n" + rest + "Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n", "400"},
			{"post", "POST /events HTTP/1.1\r\n" + rest + key + "Sec-WebSocket-Version: 13\r\n\r\n", "405"},
			{"no HTTP", "hello\r\n\r\n", "400"},
			{"endless head", "GET /events HTTP/1.1\r\nX: " + strings.Repeat("x", 32<<10), "431"},
		} {
			if got := request(row.text); !strings.Contains(got, " "+row.want+" ") {
				t.Errorf("%s: %q, want %s", row.comment, got, row.want)
			}
		}
		c := s.client("first")
		if _, _, status := s.upgrade("/events", ""); status != 503 {
			t.Errorf("a second connection got %d, want 503", status)
		}
		if n := s.g.Connections(); n != 1 {
			t.Errorf("%d connections", n)
		}
		c.nc.Close()
		time.Sleep(time.Second)
		s.client("after it left").nc.Close()
	})
}

func TestEarlyBytes(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, s *site) {
		nc, err := s.network.Dial("gateway")
		if err != nil {
			t.Fatal(err)
		}
		f := ws.MaskFrame(ws.NewTextFrame([]byte(`{"id":1,"type":"connect"}`)))
		io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+string(ws.MustCompileFrame(f)))
		nc.SetReadDeadline(time.Now().Add(time.Second))
		all, _ := io.ReadAll(nc)
		if !strings.Contains(string(all), `"connected"`) {
			t.Errorf("the command that came with the request was lost: %s", all)
		}
		nc.Close()
	})
}

func TestConnectInTime(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, s *site) {
		begin := time.Now()
		c := s.raw()
		c.wantClose(CloseNoConnect)
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("closed after %v", d)
		}
		nc, err := s.network.Dial("gateway") // and one that does not even upgrade
		if err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		io.Copy(io.Discard, nc)
		if d := time.Since(begin); d < 10*time.Second || d > 13*time.Second {
			t.Errorf("ended after %v", d)
		}
	})
}

func TestAuthenticate(t *testing.T) {
	check := func(token, user string) (Identity, error) {
		if token != "good" {
			return Identity{}, errors.New("no such token")
		}
		return Identity{User: user}, nil
	}
	bubble(t, Config{Authenticate: check}, func(t *testing.T, s *site) {
		c := s.raw()
		c.command(&dialect.Command{Verb: dialect.Connect, Token: "bad"})
		if m := c.want(dialect.Error); m.Code != 401 || string(m.Reason) != "no such token" {
			t.Errorf("refused with %d %s", m.Code, m.Reason)
		}
		c.wantClose(CloseUnauthorized)
		c = s.raw()
		c.command(&dialect.Command{Verb: dialect.Connect, Token: "good"})
		c.want(dialect.Connected)
	})
}

func TestHeartbeat(t *testing.T) {
	cfg := Config{HeartbeatEvery: 10 * time.Second, HeartbeatTimeout: 4 * time.Second}
	bubble(t, cfg, func(t *testing.T, s *site) {
		begin := time.Now()
		answering, silent := s.client("answers"), s.client("is silent")
		go answering.drainFor(time.Minute) // answers pings
		pings := 0
		for {
			h, err := ws.ReadHeader(silent.r)
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, h.Length)
			io.ReadFull(silent.r, p)
			if h.OpCode == ws.OpClose {
				if code, _ := ws.ParseCloseFrameData(p); code != CloseNoHeartbeat {
					t.Errorf("closed with %d", code)
				}
				break
			}
			pings++
		}
		if d := time.Since(begin); pings != 1 || d < 4*time.Second || d > 14*time.Second {
			t.Errorf("reaped after %v and %d pings, want within every + timeout", d, pings)
		}
		time.Sleep(50 * time.Second)
		if n := s.g.Connections(); n != 1 {
			t.Errorf("%d connections after a minute, want the one that answers", n)
		}
		answering.nc.Close()
		silent.nc.Close()
		time.Sleep(20 * time.Second)
	})
}

func TestHistory(t *testing.T) {
	cfg := Config{HistorySize: 3, HistoryTTL: time.Minute}
	bubble(t, cfg, func(t *testing.T, s *site) {
		p, c := s.client("p"), s.client("c")
		epoch := string(c.subscribe("c").Epoch)
		for i := range 5 {
			p.publish("c", fmt.Sprint(i+1))
		}
		c.drainFor(time.Second)
		c.nc.Close()
		for _, row := range []struct {
			comment string
			epoch   string
			offset  uint64
			want    string
		}{
			{"nothing missed", epoch, 5, "@5 recovered=true"},
			{"all three that are kept", epoch, 2, "@5 recovered=true|3|4|5"},
			{"one too many", epoch, 1, "@5 recovered=false"},
			{"from the future", epoch, 6, "@5 recovered=false"},
			{"another epoch", "x", 4, "@5 recovered=false"},
			{"no epoch", "", 4, "@5 recovered=false"},
		} {
			c := s.client("c")
			c.recover("c", row.epoch, row.offset)
			var got []string
			for i, l := range c.drainFor(time.Second) {
				words := strings.Fields(l)
				if i == 0 {
					got = append(got, strings.Join(words[3:], " "))
				} else {
					got = append(got, words[len(words)-1])
				}
			}
			if s := strings.Join(got, "|"); s != row.want {
				t.Errorf("%s: %s, want %s", row.comment, s, row.want)
			}
			c.nc.Close()
		}
		time.Sleep(61 * time.Second) // the history is too old; the epoch stays while somebody may return
		c = s.client("c")
		c.recover("c", epoch, 4)
		if m := c.want(dialect.Subscribed); m.Recovered || string(m.Epoch) != epoch || m.Offset != 5 {
			t.Errorf("recovery from expired history: %s %s", line(m), m.Epoch)
		}
		c.nc.Close()
		time.Sleep(5 * time.Minute) // nobody listens, nothing is kept: forgotten
		c = s.client("c")
		c.recover("c", epoch, 5)
		if m := c.want(dialect.Subscribed); m.Recovered || string(m.Epoch) == epoch || m.Offset != 0 {
			t.Errorf("a forgotten channel came back: %s %s", line(m), m.Epoch)
		}
	})
}

func TestWithoutHistory(t *testing.T) {
	bubble(t, Config{HistorySize: -1}, func(t *testing.T, s *site) {
		c := s.client("c")
		c.recover("c", "x", 3)
		c.command(&dialect.Command{Verb: dialect.Publish, Channel: "c", Payload: []byte("1")})
		want := []string{"subscribed id=2 c recovered=false", "event c 1", "published id=3"}
		if got := c.drainFor(time.Second); !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// flood publishes n events of size bytes to the channel.
func (c *client) flood(channel string, n, size int) {
	data := []byte(`"` + strings.Repeat("x", size) + `"`)
	for range n {
		c.command(&dialect.Command{Verb: dialect.Publish, Channel: channel, Payload: data})
		c.want(dialect.Published)
		synctest.Wait() // the writers have written what they can
	}
}

func TestSlowConsumerIsDisconnected(t *testing.T) {
	bubble(t, Config{Limits: Limits{Backlog: 64 << 10}}, func(t *testing.T, s *site) {
		slow, p := s.client("slow"), s.client("p")
		slow.subscribe("c")
		p.flood("c", 100, 4096) // 400 KiB, for 64 of network and 64 of queue
		time.Sleep(10 * time.Second)
		if n := s.g.Connections(); n != 1 {
			t.Errorf("%d connections, want only the publisher", n)
		}
		last := uint64(0)
		for { // what arrives before the end is whole and in order
			m, err := slow.next()
			if err != nil {
				break
			}
			if m.Offset != last+1 {
				t.Fatalf("offset %d after %d", m.Offset, last)
			}
			last = m.Offset
		}
		if last == 0 || last == 100 {
			t.Errorf("the slow client got %d events", last)
		}
	})
}

func TestSlowConsumerIsToldTheGap(t *testing.T) {
	bubble(t, Config{Slow: DropOldest, Limits: Limits{Backlog: 64 << 10}}, func(t *testing.T, s *site) {
		slow, p := s.client("slow"), s.client("p")
		slow.subscribe("c")
		slow.subscribe("d")
		for range 50 {
			p.flood("c", 2, 4096)
			p.flood("d", 2, 2048)
		}
		slow.command(&dialect.Command{Verb: dialect.Ping})
		at := map[string]uint64{}
		gaps, events, pongs := 0, 0, 0
		for at["c"] < 100 || at["d"] < 100 {
			m, err := slow.next()
			if err != nil {
				t.Fatal(err)
			}
			switch m.Kind {
			case dialect.Gapped:
				gaps++
				if m.Offset <= at[string(m.Channel)] || string(m.Reason) != "slow" {
					t.Fatalf("%s after %d", line(m), at[string(m.Channel)])
				}
			case dialect.Delivered:
				events++
				if m.Offset != at[string(m.Channel)]+1 {
					t.Fatalf("%d after %d on %s without a gap", m.Offset, at[string(m.Channel)], m.Channel)
				}
			case dialect.Ponged:
				pongs++
				continue
			}
			at[string(m.Channel)] = m.Offset
		}
		if gaps < 2 || events < 20 || events == 200 {
			t.Errorf("%d gaps and %d events: nothing was proven", gaps, events)
		}
		if pongs == 0 {
			slow.want(dialect.Ponged) // answers are never dropped
		}
	})
}

// TestLongReplay: a replay that is longer than the backlog is no reason to call
// the client slow.
func TestLongReplay(t *testing.T) {
	bubble(t, Config{HistorySize: 5000, Limits: Limits{Backlog: 64 << 10}}, func(t *testing.T, s *site) {
		c, p := s.client("c"), s.client("p")
		epoch := string(c.subscribe("c").Epoch)
		c.nc.Close()
		synctest.Wait()
		for range 3000 {
			p.publish("c", `"`+strings.Repeat("x", 200)+`"`)
		}
		c = s.client("c")
		c.recover("c", epoch, 0)
		time.Sleep(time.Second)
		p.publish("c", "1")
		c.want(dialect.Subscribed)
		for want := range uint64(3001) {
			if m := c.want(dialect.Delivered); m.Offset != want+1 || m.Replay != (want < 3000) {
				t.Fatalf("got %s, want offset %d", line(m), want+1)
			}
		}
	})
}

func TestDrain(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, s *site) {
		c, p := s.client("c"), s.client("p")
		c.subscribe("c")
		p.flood("c", 10, 1000)
		drained := make(chan error)
		go func() {
			drained <- s.g.Drain(context.Background(), Drain{Code: 1012, Reason: "deploy", RetryAfter: 2 * time.Second, Grace: time.Second})
		}()
		synctest.Wait()
		if _, err := s.network.Dial("gateway"); err == nil {
			t.Error("still accepting")
		}
		p.publish("c", "11") // during the grace everything works
		got := c.drainFor(5 * time.Second)
		if len(got) != 13 || got[10] != "drain" || !strings.HasPrefix(got[11], "event c @11") || got[12] != `closed with 1012 "deploy"` {
			t.Errorf("got %q", got)
		}
		p.wantClose(1012)
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

func TestDrainGivesUp(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, s *site) {
		s.client("deaf")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.g.Drain(ctx, Drain{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drained a client that never answers: %v", err)
		}
	})
}

func TestDeliveriesAreLimited(t *testing.T) {
	bubble(t, Config{Limits: Limits{Deliveries: 100}}, func(t *testing.T, s *site) {
		p := s.client("p")
		for range 10 {
			s.client("c").subscribe("c")
		}
		begin := time.Now()
		p.flood("c", 51, 10)
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("51 events for 10 subscribers at 100/s took %v, want 5s", d)
		}
	})
}

func TestConfigRefused(t *testing.T) {
	for _, cfg := range []Config{
		{Slow: "whatever"}, {HistoryTTL: -1}, {Limits: Limits{Backlog: -1}}, {Limits: Limits{Deliveries: -1}},
		{Defects: []Defect{{Name: "unheard-of"}}}, {Defects: []Defect{{Name: "ack-then-drop", Every: -1}}}, {Defects: []Defect{{Name: "ack-then-drop", Chance: 2}}},
	} {
		if g, err := New(cfg); err == nil {
			g.Close()
			t.Errorf("accepted %+v", cfg)
		}
	}
}
