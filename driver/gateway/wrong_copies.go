package gateway

import "time"

// The code of this file is wrong on purpose.

// extra is how many copies of an event overlap-copies adds: one for each further
// subscription of the connection that lets it through. Under the stream's lock.
func (w *wrong) extra(sub *subscription, e *event) int {
	if w.overlapCopies == nil {
		return 0
	}
	n := 0
	if sub.exact && sub.filter.passes(e) {
		n++
	}
	for _, p := range sub.claims {
		if p.filter.passes(e) {
			n++
		}
	}
	if n < 2 || !w.overlapCopies.fires() {
		return 0
	}
	return n - 1
}

// invent is invented-message: an event that nobody published, with an offset of its
// own. Under the stream's lock.
func (w *wrong) invent(s *stream) {
	if !w.inventedMessage.fires() {
		return
	}
	e := event{at: time.Now()}
	if s.size > 0 {
		s.top.offset++
		e.offset = s.top.offset
	}
	data := []byte(`{"type":"nobody.said"}`)
	e.frame, e.data = sayEvent(s.name, e.offset, false, data)
	s.keep(e)
	if s.wide > 0 {
		e.wide = sayWideEvent(s.name, position{s.top.epoch, e.offset}, data)
	}
	for _, sub := range s.subs {
		sub.deliver(e)
	}
}
