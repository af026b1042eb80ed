package gateway

import (
	"fmt"
	"testing"
	"time"

	"squall/driver/dialect"
)

// TestIsolationDefects: who gets what is not theirs, or no longer what is.
func TestIsolationDefects(t *testing.T) {
	run := func(name string, every int, f func(t *testing.T, s *site)) {
		t.Run(name, func(t *testing.T) { bubble(t, Config{Defects: []Defect{{Name: name, Every: every}}}, f) })
	}
	flood := func(s *site, channel string, n int) {
		p := s.client("p")
		for i := range n {
			p.publish(channel, fmt.Sprint(i))
		}
		p.nc.Close()
	}
	count := func(c *client) int { return len(c.drainFor(time.Second)) }
	run("membership-lost-silent", 5, func(t *testing.T, s *site) {
		var all []*client
		for i := range 5 {
			c := s.client(fmt.Sprint(i))
			c.to(dialect.Subscribe, "room")
			all = append(all, c)
		}
		flood(s, "room", 30)
		short := 0
		for _, c := range all {
			if count(c) < 30 {
				short++
			}
			c.nc.Close()
		}
		if short != 2 {
			t.Errorf("%d of 5 were forgotten, want 2, so that 3 remain", short)
		}
	})
	run("cross-channel-leak", 5, func(t *testing.T, s *site) {
		a, b := s.client("a"), s.client("b")
		a.to(dialect.Subscribe, "room")
		flood(s, "room", 20)
		if n, m := count(a), count(b); n != 20 || m == 0 {
			t.Errorf("the subscriber got %d, the other %d, want 20 and some", n, m)
		}
	})
	run("cross-tenant-leak", 5, func(t *testing.T, s *site) {
		a, b := s.client("a"), s.client("b")
		a.to(dialect.Subscribe, "user.a")
		a.to(dialect.Subscribe, "room")
		flood(s, "room", 20)
		if n := count(b); n > 0 {
			t.Errorf("got %d of a channel that is nobody's, want none", n)
		}
		flood(s, "user.a", 20)
		if n := count(b); n == 0 {
			t.Error("got nothing of another user's channel, want some")
		}
	})
	run("wildcard-overmatch", 1, func(t *testing.T, s *site) {
		c := s.client("c")
		c.to(dialect.Subscribe, "a.*")
		flood(s, "a.b.c", 3)
		flood(s, "b.a", 3)
		if n := count(c); n != 3 {
			t.Errorf("got %d, want the 3 of a.b.c", n)
		}
	})
	run("post-unsubscribe-delivery", 2, func(t *testing.T, s *site) {
		c := s.client("c")
		for _, topic := range []string{"a", "b", "a.*"} {
			c.to(dialect.Subscribe, topic)
			c.to(dialect.Unsubscribe, topic)
		}
		for _, topic := range []string{"a", "b", "a.x"} {
			flood(s, topic, 3)
		}
		if n := count(c); n != 3 {
			t.Errorf("got %d, want the 3 of b", n)
		}
		c.to(dialect.Subscribe, "b")
		flood(s, "b", 3)
		if n := count(c); n != 3 {
			t.Errorf("got %d after subscribing again, want each once", n)
		}
	})
	run("command-inversion", 1, func(t *testing.T, s *site) {
		c := s.client("c")
		c.to(dialect.Subscribe, "a")
		time.Sleep(time.Second)
		c.to(dialect.Unsubscribe, "a")
		c.to(dialect.Subscribe, "a")
		flood(s, "a", 3)
		if n := count(c); n != 0 {
			t.Errorf("got %d, want the unsubscribe to have the last word", n)
		}
		time.Sleep(time.Second)
		c.to(dialect.Unsubscribe, "a")
		time.Sleep(time.Second)
		c.to(dialect.Subscribe, "a")
		flood(s, "a", 3)
		if n := count(c); n != 3 {
			t.Errorf("got %d, want 3: the commands were a second apart", n)
		}
	})
	run("connection-id-reuse-leak", 1, func(t *testing.T, s *site) {
		a := s.client("a")
		a.to(dialect.Subscribe, "room")
		a.nc.Close()
		time.Sleep(time.Second)
		b := s.client("b")
		flood(s, "room", 3)
		if n := count(b); n != 3 {
			t.Errorf("got %d, want the 3 of the channel of the connection before", n)
		}
		b.to(dialect.Subscribe, "room")
		flood(s, "room", 3)
		if n := count(b); n != 3 {
			t.Errorf("got %d after subscribing itself, want each once", n)
		}
	})
}
