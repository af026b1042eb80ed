package assert

// nameSaid gives the incidents their own names that are about how a publication
// was said: kept while its client was offline, or sent again. One that was sent
// again had an unknown outcome at first, may have come at any time, and breaks no
// order.
func (s *settlement) nameSaid() {
	kept := s.found[:0]
	for _, f := range s.found {
		if (f.inLog || f.epoch == withoutOffsets) && (f.anomaly == FIFOViolation || f.anomaly == DuplicateDelivery) {
			m := s.publication(f.channel, f.id)
			switch {
			case m == nil:
			case f.anomaly == FIFOViolation && m.retried:
				continue
			case f.anomaly == FIFOViolation && m.flushed:
				f.anomaly = SendBufferInversion
			case f.anomaly == DuplicateDelivery && m.retried:
				f.anomaly = RetryDoublePublish
			}
		}
		kept = append(kept, f)
	}
	s.found = kept
}
