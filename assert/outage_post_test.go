package assert

import (
	"testing"
	"time"

	"squall/assert/history"
)

// TestUnansweredRequests: a request over HTTP that fails is explained by an outage of
// the node that it went to, if it was under way then, and never if it was answered.
func TestUnansweredRequests(t *testing.T) {
	second := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	for _, row := range []struct {
		node       uint64
		sent, seen float64
		code       int32
		want       bool
	}{
		{1, 4, 4.5, 0, false},
		{1, 4, 5.5, 0, true},
		{1, 5.5, 5.6, 503, true},
		{1, 5.5, 5.6, 403, false},
		{0, 5.5, 5.6, 0, false},
		{1, 6.5, 6.6, 0, true}, // a moment after
		{1, 8, 8.1, 0, false},
	} {
		j := &Judge{people: make([]person, 1)}
		j.outages = outages{{verb: "kill", node: 1, from: second(5), to: second(6), over: true}, {verb: "exec x", node: -1, from: 0, command: true}}
		e := history.Event{Kind: history.Problem, Flags: history.FlagPosted, Offset: row.node, Sent: second(row.sent), Seen: second(row.seen), Code: row.code}
		if got := j.excuses(&e); got != row.want {
			t.Errorf("%+v: explained %v", row, got)
		}
	}
}
