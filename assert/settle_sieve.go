package assert

import (
	"slices"

	"squall/assert/history"
)

// lot is one offset of a channel as all shards together know it.
type lot struct {
	offset uint64
	id     ident
	m      *publication
	mask   uint64 // the filters that let it through
	known  bool   // which message stands there, and so what filters make of it
	heard  bool   // somebody received it
}

// passes reports whether a filter lets the message through.
func passes(mask uint64, filter uint8) bool { return filter == 0 || mask&(1<<(filter-1)) != 0 }

// lots lists the offsets of a channel of which it is known who stands there, in
// their order: by what somebody received, or by the answers to the publications.
// Those name no epoch, and are of use only where the channel has had one, and for
// what certainly is in it (see era.go).
func (s *settlement) lots(c *channelEnd, epoch history.EpochID) []lot {
	key := placeKey{c.id, epoch}
	if list, ok := s.lotsOf[key]; ok {
		return list
	}
	at := make(map[uint64]lot)
	put := func(o uint64, id ident, heard bool) {
		n := lot{offset: o, id: id, heard: heard}
		if b := c.outbox(id); b != nil && id.seq > 0 {
			if n.m = s.publication(c.id, id); n.m != nil {
				n.mask, n.known = b.maskOf(id), true
			}
		}
		if was, ok := at[o]; ok && was.id != id { // two messages: nobody can say which is meant
			n.known = false
			n.heard = n.heard || was.heard
		}
		at[o] = n
	}
	one, r := true, s.eras(c, epoch)
	for _, g := range c.logs {
		if g.epoch != epoch {
			one = one && g.epoch == withoutOffsets
			continue
		}
		for o := g.oldest(); o <= g.top && o > 0; o++ {
			if n := g.at(o); n != nil && n.seq != 0 {
				id := n.ident()
				if n.seq == anonymous {
					id = ident{}
				}
				put(o, id, true)
			}
		}
	}
	for _, b := range c.outboxes {
		for n := b.gone + 1; one && n <= b.highest(); n++ {
			if m := b.get(n); m != nil && m.known() && m.offset > 0 && s.placed(m, r) {
				id := ident{seq: n, publisher: b.publisher, incarnation: b.incarnation}
				put(m.offset, id, at[m.offset].heard)
			}
		}
		if one && b.fence.written && b.fence.known() && b.fence.offset > 0 && s.placed(&b.fence, r) {
			put(b.fence.offset, ident{seq: b.highest(), publisher: b.publisher, incarnation: b.incarnation, fence: true}, at[b.fence.offset].heard)
		}
	}
	list := make([]lot, 0, len(at))
	for _, n := range at {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b lot) int {
		if a.offset < b.offset {
			return -1
		}
		return 1
	})
	if s.lotsOf == nil {
		s.lotsOf = make(map[placeKey][]lot)
	}
	s.lotsOf[key] = list
	return list
}

// within cuts out the lots in (from, to].
func within(list []lot, from, to uint64) []lot {
	first, _ := slices.BinarySearchFunc(list, from+1, func(n lot, o uint64) int { return cmpOffset(n.offset, o) })
	last, _ := slices.BinarySearchFunc(list, to, func(n lot, o uint64) int { return cmpOffset(n.offset, o) })
	if last < len(list) && list[last].offset == to {
		last++
	}
	if last < first {
		return nil
	}
	return list[first:last]
}

func cmpOffset(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// let counts the messages in (from, to] that a filter lets through.
func (s *settlement) let(c *channelEnd, epoch history.EpochID, from, to uint64, filter uint8) (n int64) {
	for _, x := range within(s.lots(c, epoch), from, to) {
		if x.known && passes(x.mask, filter) {
			n++
		}
	}
	return n
}

// sieveLosses decides what became of everything that a subscription with a filter
// was owed, and finds what it should not have got.
func (s *settlement) sieveLosses(to []loss, part int, at int32, c *cursor) []loss {
	p := s.parts[part]
	over := !c.sieve.open // the last segment was never answered
	p.turnSieve(c)
	ch, end := s.channel(c.channel), &s.ends[part][at]
	for k := range c.sieve.reigns {
		r := &c.sieve.reigns[k]
		list := s.lots(ch, r.epoch)
		r.have = c.sieve.of(r.epoch)
		if r.recovered {
			if n := s.let(ch, r.epoch, r.base, r.top, r.filter); n > 0 {
				c.keep().missed += n
				c.keep().returnsMissed++
			}
		}
		begun := false
		for _, x := range within(list, r.base, r.last) {
			begun = begun || r.have.has(x.offset)
			switch {
			case !x.known || r.have.has(x.offset):
			case !passes(x.mask, r.filter):
				end.withheld++
			case x.offset <= r.waived:
				end.forgive(r.waiver, 1)
			default:
				g := r.gap
				g.from, g.to = x.offset, x.offset
				if !begun && g.top-g.base <= uint64(max(s.promises(c.channel).History.Size, 0)) {
					g.base = x.offset - 1 // nothing of the replay came before it
				}
				g.firstLive = x.offset > max(g.base, g.top) && (r.liveLow == 0 || x.offset < r.liveLow)
				to = s.gapLosses(to, part, c, &g)
			}
		}
		if k == len(c.sieve.reigns)-1 {
			to = s.sieveTail(to, part, at, c, r, within(list, r.last, ^uint64(0)-1), over)
		}
		s.sieveLeaks(part, c, k, list)
	}
	if c.overflow {
		end.unseen++
	}
	end.unseen += s.unplaced(ch, c.sieve.filter)
	return to
}

// unplaced counts messages that a filter lets through, that were acknowledged, and
// of which nobody knows in which of the channel's epochs they are: nobody received
// them. What certainly is in an epoch that nobody has seen is owed to nobody.
func (s *settlement) unplaced(c *channelEnd, filter uint8) (n int64) {
	epochs, last := make(map[history.EpochID]bool), history.EpochID(withoutOffsets)
	for _, g := range c.logs {
		if epochs[g.epoch] = g.epoch != withoutOffsets; epochs[g.epoch] {
			last = g.epoch
		}
	}
	if len(epochs) < 2 && len(s.renewed) == 0 {
		return 0
	}
	r := s.eras(c, last)
	for _, b := range c.outboxes {
		for k := b.gone + 1; k <= b.highest(); k++ {
			if m := b.get(k); m != nil && m.known() && passes(b.maskOf(ident{seq: k}), filter) && !c.received(b, k) && !(len(epochs) < 2 && s.dated(m, r)) {
				n++
			}
		}
	}
	return n
}

// sieveTail decides what is missing behind the last that came. Nothing says how far
// the subscription came: the channel's fence need not pass the filter. It is lost
// only if the connection has proved, after the target had the fence, that nothing is
// under way any more.
func (s *settlement) sieveTail(to []loss, part int, at int32, c *cursor, r *reign, list []lot, over bool) []loss {
	p, ch, end := &s.parts[part].people[c.client], s.channel(c.channel), &s.ends[part][at]
	if c.state == left || c.state == idle {
		return to
	}
	behind := ch.fenceTop
	if ch.fenceEpoch == r.epoch {
		behind = max(behind, ch.fence)
	}
	quiet := !over && s.quiet(p, c, ch)
	var tail []loss
	for _, x := range list {
		switch {
		case !x.known || r.have.has(x.offset):
			continue
		case !passes(x.mask, r.filter):
			end.withheld++
			continue
		case x.offset <= r.waived:
			end.forgive(r.waiver, 1)
			continue
		case c.state == ended && p.group >= 0 && s.j.want.groups[p.group].Never:
			continue // it left for good, as the scenario says, and is owed nothing since
		case !quiet || x.offset > behind:
			end.unseen++
			continue
		}
		l := loss{node: p.node, part: part, cursor: at, epoch: r.epoch, life: c.life, seen: p.probed, from: x.offset, to: x.offset, n: 1,
			anomaly: LostMessage, setting: setting{phase: "draining", fault: p.fault, witness: -1}}
		if p.fault != 0 {
			l.setting.ago = p.probed - p.faultAt
		}
		switch {
		case c.resumed && (c.inLive == 0 || c.mute()):
			tail = s.resumedTail(tail, l, c)
			continue
		case c.recovered && x.offset <= c.top:
			l.anomaly = s.nameReplay(c, &r.gap, x.offset)
		case c.inLive == 0:
			if l.anomaly = ConfirmedNotSubscribed; c.hasty {
				l.anomaly = CommandInversion
			}
		case p.slowLife == c.life && !s.publishedBefore(c.channel, r.epoch, x.offset, p.slowAt-slack):
			l.anomaly = SlowConsumerSilentDrop
		}
		tail = append(tail, l)
	}
	if len(tail) >= membership && c.inLive > 0 {
		for i := range tail {
			if tail[i].anomaly == LostMessage {
				tail[i].anomaly = MembershipLostSilent
			}
		}
	}
	return append(to, tail...)
}

// sieveLeaks finds what came in a reign although its filter keeps it back.
func (s *settlement) sieveLeaks(part int, c *cursor, k int, list []lot) {
	r := &c.sieve.reigns[k]
	for _, x := range within(list, r.base, r.last) {
		if !x.known || !x.heard || passes(x.mask, r.filter) || !r.have.has(x.offset) || s.rightly(c, k, &x) {
			continue
		}
		i := incident{anomaly: FilterFalsePositive, came: true, client: c.client, channel: c.channel, epoch: r.epoch, life: r.life,
			from: x.offset, to: x.offset, n: 1, id: x.id, filter: r.filter, setting: r.sight}
		if r.recovered && x.offset <= r.top {
			i.setting.phase = "replaying"
		}
		if i.seen = s.parts[part].evidence.receipt(c.client, c.channel, x.offset); i.seen == 0 {
			i.seen = r.seen
		}
		s.found = append(s.found, found{i, part})
	}
}

// rightly reports whether another reign of the same subscription reaches over an
// offset and has a filter that lets it through.
func (s *settlement) rightly(c *cursor, k int, x *lot) bool {
	for i := range c.sieve.reigns {
		r := &c.sieve.reigns[i]
		if i != k && r.epoch == c.sieve.reigns[k].epoch && r.base < x.offset && x.offset <= r.last && passes(x.mask, r.filter) {
			return true
		}
	}
	return false
}

// forgive counts what is not owed, by its reason.
func (e *cursorEnd) forgive(w waiver, n int64) {
	switch w {
	case byPlan:
		e.emptied += n
	case byCommand:
		e.doubted += n
	default:
		e.waived += n
	}
}

// screen is what one filter keeps from one channel.
type screen struct {
	channel history.ChannelID
	epoch   history.EpochID
	filter  uint8
}

// fate is what became of one message behind one filter.
type fate struct {
	lacking int  // subscriptions that miss it
	live    bool // one of them in the midst of its life
	had     bool // somebody else behind the filter has it
}

// nameFiltered renames losses that the filter explains. A filter that is wrong is
// wrong for everybody: of several subscriptions behind it all lack the message, at
// least one of them live, and somebody without it, or with another, has it. Where one
// client alone has a filter, or nobody lacks it live, anything may be the reason; there
// it is the filter only if some was seen to be wrong, or too much is lost live for
// another reason, and nothing is lost without one.
func (s *settlement) nameFiltered(lost []loss) {
	fates, bare := make(map[screen]map[uint64]*fate), make(map[missKey]bool)
	for i := range lost {
		l := &lost[i]
		c := &s.parts[l.part].ledger.all[l.cursor]
		if c.sieve == nil {
			for o := l.from; o <= l.to && o-l.from < mostSpans; o++ {
				bare[missKey{c.channel, l.epoch, o}] = true
			}
			continue
		}
		k := screen{c.channel, l.epoch, s.filterAt(c, l)}
		if fates[k] == nil {
			fates[k] = make(map[uint64]*fate)
		}
		f := fates[k][l.from]
		if f == nil {
			f = &fate{}
			fates[k][l.from] = f
		}
		f.lacking++
		f.live = f.live || l.anomaly == LostMessage || l.anomaly == MembershipLostSilent || l.anomaly == ConfirmedNotSubscribed
	}
	if len(fates) == 0 {
		return
	}
	s.fulfil(fates)
	wrong := func(k screen, o uint64, f *fate) bool {
		_, heard := s.channel(k.channel).entry(k.epoch, o)
		return heard && !f.had && !bare[missKey{k.channel, k.epoch, o}]
	}
	seen := len(bare) == 0 && s.onlyBehind(lost)
	for k, all := range fates {
		for o, f := range all {
			seen = seen || f.lacking > 1 && f.live && wrong(k, o, f)
		}
	}
	for i := range lost {
		l := &lost[i]
		c := &s.parts[l.part].ledger.all[l.cursor]
		if c.sieve == nil || !seen {
			continue
		}
		switch l.anomaly {
		case LostMessage, MembershipLostSilent, ConfirmedNotSubscribed, SubscribeHistoryGap, RecoveredFlagLie, LostInSocket, OfflineQueueDrop:
		default:
			continue
		}
		k := screen{c.channel, l.epoch, s.filterAt(c, l)}
		if f := fates[k][l.from]; wrong(k, l.from, f) && (f.lacking > 1 && f.live || len(bare) == 0) {
			l.anomaly, l.filter = FilterFalseNegative, k.filter
		}
	}
}

// leastExpected is how many losses chance would have given to those without a filter,
// if losses had nothing to do with filters, when none of them is enough to tell.
const leastExpected = 10

// onlyBehind reports whether filters explain what is lost live although each message
// is missing at one client only: those without a filter received so much on the same
// channels that they would have lost something, too.
func (s *settlement) onlyBehind(lost []loss) bool {
	channels, n := make(map[history.ChannelID]bool), int64(0)
	for i := range lost {
		if l := &lost[i]; l.anomaly == LostMessage {
			channels[s.parts[l.part].ledger.all[l.cursor].channel] = true
			n++
		}
	}
	var behind, bare int64
	for _, p := range s.parts {
		for i := range p.ledger.all {
			switch c := &p.ledger.all[i]; {
			case !channels[c.channel] || !c.positioned:
			case c.sieve != nil:
				behind += c.received
			default:
				bare += c.received
			}
		}
	}
	return n > 0 && n*bare >= leastExpected*(behind+n)
}

// fulfil notes of which messages some subscription behind the same filter has one.
func (s *settlement) fulfil(fates map[screen]map[uint64]*fate) {
	for _, p := range s.parts {
		for i := range p.ledger.all {
			c := &p.ledger.all[i]
			if c.sieve == nil {
				continue
			}
			for k := range c.sieve.reigns {
				r := &c.sieve.reigns[k]
				for o, f := range fates[screen{c.channel, r.epoch, r.filter}] {
					f.had = f.had || r.base < o && r.have.has(o)
				}
			}
		}
	}
}

// filterAt is the filter of the reign in which something was lost.
func (s *settlement) filterAt(c *cursor, l *loss) uint8 {
	f := c.sieve.filter
	for k := range c.sieve.reigns {
		if r := &c.sieve.reigns[k]; r.life == l.life && r.epoch == l.epoch && r.base < l.from {
			f = r.filter
		}
	}
	return f
}

// filterText is a filter as it may be shown.
func (s *settlement) filterText(number uint8) string {
	if n := int(number); n > 0 && n <= len(s.j.brief.Filters) {
		return s.j.brief.Filters[n-1]
	}
	return "its filter"
}
