package gateway

import (
	"fmt"
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
