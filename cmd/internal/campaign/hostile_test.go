package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"squall/assert"
	"squall/report"
)

// hostileYAML is a small run with every rule, at a target that a test plays.
const hostileYAML = `squall: 1
name: hostile
seed: 1
duration: 20s
drain: {timeout: 10s}
target: {url: "ws://target:80/events", dialect: events}
clients:
  members:
    count: 6
    subscribe: [{channel: room, recover: true}]
    reconnect: {first: 100ms, max: 2s}
  teller: {count: 1, publish: [{channel: room, rate: 20/s}]}
expect:
  - delivery: exactly-once
  - order: per-channel
  - recovery: complete
  - reconnect: {success: 100%}
  - latency: {of: delivery, p99: 5s}
`

// ordeal is one run against a fake.
type ordeal struct {
	set       []string         // changes of hostileYAML
	interrupt time.Duration    // when Ctrl-C comes; 0: never
	stop      time.Duration    // when the second one comes; 0: never
	options   func(o *Options) // nil: none
}

// endured is what came of it.
type endured struct {
	r     *report.Result
	err   error
	took  time.Duration
	world *world
}

// endure runs hostileYAML against what serve plays, in memory and in virtual
// time. The bubble fails if a goroutine is left.
func (x ordeal) endure(t *testing.T, serve func(w *world)) (e endured) {
	t.Helper()
	plan := compile(t, "hostile.yaml", []byte(hostileYAML), 1, x.set...)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		serve(w)
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		interrupt := make(chan struct{})
		o := Options{Network: &w.net, Loops: 2, Run: 7, Command: "squall run", Interrupt: interrupt}
		if x.options != nil {
			x.options(&o)
		}
		if x.interrupt > 0 {
			w.group.Go(func() { w.sleep(x.interrupt); close(interrupt) })
		}
		if x.stop > 0 {
			w.group.Go(func() { w.sleep(x.stop); stop() })
		}
		e.world = w
		e.r, e.err = Run(ctx, plan, o)
		e.took = w.age()
		w.end()
	})
	return e
}

// sleep returns early when the run is over.
func (w *world) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.over:
	}
}

// exit is the exit code that the command line makes of it.
func (e *endured) exit() int {
	switch {
	case errors.Is(e.err, ErrTarget):
		return 4
	case e.err != nil:
		return -1
	}
	return e.r.Exit()
}

func (e *endured) text() string {
	if e.err != nil {
		return e.err.Error()
	}
	return tell(e.r)
}

// fails lists the expectations that failed.
func (e *endured) fails() (list []string) {
	if e.r != nil {
		for _, v := range e.r.Verdicts {
			if v.State == assert.Fail {
				list = append(list, v.Name+": "+v.Reason)
			}
		}
	}
	return list
}

// TestHostileFromTheStart: a target that nobody gets through to ends the run
// with exit code 4, soon, with what was met and what to do about it.
func TestHostileFromTheStart(t *testing.T) {
	garbage := make([]byte, 4096)
	for i := range garbage {
		garbage[i] = byte(rand.New(rand.NewPCG(1, uint64(i))).Uint32())
	}
	always := func(f fake) func(w *world) { return func(w *world) { w.serve(f) } }
	for _, row := range []struct {
		name  string
		serve func(w *world)
		told  string        // what was met
		step  string        // what to do about it
		limit time.Duration // by when it must be over
	}{
		{"nobody listens", func(*world) {}, "connection refused", "is the target running", 4 * time.Second},
		{"401", always(refuses(401, "who are you?")), "HTTP 401 Unauthorized: who are you?", "target.headers", 4 * time.Second},
		{"403", always(refuses(403, "not from there")), "HTTP 403 Forbidden: not from there", "target.headers", 4 * time.Second},
		{"404", always(refuses(404, "no such page")), "HTTP 404 Not Found: no such page", "path", 4 * time.Second},
		{"503", always(refuses(503, "full")), "HTTP 503 Service Unavailable: full", "arrive", 4 * time.Second},
		{"a refusal without end", always(func(c net.Conn) {
			answers("HTTP/1.1 500 Oops\r\n\r\n")(c)
			for {
				if _, err := c.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}), "HTTP 500", "log", 8 * time.Second},
		{"a web page", always(answers("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")), "HTTP 200 OK: <html>", "path", 4 * time.Second},
		{"a TLS server", always(banner("\x15\x03\x01\x00\x02\x02\x16")), `\x15\x03`, "wss://", 4 * time.Second},
		{"an SSH server", always(banner("SSH-2.0-OpenSSH_9.6\r\n")), "SSH-2.0-OpenSSH", "port", 4 * time.Second},
		{"a header without end", always(func(c net.Conn) {
			answers("HTTP/1.1 101 Switching Protocols\r\n")(c)
			for {
				if _, err := c.Write([]byte("X-More: of the same\r\n")); err != nil {
					return
				}
			}
		}), "header of the answer is over", "port", 8 * time.Second},
		{"a wrong accept", always(answers("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n")), "Sec-WebSocket-Accept", "handshake", 4 * time.Second},
		{"accepts and hangs", always(hang), "no answer to the upgrade", "says nothing", 15 * time.Second},
		{"neither reads nor writes", func(w *world) { w.serve(w.deaf) }, "no answer to the upgrade", "says nothing", 15 * time.Second},
		{"a byte a second", always(func(c net.Conn) {
			trickle(c, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"), time.Second)
		}), "no answer to the upgrade", "says nothing", 15 * time.Second},
		{"closes at once", always(func(net.Conn) {}), "connection", "drops them", 4 * time.Second},
		{"hangs after the upgrade", always(upgraded(func(p *peer) { hang(p) })), "no answer to connect within 10s", "does it speak events", 20 * time.Second},
		{"garbage frames", always(upgraded(func(p *peer) { p.Write(garbage); hang(p) })), "broken WebSocket", "does it speak events", 5 * time.Second},
		{"a frame of 2^62 bytes", always(upgraded(func(p *peer) {
			p.Write([]byte{0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0})
			for p.say("more and more") {
			}
		})), "broken WebSocket", "does it speak events", 5 * time.Second},
		{"a message without end", always(upgraded(func(p *peer) {
			p.Write([]byte{0x01, 1, '{'})
			for {
				if _, err := p.Write(append([]byte{0x00, 126, 0x40, 0}, make([]byte, 0x4000)...)); err != nil {
					return
				}
			}
		})), "broken WebSocket", "does it speak events", 15 * time.Second},
		{"no JSON", always(upgraded(func(p *peer) { p.say("hello there"); hang(p) })), "not events", "does it speak events", 5 * time.Second},
		{"an offset without measure", always(upgraded(func(p *peer) {
			p.say(`{"type":"event","channel":"room","offset":18446744073709551615,"data":{}}`)
			hang(p)
		})), "an offset above 2^62", "does it speak events", 5 * time.Second},
		{"binary messages", always(upgraded(func(p *peer) { p.Write(frame(2, garbage[:64])); hang(p) })), "not events", "does it speak events", 5 * time.Second},
		{"an echo server", always(upgraded(func(p *peer) {
			p.commands(func(text []byte) bool { return p.say(string(text)) })
		})), "no answer to connect", "does it speak events", 20 * time.Second},
		{"a server of the other dialect", always(upgraded(func(p *peer) {
			p.commands(func([]byte) bool {
				p.Write(frame(8, append([]byte{0x0d, 0xad}, "bad request"...))) // 3501
				return false
			})
		})), "closed the connection with 3501 before its handshake was answered: bad request", "does it speak events", 5 * time.Second},
		{"a refused token", always(upgraded(func(p *peer) {
			p.commands(func([]byte) bool {
				return p.say(`{"id":1,"type":"error","code":401,"error":"unauthorized","message":"who are you?"}`)
			})
		})), "connect refused: who are you?", "token", 5 * time.Second},
		{"never answers a subscribe", func(w *world) {
			w.serve(w.relay(func(c net.Conn, f []byte) bool {
				if bytes.Contains(f, []byte(`"subscribed"`)) {
					return true
				}
				_, err := c.Write(f)
				return err == nil
			}))
		}, "no answer to subscribe within 10s", "does it speak events", 20 * time.Second},
		{"closes at the subscribe", func(w *world) {
			w.serve(w.relay(func(c net.Conn, f []byte) bool {
				if bytes.Contains(f, []byte(`"subscribed"`)) {
					return false
				}
				_, err := c.Write(f)
				return err == nil
			}))
		}, "before a subscribe was answered", "log", 5 * time.Second},
		{"floods before the handshake", always(upgraded(func(p *peer) {
			for p.say(`{"type":"event","channel":"room","offset":1,"data":{}}`) {
				time.Sleep(time.Millisecond)
			}
		})), "no answer to connect", "does it speak events", 20 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// A teller has no subscription to be refused, and would get through.
			e := ordeal{set: []string{"clients.members.count=3", `clients.teller.subscribe=[{channel: room}]`}}.endure(t, row.serve)
			if e.exit() != 4 || !strings.Contains(e.text(), row.told) || !strings.Contains(e.text(), row.step) {
				t.Errorf("exit %d, want 4 with %q and %q:\n%s", e.exit(), row.told, row.step, e.text())
			}
			if e.took > row.limit {
				t.Errorf("it took %v, want %v at most", e.took, row.limit)
			}
			if strings.Contains(e.text(), ErrTarget.Error()) {
				t.Errorf("the marker is told: %s", e.text())
			}
		})
	}
}

// TestHostileInTheMiddle: what was right until it went wrong. Nothing is blamed
// that can't be known, and everything comes to its end.
func TestHostileInTheMiddle(t *testing.T) {
	const turn = 8 * time.Second // when the target turns
	type row struct {
		name  string
		set   []string
		serve func(w *world)
		exit  int
		told  string
		fails string // the one expectation that may fail, by the start of its name
		limit time.Duration
	}
	// turning passes everything on until turn, and is f from then on.
	turning := func(w *world, then func(c net.Conn, f []byte) bool) fake {
		return w.relay(func(c net.Conn, f []byte) bool {
			if w.age() >= turn {
				return then(c, f)
			}
			_, err := c.Write(f)
			return err == nil
		})
	}
	long := []string{"duration=90s"}
	for _, r := range []row{
		{"a correct target", nil, func(w *world) { w.serve(turning(w, passOn)) }, 3, "not exercised", "", 30 * time.Second},
		{"vanishes for good", long, func(w *world) {
			w.serve(turning(w, passOn))
			w.group.Go(func() { w.sleep(turn); w.leave() })
		}, 4, "connection refused", "", 30 * time.Second},
		{"vanishes near the end", nil, func(w *world) {
			w.serve(turning(w, passOn))
			w.group.Go(func() { w.sleep(19 * time.Second); w.leave() })
		}, 4, "connection refused", "", 60 * time.Second},
		{"vanishes in the drain", nil, func(w *world) {
			w.serve(turning(w, passOn))
			w.group.Go(func() { w.sleep(20*time.Second + 50*time.Millisecond); w.leave() })
		}, 4, "connection refused", "", 60 * time.Second},
		{"a black hole", long, func(w *world) {
			w.serve(turning(w, func(c net.Conn, f []byte) bool { <-w.over; return false }))
		}, 4, "no answer to connect", "", 70 * time.Second},
		{"a black hole, noticed", append([]string{"clients.members.heartbeat={every: 2s, timeout: 3s}", "clients.teller.heartbeat={every: 2s, timeout: 3s}"}, long...), func(w *world) {
			relay := turning(w, func(c net.Conn, f []byte) bool { <-w.over; return false })
			w.serve(func(c net.Conn) {
				if w.age() >= turn {
					hang(c)
					return
				}
				relay(c)
			})
		}, 4, "no answer to the upgrade", "", 60 * time.Second},
		{"refuses everybody", long, func(w *world) {
			relay := turning(w, func(net.Conn, []byte) bool { return false })
			w.serve(func(c net.Conn) {
				if w.age() >= turn {
					refuses(503, "maintenance")(c)
					return
				}
				relay(c)
			})
		}, 4, "HTTP 503 Service Unavailable: maintenance", "", 40 * time.Second},
		{"accepts and closes", long, func(w *world) {
			relay := turning(w, func(net.Conn, []byte) bool { return false })
			w.serve(func(c net.Conn) {
				if w.age() >= turn {
					upgraded(func(*peer) {})(c)
					return
				}
				relay(c)
			})
		}, 4, "before its handshake was answered", "", 40 * time.Second},
		{"turns to garbage", long, func(w *world) {
			w.serve(turning(w, func(c net.Conn, f []byte) bool { c.Write([]byte("\xff\xff\xff\xff")); return false }))
		}, 4, "broken WebSocket", "", 40 * time.Second},
		{"a byte a second", long, func(w *world) {
			w.serve(turning(w, func(c net.Conn, f []byte) bool { return trickle(c, f, time.Second) }))
		}, 4, "no answer to connect", "", 70 * time.Second},
		{"everything late", nil, func(w *world) { w.serve(w.late(3 * time.Second)) }, 3, "", "", 60 * time.Second},
		{"everything too late", nil, func(w *world) { w.serve(w.late(8 * time.Second)) }, 1, "", "latency", 90 * time.Second},
		{"acknowledges nothing", nil, func(w *world) {
			w.serve(w.relay(func(c net.Conn, f []byte) bool {
				return bytes.Contains(f, []byte(`"published"`)) || passOn(c, f)
			}))
		}, 3, "", "", 60 * time.Second},
		{"floods pings", nil, func(w *world) {
			w.serve(turning(w, func(c net.Conn, f []byte) bool {
				for range 200 {
					if _, err := c.Write(frame(9, make([]byte, 125))); err != nil {
						return false
					}
				}
				return passOn(c, f)
			}))
		}, 3, "not exercised", "", 60 * time.Second},
		{"floods pings and does not read", nil, func(w *world) {
			w.serve(w.relayTo(turn, func(c net.Conn, f []byte) bool {
				for range 200 {
					if _, err := c.Write(frame(9, make([]byte, 125))); err != nil {
						return false
					}
				}
				return passOn(c, f)
			}))
		}, 4, "", "", 90 * time.Second},
		{"does not read a flood", []string{"duration=40s", "clients.teller.publish.0.rate=300/s", "clients.teller.publish.0.size=16KiB", "clients.teller.publish.0.ack=false"}, func(w *world) {
			w.serve(w.relayTo(turn, passOn))
		}, 4, "no answer", "", 90 * time.Second},
		{"names channels without end", long, func(w *world) {
			var last atomic.Int64
			w.serve(turning(w, func(c net.Conn, f []byte) bool {
				for range 1000 {
					n := last.Add(1)
					if !passOn(c, frame(1, fmt.Appendf(nil, `{"type":"event","channel":"no-%d","offset":1,"epoch":"e%d","data":{}}`, n, n))) {
						return false
					}
				}
				return passOn(c, f)
			}))
		}, 4, "names channels and epochs without end", "", 90 * time.Second},
		{"talks at length", nil, func(w *world) {
			w.serve(turning(w, func(c net.Conn, f []byte) bool {
				return passOn(c, frame(1, []byte(`{"type":"error","code":400,"error":"bad-request","message":"`+strings.Repeat("so ", 10_000)+`"}`))) && passOn(c, f)
			}))
		}, 3, "", "", 60 * time.Second},
		{"never closes", nil, func(w *world) {
			w.serve(w.relay(func(c net.Conn, f []byte) bool {
				return f[0] == 0x88 || passOn(c, f)
			}))
		}, 3, "not exercised", "", 40 * time.Second},
		{"pongs nothing", nil, func(w *world) {
			w.serve(w.relay(func(c net.Conn, f []byte) bool {
				return f[0] == 0x8a || passOn(c, f)
			}))
		}, 3, "", "", 40 * time.Second},
		{"refuses once, and later everybody is away by plan", []string{"timeline=[{at: 2s, disconnect: {who: members, how: reset, away: 13s}}, {at: 2s, disconnect: {who: teller, how: reset, away: 12s}}]"}, func(w *world) {
			relay := w.relay(passOn)
			var first atomic.Bool
			w.serve(func(c net.Conn) {
				if first.CompareAndSwap(false, true) {
					refuses(503, "starting")(c)
					return
				}
				relay(c)
			})
		}, 0, "", "", 60 * time.Second},
		{"closes at the publish", nil, func(w *world) {
			w.serve(w.relay(func(c net.Conn, f []byte) bool {
				return !bytes.Contains(f, []byte(`"published"`)) && passOn(c, f)
			}))
		}, 3, "unknown", "", 60 * time.Second},
		{"takes every subscription away", nil, func(w *world) {
			w.serve(turning(w, func(c net.Conn, f []byte) bool {
				if bytes.Contains(f, []byte(`"subscribed"`)) || bytes.Contains(f, []byte(`"event"`)) {
					c.Write(frame(1, []byte(`{"type":"unsubscribed","channel":"room"}`)))
				}
				return passOn(c, f)
			}))
		}, 3, "", "", 60 * time.Second},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			e := ordeal{set: r.set}.endure(t, r.serve)
			if e.exit() != r.exit || !strings.Contains(e.text(), r.told) {
				t.Errorf("exit %d, want %d with %q:\n%s", e.exit(), r.exit, r.told, e.text())
			}
			if e.took > r.limit {
				t.Errorf("it took %v, want %v at most", e.took, r.limit)
			}
			for _, name := range e.fails() {
				if r.fails == "" || !strings.HasPrefix(name, r.fails) {
					t.Errorf("blamed without proof: %s", name)
				}
			}
		})
	}
}

// TestRecordingOnFullDisk: the run is judged all the same, and the error says so.
func TestRecordingOnFullDisk(t *testing.T) {
	e := ordeal{options: func(o *Options) { o.Record = &disk{free: 200} }}.endure(t, func(w *world) { w.serve(w.relay(passOn)) })
	unrecorded := (*RecordError)(nil)
	if e.r == nil || !errors.As(e.err, &unrecorded) || !strings.Contains(e.err.Error(), "no space left") {
		t.Errorf("result %v, error %v", e.r, e.err)
	}
	// With no room at all nothing is run.
	e = ordeal{options: func(o *Options) { o.Record = &disk{} }}.endure(t, func(w *world) { w.serve(w.relay(passOn)) })
	if e.r != nil || e.err == nil || e.took > time.Second {
		t.Errorf("result %v, error %v after %v", e.r, e.err, e.took)
	}
}

// disk is a file on a disk with so many bytes free.
type disk struct{ free int }

func (d *disk) Write(b []byte) (int, error) {
	if len(b) > d.free {
		return 0, syscall.ENOSPC
	}
	d.free -= len(b)
	return len(b), nil
}

func passOn(c net.Conn, f []byte) bool {
	_, err := c.Write(f)
	return err == nil
}

// TestInterrupts: Ctrl-C in every phase, once and twice, at targets that work
// and at targets that hang.
func TestInterrupts(t *testing.T) {
	relayed := func(w *world) { w.serve(w.relay(passOn)) }
	slow := func(w *world) { w.serve(w.late(2 * time.Second)) }
	for _, row := range []struct {
		name        string
		first, then time.Duration
		serve       func(w *world)
		limit       time.Duration
	}{
		{"while nothing answers", time.Second, 0, func(w *world) { w.serve(hang) }, 4 * time.Second},
		{"while nobody listens", time.Second, 0, func(*world) {}, 2 * time.Second},
		{"while the handshake hangs", time.Second, 0, func(w *world) { w.serve(upgraded(func(p *peer) { hang(p) })) }, 5 * time.Second},
		{"in the arrivals", 5 * time.Second, 0, slow, 40 * time.Second},
		{"in the arrivals, twice", 5 * time.Second, 5100 * time.Millisecond, slow, 6 * time.Second},
		{"in the active part", 10 * time.Second, 0, relayed, 15 * time.Second},
		{"in the active part, twice", 10 * time.Second, 10 * time.Second, relayed, 11 * time.Second},
		{"in the active part and in the drain", 15 * time.Second, 16 * time.Second, slow, 17 * time.Second},
		{"twice in the fences", 15 * time.Second, 19 * time.Second, slow, 20 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			e := ordeal{interrupt: row.first, stop: row.then, set: []string{"clients.members.arrive={over: 6s}",
				"timeline=[{every: 1s, disconnect: {who: members, share: 30%, how: reset, away: 1s..2s}}]"}}.endure(t, row.serve)
			if e.err != nil || e.exit() != 3 || !e.r.Interrupted {
				t.Fatalf("exit %d, want 3:\n%s", e.exit(), e.text())
			}
			if e.took > row.limit {
				t.Errorf("it took %v, want %v at most", e.took, row.limit)
			}
			for _, v := range e.r.Verdicts {
				if v.State != assert.Inconclusive || !strings.Contains(v.Reason, "interrupted") {
					t.Errorf("%s is %s: %s", v.Name, v.State, v.Reason)
				}
			}
		})
	}
	// After its active part a run needs no more than its end: nothing is cut short.
	t.Run("once in the drain", func(t *testing.T) {
		t.Parallel()
		e := ordeal{interrupt: 20*time.Second + 100*time.Millisecond}.endure(t, relayed)
		if e.err != nil || e.r.Interrupted {
			t.Errorf("exit %d: %s", e.exit(), e.text())
		}
	})
}
