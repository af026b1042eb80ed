package campaign

import (
	"strings"
	"testing"
	"time"

	"squall/assert"
)

const crowded = `squall: 1
name: crowded
duration: 4s
drain: {timeout: 2s, ack-timeout: 1s}
target: {gateway: {history: HISTORY, limits: {deliveries: 100/s}}}
clients:
  readers: {count: 20, subscribe: [{channel: "room.{i % 2}"}]}
  writers: {count: 10, publish: [{channel: "room.{i % 2}", rate: 20/s, payload: {type: t}}]}
expect: [{delivery: exactly-once}, {order: per-channel}]
`

// TestDrainEndsInTime: a target that needs a minute and more for what it was given
// is not waited for longer than the drain may take. What nobody could see by then
// is no loss.
func TestDrainEndsInTime(t *testing.T) {
	for _, history := range []string{"{size: 5000, ttl: 60s}", "none"} {
		t.Run(history, func(t *testing.T) {
			p := compile(t, "crowded.yaml", []byte(strings.Replace(crowded, "HISTORY", history, 1)), 1)
			r, _ := chaosRun(t, p, 2, nil)
			if took := r.Took - r.Active; took < p.Drain.Most() || took > longestDrain(p.Drain.Most()) {
				t.Errorf("the drain took %v, want %v and what it takes to ask and to close", took, p.Drain.Most())
			}
			owed := 10 * r.Traffic.Published
			if v := r.Verdicts[0]; v.State != assert.Inconclusive || !strings.Contains(v.Reason, "drain.timeout") || r.Traffic.Delivered > owed/4 {
				t.Errorf("%d of %d delivered, want few, and:\n%s", r.Traffic.Delivered, owed, tell(r))
			}
			if r.State != assert.Inconclusive {
				t.Errorf("the run is %s", r.State)
			}
		})
	}
}

// longestDrain is how long a drain may take with asking everybody whether
// something is under way, and with closing.
func longestDrain(most time.Duration) time.Duration { return most + 7*time.Second }
