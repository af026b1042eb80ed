package driver

import (
	"strings"
	"time"

	"squall/assert/history"
)

// trouble counts an error, for people and for the limit of the plan. What the plan
// itself does explains some of them: those don't count for the limit, as they don't
// for the judge.
func (s *shard) trouble(c *client, e *history.Event) {
	s.errors++
	if !e.Has(history.FlagExcused) && !s.troubled(c, e) {
		s.unexcused++
	}
}

// operation is something that the plan does to the target, from before it begins
// until it is over.
type operation struct {
	note     string
	node     int32 // −1: all
	from, to time.Duration
	over     bool
}

// strikes notes that something begins or ends at the target.
func (s *shard) strikes(e *history.Event) {
	if e.Kind == history.FaultBegin {
		s.operations = append(s.operations, operation{note: e.Note, node: e.Code, from: e.Sent})
		return
	}
	for i := range s.operations {
		if o := &s.operations[i]; !o.over && o.note == e.Note && o.node == e.Code {
			o.over, o.to = true, e.Seen
			return
		}
	}
}

// troubled reports whether what the plan does to a client's node may be why its
// attempt failed, or an answer never came: the attempt began before the node was up
// again, and it failed after that went down.
func (s *shard) troubled(c *client, e *history.Event) bool {
	if e.Kind == history.Problem && !(e.Code == 0 && strings.HasPrefix(e.Note, "no answer to ")) {
		return false
	}
	for i := range s.operations {
		o := &s.operations[i]
		if (o.node < 0 || o.node == c.node) && e.Seen >= o.from && (!o.over || c.dialled < o.to) &&
			!strings.Contains(o.note, "forget-history") && !strings.Contains(o.note, "new-epoch") {
			return true
		}
	}
	return false
}

// limit ends the arrivals and the active part when more goes wrong than the plan
// allows. What the drain meets comes too late to be spared.
func (f *fleet) limit(n *census) {
	if f.out.Stopped == "" && (f.phase == history.PhaseArrivals || f.phase == history.PhaseActive) {
		f.out.Stopped = f.plan.Stop.Why(n.unexcused, n.dials+n.published)
	}
}
