package assert

import (
	"time"

	"squall/assert/history"
	"squall/assert/latency"
)

// fromTo is a stretch of time.
type fromTo struct{ from, to time.Duration }

// deliver judges one receipt against its cursor and against the channel's log.
func (j *Judge) deliver(e *history.Event) {
	j.traffic.delivered++
	j.traffic.bytes += int64(e.Bytes)
	if j.expiry.on {
		j.outlived(e)
	}
	if j.wills.on && e.Publisher >= j.brief.Wills && !j.clock.ended && e.Flags&(history.FlagStamped|history.FlagCorrupt) == history.FlagStamped {
		j.wills.came(e)
	}
	if len(j.batching.folds) > 0 {
		j.batching.frame(e)
	}
	at := j.ledger.find(e.Client, e.Channel)
	if at < 0 {
		if at = j.claims.admit(j, e); at < 0 {
			j.stray(e)
			return
		}
	}
	c := &j.ledger.all[at]
	for i := range j.urgency {
		j.urgency[i].add(j, c, e)
	}
	if len(j.batching.folds) > 0 {
		j.batching.add(j, at, c, e)
	}
	if len(j.snaps.open) > 0 {
		j.snaps.deliver(j, c, e)
	}
	if j.weighed.on {
		j.weighed.add(j, at, e)
	}
	if e.Flags&(history.FlagStamped|history.FlagCorrupt) == 0 {
		j.unstamped(c, e)
	}
	// The way of nearly every event: live, next in line.
	if e.Offset == c.last+1 && c.state == live && c.positioned && e.Life == c.life && e.Epoch == c.epoch &&
		e.Flags&(history.FlagPositioned|history.FlagReplay|history.FlagCorrupt|history.FlagUnordered) == history.FlagPositioned &&
		!c.stillborn {
		c.last = e.Offset
		c.lastSeen = e.Seen
		if e.Due != 0 {
			c.since = e.Due
		}
		c.received++
		if c.inLive == 0 {
			c.liveLow = e.Offset
		}
		c.inLive++
		if s := j.logs[c.log].see(e); s != agreed && s != first {
			j.disagree(s, e, c)
		}
		if c.answered < e.Due && e.Flags&history.FlagFence == 0 {
			j.meters.delivery(j, e)
		}
	} else {
		j.unusual(at, c, e)
	}
	if j.shaping.on {
		j.shaping.deliver(j, at, e)
	}
	if j.sums.on {
		j.sums.deliver(j, at, e)
	}
}

// unusual takes every delivery that is not simply the next one.
func (j *Judge) unusual(at int32, c *cursor, e *history.Event) {
	if e.Flags&history.FlagCorrupt != 0 {
		j.report(incident{anomaly: PhantomMessage, from: e.Offset, to: e.Offset, n: 1}, e, c)
	}
	if c.state != live && c.state != asked || e.Life != c.life {
		if j.claims.admit(j, e) < 0 {
			j.stray(e)
			return
		}
	}
	c.lastSeen = e.Seen
	if e.Due != 0 {
		c.since = e.Due
	}
	replay := e.Flags&history.FlagReplay != 0
	if e.Flags&history.FlagPositioned == 0 || c.state == live && !c.positioned {
		j.plain.deliver(j, at, c, e)
		return
	}
	if c.state == asked && (!c.recovering || c.again) {
		// The data overtook the answer: whether it is owed the answer will tell. What a
		// session brings for a subscription of which the client knows nothing else is of
		// an epoch that only the answer tells.
		if c.liveLow == 0 || c.early != e.Epoch {
			c.liveLow, c.early, c.extra = e.Offset, e.Epoch, 0
		}
		c.extra = max(c.extra, e.Offset)
		c.received++
		if c.sieve != nil {
			c.sieve.of(e.Epoch).mark(e.Offset)
			j.logs[j.log(e.Channel, e.Epoch)].see(e)
		}
		return
	}
	if c.state == asked && !replay && j.claims.holds(j, &j.people[e.Client], e.Channel, e.Life) != nil {
		// A pattern brings it meanwhile; what the answer replays may hold it as well.
		j.logs[j.log(e.Channel, e.Epoch)].see(e)
		c.received++
		return
	}
	if e.Flags&history.FlagUnordered != 0 && c.sieve == nil { // holes are legal: only going back is judged
		c.sparse = true
		if e.Offset > c.last {
			c.last = e.Offset - 1
		}
	}
	if c.log < 0 || e.Epoch != c.epoch {
		if c.state == live { // another epoch without a word: begin anew there
			j.turnSieve(c)
			if c.sieve != nil {
				c.sieve.open = true
			}
			c.keep().waived++
			c.chain = -1
			c.epoch, c.log = e.Epoch, j.log(e.Channel, e.Epoch)
			c.base, c.top, c.origin, c.last = e.Offset-1, e.Offset-1, e.Offset-1, e.Offset-1
			c.forget()
		} else {
			c.epoch, c.log = e.Epoch, j.log(e.Channel, e.Epoch)
			c.origin, c.last = c.askedFrom, c.askedFrom
			c.forget()
			c.positioned = true
		}
	}
	if c.stillborn {
		c.stillborn = false
		if e.Offset > c.last {
			if c.sieve != nil {
				c.sieve.forgive(e.Offset-1, byNotice)
			} else {
				c.keep().waived += int64(e.Offset - 1 - c.last)
			}
			c.remember()
			c.last, c.base, c.origin = e.Offset-1, e.Offset-1, e.Offset-1
		}
	}
	s := j.logs[c.log].see(e)
	if s == differs || s == again {
		j.disagree(s, e, c)
	}
	if c.sieve != nil {
		j.strained(c, e, replay, s)
		return
	}
	switch o := e.Offset; {
	case o > c.last:
		if o > c.last+1 {
			j.miss(c, e, c.last+1, o-1, !replay, !replay && c.inLive == 0)
		}
		c.last = o
		j.accept(c, e, replay)
		if !replay && c.answered < e.Due && c.state == live && e.Flags&(history.FlagFence|history.FlagCorrupt) == 0 {
			j.meters.delivery(j, e)
		}
	default:
		if g := j.ledger.gaps.find(at, c.epoch, o); g != nil {
			j.late(c, e, g, replay)
			j.accept(c, e, replay)
		} else if s != differs { // another message under a known offset is no repeat
			j.repeated(c, e, replay)
		}
	}
}

// accept counts a first copy.
func (j *Judge) accept(c *cursor, e *history.Event, replay bool) {
	c.received++
	if replay {
		c.inReplay++
		if c.resumed {
			c.keep().flushed++
		} else {
			c.replayed++
		}
		c.replayHi = max(c.replayHi, e.Offset)
		if e.Flags&history.FlagFence == 0 {
			since := j.people[e.Client].wanting
			if since == 0 {
				since = c.returnedAt
			}
			j.meters.sample(j, e, latency.CatchUp, e.Arrived-since)
		}
		return
	}
	c.inLive++
	if c.liveLow == 0 || e.Offset < c.liveLow {
		c.liveLow = e.Offset
	}
}

// miss opens a pending gap.
func (j *Judge) miss(c *cursor, e *history.Event, from, to uint64, live, firstLive bool) {
	g := gap{
		from: from, to: to, cursor: j.index(c), epoch: c.epoch, life: c.life, segment: c.segment,
		base: c.base, top: c.top, recovered: c.recovered, live: live, firstLive: firstLive,
		slowed:  j.people[c.client].slowLife == c.life && c.life != 0,
		resumed: c.resumed, hushed: c.hushed, resumedAt: c.past().resumedAt,
		inverted: c.inverted, prevEnd: c.prevEnd, drained: c.drained, node: j.people[c.client].node, seen: e.Seen, sight: j.setting(e, c),
	}
	if k, _ := j.matching(c, e); k > 1 && j.brief.Promises.Loose() {
		g.inverted = true // another subscription may still bring it: the end of the life proves nothing
	}
	g.sight.witness = j.witness(NoAnomaly, &g.sight, c.client, c.channel)
	if !j.ledger.gaps.add(g) {
		c.overflow = true
		c.keep().lateGaps += g.size()
		j.incidents.release(sign{NoAnomaly, g.sight.phase, g.sight.fault}, g.sight.witness)
	}
}

// late takes a delivery that fills a pending gap: not lost, but out of order.
func (j *Judge) late(c *cursor, e *history.Event, g *gap, replay bool) {
	if j.settling(c, e) {
		if n := j.ledger.gaps.fill(g, e.Offset); n > 0 {
			c.overflow = true
			c.keep().lateGaps += n
		}
		return
	}
	same, other := j.overtaken(c, e)
	i := incident{anomaly: OrderDivergence, same: same, epoch: c.epoch, from: e.Offset, to: c.last, n: 1, id: identOf(e), other: other}
	switch {
	case replay && c.liveLow != 0 && c.liveLow > e.Offset:
		i.anomaly = LiveBeforeReplay
	case same:
		i.anomaly = FIFOViolation
	}
	j.report(i, e, c)
	if !c.inverted {
		c.inverted = true
		j.ledger.gaps.invert(g.cursor, c.segment)
	}
	if g.from == g.to {
		j.incidents.release(sign{NoAnomaly, g.sight.phase, g.sight.fault}, g.sight.witness)
	}
	if n := j.ledger.gaps.fill(g, e.Offset); n > 0 {
		c.overflow = true
		c.keep().lateGaps += n
	}
}

// closeLooks bounds how many incidents are looked at through the whole ring of
// evidence: a thoroughly broken target must not slow the judge down for ever.
const closeLooks = 4096

// overtaken looks for a message that came before e although it should have come
// after it: of the same publisher if there is one, else of another. The client's
// own receipts tell; later on only the channel's log does.
func (j *Judge) overtaken(c *cursor, e *history.Event) (same bool, other ident) {
	if len(j.incidents.all) < closeLooks {
		return j.evidence.overtaken(e)
	}
	g := j.logs[c.log]
	id := identOf(e)
	at := j.index(c)
	for o := e.Offset + 1; o <= c.last && o-e.Offset <= 64; o++ {
		n := g.at(o)
		if n == nil || n.seq == 0 || n.seq == anonymous || j.ledger.gaps.find(at, c.epoch, o) != nil {
			continue
		}
		m := n.ident()
		if other == (ident{}) {
			other = m
		}
		if id.seq != 0 && m.sameStream(id) && m.seq > id.seq {
			return true, m
		}
	}
	return false, other
}

func identOf(e *history.Event) ident {
	if e.Flags&history.FlagStamped == 0 {
		return ident{}
	}
	return ident{seq: e.Seq, publisher: e.Publisher, incarnation: e.Incarnation, fence: e.Flags&history.FlagFence != 0}
}

// repeated takes a delivery whose offset lies behind the cursor and fills no gap.
func (j *Judge) repeated(c *cursor, e *history.Event, replay bool) {
	o := e.Offset
	right, over := j.copiedAt(c, e, replay)
	if right {
		return
	}
	i := incident{anomaly: DuplicateDelivery, epoch: c.epoch, from: o, to: o, n: 1, id: identOf(e)}
	had := c.past()
	before := o > c.origin && o <= c.base || o > had.prevFrom && o <= had.prevTo
	switch {
	case c.again && replay && o > c.askedFrom:
		return // the session's backlog had it, and the recovery that was asked for has it
	case c.overflow && o > c.origin: // it may fill a gap that is no longer kept
		if had.lateGaps > 0 {
			c.keep().lateGaps--
		}
		return
	case o > c.base: // received in this segment
		if replay && c.liveLow != 0 && o >= c.liveLow || !replay && o <= c.replayHi {
			i.anomaly = ReplayLiveOverlap
		}
	case before && c.resumed:
		i.anomaly = DoubleFlush
	case before && replay:
		i.anomaly = DoubleReplay
	case before:
	case !c.recovered && c.inLive == 0 && o > c.extra:
		// Registered before the position was read, or a refusal that still replays
		// what is left: more than is owed harms nobody.
		c.extra = o
		c.received++
		return
	case o == c.extra:
	default:
		i.anomaly = OffsetRegress
	}
	if over && i.anomaly == DuplicateDelivery {
		i.anomaly = OverlapCopies
	}
	j.report(i, e, c)
}

// disagree takes a receipt that the channel's log contradicts.
func (j *Judge) disagree(s sight, e *history.Event, c *cursor) {
	g := j.logs[c.log]
	switch s {
	case differs:
		have := g.at(e.Offset).ident()
		id := identOf(e)
		same, _ := j.overtaken(c, e)
		j.report(incident{anomaly: OffsetDivergence, same: same, epoch: c.epoch, from: e.Offset, to: e.Offset, n: 1, id: id, other: have}, e, c)
	case again:
		same, other := j.overtaken(c, e)
		j.report(incident{anomaly: DuplicateDelivery, same: same, epoch: c.epoch, from: e.Offset, to: e.Offset, n: 1, id: identOf(e), other: other, inLog: true}, e, c)
	}
}
