package driver

import "squall/assert/history"

// trouble counts an error, for people and for the limit of the plan.
func (s *shard) trouble(e *history.Event) {
	s.errors++
	if !e.Has(history.FlagExcused) {
		s.unexcused++
	}
}

// limit ends the arrivals and the active part when more goes wrong than the plan
// allows. What the drain meets comes too late to be spared.
func (f *fleet) limit(n *census) {
	if f.out.Stopped == "" && (f.phase == history.PhaseArrivals || f.phase == history.PhaseActive) {
		f.out.Stopped = f.plan.Stop.Why(n.unexcused, n.dials+n.published)
	}
}
