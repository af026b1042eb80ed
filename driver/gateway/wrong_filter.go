package gateway

import "slices"

// What becomes of filters on purpose.

// blind is filter-false-negative: no filter lets the event through, neither live nor
// in a replay. Under the stream's lock.
func (w *wrong) blind(s *stream) bool {
	if w.filterFalseNegative == nil {
		return false
	}
	for _, sub := range s.subs {
		if sub.filter != nil || slices.ContainsFunc(sub.claims, func(p *pattern) bool { return p.filter != nil }) {
			return w.filterFalseNegative.fires()
		}
	}
	return false
}

// unfilteredNow reports whether an event goes to a subscription whose filter keeps it
// back: live to somebody who is there, or into the backlog of a session whose client
// is away. Under the stream's lock.
func (w *wrong) unfilteredNow(sub *subscription) bool {
	switch {
	case w.filterFalsePositive == nil && w.unfilteredQueue == nil:
		return false
	case sub.away():
		return w.unfilteredQueue.fires()
	}
	return w.filterFalsePositive.fires()
}

// away reports whether a session keeps the subscription while its client is away.
func (sub *subscription) away() bool {
	s := sub.session
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn == nil
}

// stale is stale-filter: a client that comes back to a channel with another filter
// gets the one that it had there first.
func (w *wrong) stale(c *conn, name string, f *filter) *filter {
	if w.staleFilter == nil || c.user == "" {
		return f
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.filters == nil {
		w.filters = make(map[cursor]*filter)
	}
	key := cursor{c.user, name}
	if old := w.filters[key]; old != nil && f != nil && old.text != f.text && w.staleFilter.fires() {
		return old
	}
	if w.filters[key] == nil {
		w.filters[key] = f
	}
	return f
}
