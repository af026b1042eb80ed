package gateway

import (
	"slices"
	"time"
)

// The code of this file is wrong on purpose.

// leavesOld is duplicate-live-session: the older connection goes on.
func (w *wrong) leavesOld(s *session, old *conn) bool {
	if !w.duplicateLiveSession.fires() {
		return false
	}
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
	s.past = slices.Insert(s.past, from, again...)
	s.sent += 2
	return from
}
