package assert

// nameSaid gives the incidents their own names that are about how a publication
// was said: kept while its client was offline, or sent again. One that had an
// unknown outcome, if only at first, may have come at any time, and breaks no order
// of its publisher's; that all see it at the same place is judged all the same.
func (s *settlement) nameSaid() {
	kept := s.found[:0]
	for _, f := range s.found {
		if (f.inLog || f.epoch == withoutOffsets) && (f.anomaly == FIFOViolation || f.anomaly == DuplicateDelivery) {
			m := s.publication(f.channel, f.id)
			switch {
			case m == nil:
			case f.anomaly == FIFOViolation && m.uncertain():
				continue
			case f.anomaly == FIFOViolation && m.flushed:
				f.anomaly = SendBufferInversion
			case f.anomaly == DuplicateDelivery && m.retried && s.j.forgot(m.sent, f.seen):
				continue // the plan took the keys away with the histories
			case f.anomaly == DuplicateDelivery && m.retried:
				f.anomaly = RetryDoublePublish
			}
		}
		if f.anomaly == OrderDivergence && f.epoch == withoutOffsets && f.id.sameStream(f.other) && !s.loose(&f) {
			continue // the order of its publisher says so already
		}
		kept = append(kept, f)
	}
	s.found = kept
}

// loose reports whether the earlier one of two messages of one publisher had an
// unknown outcome, so that only the channel has an order of the two.
func (s *settlement) loose(f *found) bool {
	id := f.id
	if f.other.seq < id.seq {
		id = f.other
	}
	m := s.publication(f.channel, id)
	return m != nil && m.uncertain()
}
