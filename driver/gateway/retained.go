package gateway

// A channel keeps the latest message whose publisher has asked for it, and gives it to
// whoever subscribes, by its name or by a pattern, right after the answer. It stands
// beside the stream: it has no offset, no session counts it, and neither the size nor
// the age of the history says how long it is kept.

// retain keeps an event if its publisher has asked for that. Under the stream's lock.
func (s *stream) retain(e event, asked bool, w *wrong) {
	if asked && s.kept != nil && w.retainedOutdated.fires() || !asked && !w.retainedAny.fires() {
		return
	}
	e.frame, e.wide, e.blind = nil, nil, false
	s.kept = &e
}

// give sends what a channel has kept, if there is anything that the filter lets
// through. Under the stream's lock.
func (c *conn) give(s *stream, e *event, f *filter) bool {
	if e == nil || !f.passes(e) || c.gateway.wrong.retainedDropped.fires() {
		return false
	}
	c.send(item{frame: sayKept(s.name, e.data)})
	return true
}

// stopsAt is retained-one-match: of the channels that a pattern matches one has been
// enough.
func (w *wrong) stopsAt(given int) bool { return given > 0 && w.retainedOneMatch.fires() }
