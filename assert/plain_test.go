package assert

import (
	"testing"

	"pgregory.net/rapid"
)

// Without offsets: a correct server raises no alarm.
func TestPlainCorrectServersRaiseNoAlarm(t *testing.T) {
	judged := int64(0)
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		// As long and as crowded as the histories of the defects below, or too
		// little is delivered for silence to mean anything.
		s.plain, s.gapNotices, s.restarts = true, false, false
		s.clients, s.steps = 6, 300
		w := newWorld(rapid.Uint64().Draw(t, "seed"), s)
		events := w.run(s.steps)
		_, vs := judgeEvents(w.brief(), w.names, events, rapid.IntRange(1, 3).Draw(t, "shards"))
		for _, v := range vs {
			if v.State == Fail {
				t.Fatalf("%s fails: %s\n%s", v.Rule, v.Reason, dump(v))
			}
		}
		judged += vs[0].Counts[0].N
	})
	t.Logf("%d deliveries judged", judged)
	if judged < 100 {
		t.Errorf("only %d deliveries were judged", judged)
	}
}

func TestPlainDefectsFailByTheirNames(t *testing.T) {
	for _, d := range []struct{ defect, name, also string }{
		{"confirmed-not-subscribed", "confirmed-not-subscribed", ""},
		{"ack-then-drop", "ack-then-drop", ""},
		{"slow-consumer-silent-drop", "slow-consumer-silent-drop", ""},
		{"lost-message", "lost-message", "ack-then-drop"},
		{"duplicate-delivery", "duplicate-delivery", ""},
		{"phantom-message", "phantom-message", "ack-then-drop"},
		{"fifo-violation", "fifo-violation", "order-divergence"}, // of two whose outcome nobody knows, swapped for some
		{"order-divergence", "order-divergence", ""},
	} {
		t.Run(d.defect, func(t *testing.T) {
			failsByName(t, d.name, d.also, func(s *shape) {
				s.plain, s.gapNotices, s.restarts, s.steps, s.defect = true, false, false, 300, d.defect
				if s.clients = 6; d.defect == "order-divergence" {
					s.channels = 1
				}
			})
		})
	}
}
