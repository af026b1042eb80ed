package campaign

import (
	"testing"

	"squall/assert"
)

const deadSocket = `squall: 1
name: dead-socket
duration: 10s
target: {gateway: {queue: {size: 2000, ttl: 60s}, history: {size: 5000, ttl: 2s}, limits: {backlog: 16KiB}, slow-consumers: drop-oldest}}
clients:
  readers: {count: 10, user: "reader-{i}", reconnect: {first: 20ms, max: 200ms}, subscribe: [{channel: "room.{i % 2}", share: 60%}]}
  writers: {count: 8, publish: [{channel: "room.{i % 2}", rate: 10/s, size: 2602B, payload: {type: t}}]}
timeline:
  - {at: 2s, disconnect: {who: readers, share: 50%, how: vanish, away: 6s}}
expect: [{queue: honest}]
`

// TestCutInADeadSocket: while a client is gone without a word, its backlog is cut,
// and nobody can see it. The session that it comes back to goes on all the same,
// with a gap where it was cut.
func TestCutInADeadSocket(t *testing.T) {
	for seed := range uint64(8) {
		p := compile(t, "dead-socket.yaml", []byte(deadSocket), seed)
		r, _ := chaosRun(t, p, 1+int(seed%3), nil)
		if r.State != assert.Pass || counted(r, "queue", "waived") == 0 || counted(r, "queue", "refused with a reason") > 0 {
			t.Errorf("seed %d:\n%s", seed, tell(r))
		}
	}
}
