package gateway

import (
	"maps"
	"time"
)

// What is said wrongly on purpose of who is there.

// tardy is how much later presence-late tells who comes and goes.
const tardy = 1500 * time.Millisecond

// overlooks decides whether somebody who has subscribed, and is not there yet, is not
// counted: of those who have been there before (presence-not-restored), or of the others
// (member-missing). Under the stream's lock.
func (w *wrong) overlooks(s *stream, sub *subscription) {
	user := sub.conn.user
	if w.memberMissing == nil && w.presenceNotRestored == nil || user == "" || s.there[user] > 0 {
		return
	}
	if s.known[user] {
		sub.overlooked = w.presenceNotRestored.fires()
	} else {
		sub.overlooked = w.memberMissing.fires()
	}
	if s.known == nil {
		s.known = make(map[string]bool)
	}
	s.known[user] = true
}

// timesTold is presence-repeated.
func (w *wrong) timesTold() int {
	if w.presenceRepeated.fires() {
		return 2
	}
	return 1
}

// beginsToWatch is presence-diff-race: who comes or goes next is not told. Under the
// stream's lock.
func (w *wrong) beginsToWatch(sub *subscription) {
	sub.missing = w.presenceDiffRace.fires()
}

// missesOne reports whether that is now. Under the stream's lock.
func (sub *subscription) missesOne() bool {
	missing := sub.missing
	sub.missing = false
	return missing
}

// countsIn is who is there; phantom-member takes those who have subscribed to a pattern
// for members. Under the stream's lock.
func (w *wrong) countsIn(s *stream) map[string]int {
	if w.phantomMember == nil {
		return s.there
	}
	there := maps.Clone(s.there)
	for _, sub := range s.subs {
		if !sub.exact && sub.conn.user != "" && w.phantomMember.fires() {
			there[sub.conn.user]++
		}
	}
	return there
}

// belated is what presence-late will say.
type belated struct {
	frame []byte
	to    []*subscription
	at    time.Time
}

// tellsLate is presence-late. Under the stream's lock.
func (w *wrong) tellsLate(s *stream, frame []byte) bool {
	if !w.presenceLate.fires() {
		return false
	}
	b := belated{frame: frame, at: time.Now()}
	for _, sub := range s.subs {
		if sub.watches {
			b.to = append(b.to, sub)
		}
	}
	s.belated = append(s.belated, b)
	time.AfterFunc(tardy, func() { // the oldest, whichever timer is the first
		s.mu.Lock()
		defer s.mu.Unlock()
		b := s.belated[0]
		s.belated = s.belated[1:]
		for _, sub := range b.to {
			if sub.watches && !sub.watching.After(b.at) {
				sub.conn.send(item{frame: b.frame})
			}
		}
	})
	return true
}
