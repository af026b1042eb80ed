package gateway

import (
	"slices"
	"testing"
	"time"
)

// TestRevoke: once the call has returned, nothing that is published later comes to
// the user, on any node; the connections end, and the user is not let in again, also
// by a node that was down meanwhile. Others notice nothing.
func TestRevoke(t *testing.T) {
	settle(t, 2, Config{HeartbeatEvery: -1}, func(s *town) {
		var banned []*client
		for node := range 2 {
			c := s.dial(node, "ann")
			c.subscribe("c")
			banned = append(banned, c)
		}
		other, p := s.dial(0, "bob"), s.dial(1, "p")
		other.subscribe("c")
		p.publish("c", "1")
		s.c.Revoke("ann")
		p.publish("c", "2")
		for node, c := range banned {
			if got, want := c.drainFor(time.Second), []string{"event c @1 1", `closed with 4005 "the rights were taken away"`}; !slices.Equal(got, want) {
				t.Errorf("node %d: got %q", node, got)
			}
		}
		if got, want := other.drainFor(time.Second), []string{"event c @1 1", "event c @2 2"}; !slices.Equal(got, want) {
			t.Errorf("the other got %q", got)
		}
		<-s.do(Restart, 1, 100*time.Millisecond, 0)
		for node := range 2 {
			c := s.stranger(node)
			c.text(`{"id":1,"type":"connect","user":"ann"}`)
			if got, want := c.drainFor(time.Second), []string{"error id=1 401", `closed with 4002 "unauthorized"`}; !slices.Equal(got, want) {
				t.Errorf("node %d lets in: %q", node, got)
			}
		}
	})
}

// TestRevocationDefects: every second connection is served on; or all are let in again.
func TestRevocationDefects(t *testing.T) {
	settle(t, 1, Config{HeartbeatEvery: -1, Defects: []Defect{{Name: "revocation-ignored"}}}, func(s *town) {
		var all []*client
		for _, user := range []string{"a", "b", "c", "d"} {
			c := s.dial(0, user)
			c.subscribe("c")
			all = append(all, c)
		}
		for _, user := range []string{"a", "b", "c", "d"} {
			s.c.Revoke(user)
		}
		s.dial(0, "p").publish("c", "1")
		served := 0
		for _, c := range all {
			if slices.Contains(c.drainFor(time.Second), "event c @1 1") {
				served++
			}
		}
		if served != 2 {
			t.Errorf("%d of 4 are served on, want 2", served)
		}
	})
	settle(t, 1, Config{HeartbeatEvery: -1, Defects: []Defect{{Name: "revoked-readmitted"}}}, func(s *town) {
		c := s.dial(0, "a")
		c.subscribe("c")
		s.c.Revoke("a")
		if got := c.drainFor(time.Second); len(got) != 1 {
			t.Errorf("got %q, want the end alone", got)
		}
		s.dial(0, "a").subscribe("c")
	})
}

// TestRevokeWhileANodeLeaves: who is still served by a node that takes leave is served
// no longer.
func TestRevokeWhileANodeLeaves(t *testing.T) {
	settle(t, 2, Config{HeartbeatEvery: -1}, func(s *town) {
		c, p := s.dial(0, "ann"), s.dial(1, "p")
		c.subscribe("c")
		over := s.do(Maintenance, 0, time.Second, 0)
		p.publish("c", "1")
		s.c.Revoke("ann")
		p.publish("c", "2")
		got := c.drainFor(time.Second)
		if n := len(got); n < 2 || got[n-1] != `closed with 4005 "the rights were taken away"` || got[n-2] != "event c @1 1" {
			t.Errorf("got %q", got)
		}
		<-over
	})
}
