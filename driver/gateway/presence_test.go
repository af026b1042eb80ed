package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

// watch subscribes to a channel and asks who is there.
func (c *client) watch(channel string) {
	c.t.Helper()
	c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: channel, Presence: true})
}

// tail lists what comes within a second, but for answers.
func (c *client) tail() (lines []string) {
	c.t.Helper()
	return slices.DeleteFunc(c.drainFor(time.Second), func(l string) bool { return strings.Contains(l, "id=") })
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPresence: who watches is told who is there, and then who comes with his first
// connection and goes with his last, in the order of the events.
func TestPresence(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1}, func(t *testing.T, s *site) {
		anna := s.client("anna")
		anna.subscribe("c")
		nobody := s.client("")
		nobody.subscribe("c")
		elsewhere := s.client("else")
		elsewhere.subscribe("d")
		w := s.client("watcher")
		w.watch("c")
		same(t, w.tail(), `presence c ["anna","watcher"]`)

		phone := s.client("anna")
		phone.subscribe("c")
		ben := s.client("ben")
		ben.subscribe("c")
		ben.publish("c", "1")
		anna.to(dialect.Unsubscribe, "c")
		same(t, w.tail(), "join c ben", "event c @1 1")

		phone.nc.Close()
		ben.publish("c", "2")
		ben.goodbye()
		lines := w.tail()
		if i, k := slices.Index(lines, "event c @2 2"), slices.Index(lines, "leave c ben"); i < 0 || k < i || len(lines) != 3 || !slices.Contains(lines, "leave c anna") {
			t.Errorf("got %q, want anna's leave, the event, and then ben's leave", lines)
		}

		second := s.client("second")
		second.watch("c")
		same(t, second.tail(), `presence c ["second","watcher"]`)
		same(t, w.tail(), "join c second")
		w.to(dialect.Unsubscribe, "c")
		same(t, second.tail(), "leave c watcher")
		same(t, w.tail())
		for _, c := range []*client{nobody, elsewhere, w, second, anna} {
			c.nc.Close()
		}
	})
}

// TestPresencePatterns: a pattern makes nobody a member, whenever it comes.
func TestPresencePatterns(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1}, func(t *testing.T, s *site) {
		first := s.client("first")
		first.to(dialect.Subscribe, "c.*")
		w := s.client("watcher")
		w.watch("c.1")
		same(t, w.tail(), `presence c.1 ["watcher"]`)
		p := s.client("wide")
		p.to(dialect.Subscribe, "c.*")
		same(t, w.tail())
		p.subscribe("c.1")
		same(t, w.tail(), "join c.1 wide")
		p.to(dialect.Unsubscribe, "c.1")
		same(t, w.tail(), "leave c.1 wide")
		p.nc.Close()
		same(t, w.tail())

		bad := s.client("bad")
		bad.text(`{"id":9,"type":"subscribe","pattern":"c.*","presence":true}`)
		if m := bad.want(dialect.Error); m.Code != 400 {
			t.Errorf("a pattern with presence was answered %d", m.Code)
		}
		bad.nc.Close()
		first.nc.Close()
		w.nc.Close()
	})
}

// TestPresenceOfSessions: whose session is kept stays while he is away, and goes when
// it is forgotten; his watch ends with his connection.
func TestPresenceOfSessions(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, QueueSize: 10, QueueTTL: 5 * time.Second}, func(t *testing.T, s *site) {
		w := s.client("watcher")
		w.watch("c")
		same(t, w.tail(), `presence c ["watcher"]`)
		connect := dialect.Command{Verb: dialect.Connect, User: "kept", Session: "s", Keep: true}
		k := s.raw()
		k.command(&connect)
		k.want(dialect.Connected)
		k.watch("c")
		same(t, k.tail(), `presence c ["kept","watcher"]`)
		same(t, w.tail(), "join c kept")
		k.nc.Close()
		same(t, w.tail())
		k = s.raw()
		k.command(&connect)
		if m := k.want(dialect.Connected); !m.Resumed {
			t.Fatal("the session was not resumed")
		}
		other := s.client("other")
		other.subscribe("c")
		same(t, w.tail(), "join c other")
		same(t, k.tail())
		k.nc.Close()
		time.Sleep(3 * time.Minute)
		same(t, w.tail(), "leave c kept")
		other.nc.Close()
		w.nc.Close()
	})
}

// TestWho: who watches may ask again, and is answered in the order of what he is told;
// others are refused.
func TestWho(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1}, func(t *testing.T, s *site) {
		w, ben, out := s.client("watcher"), s.client("ben"), s.client("out")
		w.watch("c")
		same(t, w.tail(), `presence c ["watcher"]`)
		ben.subscribe("c")
		same(t, w.tail(), "join c ben")
		w.command(&dialect.Command{Verb: dialect.Who, Channel: "c"})
		same(t, w.drainFor(time.Second), `presence id=3 c ["ben","watcher"]`)
		for _, c := range []*client{ben, out} {
			c.command(&dialect.Command{Verb: dialect.Who, Channel: "c"})
			if m := c.want(dialect.Error); m.Code != 404 {
				t.Errorf("who does not watch was answered %d", m.Code)
			}
		}
		ben.nc.Close()
		w.command(&dialect.Command{Verb: dialect.Who, Channel: "c"})
		for _, c := range []*client{w, out} {
			c.nc.Close()
		}
	})
}

// TestPresenceDefects: what each of them makes of one story, and it is right without.
func TestPresenceDefects(t *testing.T) {
	for _, row := range []struct {
		defect string
		every  int
		want   []string
	}{
		{"", 1, []string{`presence c ["watcher"]`, "join c ben", "leave c ben", "join c ben", "presence c [\"ben\",\"watcher\"]"}},
		{"ghost-presence", 2, []string{`presence c ["watcher"]`, "join c ben", "presence c [\"ben\",\"watcher\"]"}},
		{"presence-flap", 1, []string{`presence c ["watcher"]`, "join c ben", "leave c ben", "join c ben", "leave c ben", "join c ben", "presence c [\"ben\",\"watcher\"]"}},
		{"presence-diff-race", 1, []string{`presence c ["watcher"]`, "leave c ben", "join c ben", "presence c [\"ben\",\"watcher\"]"}},
		{"presence-not-restored", 1, []string{`presence c ["watcher"]`, "join c ben", "leave c ben", "presence c [\"watcher\"]"}},
		{"member-missing", 2, []string{`presence c ["watcher"]`, "join c ben", "leave c ben", "join c ben", "presence c [\"ben\",\"watcher\"]"}},
		{"member-missing", 1, []string{`presence c []`, "join c ben", "leave c ben", "join c ben", "presence c [\"ben\"]"}},
		{"phantom-member", 1, []string{`presence c ["watcher","wide"]`, "join c ben", "leave c ben", "join c ben", "presence c [\"ben\",\"watcher\",\"wide\"]"}},
		{"presence-repeated", 1, []string{`presence c ["watcher"]`, "join c ben", "join c ben", "leave c ben", "leave c ben", "join c ben", "join c ben", "presence c [\"ben\",\"watcher\"]"}},
	} {
		config := Config{HeartbeatEvery: -1}
		if row.defect != "" {
			config.Defects = []Defect{{Name: row.defect, Every: row.every}}
		}
		t.Run(row.defect, func(t *testing.T) {
			bubble(t, config, func(t *testing.T, s *site) {
				wide, w := s.client("wide"), s.client("watcher")
				wide.to(dialect.Subscribe, "*")
				w.watch("c")
				got := w.tail()
				phone, laptop := s.client("ben"), s.client("ben")
				for _, c := range []*client{phone, laptop} {
					c.subscribe("c")
					got = append(got, w.tail()...)
				}
				phone.nc.Close()
				got = append(got, w.tail()...)
				laptop.nc.Close()
				got = append(got, w.tail()...)
				phone = s.client("ben")
				phone.subscribe("c")
				w.command(&dialect.Command{Verb: dialect.Who, Channel: "c"})
				for _, l := range w.drainFor(time.Second) {
					got = append(got, strings.Replace(l, "id=3 ", "", 1))
				}
				same(t, got, row.want...)
				for _, c := range []*client{wide, w, phone} {
					c.nc.Close()
				}
			})
		})
	}
}

// TestPresenceLate: who comes and goes is said late, in its order, and to nobody who has
// begun to watch meanwhile.
func TestPresenceLate(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Defects: []Defect{{Name: "presence-late"}}}, func(t *testing.T, s *site) {
		w := s.client("watcher")
		w.watch("c")
		same(t, w.tail(), `presence c ["watcher"]`)
		ben := s.client("ben")
		ben.subscribe("c")
		ben.to(dialect.Unsubscribe, "c")
		other := s.client("other")
		other.watch("c")
		same(t, w.tail())
		same(t, w.tail(), "join c ben", "leave c ben", "join c other")
		same(t, other.tail(), `presence c ["other","watcher"]`)
		for _, c := range []*client{w, ben, other} {
			c.nc.Close()
		}
	})
}
