package gateway

// large is the size from which large-overtaken takes its time.
const large = 1 << 10

// overtakes is large-overtaken: a large event waits, for every other subscriber,
// until the next one has gone by, if that is a small one of the same publisher.
// It reports whether it has dealt with the event. Under the stream's lock.
func (w *wrong) overtakes(s *stream, e event) bool {
	h := s.held
	s.held = nil
	switch {
	case h == nil && (len(e.data) < large || len(s.subs) == 0 || !w.largeOvertaken.fires()):
		return false
	case h == nil:
		h = &held{}
		for i := 0; i < len(s.subs); i += 2 {
			h.victims = append(h.victims, s.subs[i])
		}
		h.keep(s, e)
		return true
	}
	h.others(s, e)
	if h.event.from == e.from && len(e.data) < large {
		h.give(e)
		h.give(h.event)
	} else {
		h.give(h.event)
		h.give(e)
	}
	return true
}
