package gateway

import (
	"testing"
	"time"

	"squall/driver/dialect"
)

// TestOverlapCopies: one copy for each subscription that matches, to those who have
// several, and to nobody else.
func TestOverlapCopies(t *testing.T) {
	bubble(t, Config{Defects: []Defect{{Name: "overlap-copies", Every: 1}}}, func(t *testing.T, s *site) {
		one, two, three := s.client("a"), s.client("b"), s.client("c")
		one.to(dialect.Subscribe, "a.b")
		two.to(dialect.Subscribe, "a.*")
		two.to(dialect.Subscribe, "a.b")
		three.to(dialect.Subscribe, "a.b")
		three.to(dialect.Subscribe, "**")
		three.to(dialect.Subscribe, "*.b")
		s.client("p").publish("a.b", "1")
		for n, c := range []*client{one, two, three} {
			if got := len(c.drainFor(time.Second)); got != n+1 {
				t.Errorf("with %d subscriptions: %d copies", n+1, got)
			}
		}
	})
}

// TestInventedMessage: an event that nobody published stands among the others, with
// an offset of its own.
func TestInventedMessage(t *testing.T) {
	bubble(t, Config{Defects: []Defect{{Name: "invented-message", Every: 2}}}, func(t *testing.T, s *site) {
		c, p := s.client("c"), s.client("p")
		c.to(dialect.Subscribe, "room")
		for range 4 {
			p.publish("room", "1")
		}
		if got, want := c.events(time.Second), `room/1=1 room/2=1 room/3={"type":"nobody.said"} room/4=1 room/5=1 room/6={"type":"nobody.said"}`; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
