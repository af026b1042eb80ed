package assert

import (
	"time"

	"squall/assert/history"
)

// stillArriving is how fresh the last delivery before a probe may be: closer,
// and the connection may still be working off a backlog behind the pong.
const stillArriving = 250 * time.Millisecond

// judgeCursors decides what became of everything that positioned subscriptions
// were owed: in the pending gaps first, then at the tails.
func (s *settlement) judgeCursors() {
	var lost []loss
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if s.j.shape(c.channel) != nil {
				continue
			}
			if c.sieve != nil {
				lost = s.sieveLosses(lost, i, int32(at), c)
				continue
			}
			if !c.everAnswered || !c.positioned && len(p.ledger.gaps.of[int32(at)]) == 0 {
				continue
			}
			for _, g := range p.ledger.gaps.of[int32(at)] {
				lost = s.gapLosses(lost, i, c, &g)
			}
			if c.overflow && c.past().lateGaps > 0 {
				lost = s.overflowLosses(lost, i, int32(at), c)
			}
			if c.positioned {
				lost = s.tailLosses(lost, i, int32(at), c)
			}
		}
	}
	s.nameFiltered(lost)
	s.nameUnheard(lost)
	s.nameForgotten(lost)
	s.nameRemote(lost)
	s.nameCrash(lost)
	s.nameRestarts()
	for _, l := range s.withoutForeign(lost) {
		c := &s.parts[l.part].ledger.all[l.cursor]
		s.ends[l.part][l.cursor].lost += l.n
		x := incident{anomaly: l.anomaly, client: c.client, channel: c.channel, epoch: l.epoch, life: l.life,
			from: l.from, to: l.to, n: l.n, seen: l.seen, filter: l.filter, setting: l.setting}
		if n, ok := s.channels[c.channel].entry(l.epoch, l.from); ok {
			x.id = n.ident()
		}
		s.found = append(s.found, found{x, l.part})
	}
}

// overflowLosses counts what is missing in the gaps that were too many to be
// kept one by one.
func (s *settlement) overflowLosses(to []loss, part int, at int32, c *cursor) []loss {
	p := &s.parts[part].people[c.client]
	proven := p.probeIn == c.life && c.lastSeen+stillArriving <= p.probe
	if !proven && (c.state == live || c.inverted) {
		s.ends[part][at].unseen += c.past().lateGaps
		return to
	}
	return append(to, loss{part: part, cursor: at, anomaly: LostMessage, epoch: c.epoch, life: c.life, from: c.last, to: c.last, n: c.past().lateGaps,
		seen: c.lastSeen, setting: setting{phase: "live", fault: p.fault, witness: -1}})
}

// loss is an interval of offsets that one subscription lost for good.
type loss struct {
	part     int
	cursor   int32
	anomaly  Anomaly
	epoch    history.EpochID
	life     int32
	from, to uint64
	n        int64
	seen     time.Duration
	setting  setting
	fence    bool  // it is the fence, at an offset that nobody knows
	node     int32 // to which the client was connected
	filter   uint8 // that explains it; 0: none does
}

// gapLosses names what is missing in a pending gap.
func (s *settlement) gapLosses(to []loss, part int, c *cursor, g *gap) []loss {
	p := &s.parts[part].people[c.client]
	over := g.segment < c.segment || g.life < c.life || c.state != live
	proven := p.probeIn == g.life && p.probe > g.seen
	if !proven && (!over || g.inverted) || !g.live && !g.recovered && !g.resumed { // or a replay whose answer never came: it may have been a refusal
		s.ends[part][g.cursor].unseen += s.owed(s.channels[c.channel], g.epoch, g.from, g.to)
		return to
	}
	if g.resumed {
		return s.queueLosses(to, part, c, g)
	}
	l := loss{node: g.node, part: part, cursor: g.cursor, epoch: g.epoch, life: g.life, seen: g.seen, setting: g.sight}
	if g.recovered && g.from <= g.top {
		l.from, l.to = g.from, min(g.to, g.top)
		l.anomaly = s.nameReplay(c, g, l.from)
		l.n = int64(l.to - l.from + 1)
		to = append(to, l)
	}
	if g.to > g.top || !g.recovered {
		l.from, l.to = g.from, g.to
		if g.recovered {
			l.from = max(g.from, g.top+1)
		}
		switch {
		case g.firstLive: // between the answer and the first live message, however slowly it reads
			l.anomaly = SubscribeHistoryGap
		case g.slowed:
			l.anomaly = SlowConsumerSilentDrop
		default:
			l.anomaly = LostMessage
		}
		l.n = int64(l.to - l.from + 1)
		to = append(to, l)
	}
	return to
}

// nameReplay names a hole between the position asked from and the position of
// an answer that said recovered.
func (s *settlement) nameReplay(c *cursor, g *gap, from uint64) Anomaly {
	if from != g.base+1 {
		return RecoveredFlagLie
	}
	if size := s.promises(c.channel).History.Size; size > 0 && g.top-g.base > uint64(size) {
		return SilentHistoryTruncation
	}
	if g.prevEnd > 0 && s.publishedBefore(c.channel, g.epoch, from, g.prevEnd) {
		if g.drained {
			return DrainLoss
		}
		return LostInSocket
	}
	return RecoveredFlagLie
}

// publishedBefore reports whether the message at an offset was surely sent, or
// even received by somebody, before t.
func (s *settlement) publishedBefore(ch history.ChannelID, epoch history.EpochID, o uint64, t time.Duration) bool {
	c := s.channels[ch]
	n, ok := c.entry(epoch, o)
	if !ok {
		return s.unheardBefore(c, epoch, o, t)
	}
	if m := s.publication(ch, n.ident()); m != nil {
		return m.sent <= t
	}
	return n.seen <= t
}

// unheardBefore guesses the same for an offset that nobody received: some
// message that nobody received was sent before t, and after the one at the
// offset before. It only helps to choose a name.
func (s *settlement) unheardBefore(c *channelEnd, epoch history.EpochID, o uint64, t time.Duration) bool {
	after := time.Duration(-1)
	if n, ok := c.entry(epoch, o-1); ok {
		if m := s.publication(c.id, n.ident()); m != nil {
			after = m.sent
		}
	}
	for _, b := range c.outboxes {
		for n := max(b.after(after), b.gone+1); n <= b.highest(); n++ {
			m := b.get(n)
			if m == nil || m.sent > t {
				break
			}
			if m.result != history.Failed && !c.received(b, n) {
				return true
			}
		}
	}
	return false
}

// quiet reports whether a subscription provably has all that will come: the
// target has had the channel's fence since before a probe that this connection
// answered, and nothing was still arriving.
func (s *settlement) quiet(p *person, c *cursor, ch *channelEnd) bool {
	return c.state == live && p.probeIn == c.life && ch.fenced && p.probe > ch.fenceAt && c.lastSeen+stillArriving <= p.probe
}

// announced reports whether a gap notice may have told a subscription that the
// fence will not come.
func (c *channelEnd) announced(k *cursor) bool {
	if c.fenceTop > 0 {
		return k.last >= c.fenceTop
	}
	return k.chain < 0
}

// tailLosses decides what is missing at the end of a subscription.
func (s *settlement) tailLosses(to []loss, part int, at int32, c *cursor) []loss {
	ch := s.channels[c.channel]
	end := &s.ends[part][at]
	if c.state == left || c.state == idle {
		return to
	}
	p := &s.parts[part].people[c.client]
	if ch.fence > 0 && c.epoch == ch.fenceEpoch && c.last >= ch.fence {
		return to
	}
	top, known := ch.fence, ch.fence > 0
	if known && c.epoch != ch.fenceEpoch { // the server went on in another epoch
		end.unseen++
		return to
	}
	if !known {
		top = max(ch.top(c.epoch), c.last)
	}
	missing := int64(0)
	if top > c.last {
		missing = int64(top - c.last)
	}
	proven := s.quiet(p, c, ch)
	if !proven || c.sparse {
		switch {
		case c.state == ended && p.group >= 0 && s.j.want.groups[p.group].Never:
			// It left for good, as the scenario says, and is owed nothing since.
		case missing > 0:
			end.unseen += s.owed(ch, c.epoch, c.last+1, top)
		case !known && s.owedUnknown(ch, c):
			end.unseen++ // no fence tells how far the channel went
		}
		return to
	}
	unheard := false
	if !known && c.inLive == 0 && c.inReplay == 0 && ch.fenceSent > c.answered && !ch.announced(c) {
		// Nobody received the fence, and this one never anything.
		missing = max(missing, 1)
		unheard = s.owed(ch, c.epoch, c.last+1, top) == 0
	}
	if missing == 0 {
		return to
	}
	l := loss{node: p.node, part: part, cursor: at, epoch: c.epoch, life: c.life, seen: p.probed, fence: unheard, setting: setting{phase: "draining", fault: p.fault, witness: -1}}
	if p.fault != 0 {
		l.setting.ago = p.probed - p.faultAt
	}
	l.from, l.to, l.n = c.last+1, c.last+uint64(missing), missing
	silent := ConfirmedNotSubscribed
	if c.hasty {
		silent = CommandInversion
	}
	if c.resumed && (c.inLive == 0 || c.mute()) {
		return s.resumedTail(to, l, c)
	}
	l.anomaly = silent
	if c.inLive == 0 && c.inReplay == 0 && !s.disowned(&l, c) {
		return append(to, l)
	}
	if c.recovered && l.from <= c.top {
		r := l
		r.to = min(l.to, c.top)
		r.n = int64(r.to - r.from + 1)
		r.anomaly = RecoveredFlagLie
		to = append(to, r)
		if r.to == l.to {
			return to
		}
		l.from, l.n = r.to+1, l.n-r.n
	}
	switch {
	case c.inLive == 0:
		l.anomaly = silent
	case p.slowLife == c.life && !s.publishedBefore(c.channel, c.epoch, l.from, p.slowAt-time.Second):
		l.anomaly = SlowConsumerSilentDrop
	default:
		l.anomaly = LostMessage
	}
	return append(to, l)
}

// disowned reports whether nobody asks for the silence of a subscription whose
// answer said recovered: the owner of the silence is not among the expectations, or
// lets losses pass. What the answer promised is then broken all the same.
func (s *settlement) disowned(l *loss, c *cursor) bool {
	if !c.recovered || l.from > c.top {
		return false
	}
	f := &found{incident{anomaly: l.anomaly, client: c.client, channel: c.channel}, l.part}
	if s.unpromised(f) {
		return true
	}
	rule := f.anomaly.Define().Owner
	for i := range s.j.want.all {
		if w := &s.j.want.all[i]; w.Rule == rule && w.Want != "at-most-once" && s.in(w, f) {
			return false
		}
	}
	return true
}

// owedUnknown reports whether the channel may hold messages that nobody
// received although they were acknowledged after this subscription began.
func (s *settlement) owedUnknown(ch *channelEnd, c *cursor) bool {
	since := c.answered
	if c.chain >= 0 {
		since = min(since, c.chain) // what it returned to, it was owed all the while
	}
	for _, b := range ch.outboxes {
		for n := b.after(since); n <= b.highest(); n++ {
			if m := b.get(n); m != nil && m.known() && !ch.received(b, n) {
				return true
			}
		}
	}
	return false
}

// nameUnheard renames losses of offsets that no subscriber of the channel
// received: acknowledged and dropped, if at least one of them is missed in the
// midst of a quiet life.
func (s *settlement) nameUnheard(lost []loss) {
	acked := func(ch *channelEnd) bool {
		for _, b := range ch.outboxes {
			for n := b.gone + 1; n <= b.highest(); n++ {
				if m := b.get(n); m != nil && m.known() && !ch.received(b, n) {
					return true
				}
			}
			if b.fence.written && b.fence.known() && !ch.heard {
				return true
			}
		}
		return false
	}
	dropped := make(map[history.ChannelID]bool)
	for _, l := range lost {
		if l.anomaly != LostMessage {
			continue
		}
		id := s.parts[l.part].ledger.all[l.cursor].channel
		ch := s.channels[id]
		if _, ok := dropped[id]; !ok {
			dropped[id] = ch.bare == 0 && acked(ch)
		}
		if !dropped[id] || !s.nobodyGot(ch, l) {
			continue
		}
		for o := l.from; o <= l.to && o-l.from < mostSpans; o++ {
			s.unheard[missKey{id, l.epoch, o}] = true
		}
	}
	if len(s.unheard) == 0 {
		return
	}
	for i := range lost {
		l := &lost[i]
		id := s.parts[l.part].ledger.all[l.cursor].channel
		all := l.to-l.from < mostSpans
		for o := l.from; all && o <= l.to; o++ {
			all = s.unheard[missKey{id, l.epoch, o}]
		}
		if all {
			l.anomaly = AckThenDrop
		}
	}
}

// nobodyGot reports whether no shard received any offset of l.
func (s *settlement) nobodyGot(ch *channelEnd, l loss) bool {
	for o := l.from; o <= l.to; o++ {
		if o-l.from >= mostSpans || !ch.remembers(l.epoch, o) {
			return false
		}
		if _, ok := ch.entry(l.epoch, o); ok {
			return false
		}
	}
	return true
}

// membership is how many messages at the end of a subscription must be missing,
// the fence among them, before it counts as forgotten.
const membership = 3

// nameForgotten renames losses that go from one message to the end of a live
// connection: the server has forgotten that the client is there.
func (s *settlement) nameForgotten(lost []loss) {
	for i := range lost {
		l := &lost[i]
		c := &s.parts[l.part].ledger.all[l.cursor]
		if l.anomaly == LostMessage && l.setting.phase == "draining" && l.n >= membership && l.life == c.life && c.state == live && l.from == c.last+1 && c.inLive > 0 {
			l.anomaly = MembershipLostSilent
			if l.from == c.base+1 { // what came had been on its way before the answer
				l.anomaly = ConfirmedNotSubscribed
				if c.hasty {
					l.anomaly = CommandInversion
				}
			}
		}
	}
}
