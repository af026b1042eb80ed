package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"squall/driver/dialect"
)

func boards(c Config) Config {
	c.HeartbeatEvery = -1
	c.Rows = append(c.Rows, RowsOf{Channel: "board.*", Key: "by.user", Tombstone: "gone"})
	return c
}

// score is what a user publishes on a board.
func score(user string, n int) string { return fmt.Sprintf(`{"by":{"user":%q},"n":%d}`, user, n) }

// look subscribes for the rows, and lists what comes.
func (c *client) look(channel string) []string {
	c.t.Helper()
	c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: channel, Snapshot: true})
	c.want(dialect.Subscribed)
	return c.drainFor(time.Second)
}

// TestSnapshot: who asks is sent the latest event of each key at the answer's position,
// however old it is, and then the events; who does not ask is sent events only.
func TestSnapshot(t *testing.T) {
	bubble(t, boards(Config{HistorySize: 1, HistoryTTL: time.Second}), func(t *testing.T, s *site) {
		a := s.client("a")
		same(t, a.look("board.1"), "snapshot board.1 @0 last")
		p := s.client("p")
		p.publish("board.1", score("x", 1))
		p.publish("board.1", score("y", 2))
		p.publish("board.1", score("z", 3))
		p.publish("board.1", score("x", 4))
		p.publish("board.1", `{"by":{"user":"z"},"gone":true}`)
		p.publish("board.1", `{"by":{"user":7},"gone":false}`)
		p.publish("board.1", `{"by":{"user":"7"},"gone":null}`) // the same key, as where entries are made of it
		p.publish("board.1", `{"by":{"user":true}}`)
		a.drainFor(time.Second)
		time.Sleep(time.Hour)
		s.g.hub.forget()

		b := s.client("b")
		want := []string{
			"row board.1 @2 " + score("y", 2), "row board.1 @4 " + score("x", 4),
			`row board.1 @7 {"by":{"user":"7"},"gone":null}`, `row board.1 @8 {"by":{"user":true}}`, "snapshot board.1 @8 last",
		}
		same(t, b.look("board.1"), want...)
		plain := s.client("plain")
		plain.subscribe("board.1")
		p.publish("board.1", score("y", 9))
		for _, c := range []*client{a, b, plain} {
			same(t, c.drainFor(time.Second), "event board.1 @9 "+score("y", 9))
		}
		b.to(dialect.Unsubscribe, "board.1")
		if got := b.look("board.1"); len(got) != 5 || got[3] != "row board.1 @9 "+score("y", 9) {
			t.Errorf("asking again: %q", got)
		}
		same(t, b.look("board.2"), "snapshot board.2 @0 last")
	})
}

// TestSnapshotRefused: what is no row is not published where rows are kept, nor as a
// will, and a snapshot is given only where there are rows.
func TestSnapshotRefused(t *testing.T) {
	cfg := boards(Config{Filter: contains})
	cfg.Rows = append(cfg.Rows, RowsOf{Channel: "few", Key: "k", Max: 2}, RowsOf{Channel: "thin", Key: "k"})
	cfg.Shapes = []Shape{{Channel: "thin", Throttle: time.Second}}
	cfg.Limits.Backlog = 4 << 10
	bubble(t, cfg, func(t *testing.T, s *site) {
		c := s.client("c")
		refused := func(code int, text string) {
			t.Helper()
			c.text(text)
			if m := c.want(dialect.Error); m.Code != code {
				t.Errorf("%s: %d, want %d", text, m.Code, code)
			}
		}
		for _, data := range []string{
			`{}`, `7`, `{"by":"user"}`, `{"by":{"user":null}}`, `{"by":{"user":{}}}`, `{"by":{"user":[]}}`,
			`{"by":{"user":"x"},"gone":"yes"}`, score(strings.Repeat("x", 201), 1),
		} {
			refused(400, `{"id":9,"type":"publish","channel":"board.1","data":`+data+`}`)
		}
		refused(400, `{"id":9,"type":"subscribe","channel":"other","snapshot":true}`)
		refused(400, `{"id":9,"type":"subscribe","channel":"thin","snapshot":true}`)
		refused(400, `{"id":9,"type":"subscribe","pattern":"board.*","snapshot":true}`)
		refused(400, `{"id":9,"type":"subscribe","channel":"board.1","snapshot":true,"filter":"a"}`)
		c.publish("few", `{"k":1}`)
		c.publish("few", `{"k":2}`)
		refused(413, `{"id":9,"type":"publish","channel":"few","data":{"k":3}}`)
		c.publish("few", `{"k":2,"more":1}`)
		same(t, c.look("few"), `row few @1 {"k":1}`, `row few @3 {"k":2,"more":1}`, "snapshot few @3 last")

		long := strings.Repeat("x", 800)
		c.publish("board.1", `{"by":{"user":1},"x":"`+long+`"}`)
		c.publish("board.1", `{"by":{"user":2},"x":"`+long+`"}`)
		refused(413, `{"id":9,"type":"publish","channel":"board.1","data":{"by":{"user":3},"x":"`+long+`"}}`)
		c.publish("board.1", `{"by":{"user":1},"gone":true}`)
		c.publish("board.1", `{"by":{"user":3},"x":"`+long+`"}`)
		for key := range 3 { // what goes makes room again and again
			c.publish("board.1", fmt.Sprintf(`{"by":{"user":%d},"gone":true}`, key+1))
		}
		c.publish("board.1", `{"by":{"user":1},"x":"`+long+long+`"}`)

		w := s.raw()
		w.command(&dialect.Command{Verb: dialect.Connect, User: "w", Will: &dialect.Will{Channel: "board.1", Payload: []byte(`{}`)}})
		if m := w.want(dialect.Error); m.Code != 400 {
			t.Errorf("a will without a key: %+v", m)
		}
	})
	for _, r := range []RowsOf{{Channel: "a.", Key: "k"}, {Channel: "a"}, {Channel: "a", Key: "k", Max: -1}} {
		if _, err := New(Config{Rows: []RowsOf{r}}); err == nil {
			t.Errorf("accepted %+v", r)
		}
	}
	if _, err := New(Config{HistorySize: -1, Rows: []RowsOf{{Channel: "a", Key: "k"}}}); err == nil {
		t.Error("rows without positions")
	}
}

// TestSnapshotAndRecovery: who is recovered is sent what he missed and no rows; who is
// not is sent the rows. Retained messages and who is there come behind them. With a new
// epoch the rows are lost.
func TestSnapshotAndRecovery(t *testing.T) {
	bubble(t, boards(Config{HistorySize: 2}), func(t *testing.T, s *site) {
		p := s.client("p")
		p.publish("board.1", score("x", 1))
		c := s.client("c")
		epoch := string(c.subscribe("board.1").Epoch)
		p.publish("board.1", score("x", 2))
		p.keepOn("board.1", score("y", 3))
		back := func(epoch string, offset uint64, want ...string) {
			t.Helper()
			c := s.client("back")
			defer c.nc.Close()
			c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "board.1", Snapshot: true, Presence: true, Recover: true, Epoch: epoch, Offset: offset})
			same(t, c.drainFor(time.Second), want...)
		}
		kept, there := "event board.1 retained "+score("y", 3), `presence board.1 ["back","c"]`
		back(epoch, 1, "subscribed id=2 board.1 @3 recovered=true", kept, "event board.1 @2 replay "+score("x", 2), "event board.1 @3 replay "+score("y", 3), there)
		back(epoch, 3, "subscribed id=2 board.1 @3 recovered=true", kept, there)
		back(epoch, 0, "subscribed id=2 board.1 @3 recovered=false", "row board.1 @2 "+score("x", 2), "row board.1 @3 "+score("y", 3), "snapshot board.1 @3 last", kept, there)
		back("other", 1, "subscribed id=2 board.1 @3 recovered=false", "row board.1 @2 "+score("x", 2), "row board.1 @3 "+score("y", 3), "snapshot board.1 @3 last", kept, there)
		s.g.hub.lose()
		back(epoch, 3, "subscribed id=2 board.1 @0 recovered=false", "snapshot board.1 @0 last", there)
		p.publish("board.1", score("z", 1))
		back(epoch, 3, "subscribed id=2 board.1 @1 recovered=false", "row board.1 @1 "+score("z", 1), "snapshot board.1 @1 last", there)
	})
}

// TestSnapshotOfSessions: a resumed session gets no snapshot, none counts as one of its
// messages, and who subscribes anew gets one.
func TestSnapshotOfSessions(t *testing.T) {
	bubble(t, boards(Config{QueueSize: 10}), func(t *testing.T, s *site) {
		p := s.client("p")
		p.publish("board.1", score("x", 1))
		enter := func(received uint64) *client {
			c := s.raw()
			c.command(&dialect.Command{Verb: dialect.Connect, User: "k", Session: "s", Keep: true, Received: received})
			if m := c.want(dialect.Connected); m.Resumed != (received > 0) {
				t.Fatalf("%+v", m)
			}
			return c
		}
		k := enter(0)
		same(t, k.look("board.1"), "row board.1 @1 "+score("x", 1), "snapshot board.1 @1 last")
		p.publish("board.1", score("x", 2))
		k.want(dialect.Delivered)
		k.nc.Close()
		time.Sleep(time.Second)
		p.publish("board.1", score("y", 3))
		k = enter(1)
		same(t, k.drainFor(time.Second), "event board.1 @3 replay "+score("y", 3))
		same(t, k.look("board.1"), "row board.1 @2 "+score("x", 2), "row board.1 @3 "+score("y", 3), "snapshot board.1 @3 last")
		p.publish("board.1", score("y", 4))
		same(t, k.drainFor(time.Second), "event board.1 @4 "+score("y", 4))
	})
}

// TestSnapshotOfBatches: what was gathered before the subscribe is in the rows only, and
// rows hold the result of a transformation under the key of what was published.
func TestSnapshotOfBatches(t *testing.T) {
	cfg := boards(Config{Batches: []Batch{{Channel: "board.1", Max: 3, Wait: time.Second}}})
	cfg.Transforms = []Transform{{Channel: "board.2", Make: func([]byte) []byte { return []byte(`{"made":1}`) }}}
	bubble(t, cfg, func(t *testing.T, s *site) {
		p, c := s.client("p"), s.client("c")
		p.publish("board.1", score("x", 1))
		p.publish("board.1", score("y", 2))
		c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "board.1", Snapshot: true})
		c.want(dialect.Subscribed)
		p.publish("board.1", score("y", 3))
		same(t, c.drainFor(2*time.Second), "row board.1 @1 "+score("x", 1), "row board.1 @2 "+score("y", 2), "snapshot board.1 @2 last", "event board.1 @3 "+score("y", 3))
		p.publish("board.2", score("x", 1))
		p.publish("board.2", score("y", 2))
		same(t, c.look("board.2"), `row board.2 @1 {"made":1}`, `row board.2 @2 {"made":1}`, "snapshot board.2 @2 last")
	})
}

// TestLongSnapshot: many rows come in several messages, whatever the backlog holds, and
// over every carrier.
func TestLongSnapshot(t *testing.T) {
	const rows = 800
	long := strings.Repeat("x", 300)
	cfg := boards(Config{})
	cfg.Limits.Backlog = 600 << 10
	walk(t, cfg, func(t *testing.T, s *site, polls bool) {
		p := s.client("p")
		for i := range rows {
			p.publish("board.1", fmt.Sprintf(`{"by":{"user":%d},"x":%q}`, i, long))
		}
		w := s.walker(polls)
		w.say(dialect.Command{Verb: dialect.Connect, User: "w"}, dialect.Command{Verb: dialect.Subscribe, Channel: "board.1", Snapshot: true})
		w.want(dialect.Connected)
		if top := w.want(dialect.Subscribed); top.Offset != rows {
			t.Fatalf("%+v", top)
		}
		c := s.client("c")
		got := c.look("board.1")
		messages, last := 0, uint64(0)
		for {
			m := w.next()
			if text := line(m); len(got) == 0 || text != got[0] {
				t.Fatalf("over a carrier %s, else %q", text, got[:min(1, len(got))])
			}
			got = got[1:]
			if m.Kind == dialect.Row {
				if last++; m.Offset != last {
					t.Fatalf("row %d stands behind %d others", m.Offset, last-1)
				}
				continue
			}
			messages++
			if m.Last {
				break
			}
		}
		if last != rows || messages < 5 || len(got) > 0 {
			t.Errorf("%d rows in %d messages; %q is left", last, messages, got)
		}
		w.nc.Close()
	})
}

// TestSnapshotOfNodes: all nodes have the same rows, and they outlive any one of them.
func TestSnapshotOfNodes(t *testing.T) {
	settle(t, 2, boards(Config{}), func(s *town) {
		s.dial(0, "p").publish("board.1", score("x", 1))
		s.dial(1, "p").publish("board.1", score("y", 2))
		want := []string{"row board.1 @1 " + score("x", 1), "row board.1 @2 " + score("y", 2), "snapshot board.1 @2 last"}
		for node := range 2 {
			same(s.t, s.dial(node, "c").look("board.1"), want...)
		}
		if err := <-s.do(Kill, 0, 0, 0); err != nil {
			s.t.Fatal(err)
		}
		same(s.t, s.dial(0, "c").look("board.1"), want...)
	})
}

// board is what somebody makes of a snapshot and of the events behind it.
type board struct {
	offset uint64
	rows   map[string]string
}

func (b *board) take(t *testing.T, data []byte) {
	var x struct {
		By   struct{ User string }
		N    int
		Gone bool
	}
	if err := json.Unmarshal(data, &x); err != nil {
		t.Fatal(err)
	}
	if x.Gone {
		delete(b.rows, x.By.User)
	} else {
		b.rows[x.By.User] = fmt.Sprint(x.N)
	}
}

// TestSnapshotsAgree: whenever somebody subscribes while others publish, rows and events
// together make the board that those have who saw every event.
func TestSnapshotsAgree(t *testing.T) {
	bubble(t, boards(Config{HistorySize: 5}), func(t *testing.T, s *site) {
		const users, each = 4, 60
		watch := func(c *client, b *board, plain bool) { // until all is there
			b.rows = make(map[string]string)
			whole := plain
			for b.offset < users*each || !whole {
				m, err := c.next()
				if err != nil {
					t.Error(err)
					return
				}
				switch m.Kind {
				case dialect.Subscribed:
					b.offset = m.Offset
				case dialect.Row:
					if m.Offset > b.offset || whole {
						t.Errorf("a row @%d of a snapshot @%d", m.Offset, b.offset)
					}
					b.take(t, m.Payload)
				case dialect.Snapshot:
					if whole = m.Last; m.Offset != b.offset {
						t.Errorf("a snapshot @%d behind an answer @%d", m.Offset, b.offset)
					}
				case dialect.Delivered:
					if m.Offset != b.offset+1 || !whole {
						t.Errorf("event @%d behind @%d, snapshot whole: %v", m.Offset, b.offset, whole)
					}
					b.offset = m.Offset
					b.take(t, m.Payload)
				}
			}
		}
		all := make([]board, 1+users*10)
		done := make(chan bool)
		first := s.client("first")
		first.subscribe("board.1")
		go func() { watch(first, &all[0], true); done <- true }()
		for u := range users {
			go func() {
				p := s.client(fmt.Sprint(u))
				rng := rand.New(rand.NewPCG(1, uint64(u)))
				for n := range each {
					data := score(fmt.Sprint(rng.IntN(8)), n+1000*u)
					if rng.IntN(4) == 0 {
						data = strings.TrimSuffix(data, "}") + `,"gone":true}`
					}
					p.publish("board.1", data)
					time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
				}
				done <- true
			}()
			for i := range 10 {
				go func() {
					c := s.client("late")
					time.Sleep(time.Duration(i*users+u) * time.Millisecond)
					c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "board.1", Snapshot: true})
					watch(c, &all[1+u*10+i], false)
					done <- true
				}()
			}
		}
		for range 1 + users + users*10 {
			<-done
		}
		synctest.Wait()
		for i := range all {
			if got, want := fmt.Sprint(all[i].rows), fmt.Sprint(all[0].rows); got != want {
				t.Errorf("board %d is %s, want %s", i, got, want)
			}
		}
	})
}

// TestSnapshotLostMeanwhile: if the stream is lost between registration and answer, what
// is sent is of the new epoch.
func TestSnapshotLostMeanwhile(t *testing.T) {
	bubble(t, boards(Config{}), func(t *testing.T, s *site) {
		p := s.client("p")
		p.publish("board.1", score("x", 1))
		c := &conn{gateway: s.g}
		c.queue.writing = true // nobody writes
		sub := &subscription{conn: c, index: -1, exact: true, asks: true}
		sub.register(s.g.hub, "board.1")
		s.g.hub.lose()
		p.publish("board.1", score("y", 1))
		sub.goLive(&command{id: 1}, nil, false)
		var lines []string
		d := dialect.Events{}.Decoder()
		for i := range c.queue.items {
			frame := c.queue.items[i].appendTo(nil)
			size, length := frameSize(frame)
			d.Reset(frame[size : size+length])
			var m dialect.Message
			for d.Next(&m) {
				lines = append(lines, line(m))
			}
			if err := d.Err(); err != nil {
				t.Error(errors.Unwrap(err), err)
			}
		}
		if want := []string{"subscribed id=1 board.1 @0", "snapshot board.1 @0 last", "event board.1 @1 " + score("y", 1)}; !slices.Equal(lines, want) {
			t.Errorf("got %q, want %q", lines, want)
		}
		sub.stream.remove(sub)
	})
}
