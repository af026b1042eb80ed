package assert

import (
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// Copies (soundness 13). A client may have several subscriptions that match one
// channel: to the channel itself and to patterns. What it then gets of each message
// the promise `copies` tells:
//
//   - one: one copy. A second one is a repeat, overlap-copies.
//   - per-subscription: a copy for each. Up to so many are neither repeats nor out
//     of order; more are overlap-copies. A message of which fewer came than there are
//     subscriptions is lost-message if all of them were answered before it was sent
//     and live to the end, and the connection is known to have brought all that was
//     written to it.
//   - either, or nothing said: any number up to that.
//
// Deliveries don't tell which subscription they are for. So subscriptions count as
// long as one of them may have brought the message: from when they were asked for
// until the answer to their unsubscribe, in the same connection; and while one is
// new, the copies of what was published before it was answered may come in any
// order: each subscription begins where it begins.

// copies are the further copies that were right, by cursor and, where there are no
// offsets, by publisher.
type copies struct {
	of map[flowKey]*lanes
}

// lanes hold of which messages second, third, … copies have come.
type lanes struct {
	life  int32
	epoch history.EpochID
	all   []flow
}

// take notes a further copy of message n, if no more than most have come with it.
func (x *lanes) take(n uint64, most int) bool {
	for i := range most - 1 {
		if i == len(x.all) {
			x.all = append(x.all, flow{})
		}
		if f := &x.all[i]; f.overflow || !f.holds(n) {
			f.insert(n)
			return true
		}
	}
	return false
}

// now is x if it is of the present life of a cursor; nil: nothing was taken in it.
func (x *lanes) now(c *cursor, epoch history.EpochID) *lanes {
	if x == nil || x.epoch != epoch || x.life != c.life && !c.resumed {
		return nil
	}
	return x
}

// count is how many copies of n beyond the first have come; a lane that could not
// keep all of them counts as if it held it.
func (x *lanes) count(n uint64) (k int) {
	if x == nil {
		return 0
	}
	for i := range x.all {
		if x.all[i].overflow || x.all[i].holds(n) {
			k++
		}
	}
	return k
}

// lanes finds those of a cursor, or of one of its flows, in the present life. What
// came in an earlier one is no copy, unless a session goes on.
func (j *Judge) lanes(key flowKey, c *cursor, epoch history.EpochID) *lanes {
	x := j.copies.of[key]
	if x == nil {
		if j.copies.of == nil {
			j.copies.of = make(map[flowKey]*lanes)
		}
		x = &lanes{life: c.life, epoch: epoch}
		j.copies.of[key] = x
	}
	if x.now(c, epoch) == nil {
		x.all = nil
	}
	x.life, x.epoch = c.life, epoch
	return x
}

// own is a client's own subscription to a channel, beside its patterns.
type own struct {
	life  int32
	since time.Duration // Seen of its answer; 0: not yet
	to    time.Duration // Seen of the answer to the unsubscribe; 0: none
}

// matching counts the subscriptions of a client that may have brought e, and tells
// when the latest of them was answered: what was published later than that comes to
// each of them, in order.
func (j *Judge) matching(c *cursor, e *history.Event) (k int, since time.Duration) {
	const unanswered = time.Duration(1<<63 - 1)
	count := func(answered, released time.Duration) {
		switch {
		case released > 0 && e.Due > released:
			return
		case answered == 0:
			answered = unanswered
		}
		k++
		since = max(since, answered)
	}
	if c.own.life == e.Life {
		count(c.own.since, c.own.to)
	}
	for at := j.people[c.client].claim; at >= 0; at = j.claims.all[at].next {
		x := &j.claims.all[at]
		if x.life != e.Life || !j.claims.matches(j, x.pattern, c.channel) {
			continue
		}
		switch x.state {
		case asked:
			count(0, 0)
		case live:
			count(x.answered(), 0)
		case left:
			count(x.answered(), x.released)
		}
	}
	return k, since
}

// answered is when the latest answer to a pattern was seen; 0: there was none.
func (k *claim) answered() time.Duration {
	if n := len(k.windows); n > 0 {
		return k.windows[n-1].open
	}
	return 0
}

// settling reports whether the order of e among the client's receipts means
// nothing, because several subscriptions may bring it and one of them was not yet
// answered when it was published.
func (j *Judge) settling(c *cursor, e *history.Event) bool {
	if !j.brief.Promises.Loose() {
		return false
	}
	k, since := j.matching(c, e)
	return k > 1 && e.Due <= since
}

// copied takes a repeat without an offset: it reports whether it is a copy that may
// come, and whether it is one too many.
func (j *Judge) copied(at int32, c *cursor, f *flow, e *history.Event) (right, over bool) {
	k, _ := j.matching(c, e)
	if k < 2 || f.before(e.Life, e.Seq) && !c.resumed {
		return false, false
	}
	if !j.brief.Promises.Loose() {
		return false, true
	}
	x := j.lanes(flowKey{at, streamKey(e.Publisher, e.Incarnation)}, c, withoutOffsets)
	if x.take(e.Seq, k) {
		c.keep().copied++
		return true, false
	}
	return false, true
}

// copiedAt is the same of a repeat with an offset.
func (j *Judge) copiedAt(c *cursor, e *history.Event, replay bool) (right, over bool) {
	k, since := j.matching(c, e)
	here := e.Offset > c.base // received since the answer
	if k < 2 {
		return false, false
	}
	if !j.brief.Promises.Loose() {
		return false, here && !replay
	}
	if here {
		x := j.lanes(flowKey{cursor: j.index(c)}, c, c.epoch)
		if x.take(e.Offset, k) {
			c.keep().copied++
			return true, false
		}
		return false, !replay
	}
	// The position of the answer was read while another subscription was already
	// there, and what that one brings may lag behind.
	young := e.Due == 0 || e.Due+slack >= j.people[c.client].dialled
	return !replay && young && e.Due <= since, false
}

// overlap is how many subscriptions of a client to a channel were live from a time
// on to the end of the run.
func (p *Judge) overlap(c *cursor) (k int, since time.Duration) {
	who := &p.people[c.client]
	if c.own.life == who.life && c.own.since > 0 && c.own.to == 0 {
		k, since = 1, c.own.since
	}
	for at := who.claim; at >= 0; at = p.claims.all[at].next {
		if x := &p.claims.all[at]; x.life == who.life && x.state == live && p.claims.matches(p, x.pattern, c.channel) {
			k++
			since = max(since, x.answered())
		}
	}
	return k, since
}

// judgeCopies looks for messages of which too few copies came, where one for each
// subscription is promised.
func (s *settlement) judgeCopies() {
	if s.j.brief.Promises.Copies != scenario.CopiesEach {
		return
	}
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			who, ch := &p.people[c.client], s.channels[c.channel]
			k, since := p.overlap(c)
			if k < 2 || ch == nil || c.overflow || !s.quiet(who, c, ch) {
				continue
			}
			for _, b := range ch.outboxes {
				for n := b.after(since); n <= b.highest(); n++ {
					m := b.get(n)
					if m == nil || !m.known() || m.retried {
						continue
					}
					have, judged := s.copiesOf(p, int32(at), c, b, n)
					if !judged {
						continue
					}
					if s.ends[i][at].copies += int64(k); have >= k {
						continue
					}
					s.ends[i][at].lost += int64(k - have)
					s.found = append(s.found, found{incident{anomaly: LostMessage, client: c.client, channel: c.channel, epoch: withoutOffsets, life: who.life,
						from: n, to: n, n: int64(k - have), seen: m.settled, copies: int8(min(k, 127)), setting: setting{phase: "live", fault: who.fault, witness: -1},
						id: ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}}, i})
				}
			}
		}
	}
}

// copiesOf counts the copies of a message that one subscription's cursor received;
// not judged if the first is missing, which has its own name, or can't be found.
func (s *settlement) copiesOf(p *Judge, at int32, c *cursor, b *outbox, n uint64) (have int, judged bool) {
	id := ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}
	if !c.positioned {
		f := p.plain.find(at, b.publisher, b.incarnation)
		if f == nil || f.overflow || !f.holds(n) {
			return 0, false
		}
		return 1 + p.copies.of[flowKey{at, streamKey(b.publisher, b.incarnation)}].now(c, withoutOffsets).count(n), true
	}
	o := s.offsetOf(c, id)
	if o == 0 || o <= c.base || o > c.last || p.ledger.gaps.find(at, c.epoch, o) != nil {
		return 0, false
	}
	return 1 + p.copies.of[flowKey{cursor: at}].now(c, c.epoch).count(o), true
}

// offsetOf finds the one offset at which a message stands in the epoch of a cursor;
// 0 if it is not known, or there are several.
func (s *settlement) offsetOf(c *cursor, id ident) uint64 {
	k := placeKey{c.channel, c.epoch}
	if s.offsets == nil {
		s.offsets = make(map[placeKey]map[ident]place)
	}
	if s.offsets[k] == nil {
		s.offsets[k] = s.places(k)
	}
	if x := s.offsets[k][id]; !x.several {
		return x.at
	}
	return 0
}

// overlapping counts the cursors of w to which several subscriptions of their
// client brought messages.
func (s *settlement) overlapping(w *want) (n int64) {
	for _, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if c.received == 0 || p.people[c.client].claim < 0 || !w.filter.channel(c.channel) || !w.filter.client(&p.people[c.client]) {
				continue
			}
			k := 0
			if c.own.since > 0 {
				k++
			}
			for x := p.people[c.client].claim; x >= 0; x = p.claims.all[x].next {
				if q := &p.claims.all[x]; len(q.windows) > 0 && p.claims.matches(p, q.pattern, c.channel) {
					k++
				}
			}
			if k > 1 {
				n++
			}
		}
	}
	return n
}
