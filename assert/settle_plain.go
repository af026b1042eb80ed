package assert

import (
	"time"

	"squall/assert/history"
)

// judgePlain decides what subscriptions without offsets were owed, window by
// window and publisher by publisher.
func (s *settlement) judgePlain() {
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if c.windows < 0 {
				continue
			}
			list := p.plain.windows[c.windows]
			s.plainLeaks(i, int32(at), c, list)
			if s.j.shape(c.channel) != nil {
				continue
			}
			for w := range list {
				for _, b := range s.channels[c.channel].outboxes {
					if b.will {
						continue
					}
					s.judgeWindow(i, int32(at), c, int32(w), &list[w], b, w == len(list)-1)
				}
			}
		}
	}
}

// judgeWindow counts what one window missed of one publisher, among the messages
// sent after the answer was seen. A window that ended before the run did owes
// only what a later message of the same publisher proves: the rest may have been
// on its way, even when it was acknowledged.
func (s *settlement) judgeWindow(part int, at int32, c *cursor, number int32, w *window, b *outbox, last bool) {
	j := s.parts[part]
	who := &j.people[c.client]
	ch := s.channels[c.channel]
	f := j.plain.find(at, b.publisher, b.incarnation)
	reached := uint64(0)
	if f != nil {
		if f.overflow {
			s.ends[part][at].unseen++
			return
		}
		for _, r := range f.reach {
			if r.window == number {
				reached = r.high
			}
		}
	}
	slowed := w.slowed
	if slowed == 0 && who.slowLife == w.life && w.life != 0 {
		slowed = who.slowAt
	}
	ordered := s.promises(c.channel).Order != "none" && s.promises(c.channel).Order != ""
	open := w.close == 0
	fencedOff := open && f != nil && f.fenced == number+1
	probed := open && who.probeIn == w.life && who.probe > ch.fenceAt && ch.fenced && c.lastSeen+stillArriving <= who.probe
	closed := fencedOff || probed && (s.promises(c.channel).Order == "per-channel" || !s.fencedHere(part, at, c))
	if !ordered { // a fence may overtake what it should close: only who got nothing at all until the probe has missed it
		closed = probed && c.inLive == 0 && c.inReplay == 0
	}
	l := loss{part: part, cursor: at, epoch: withoutOffsets, life: w.life, seen: who.probed,
		setting: setting{phase: "live", fault: who.fault, witness: -1}}
	for n := b.after(max(w.open, w.waivedBefore)); n <= b.highest(); n++ {
		m := b.get(n)
		if m == nil || m.result == history.Failed || m.result == history.Unknown && !ch.received(b, n) {
			continue
		}
		if f != nil && f.holds(n) {
			continue
		}
		if !open && m.sent > w.close {
			break
		}
		if !passes(b.maskOf(ident{seq: n}), w.filter) {
			s.ends[part][at].withheld++
			continue
		}
		got := ch.received(b, n)
		// What was said on an earlier connection and never acknowledged may still
		// be on its way when the fence of a later one is here.
		behind := m.known() && (fencedOff || ch.behind(m)) || b.fence.written && b.fence.life == m.life
		provable := closed && behind || ordered && n < reached && !m.uncertain()
		switch {
		case c.bare > 0, !provable && open:
			s.ends[part][at].unseen++
			continue
		case !provable && w.clean:
			continue // overlaps the unsubscribe: nobody can say
		case !provable && w.loose:
			s.ends[part][at].adrift++
			continue
		case !provable:
			s.ends[part][at].waived++ // in flight when the connection died
			continue
		}
		l.anomaly = LostMessage
		queued, until := s.queuedPlain(part, c, f, w, number, n, m)
		if queued == NoAnomaly {
			s.ends[part][at].waived++
			continue
		}
		switch {
		case queued != LostMessage:
			l.anomaly = queued
		case last && open && c.inLive == 0 && c.inReplay == 0:
			l.anomaly = ConfirmedNotSubscribed
			if w.hasty {
				l.anomaly = CommandInversion
			}
		case slowed > 0 && m.sent > slowed-time.Second && (got || !ch.listened(m)):
			l.anomaly = SlowConsumerSilentDrop
		case !got && ch.bare == 0:
			l.anomaly = AckThenDrop
		}
		s.ends[part][at].lost++
		s.found = append(s.found, found{incident{anomaly: l.anomaly, client: c.client, channel: c.channel, epoch: withoutOffsets, life: w.life,
			from: n, to: n, n: 1, seen: max(m.settled, m.sent, until), setting: l.setting,
			id: ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}}, part})
	}
}

// fencedHere reports whether this subscription received any fence: without an
// order per channel it says nothing about other publishers, and the driver may
// not have waited for them.
func (s *settlement) fencedHere(part int, at int32, c *cursor) bool {
	for _, b := range s.channels[c.channel].outboxes {
		if f := s.parts[part].plain.find(at, b.publisher, b.incarnation); f != nil && f.fenced > 0 {
			return true
		}
	}
	return false
}

// listened reports whether somebody who never read slowly was subscribed from
// before a publication to the end: what ends sooner may have lost it on the way.
func (c *channelEnd) listened(m *publication) bool {
	for _, windows := range c.quick {
		for i := range windows {
			if w := &windows[i]; w.open < m.sent && w.close == 0 {
				return true
			}
		}
	}
	return false
}

// plainLeaks finds what came to a subscription without a position although no filter
// that it has had lets it through.
func (s *settlement) plainLeaks(part int, at int32, c *cursor, list []window) {
	for i := range list {
		if list[i].filter == 0 {
			return
		}
	}
	j := s.parts[part]
	for _, b := range s.channels[c.channel].outboxes {
		f := j.plain.find(at, b.publisher, b.incarnation)
		if f == nil || len(list) == 0 {
			continue
		}
		for _, x := range f.have {
			for n := max(x.from, b.gone+1); n <= min(x.to, b.highest()); n++ {
				id := ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}
				let := b.get(n) == nil
				for i := range list {
					let = let || passes(b.maskOf(id), list[i].filter)
				}
				if let {
					continue
				}
				last := &list[len(list)-1]
				s.found = append(s.found, found{incident{anomaly: FilterFalsePositive, came: true, client: c.client, channel: c.channel, epoch: withoutOffsets, life: last.life,
					from: n, to: n, n: 1, id: id, filter: last.filter, seen: c.lastSeen, setting: setting{phase: "live", fault: j.people[c.client].fault, witness: -1}}, part})
			}
		}
	}
}
