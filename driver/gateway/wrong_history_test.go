package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

// away lets a subscriber miss n events of a channel with a history of ten, and
// return. Its answer comes back, and what it has got in all.
func away(t *testing.T, d Defect, n int) (answer dialect.Message, r *receipt) {
	bubble(t, Config{HistorySize: 10, HeartbeatEvery: -1, Defects: []Defect{d}}, func(t *testing.T, s *site) {
		p := s.client("p")
		r = newReceipt(t, s, "reader")
		r.join()
		r.take(time.Second)
		for i := range 5 {
			p.publish("c", fmt.Sprint(1_000_000+i))
		}
		r.take(time.Second)
		r.c.nc.Close()
		time.Sleep(time.Second)
		for i := range n {
			p.publish("c", fmt.Sprint(2_000_000+i))
		}
		r.join()
		answer = r.c.want(dialect.Subscribed)
		r.message(answer)
		r.take(time.Second)
		r.c.nc.Close()
		p.nc.Close()
	})
	return answer, r
}

// TestHistoryDefects: each shows in what one client gets that returns.
func TestHistoryDefects(t *testing.T) {
	if a, r := away(t, Defect{Name: "ack-then-drop", Every: 1 << 40}, 20); a.Recovered || r.replayed > 0 {
		t.Errorf("a correct gateway: %+v, %d replayed", a, r.replayed)
	}
	if a, r := away(t, Defect{Name: "silent-history-truncation"}, 20); !a.Recovered || r.replayed != 10 || r.lost != 10 {
		t.Errorf("silent-history-truncation: %+v, %d replayed, %d lost", a, r.replayed, r.lost)
	}
	if a, r := away(t, Defect{Name: "expired-position-no-error"}, 20); !a.Recovered || a.Offset != 25 || r.replayed != 0 {
		t.Errorf("expired-position-no-error: %+v, %d replayed", a, r.replayed)
	}
	if a, r := away(t, Defect{Name: "expired-position-no-error"}, 3); !a.Recovered || r.replayed != 3 || r.lost > 0 {
		t.Errorf("expired-position-no-error, with all in the history: %+v, %d replayed, %d lost", a, r.replayed, r.lost)
	}
	if a, r := away(t, Defect{Name: "false-unrecovered", Every: 1}, 3); a.Recovered || r.replayed > 0 {
		t.Errorf("false-unrecovered: %+v, %d replayed", a, r.replayed)
	}
	if a, r := away(t, Defect{Name: "offset-regress", Every: 1}, 3); !a.Recovered || a.Offset != 3 || r.replayed != 3 || r.repeated > 0 {
		t.Errorf("offset-regress: %+v, %d replayed, %d repeated", a, r.replayed, r.repeated)
	}
	if a, r := away(t, Defect{Name: "double-replay", Every: 1}, 3); !a.Recovered || r.replayed != 5 || r.repeated != 2 {
		t.Errorf("double-replay: %+v, %d replayed, %d repeated", a, r.replayed, r.repeated)
	}
}

// TestPhantomDefect: one digit of one event differs for one of two subscribers.
func TestPhantomDefect(t *testing.T) {
	cfg := Config{HeartbeatEvery: -1, Defects: []Defect{{Name: "phantom-message", Every: 5}}}
	bubble(t, cfg, func(t *testing.T, s *site) {
		p, a, b := s.client("p"), newReceipt(t, s, "a"), newReceipt(t, s, "b")
		a.join()
		b.join()
		a.take(time.Second)
		b.take(time.Second)
		for i := range 9 {
			p.publish("c", fmt.Sprint(1_000_000+i))
		}
		a.take(time.Second)
		b.take(time.Second)
		differ := 0
		for i := range min(len(a.data), len(b.data)) {
			if a.data[i] != b.data[i] {
				differ++
			}
		}
		if len(a.data) != 9 || len(b.data) != 9 || differ != 1 {
			t.Errorf("%v and %v: %d differ", a.data, b.data, differ)
		}
		a.c.nc.Close()
		b.c.nc.Close()
		p.nc.Close()
	})
}

// TestLargeOvertaken: every other subscriber gets a large event behind a small one
// that followed it, and no event behind one of another publisher.
func TestLargeOvertaken(t *testing.T) {
	bubble(t, Config{HeartbeatEvery: -1, Defects: []Defect{{Name: "large-overtaken", Every: 1}}}, func(t *testing.T, s *site) {
		a, b, p, q := s.client("a"), s.client("b"), s.client("p"), s.client("q")
		a.to(dialect.Subscribe, "room")
		b.to(dialect.Subscribe, "room")
		big := fmt.Sprintf("%q", strings.Repeat("x", large))
		for _, row := range []struct {
			second      *client
			data        string
			first, then uint64 // what a gets
		}{{p, "1", 2, 1}, {q, "1", 3, 4}, {p, big, 5, 6}} {
			p.publish("room", big)
			row.second.publish("room", row.data)
			for _, c := range []*client{a, b} {
				first, then := row.first, row.then
				if c == b {
					first, then = min(first, then), max(first, then)
				}
				if x, y := c.want(dialect.Delivered).Offset, c.want(dialect.Delivered).Offset; x != first || y != then {
					t.Errorf("offsets %d and %d, want %d and %d", x, y, first, then)
				}
			}
		}
		p.publish("room", big) // and nothing behind it
		if x := a.want(dialect.Delivered).Offset; x != 7 {
			t.Errorf("the last one: offset %d", x)
		}
	})
}
