package assert

import (
	"time"

	"squall/assert/history"
)

// gap is an interval of offsets that a subscription has not received although
// it received a later one. It is pending: a late fill makes it a reorder, a
// notice of the server waives it, the end makes it a loss.
type gap struct {
	from, to uint64 // both missing
	cursor   int32
	epoch    history.EpochID
	life     int32
	segment  int32  // the subscribe answer in whose reign it was met
	base     uint64 // that answer: the position asked from (recovered) or answered
	top      uint64 // and the server's top in it
	recovered,
	live, // a live delivery revealed it (else a replayed one)
	firstLive, // and it was the first live one after the answer
	drained, // the life before that answer was ended by a drain
	resumed, // the segment began with a session that goes on
	hushed, // and nothing came in the one before
	slowed, // the client read slowly, or not at all, in that life
	inverted bool // deliveries of that segment came late: an early end of the life may have cut off this one
	node      int32         // to which the client was connected
	prevEnd   time.Duration // when the life before that answer ended
	resumedAt time.Duration
	seen      time.Duration // when it was met
	sight     setting
}

func (g *gap) size() int64 { return int64(g.to - g.from + 1) }

// mostGaps bounds the pending gaps of one cursor; what is beyond is counted.
const mostGaps = 64

// gaps holds the pending gaps of a shard, in the order in which they were met.
// Correct targets have next to none, so a list per cursor hangs in a map.
type gaps struct {
	of map[int32][]gap
}

// add keeps g; false means that its cursor is full.
func (p *gaps) add(g gap) bool {
	if p.of == nil {
		p.of = make(map[int32][]gap)
	}
	list := p.of[g.cursor]
	if len(list) == mostGaps {
		return false
	}
	p.of[g.cursor] = append(list, g)
	return true
}

// find returns the pending gap of the cursor that holds o, or nil.
func (p *gaps) find(cursor int32, epoch history.EpochID, o uint64) *gap {
	list := p.of[cursor]
	for i := range list {
		if g := &list[i]; g.from <= o && o <= g.to && g.epoch == epoch {
			return g
		}
	}
	return nil
}

// fill takes o out of g, a gap that find returned. It returns how many messages
// it can no longer keep account of, because the gaps have become too many.
func (p *gaps) fill(g *gap, o uint64) (overflow int64) {
	cursor := g.cursor
	switch {
	case g.from == g.to:
		list := p.of[cursor]
		for i := range list {
			if &list[i] == g {
				list = append(list[:i], list[i+1:]...)
				break
			}
		}
		if len(list) == 0 {
			delete(p.of, cursor)
		} else {
			p.of[cursor] = list
		}
	case o == g.from:
		g.from++
	case o == g.to:
		g.to--
	default:
		right := *g
		right.from = o + 1
		g.to = o - 1
		if len(p.of[cursor]) >= 4*mostGaps {
			return right.size()
		}
		p.of[cursor] = append(p.of[cursor], right)
	}
	return 0
}

// waive drops what the server announced as lost: offsets up to o, met in the
// given segment. It returns how many messages that were.
func (p *gaps) waive(cursor, segment int32, o uint64) (n int64) {
	list := p.of[cursor]
	kept := list[:0]
	for _, g := range list {
		if g.segment == segment && g.from <= o {
			n += int64(min(g.to, o) - g.from + 1)
			if g.to <= o {
				continue
			}
			g.from = o + 1
		}
		kept = append(kept, g)
	}
	if len(kept) == 0 {
		delete(p.of, cursor)
	} else {
		p.of[cursor] = kept
	}
	return n
}

// settleTop corrects the gaps of a segment whose answer came after its replay.
func (p *gaps) settleTop(cursor, segment int32, top uint64, recovered bool) {
	list := p.of[cursor]
	for i := range list {
		if list[i].segment == segment {
			list[i].top, list[i].recovered = top, recovered
		}
	}
}

// invert marks the gaps of a segment in which deliveries come late.
func (p *gaps) invert(cursor, segment int32) {
	list := p.of[cursor]
	for i := range list {
		if list[i].segment == segment {
			list[i].inverted = true
		}
	}
}
