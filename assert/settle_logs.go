package assert

import (
	"squall/assert/history"
)

// compareLogs brings the shards' logs of each channel together: one offset must
// stand for one message, and the offsets of one publisher's messages must rise
// with their numbers.
func (s *settlement) compareLogs() {
	for _, c := range s.ordered() {
		epochs := make(map[history.EpochID][]*log)
		for _, g := range c.logs {
			if g.epoch != withoutOffsets {
				epochs[g.epoch] = append(epochs[g.epoch], g)
			}
		}
		for _, logs := range byKey(epochs) {
			epoch := logs[0].epoch
			for i, a := range logs {
				for _, b := range logs[i+1:] {
					s.compare(c, epoch, a, b)
				}
			}
			s.ascend(c, epoch, logs)
		}
	}
	s.nameDivergences()
}

// compare reports offsets for which two shards know different messages.
func (s *settlement) compare(c *channelEnd, epoch history.EpochID, a, b *log) {
	lo, hi := max(a.low, b.low), min(a.top, b.top)
	if lo == 0 || lo > hi {
		return
	}
	windowed := max(lo, a.oldest(), b.oldest())
	for o := windowed; o <= hi; o++ {
		x, y := a.at(o), b.at(o)
		if x.seq == 0 || y.seq == 0 || x.seq == anonymous || y.seq == anonymous || x.ident() == y.ident() {
			continue
		}
		s.add(incident{anomaly: OffsetDivergence, client: -1, channel: c.id, epoch: epoch,
			from: o, to: o, n: 1, seen: y.seen, id: x.ident(), other: y.ident(), inLog: true})
	}
	// Only digests that both keep: a server that lies about its offsets may have
	// put any distance between lo and the window.
	k := max(lo/blockSize, a.blocks.base, b.blocks.base)
	for end := min(a.blocks.end(), b.blocks.end()); k < end && (k+1)*blockSize <= windowed; k++ {
		x, okx := a.blocks.full(k)
		y, oky := b.blocks.full(k)
		if okx && oky && x != y {
			s.add(incident{anomaly: OffsetDivergence, client: -1, channel: c.id, epoch: epoch,
				from: k * blockSize, to: (k+1)*blockSize - 1, n: 1, inLog: true})
		}
	}
}

// add keeps an incident that only the merge could see.
func (s *settlement) add(i incident) {
	if i.setting.phase == "" {
		i.setting = setting{phase: "live", witness: -1}
	}
	s.found = append(s.found, found{i, 0})
}

// ascend walks the offsets of one epoch upwards: in each shard's log, and in all
// together where there are several.
func (s *settlement) ascend(c *channelEnd, epoch history.EpochID, logs []*log) {
	met := make(map[[2]uint64]bool) // each inversion once, by its two offsets
	invert := func(v inversion) {
		if k := [2]uint64{v.earlyAt, v.lateAt}; !met[k] {
			met[k] = true
			s.invert(c, epoch, v)
		}
	}
	for _, g := range logs {
		for _, v := range g.inversion {
			invert(v)
		}
		s.walk(c, epoch, []*log{g}, invert)
	}
	if len(logs) > 1 {
		s.walk(c, epoch, logs, invert)
	}
}

func (s *settlement) walk(c *channelEnd, epoch history.EpochID, logs []*log, invert func(inversion)) {
	lo, hi := ^uint64(0), uint64(0)
	for _, g := range logs {
		if g.top > 0 {
			lo, hi = min(lo, g.oldest()), max(hi, g.top)
		}
	}
	var rising streams
	var at map[ident]uint64 // where each publication was met first
	var repeated map[ident]bool
	if len(logs) > 1 {
		at, repeated = make(map[ident]uint64), s.repeats(c.id, epoch)
	}
	for o := lo; o <= hi && hi > 0; o++ {
		o = inSight(logs, o)
		for _, g := range logs {
			n := g.at(o)
			if n == nil || n.seq == 0 || n.seq == anonymous || n.seq&(fenceBit|repeatBit) != 0 {
				continue
			}
			id := n.ident()
			if at != nil {
				if was, ok := at[id]; ok && was != o {
					if !repeated[id] {
						repeated[id] = true
						s.add(incident{anomaly: DuplicateDelivery, client: -1, channel: c.id, epoch: epoch, from: was, to: o, n: 1, seen: n.seen, id: id, inLog: true})
					}
					break
				}
				at[id] = o
			}
			if v, bad := rising.of(id.publisher, id.incarnation).ascend(id.seq, o); bad {
				v.stream = id
				invert(v)
			}
			break
		}
	}
}

// inSight is the first offset from o on that is in a window: between the windows
// of two shards there may be any distance.
func inSight(logs []*log, o uint64) uint64 {
	next := ^uint64(0)
	for _, g := range logs {
		if g.at(o) != nil {
			return o
		}
		if first := g.oldest(); first > o {
			next = min(next, first)
		}
	}
	return next
}

// repeats lists the publications already reported under two offsets.
func (s *settlement) repeats(ch history.ChannelID, epoch history.EpochID) map[ident]bool {
	ids := make(map[ident]bool)
	for _, f := range s.found {
		if f.inLog && f.anomaly == DuplicateDelivery && f.channel == ch && f.epoch == epoch {
			ids[f.id] = true
		}
	}
	return ids
}

// invert reports that the target gave two messages of one publisher offsets in
// the reverse order, provided that it had to keep them in order: the first was
// acknowledged, and they were sent on one connection, or that was before the
// second was sent. A first one of unknown outcome may take effect at any time
// after it was sent, even behind what its connection carried later (soundness 5):
// whoever had its command may have lost sight of it. The outcome of the second
// means nothing: it took effect before the first one's acknowledgement.
func (s *settlement) invert(c *channelEnd, epoch history.EpochID, v inversion) {
	early, late := v.stream, v.stream
	early.seq, late.seq = v.early, v.late
	p, q := s.publication(c.id, early), s.publication(c.id, late)
	if p == nil || q == nil || p.uncertain() || q.retried {
		return
	}
	if p.life != q.life && !(p.known() && p.settled <= q.sent) {
		return
	}
	s.add(incident{anomaly: FIFOViolation, same: true, client: -1, channel: c.id, epoch: epoch,
		from: v.lateAt, to: v.earlyAt, n: 1, seen: p.settled, id: early, other: late, inLog: true})
}

// nameDivergences looks at offsets that stood for two messages. If one of the
// two was seen at another offset as well, two subscribers saw them in different
// orders; if not, one of them has no place of its own.
func (s *settlement) nameDivergences() {
	places := make(map[placeKey]map[ident]place)
	conflicted := make(map[missIdent]bool)
	for i := range s.found {
		f := &s.found[i]
		if f.anomaly != OffsetDivergence {
			continue
		}
		conflicted[missIdent{f.channel, f.id}] = true
		conflicted[missIdent{f.channel, f.other}] = true
		k := placeKey{f.channel, f.epoch}
		if places[k] == nil {
			places[k] = s.places(k)
		}
		for _, id := range [...]ident{f.id, f.other} {
			places[k][id] = places[k][id].with(f.from)
		}
	}
	if len(conflicted) == 0 {
		return
	}
	inverted := make(map[missIdent]bool) // messages that somebody saw behind a later one of their publisher
	for i := range s.found {
		if f := &s.found[i]; f.anomaly == FIFOViolation || f.same && (f.anomaly == OffsetDivergence || f.inLog && conflicted[missIdent{f.channel, f.id}]) {
			inverted[missIdent{f.channel, f.id}], inverted[missIdent{f.channel, f.other}] = true, true
		}
	}
	kept := s.found[:0]
	for _, f := range s.found {
		switch {
		case f.anomaly == OffsetDivergence:
			at := places[placeKey{f.channel, f.epoch}]
			if at[f.id].several || at[f.other].several {
				f.anomaly = OrderDivergence
				if f.same || f.id.sameStream(f.other) && (inverted[missIdent{f.channel, f.id}] || inverted[missIdent{f.channel, f.other}]) {
					f.anomaly = FIFOViolation
				}
			}
		case f.inLog && f.anomaly == DuplicateDelivery && conflicted[missIdent{f.channel, f.id}]:
			if !f.same {
				continue // the same fact, seen from its other side
			}
			f.anomaly = FIFOViolation
		}
		kept = append(kept, f)
	}
	s.found = kept
}

// missIdent names a publication of a channel.
type missIdent struct {
	channel history.ChannelID
	id      ident
}

type placeKey struct {
	channel history.ChannelID
	epoch   history.EpochID
}

// place is where a publication was seen: at one offset, or at several.
type place struct {
	at      uint64
	several bool
}

func (p place) with(o uint64) place {
	if p.at == 0 {
		return place{at: o}
	}
	return place{p.at, p.several || p.at != o}
}

// places lists where the logs of a channel have each publication.
func (s *settlement) places(k placeKey) map[ident]place {
	at := make(map[ident]place)
	for _, g := range s.channels[k.channel].logs {
		if g.epoch != k.epoch {
			continue
		}
		for o := g.oldest(); o <= g.top; o++ {
			if n := g.at(o); n != nil && n.seq != 0 && n.seq != anonymous {
				at[n.ident()] = at[n.ident()].with(o)
			}
		}
	}
	return at
}
