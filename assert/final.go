package assert

import (
	"time"

	"squall/assert/history"
)

// final is the end of a channel, by the word of its publishers: the messages one of
// which must be the last. That is the last one that is known; and any other that may
// have reached the target after it: it had no answer yet when that one was sent, or
// never got one (soundness 15, 16).
type final struct {
	channel *channelEnd
	known   bool
	newest  ident         // of the messages that the target is known to have, the one that was sent last
	sent    time.Duration // when
	ordered bool          // each publisher's messages stay in order
	last    map[int64]lastKnown
}

// lastKnown is the highest number of a stream that the target is known to have, and
// the connection on which it was said.
type lastKnown struct {
	seq  uint64
	life int32
}

// final finds the end of a channel.
func (s *settlement) final(c *channelEnd) *final {
	if f := s.finals[c.id]; f != nil {
		return f
	}
	order := s.promises(c.id).Order
	f := &final{channel: c, ordered: order != "" && order != "none", last: make(map[int64]lastKnown)}
	for _, b := range c.outboxes {
		for n := b.gone + 1; n <= b.highest(); n++ {
			m := b.get(n)
			if m == nil || !m.known() && (m.result == history.Failed || !c.received(b, n)) {
				continue
			}
			id := ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}
			f.last[id.stream()] = lastKnown{n, m.life}
			if !f.known || m.sent > f.sent || m.sent == f.sent && id.sameStream(f.newest) { // a burst has one time
				f.known, f.newest, f.sent = true, id, m.sent
			}
		}
	}
	if s.finals == nil {
		s.finals = make(map[history.ChannelID]*final)
	}
	s.finals[c.id] = f
	return f
}

func (a ident) stream() int64 { return int64(streamKey(a.publisher, a.incarnation)) }

// admits reports whether a message may be the last one.
func (s *settlement) admits(f *final, id ident) bool {
	m := s.publication(f.channel.id, id)
	if m == nil || m.result == history.Failed {
		return false
	}
	if k := f.last[id.stream()]; f.ordered && k.seq > id.seq && k.life == m.life && !m.retried {
		return false
	}
	return !m.known() || m.retried || m.settled >= f.sent
}

// owedEnd reports whether a subscription is owed the end of its channel: it is there,
// and has been since before the last message that is known was sent, or has recovered
// all that was sent since.
func (s *settlement) owedEnd(part int, c *cursor, f *final) bool {
	since, held := s.heldSince(part, c)
	return f.known && held && f.sent > since
}

// heldSince is since when a subscription that is there has been there, or has recovered
// all that it missed; false if it isn't there at the end.
func (s *settlement) heldSince(part int, c *cursor) (since time.Duration, held bool) {
	p := s.parts[part]
	who := &p.people[c.client]
	if !who.stayed {
		return 0, false
	}
	since = c.answered
	switch {
	case c.state == live && c.life == who.life && c.positioned && c.chain >= 0:
		since = min(since, c.chain)
	case c.state == live && c.life == who.life && !c.patterned:
	default: // a pattern brings it, if anything does
		k := p.claims.holds(p, who, c.channel, who.life)
		if k == nil || k.state != live {
			return 0, false
		}
		since = k.answered()
	}
	return since, true
}
