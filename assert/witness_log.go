package assert

import (
	"fmt"

	"squall/assert/history"
)

// logLines is the witness of an incident that no single subscriber shows: what
// the publisher knows of the message, where the channel has its neighbours, and
// somebody who was there for all of it.
func (s *settlement) logLines(f *found) []Line {
	out := s.publisherLines(f)
	ch := s.channels[f.channel]
	name := s.j.names.Name(int32(f.channel))
	ids := []ident{f.id, f.other}
	if f.anomaly == AckThenDrop && !f.id.fence {
		before, after := f.id, f.id
		before.seq--
		after.seq++
		ids = append(ids, before, after)
	}
	for _, id := range ids {
		for _, p := range ch.places(id) {
			if len(out) == witnessLines-1 {
				break
			}
			out = append(out, Line{At: p.seen, Actor: name, What: "offset", Text: fmt.Sprintf("%d = %s, first received", p.offset, s.message(id))})
		}
	}
	if c := s.witnessOf(ch); c != nil {
		out = append(out, Line{At: c.lastSeen, Actor: s.actor(c.client, c.life), What: "has", Text: fmt.Sprintf("every offset from %d to %d", c.origin+1, c.last)})
	}
	return byTime(out)
}

// spot is where a channel has a message.
type spot struct {
	epoch  history.EpochID
	offset uint64
	entry
}

// places finds the offsets that any shard knows a message under, each once.
func (c *channelEnd) places(id ident) (out []spot) {
	if id.seq == 0 {
		return nil
	}
	for _, g := range c.logs {
		if g.epoch == withoutOffsets {
			continue
		}
		for o := max(g.low, g.top+1-min(g.top+1, uint64(len(g.ring)))); o <= g.top; o++ {
			n := g.at(o)
			if n == nil || n.seq == 0 || n.seq == anonymous || n.ident() != id {
				continue
			}
			known := false
			for _, p := range out {
				known = known || p.epoch == g.epoch && p.offset == o
			}
			if !known {
				out = append(out, spot{g.epoch, o, *n})
			}
		}
	}
	return out
}

// witnessOf returns the subscriber whose unbroken chain began first and reached
// the channel's fence, or nil.
func (s *settlement) witnessOf(ch *channelEnd) (best *cursor) {
	for _, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if c.channel != ch.id || !c.positioned || c.sparse || c.chain < 0 || c.overflow || len(p.ledger.gaps.of[int32(at)]) > 0 ||
				ch.fence == 0 || c.epoch != ch.fenceEpoch || c.last < ch.fence {
				continue
			}
			if best == nil || c.chain < best.chain {
				best = c
			}
		}
	}
	return best
}
