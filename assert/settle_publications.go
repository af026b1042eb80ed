package assert

import (
	"time"

	"squall/assert/history"
)

// judgePublications looks at every message from its publisher's side: refused
// or invented ones that came, acknowledged ones that never did.
func (s *settlement) judgePublications() {
	s.cover()
	for _, c := range s.ordered() {
		s.phantoms(c)
		if s.j.shape(c.id) != nil {
			continue
		}
		for _, b := range c.outboxes {
			s.judgeOutbox(c, b)
		}
		s.judgeFence(c)
	}
}

// cover finds, for each channel, since when some subscriber provably received
// everything: one unbroken chain of answers up to the end, without a gap.
func (s *settlement) cover() {
	for _, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if !c.everAnswered || !c.positioned || c.overflow || c.sparse || c.chain < 0 || s.lacking(p, int32(at), c) {
				continue
			}
			ch := s.channels[c.channel]
			if ch.fence == 0 {
				// Nobody received the fence. One who had been receiving, and whose
				// connection answered a probe after the wait, was there all the same.
				if c.inLive == 0 || c.last < ch.top(c.epoch) || !s.quiet(&p.people[c.client], c, ch) {
					continue
				}
			} else if c.epoch != ch.fenceEpoch || c.last < ch.fence {
				continue
			}
			if ch.cover < 0 || c.chain < ch.cover {
				ch.cover = c.chain
			}
		}
	}
}

// passed reports whether some subscriber provably received everything of a
// channel from before a publication was sent until after it was acknowledged:
// one unbroken chain of answers without a gap, up to a message that was sent
// later still. That needs no fence, which may not be had when all publishers of
// a channel are gone for good, but a log that keeps the order of the publishers.
func (s *settlement) passed(c *channelEnd, m *publication) bool {
	if c.spans == nil {
		c.spans = []fromTo{}
		for i := range s.found {
			if f := &s.found[i]; (f.anomaly == FIFOViolation || f.anomaly == SendBufferInversion) && f.inLog && f.channel == c.id {
				return false
			}
		}
		for _, p := range s.parts {
			for at := range p.ledger.all {
				k := &p.ledger.all[at]
				if k.channel != c.id || !k.everAnswered || !k.positioned || k.overflow || k.sparse || k.chain < 0 || s.lacking(p, int32(at), k) {
					continue
				}
				n, ok := c.entry(k.epoch, k.last)
				if !ok || k.last <= k.origin {
					continue
				}
				if last := s.publication(c.id, n.ident()); last != nil {
					c.spans = append(c.spans, fromTo{k.chain, last.sent})
				}
			}
		}
	}
	for _, x := range c.spans {
		if x.from < m.sent && m.settled < x.to {
			return true
		}
	}
	return false
}

func (s *settlement) judgeOutbox(c *channelEnd, b *outbox) {
	if b.will {
		return
	}
	// Where nobody received the fence, a message is provably passed over only if a
	// later one of its publisher came.
	closed := b.highest()
	if c.fence == 0 {
		for closed > b.gone && !c.received(b, closed) {
			closed--
		}
	}
	for n := b.gone + 1; n <= b.highest(); n++ {
		m := b.get(n)
		if m == nil {
			continue
		}
		got := c.received(b, n)
		id := ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}
		switch {
		case got && m.result == history.Failed:
			s.add(incident{anomaly: PhantomMessage, client: -1, channel: c.id, from: n, to: n, n: 1, seen: m.settled, id: id, inLog: true})
		case m.result == history.OK:
			c.acked++
			if got {
				continue
			}
			late := c.fencedFrom > 0 && !c.behind(m)
			switch {
			case c.bare == 0 && (c.cover >= 0 && m.sent > c.cover && n <= closed && !late || s.passed(c, m)):
				s.add(incident{anomaly: AckThenDrop, client: -1, channel: c.id, from: n, to: n, n: 1, seen: m.settled, id: id, inLog: true})
			case late:
				c.unknown++ // it took effect too late to be looked for
			}
		case m.result == history.Unknown && !got:
			c.unknown++
		}
	}
}

// judgeFence reports a fence that was acknowledged and reached nobody, although
// somebody who had been receiving was there for it until after the wait.
func (s *settlement) judgeFence(c *channelEnd) {
	if c.heard || !c.fenced || c.bare > 0 {
		return
	}
	for _, p := range s.parts {
		for at := range p.ledger.all {
			k := &p.ledger.all[at]
			who := &p.people[k.client]
			if k.channel != c.id || !k.positioned || k.sieve != nil || k.answered > c.fenceSent || k.inLive == 0 || c.announced(k) || !s.quiet(who, k, c) {
				continue
			}
			for _, b := range c.outboxes {
				if b.fence.written && b.fence.known() && b.fence.sent > k.answered {
					id := ident{seq: b.highest(), publisher: b.publisher, incarnation: b.incarnation, fence: true}
					s.add(incident{anomaly: AckThenDrop, client: -1, channel: c.id, from: id.seq, to: id.seq, n: 1, seen: b.fence.settled, id: id, inLog: true,
						setting: setting{phase: "draining", witness: -1}})
					return
				}
			}
		}
	}
}

// phantoms reports messages whose stamp is valid and whose publisher never
// wrote them.
func (s *settlement) phantoms(c *channelEnd) {
	for _, g := range c.logs {
		for _, t := range g.streams.all {
			b := c.outbox(ident{publisher: t.publisher, incarnation: t.incarnation})
			var most, gone uint64
			if b != nil {
				most, gone = b.highest(), b.gone
			}
			if t.wild > most {
				s.phantom(c, t, t.wild)
			}
			for w := most / 64; w < uint64(len(t.bits)); w++ {
				if t.bits[w] == 0 {
					continue
				}
				for n := w*64 + 1; n <= w*64+64; n++ {
					if n > most && n > gone && t.has(n) {
						s.phantom(c, t, n)
					}
				}
			}
		}
	}
}

// mostPhantoms bounds what a target that invents messages can make us keep.
const mostPhantoms = 1024

func (s *settlement) phantom(c *channelEnd, t *stream, n uint64) {
	id := ident{seq: n, publisher: t.publisher, incarnation: t.incarnation}
	if s.phantomIDs[missIdent{c.id, id}] || len(s.phantomIDs) == mostPhantoms {
		return
	}
	s.phantomIDs[missIdent{c.id, id}] = true
	s.add(incident{anomaly: PhantomMessage, client: -1, channel: c.id, from: n, to: n, n: 1, id: id, inLog: true})
}

// judgeRefusals tells justified refusals from the others (soundness 8).
func (s *settlement) judgeRefusals() {
	for i, p := range s.parts {
		for _, r := range p.refusals {
			x := incident{client: r.client, channel: r.channel, epoch: r.epoch, life: r.life, from: r.from + 1, to: r.top, n: s.refused(i, &r), seen: r.sent.to, setting: r.setting}
			if r.emptied || r.doubtful {
				continue // the plan took it away, or may have, and the target said so
			}
			if s.unjustified(&r) {
				x.anomaly = FalseUnrecovered
			} else if x.n > 0 {
				x.anomaly = IncompleteRecovery
			} else {
				continue
			}
			s.found = append(s.found, found{x, i})
		}
	}
}

// refused counts the messages that a refusal cost, as far as the server's own
// numbers tell. What the cursor could not count itself is added to its waived.
func (s *settlement) refused(part int, r *refusal) int64 {
	switch {
	case r.hidden:
		if r.doubtful {
			s.ends[part][r.cursor].doubted++
		} else {
			s.ends[part][r.cursor].waived++
		}
		return 1
	case r.filter > 0:
		return s.refusedBehind(part, r)
	case r.epoch == r.answer:
		if r.top <= r.from {
			return 0
		}
		n := s.owed(s.channel(r.channel), r.epoch, r.from+1, r.top)
		if strange := int64(r.top-r.from) - n; strange > 0 { // the cursor has counted them
			switch e := &s.ends[part][r.cursor]; {
			case r.emptied:
				e.emptied -= strange
			case r.doubtful:
				e.doubted -= strange
			default:
				e.waived -= strange
			}
		}
		return n
	}
	n := int64(0)
	if top := s.channel(r.channel).top(r.epoch); top > r.from {
		n = int64(top - r.from)
	}
	// What the new epoch held before the answer was missed as well; how much of
	// it, only this run's publications tell.
	before := uint64(0)
	for _, b := range s.channel(r.channel).outboxes {
		before += b.after(r.sent.to) - 1
	}
	n += int64(min(r.top, before))
	if r.emptied {
		s.ends[part][r.cursor].emptied += n
	} else if r.doubtful {
		s.ends[part][r.cursor].doubted += n
	} else {
		s.ends[part][r.cursor].waived += n
	}
	if n > 0 {
		s.ends[part][r.cursor].missed++
	}
	return n
}

// refusedBehind is refused where a filter keeps some of it back: only what it lets
// through is missed.
func (s *settlement) refusedBehind(part int, r *refusal) (n int64) {
	ch := s.channel(r.channel)
	if r.epoch == r.answer {
		n = s.let(ch, r.epoch, r.from, r.top, r.filter)
	} else {
		n = s.let(ch, r.epoch, r.from, ^uint64(0)-1, r.filter) + s.let(ch, r.answer, 0, r.top, r.filter)
	}
	w := byNotice
	if r.emptied {
		w = byPlan
	} else if r.doubtful {
		w = byCommand
	}
	s.ends[part][r.cursor].forgive(w, n)
	if n > 0 {
		s.ends[part][r.cursor].missed++
		s.parts[part].ledger.all[r.cursor].keep().missed += n
	}
	return n
}

// unjustified reports whether size, age and epoch, each with its margin, all
// say that the server still had everything.
func (s *settlement) unjustified(r *refusal) bool {
	h := s.promises(r.channel).History
	if r.hidden || r.epoch != r.answer || h.Size == 0 || r.top < r.from {
		return false
	}
	flying := uint64(0)
	since := time.Duration(0) // the oldest missed message is not older than this
	ch := s.channel(r.channel)
	for _, b := range ch.outboxes {
		for n := b.gone + 1; n <= b.highest(); n++ {
			m := b.get(n)
			if m != nil && m.sent <= r.sent.to && (m.result == history.Unknown || m.settled >= r.sent.from) {
				flying++
			}
		}
	}
	missed := r.top - r.from + flying
	if s.j.strangers(r.channel) {
		missed *= 2 // how much of others was under way nobody knows
	}
	if missed >= uint64(h.Size) {
		return false
	}
	if n, ok := ch.entry(r.epoch, r.from); ok {
		if m := s.publication(r.channel, n.ident()); m != nil {
			since = m.sent
		}
	}
	return h.TTL == 0 || r.sent.to-since < h.TTL-time.Second
}
