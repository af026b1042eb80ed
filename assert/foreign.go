package assert

import (
	"squall/assert/history"
	"squall/scenario"
)

// Messages without a stamp of this run are somebody else's, or have lost it on the
// way; the promise `foreign-traffic` tells what to make of them.
//
//   - Not said: they may be ours. They are judged by offsets, and what is missing
//     where they came may be one of them.
//   - true: they are not ours. They are counted and owed to nobody, and an offset
//     that nobody knows to be of this run may be one of theirs: a hole there is no
//     loss. An acknowledged message of this run that is missing still is one.
//   - false: nobody but this run publishes, so there is none. One that comes was
//     never published, or was changed on the way: phantom-message. After a command
//     of the plan it may be the command's, and then nothing is said.
//
// Channels that a client observes are judged by offsets in any case.

// strangers reports whether others are known to publish on a channel.
func (j *Judge) strangers(ch history.ChannelID) bool {
	return j.brief.Promises.Strangers() && !j.want.observed[ch]
}

// unstamped takes a delivery that has no stamp of this run, to a subscription.
func (j *Judge) unstamped(c *cursor, e *history.Event) {
	if x := j.shape(e.Channel); x != nil && x.Kind == scenario.Aggregate {
		return // sums have no stamp: nobody has published them
	}
	c.keep().foreign++
	if j.brief.Promises.Alone() && !j.want.observed[e.Channel] && !j.outages.commands() {
		i := incident{anomaly: PhantomMessage, epoch: e.Epoch, from: e.Offset, to: e.Offset, n: 1}
		if e.Flags&history.FlagPositioned == 0 {
			i.epoch = withoutOffsets
		}
		j.report(i, e, c)
	}
}

// ours reports whether an offset holds a message of this run, as far as anybody
// knows: somebody received it there, or the answer to its publication said so.
func (s *settlement) ours(c *channelEnd, epoch history.EpochID, o uint64) bool {
	if !s.j.strangers(c.id) {
		return true
	}
	if n, ok := c.entry(epoch, o); ok {
		return n.seq != anonymous
	}
	return c.told(epoch)[o]
}

// told lists the offsets that answers to publications told. An answer names no
// epoch: they are of use only where the channel has had one.
func (c *channelEnd) told(epoch history.EpochID) map[uint64]bool {
	if c.answers != nil {
		return c.answers
	}
	c.answers = make(map[uint64]bool)
	for _, g := range c.logs {
		if g.epoch != epoch && g.epoch != withoutOffsets {
			return c.answers
		}
	}
	for _, b := range c.outboxes {
		for n := b.gone + 1; n <= b.highest(); n++ {
			if m := b.get(n); m != nil && m.known() && m.offset > 0 {
				c.answers[m.offset] = true
			}
		}
		if b.fence.written && b.fence.known() && b.fence.offset > 0 {
			c.answers[b.fence.offset] = true
		}
	}
	return c.answers
}

// mostLooks bounds how many offsets of an interval are looked at one by one.
const mostLooks = 1 << 20

// owed counts the messages of this run within an interval of offsets.
func (s *settlement) owed(c *channelEnd, epoch history.EpochID, from, to uint64) (n int64) {
	if to < from {
		return 0
	}
	if !s.j.strangers(c.id) || to-from >= mostLooks {
		return int64(to - from + 1)
	}
	for o := from; o <= to; o++ {
		if s.ours(c, epoch, o) {
			n++
		}
	}
	return n
}

// withoutForeign leaves of losses what is of this run, in one piece for each row
// of offsets.
func (s *settlement) withoutForeign(lost []loss) []loss {
	if !s.j.brief.Promises.Strangers() {
		return lost
	}
	var kept []loss
	for _, l := range lost {
		c := s.channels[s.parts[l.part].ledger.all[l.cursor].channel]
		if !s.j.strangers(c.id) || l.fence {
			kept = append(kept, l)
			continue
		}
		if l.to-l.from >= mostLooks || l.n != int64(l.to-l.from+1) { // no offsets to look at
			s.ends[l.part][l.cursor].unseen += l.n
			continue
		}
		for o := l.from; o <= l.to; o++ {
			if !s.ours(c, l.epoch, o) {
				continue
			}
			if n := len(kept); n > 0 && kept[n-1].part == l.part && kept[n-1].cursor == l.cursor && kept[n-1].anomaly == l.anomaly && kept[n-1].epoch == l.epoch && kept[n-1].to+1 == o && o > l.from {
				kept[n-1].to, kept[n-1].n = o, kept[n-1].n+1
				continue
			}
			k := l
			k.from, k.to, k.n = o, o, 1
			kept = append(kept, k)
		}
	}
	return kept
}

// lacking reports whether a subscription has a hole that means something for
// those who look for a witness that received everything: any, or where others
// publish too one that is not known to hold nothing of ours.
func (s *settlement) lacking(p *Judge, at int32, c *cursor) bool {
	gaps := p.ledger.gaps.of[at]
	if len(gaps) == 0 || !s.j.strangers(c.channel) {
		return len(gaps) > 0
	}
	ch, who := s.channels[c.channel], &p.people[c.client]
	for i := range gaps {
		g := &gaps[i]
		over := g.segment < c.segment || g.life < c.life || c.state != live
		if filled := who.probeIn == g.life && who.probe > g.seen || over && !g.inverted; !filled || s.owed(ch, g.epoch, g.from, g.to) > 0 {
			return true
		}
	}
	return false
}
