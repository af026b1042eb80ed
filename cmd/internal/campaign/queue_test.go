package campaign

import (
	"testing"

	"squall/assert"
	"squall/report"
)

// TestSessionsAreExercised: on the correct gateway, what these scenarios are
// about happens often enough for a pass to mean something.
func TestSessionsAreExercised(t *testing.T) {
	for _, row := range []struct {
		file, rule, count string
		least             int64
		set               []string
	}{
		{"offline-queue.yaml", "queue", "resumed that had missed something", 100, nil},
		{"offline-queue.yaml", "queue", "kept messages delivered", 1000, nil},
		{"takeover.yaml", "delivery", "replaced connections that were read on", 100, nil},
		{"outbox.yaml", "delivery", "publications sent again", 100, []string{"clients.readers.count=20"}},
		{"outbox.yaml", "order", "publications from an outbox", 100, []string{"clients.readers.count=20"}},
	} {
		t.Run(row.file+"/"+row.count, func(t *testing.T) {
			t.Parallel()
			r := bubble(t, plan(t, row.file, 1, row.set...))
			if got := counted(r, row.rule, row.count); r.State != assert.Pass || got < row.least {
				t.Errorf("%s with %d %s, want at least %d:\n%s", r.State, got, row.count, row.least, tell(r))
			}
		})
	}
}

func counted(r *report.Result, rule, name string) int64 {
	for _, v := range r.Verdicts {
		for _, c := range v.Counts {
			if v.Rule == rule && c.Name == name {
				return c.N
			}
		}
	}
	return 0
}

// TestQueueWithoutOffsets: sessions on a gateway that keeps no history, so that
// nothing but sequence numbers can be judged.
func TestQueueWithoutOffsets(t *testing.T) {
	set := []string{"clients.phones.count=24", "target.gateway.history=none"}
	if r := bubble(t, plan(t, "offline-queue.yaml", 1, set...)); r.State != assert.Pass {
		t.Errorf("a correct gateway did not pass:\n%s", tell(r))
	}
	for _, d := range []string{"offline-queue-drop", "double-flush", "recovers-only-once", "resubscribe-partial"} {
		r := bubble(t, plan(t, "offline-queue.yaml", 1, append(set, "target.gateway.defects=["+d+"]")...))
		if err := FoundByName(r, d); err != nil {
			t.Errorf("%v:\n%s", err, tell(r))
		}
	}
}

// TestSmallQueuesAreNoFault: where more is missed than the queue holds, or for
// longer, the gateway refuses truthfully, and nobody calls that wrong.
func TestSmallQueuesAreNoFault(t *testing.T) {
	for _, q := range []string{"{size: 12, ttl: 60s}", "{size: 30, ttl: 60s}", "{size: 2000, ttl: 1500ms}"} {
		r := bubble(t, plan(t, "offline-queue.yaml", 1, "clients.phones.count=48", "target.gateway.queue="+q))
		for _, v := range r.Verdicts {
			if v.State == assert.Fail {
				t.Errorf("queue %s: a correct gateway failed:\n%s", q, tell(r))
			}
		}
	}
}
