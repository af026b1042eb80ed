package campaign

import (
	"strings"
	"testing"

	"squall/assert"
)

const fallbackYAML = `squall: 1
name: aside
duration: 8s
clients:
  members: {count: 12, user: "m{i}", subscribe: [{channel: room.1, recover: true}], reconnect: {first: 50ms, max: 1s}, fallback: LIST}
  speakers: {count: 2, publish: [{channel: room.1, rate: 20/s}], fallback: LIST, reconnect: {first: 50ms, max: 1s}}
timeline:
  - TIMELINE
expect: [delivery: exactly-once, order: per-channel, recovery: complete, reconnect: {success: 100%}, errors: 0]
`

func aside(t *testing.T, list, timeline string) (text string, state assert.State, streams, polls int64) {
	t.Helper()
	yaml := strings.NewReplacer("LIST", list, "TIMELINE", timeline).Replace(fallbackYAML)
	r := bubble(t, compile(t, "aside.yaml", []byte(yaml), 3))
	return tell(r), r.State, r.Traffic.Streams, r.Traffic.Polls
}

// TestTransports: what clients fall back to is what their list says, and both ends are
// counted; a publisher goes the same way.
func TestTransports(t *testing.T) {
	for _, row := range []struct {
		list           string
		streams, polls bool
	}{{"sse", true, false}, {"long-poll", false, true}, {"[long-poll, sse]", false, true}} {
		text, state, streams, polls := aside(t, row.list, "{at: 1s, block: {share: 70%, for: 3s}}\n  - {at: 2s, disconnect: {who: members, away: 600ms}}")
		if state != assert.Pass || (streams > 0) != row.streams || (polls > 0) != row.polls {
			t.Errorf("%s: %d streams, %d polls:\n%s", row.list, streams, polls, text)
		}
	}
}

// TestFallbackNotExercised: a block that nobody had to go round proves nothing.
func TestFallbackNotExercised(t *testing.T) {
	text, state, _, _ := aside(t, "sse", "{at: 1s, disconnect: {who: members, away: 4s}}\n  - {at: 2s, block: {who: members, for: 1s}}")
	if state != assert.Inconclusive || !strings.Contains(text, "nobody connected in another way") {
		t.Errorf("%v:\n%s", state, text)
	}
}

// TestBlockWithoutFallback: who has no other transport is away as long as the block lasts,
// which is nobody's fault.
func TestBlockWithoutFallback(t *testing.T) {
	yaml := strings.NewReplacer(", fallback: LIST", "", "TIMELINE", "{at: 1s, block: {for: 6s}}", "recovery: complete", "{recovery: complete, within: 2s}", "{success: 100%}", "{success: 100%, p99: 1s}").Replace(fallbackYAML)
	r := bubble(t, compile(t, "aside.yaml", []byte(yaml), 3))
	if r.State != assert.Pass || r.Traffic.Streams+r.Traffic.Polls > 0 {
		t.Errorf("%v:\n%s", r.State, tell(r))
	}
}
