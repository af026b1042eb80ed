package gateway

import (
	"bytes"
	"slices"
	"time"
)

// The code of this file is wrong on purpose.

// leavesOld is duplicate-live-session: the older connection goes on to receive.
func (w *wrong) leavesOld(s *session, old *conn) bool {
	if !w.duplicateLiveSession.fires() {
		return false
	}
	old.obeying.Lock()
	old.displaced = true
	old.obeying.Unlock()
	s.mu.Lock()
	if s.kept {
		s.also = old
	}
	s.conn, s.since = nil, time.Now()
	s.mu.Unlock()
	return true
}

// recoversOnlyOnce refuses a session that was resumed before.
func (w *wrong) recoversOnlyOnce(s *session) bool {
	return s.times > 0 && w.recoversOnce.fires()
}

// partial is resubscribe-partial: of several subscriptions only the first half
// goes on.
func (w *wrong) partial(s *session, received uint64) {
	if len(s.subs) < 2 || !w.resubscribePartial.fires() {
		return
	}
	var names []string
	for name := range s.subs {
		names = append(names, name)
	}
	slices.Sort(names)
	lost := make(map[*subscription]bool)
	for _, name := range names[(len(names)+1)/2:] {
		sub := s.subs[name]
		sub.stream.remove(sub)
		lost[sub] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from := len(s.past) - int(s.sent-received)
	kept := s.past[:from]
	for _, it := range s.past[from:] {
		if lost[it.sub] {
			s.sent--
			continue
		}
		kept = append(kept, it)
	}
	s.past = kept
}

// flushFrom is double-flush: what is sent to a returning client begins with the
// last two messages that it has. Under the session's lock.
func (w *wrong) flushFrom(s *session, from int) int {
	if from == len(s.past) || from < 2 || !w.doubleFlush.fires() {
		return from
	}
	again := slices.Clone(s.past[from-2 : from])
	for i := range again {
		s.taken++
		again[i].number = s.taken
	}
	s.past = slices.Insert(s.past, from, again...)
	s.sent += 2
	return from
}

// visitor is what send-buffer-inversion knows of a user.
type visitor struct {
	conn  uint64   // the latest connection that published
	first *command // its first publication, which waits for the next one
}

// holdsFirst is send-buffer-inversion: it reports whether a publication has been
// dealt with, which is so for the first of a user that is back, and for the next.
// If none comes the first is not kept for ever.
func (w *wrong) holdsFirst(c *conn, m *command) bool {
	if w.sendBufferInversion == nil || c.user == "" {
		return false
	}
	first, kept := w.meet(c, m)
	switch {
	case kept:
		time.AfterFunc(patience, func() {
			c.obeying.Lock()
			defer c.obeying.Unlock()
			if w.release(c, first) {
				c.publishNow(first)
			}
		})
	case first != nil:
		c.publishNow(m)
		c.publishNow(first)
	default:
		return false
	}
	return true
}

// meet returns the publication that m overtakes, or the copy of m that is kept.
func (w *wrong) meet(c *conn, m *command) (first *command, kept bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.visits[c.user]
	switch {
	case v == nil:
		if w.visits == nil {
			w.visits = make(map[string]*visitor)
		}
		w.visits[c.user] = &visitor{conn: c.number}
	case v.conn != c.number:
		*v = visitor{conn: c.number}
		if w.sendBufferInversion.fires() {
			v.first = &command{id: m.id, channel: bytes.Clone(m.channel), key: bytes.Clone(m.key), data: bytes.Clone(m.data)}
			return v.first, true
		}
	case v.first != nil && bytes.Equal(v.first.channel, m.channel):
		first, v.first = v.first, nil
		return first, false
	}
	return nil, false
}

// release takes a kept publication back.
func (w *wrong) release(c *conn, first *command) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.visits[c.user]
	if v.first != first {
		return false
	}
	v.first = nil
	return true
}
