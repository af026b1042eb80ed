package gateway

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// messages reads WebSocket messages until a time: each is `[…]`, with when it came, in
// milliseconds since begun, and the data and offsets of the events in it. Other objects
// are words of their own.
func (c *client) messages(begun time.Time, until time.Duration) (all []string) {
	for {
		c.nc.SetReadDeadline(begun.Add(until))
		h, err := ws.ReadHeader(c.r)
		if err != nil {
			return all
		}
		p := make([]byte, h.Length)
		if _, err := io.ReadFull(c.r, p); err != nil || h.OpCode != ws.OpText {
			return all
		}
		var words []string
		c.d.Reset(p)
		var m dialect.Message
		for c.d.Next(&m) {
			switch m.Kind {
			case dialect.Delivered:
				w := fmt.Sprintf("%s@%d", strings.Trim(string(m.Payload), `"`), m.Offset)
				if m.Replay {
					w += "r"
				}
				words = append(words, w)
			default:
				words = append(words, map[dialect.Kind]string{dialect.Subscribed: "subscribed", dialect.Unsubscribed: "unsubscribed", dialect.Joined: "join", dialect.Present: "present",
					dialect.Passed: "position" + strconv.FormatUint(m.Offset, 10), dialect.Gapped: "gap", dialect.Draining: "drain"}[m.Kind])
			}
		}
		if c.d.Err() != nil {
			c.t.Errorf("gateway sent %s: %v", p, c.d.Err())
		}
		all = append(all, fmt.Sprintf("%d:[%s]", time.Since(begun).Milliseconds(), strings.Join(words, " ")))
	}
}

// batched publishes, as in `0:a 50:b` (milliseconds), and tells how it came.
func (s *site) batched(says string) string {
	watcher, p := s.client("w"), s.client("p")
	watcher.subscribe("c")
	begun := time.Now()
	var got []string
	for x := range strings.FieldsSeq(says) {
		at, data, _ := strings.Cut(x, ":")
		ms, _ := strconv.Atoi(at)
		got = append(got, watcher.messages(begun, time.Duration(ms)*time.Millisecond)...)
		if m := p.publish("c", `"`+data+`"`); !m.Positioned {
			s.t.Errorf("the answer to a publication tells no offset")
		}
	}
	got = append(got, watcher.messages(begun, 5*time.Second)...)
	watcher.nc.Close()
	p.nc.Close()
	return strings.Join(got, " ")
}

func TestBatch(t *testing.T) {
	big := strings.Repeat("x", 40<<10)
	for _, row := range []struct{ comment, defect, says, want string }{
		{"when the wait is over", "", "0:a 20:b 99:c", "100:[a@1 b@2 c@3]"},
		{"when it is full", "", "0:a 10:b 20:c 30:d 40:e", "30:[a@1 b@2 c@3 d@4] 140:[e@5]"},
		{"the wait begins with the first", "", "0:a 150:b 160:c", "100:[a@1] 250:[b@2 c@3]"},
		{"one that was full leaves the next its time", "", "0:a 10:b 20:c 30:d 90:e 110:f", "30:[a@1 b@2 c@3 d@4] 190:[e@5 f@6]"},
		{"one after the other", "", "0:a 0:b 0:c 0:d 0:e 0:f 0:g 0:h", "0:[a@1 b@2 c@3 d@4] 0:[e@5 f@6 g@7 h@8]"},
		{"large ones are not gathered", "", "0:" + big + " 10:" + big + " 20:c", "10:[" + big + "@1 " + big + "@2] 120:[c@3]"},

		{"one too many", "batch-oversized", "0:a 10:b 20:c 30:d 40:e", "40:[a@1 b@2 c@3 d@4 e@5]"},
		{"the wait begins anew", "batch-held-too-long", "0:a 90:b 180:c", "280:[a@1 b@2 c@3]"},
		{"two in the wrong order", "batch-reordered", strings.Repeat("0:a 0:b 0:c 0:d ", 5), "0:[a@1 b@2 c@3 d@4] 0:[a@5 b@6 c@7 d@8] 0:[a@9 b@10 c@11 d@12] 0:[a@13 b@14 c@15 d@16] 0:[a@17 b@18 d@20 c@19]"},
		{"without the last", "batch-tail-lost", "0:a 1:b 200:a 201:b 400:a 401:b 600:a 601:b 800:a 801:b", "100:[a@1 b@2] 300:[a@3 b@4] 500:[a@5 b@6] 700:[a@7 b@8] 900:[a@9]"},
		{"the last once more", "batch-repeats-last", "0:a 200:b 400:c 600:d 800:e 1000:f", "100:[a@1] 300:[b@2] 500:[c@3] 700:[d@4] 900:[e@5] 1100:[e@5 f@6]"},
		{"each alone", "not-batched", "0:a 10:b", "100:[a@1] 100:[b@2]"},
	} {
		t.Run(row.comment, func(t *testing.T) {
			cfg := Config{HeartbeatEvery: -1, Batches: []Batch{{Channel: "*", Max: 4, Wait: 100 * time.Millisecond}}}
			if row.defect != "" {
				cfg.Defects = []Defect{{Name: row.defect}}
			}
			bubble(t, cfg, func(t *testing.T, s *site) {
				if got := s.batched(row.says); got != row.want {
					t.Errorf("%.200s\nbecame %.200s\nwant   %.200s", row.says, got, row.want)
				}
			})
		})
	}
}

// while is what happens while a batch waits in which there are `1` and `2`, which the
// client a is to get at 100 ms; do may publish more.
func while(t *testing.T, cfg Config, do func(s *site, a, p *client, epoch string, begun time.Time) string) string {
	var got string
	cfg.HeartbeatEvery = -1
	cfg.Batches = []Batch{{Channel: "c", Max: 50, Wait: 100 * time.Millisecond}}
	bubble(t, cfg, func(t *testing.T, s *site) {
		p, a := s.client("p"), s.client("a")
		m := a.subscribe("c")
		begun := time.Now()
		p.publish("c", `{"n":1}`)
		time.Sleep(10 * time.Millisecond)
		p.publish("c", `{"n":2}`)
		got = do(s, a, p, string(m.Epoch), begun)
		a.nc.Close()
		p.nc.Close()
	})
	return strings.NewReplacer(`{"n":`, "", "}", "").Replace(got)
}

// TestBatchUnderWay: whoever leaves gets what waits before the answer, whoever comes
// gets nothing of it but by a replay, and nobody gets anything twice.
func TestBatchUnderWay(t *testing.T) {
	join := func(parts []string) string { return strings.Join(parts, " ") }
	for _, row := range []struct {
		comment string
		cfg     Config
		do      func(s *site, a, p *client, epoch string, begun time.Time) string
		want    string
	}{
		{"nothing", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			return join(a.messages(begun, time.Second))
		}, "100:[1@1 2@2]"},
		{"an unsubscribe", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			a.command(&dialect.Command{Verb: dialect.Unsubscribe, Channel: "c"})
			return join(a.messages(begun, time.Second))
		}, "10:[1@1 2@2] 10:[unsubscribed]"},
		{"somebody comes", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			b := s.client("b")
			defer b.nc.Close()
			b.subscribe("c")
			p.publish("c", `{"n":3}`)
			p.publish("c", `{"n":4}`)
			return join(a.messages(begun, time.Second)) + " " + join(b.messages(begun, 2*time.Second))
		}, "100:[1@1 2@2 3@3 4@4] 1000:[3@3 4@4]"},
		{"somebody comes by a pattern", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			b := s.client("b")
			defer b.nc.Close()
			b.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "*", Pattern: true})
			b.want(dialect.Subscribed)
			p.publish("c", `{"n":3}`)
			return join(b.messages(begun, time.Second))
		}, "100:[3@3]"},
		{"a pattern beside the channel", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			a.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "*", Pattern: true})
			synctest.Wait()
			p.publish("c", `{"n":3}`)
			return join(a.messages(begun, time.Second))
		}, "10:[subscribed] 10:[1@1 2@2] 100:[3@3]"},
		{"the channel beside a pattern", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			b := s.client("b")
			defer b.nc.Close()
			b.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "*", Pattern: true})
			b.want(dialect.Subscribed)
			p.publish("c", `{"n":3}`)
			b.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c"})
			synctest.Wait()
			p.publish("c", `{"n":4}`)
			return join(b.messages(begun, time.Second))
		}, "10:[3@3] 10:[subscribed] 100:[4@4]"},
		{"a return", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			a.nc.Close()
			b := s.client("a")
			defer b.nc.Close()
			b.recover("c", epoch, 0)
			synctest.Wait()
			p.publish("c", `{"n":3}`)
			return join(b.messages(begun, time.Second))
		}, "10:[subscribed] 10:[1@1r] 10:[2@2r] 100:[3@3]"},
		{"a return that forgets what waits", Config{Defects: []Defect{{Name: "batch-not-recovered"}}}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			a.nc.Close()
			b := s.client("a")
			defer b.nc.Close()
			b.recover("c", epoch, 0)
			synctest.Wait()
			p.publish("c", `{"n":3}`)
			return join(b.messages(begun, time.Second))
		}, "10:[subscribed] 100:[3@3]"},
		{"a filter", Config{Filter: even}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			b := s.client("b")
			defer b.nc.Close()
			b.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Filter: "even"})
			b.want(dialect.Subscribed)
			for i := 3; i < 7; i++ {
				p.publish("c", fmt.Sprintf(`{"n":%d}`, i))
			}
			return join(b.messages(begun, time.Second))
		}, "100:[4@4 6@6]"},
		{"who comes and goes", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			b := s.client("b")
			defer b.nc.Close()
			b.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Presence: true})
			synctest.Wait()
			p.publish("c", `{"n":3}`)
			got := b.messages(begun, 50*time.Millisecond)
			d := s.client("d")
			defer d.nc.Close()
			d.subscribe("c")
			return join(got) + " " + join(b.messages(begun, time.Second))
		}, "10:[subscribed] 10:[present] 50:[3@3] 50:[join]"},
		{"a drain", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			s.t.Helper()
			done := make(chan struct{})
			go func() {
				defer close(done)
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				s.g.Drain(ctx, Drain{})
			}()
			got := join(a.messages(begun, 50*time.Millisecond))
			a.nc.Close()
			p.nc.Close()
			<-done
			return got
		}, "10:[drain] 10:[1@1 2@2]"},
		{"the stream is lost", Config{}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			s.g.hub.lose()
			return join(a.messages(begun, time.Second))
		}, "10:[1@1 2@2] 10:[gap]"},
		{"no history", Config{HistorySize: -1}, func(s *site, a, p *client, epoch string, begun time.Time) string {
			b := s.client("b")
			defer b.nc.Close()
			b.subscribe("c")
			p.publish("c", `{"n":3}`)
			return join(a.messages(begun, 200*time.Millisecond)) + " " + join(b.messages(begun, time.Second))
		}, "100:[1@0 2@0 3@0] 200:[3@0]"},
	} {
		t.Run(row.comment, func(t *testing.T) {
			if got := while(t, row.cfg, row.do); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

// even is a filter of data whose n is even.
func even(string) (func([]byte) bool, error) {
	return func(data []byte) bool { return (data[len(data)-2]-'0')%2 == 0 }, nil
}

// TestBatchOfSession: what waits when a kept session's client is away comes with what
// it has missed, once.
func TestBatchOfSession(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, QueueSize: 100, Batches: []Batch{{Channel: "c", Max: 50, Wait: 100 * time.Millisecond}}}, func(t *testing.T, s *site) {
		enter := func(received uint64) *client {
			c := s.raw()
			c.command(&dialect.Command{Verb: dialect.Connect, User: "a", Session: "s", Keep: true, Received: received})
			if m := c.want(dialect.Connected); m.Resumed != (received > 0) {
				t.Fatalf("resumed %v", m.Resumed)
			}
			return c
		}
		p, a := s.client("p"), enter(0)
		a.subscribe("c")
		begun := time.Now()
		for i := range 3 {
			p.publish("c", strconv.Itoa(i))
		}
		got := strings.Join(a.messages(begun, 150*time.Millisecond), " ")
		a.nc.Close()
		p.publish("c", "3")
		time.Sleep(time.Second)
		p.publish("c", "4")
		a = enter(3)
		p.publish("c", "5")
		got += " " + strings.Join(a.messages(begun, 3*time.Second), " ")
		if want := "100:[0@1 1@2 2@3] 1150:[3@4r] 1150:[4@5r] 1250:[5@6]"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		a.nc.Close()
		p.nc.Close()
	})
}

// TestBatchOverBacklog: a gap stands where the last of what was dropped was, and nothing
// is joined with it.
func TestBatchOverBacklog(t *testing.T) {
	st := &stream{name: "c", top: position{epoch: "e"}}
	sub := &subscription{stream: st}
	var q queue
	for i := range 8 {
		frame, _ := sayEvent("c", uint64(i+1), false, []byte(strings.Repeat("x", 100)))
		q.push(item{frame: frame, sub: sub, at: position{"e", uint64(i + 1)}, batch: uint32(1 + i/4)})
	}
	q.dropOldest(q.bytes / 2)
	var sizes []string
	for b := q.take(nil, 1<<20); len(b) > 0; {
		size, length := frameSize(b)
		sizes = append(sizes, strconv.Itoa(1+strings.Count(string(b[size:size+length]), "\n")))
		b = b[size+length:]
	}
	if got := strings.Join(sizes, " "); got != "1 2" || q.bytes != 0 {
		t.Errorf("messages of %s objects, %d bytes left", got, q.bytes)
	}
}

// TestBatchesAreChecked: what makes no sense is refused.
func TestBatchesAreChecked(t *testing.T) {
	for _, x := range []Batch{{Channel: "c"}, {Channel: "c", Max: 1}, {Channel: "c", Wait: 1}, {Channel: "a..b", Max: 1, Wait: 1}, {Channel: "c", Max: -1, Wait: 1}, {Channel: "c", Max: 1, Wait: -1}} {
		if _, err := New(Config{Batches: []Batch{x}}); err == nil {
			t.Errorf("%+v was taken", x)
		}
	}
}
