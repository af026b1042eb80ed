package driver

import (
	"slices"
	"time"

	"squall/assert/history"
	"squall/driver/session"
	"squall/scenario"
)

func (f *fleet) sub(p scenario.Sub) session.Sub {
	q := f.highest()
	if !p.Pattern {
		q = f.grade(f.plan.Channels[p.Channel])
	}
	return session.Sub{Channel: history.ChannelID(p.Channel), Pattern: p.Pattern, Recover: p.Recover, Kept: p.Kept, Quality: q, Refused: p.Refused, Filter: p.Filter, Watch: p.Watch, Rows: p.Rows}
}

// change subscribes or unsubscribes the victim of a moment. One that is not
// connected, or has nothing to change, is skipped and counted.
func (s *shard) change(c *client, x step, now time.Duration) {
	ok := false
	if p := s.fleet.sub(x.victim.Sub); x.moment.Do == "subscribe" {
		ok = c.Subscribe(p, now, &s.out)
	} else {
		ok = c.Unsubscribe(p.Channel, now, &s.out)
	}
	if !ok {
		s.skipped++
		return
	}
	s.flush(c, x.client)
	s.arm(c, x.client)
}

// patternFences counts the fences that a client's patterns let it expect.
func (s *shard) patternFences(c *client, fences []int, n *census) {
	var done []history.ChannelID // matched by an earlier pattern
	c.Patterns(func(pattern history.ChannelID) {
		for _, ch := range s.reached(pattern, fences) {
			seen, ok := c.Patterned(ch)
			if !ok || slices.Contains(done, ch) {
				continue
			}
			done = append(done, ch)
			n.fencesWanted += fences[ch]
			n.fencesSeen += min(seen, fences[ch])
		}
	})
}

// reached lists the fenced channels that a pattern matches; which channels are
// fenced does not change during a run.
func (s *shard) reached(pattern history.ChannelID, fences []int) []history.ChannelID {
	list, ok := s.reach[pattern]
	if ok {
		return list
	}
	name := s.fleet.cfg.Names.Name(int32(pattern))
	for ch, n := range fences {
		if n > 0 && scenario.Match(name, s.fleet.cfg.Names.Name(int32(ch))) {
			list = append(list, history.ChannelID(ch))
		}
	}
	if s.reach == nil {
		s.reach = make(map[history.ChannelID][]history.ChannelID)
	}
	s.reach[pattern] = list
	return list
}
