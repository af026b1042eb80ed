package driver

import "squall/assert/history"

// passes tells which filters of the plan let a message through that is published
// on a channel. It is asked once a message, when it is written; what the target
// makes of the same filters is for the judge to compare.
func (s *shard) passes(ch history.ChannelID, payload []byte) uint64 {
	plan := s.fleet.plan
	if len(plan.Filters) == 0 {
		return 0
	}
	bits, known := s.filters[ch]
	if !known {
		bits = plan.FiltersOf(s.fleet.cfg.Names.Name(int32(ch)))
		if s.filters == nil {
			s.filters = make(map[history.ChannelID]uint64)
		}
		s.filters[ch] = bits
	}
	return plan.Passes(payload, bits)
}
