package driver

import (
	"context"
	"slices"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// drain settles what can be settled (soundness comes before haste): publishers
// stop and faults heal; everybody comes back; every publication gets its outcome
// or becomes unknown; every channel is fenced; who has not seen the fence is
// probed. Only then may "not received" be called lost.
func (f *fleet) drain(ctx context.Context) error {
	f.draining.Store(true)
	f.each(func(s *shard) {
		s.publishing = false
		s.healAll(s.loop.Now())
	})
	f.enter(history.PhaseDrain)
	limit := f.plan.Drain.Timeout
	err := f.until(ctx, 10*time.Millisecond, limit, false, func() bool {
		n := f.count(nil)
		return f.out.Lost != "" || n.pending == 0 && n.complete == n.wanted
	})
	if err == errStopped {
		return err
	}
	if f.out.Lost == "" {
		f.enter(history.PhaseFences)
		if err := f.fence(ctx); err == errStopped {
			return err
		}
		if err := f.askWho(ctx); err == errStopped {
			return err
		}
		f.enter(history.PhaseProbe)
		if err := f.probe(ctx); err == errStopped {
			return err
		}
	}
	if n := f.count(nil); n.gone() {
		f.out.Lost = n.last.String() // though not for as long as watch wants it
	}
	f.each(func(s *shard) { s.missWaiting() })
	f.enter(history.PhaseEnd)
	return f.finish(ctx)
}

// candidate can fence a channel.
type candidate struct {
	shard         *shard
	client, index int32
	number        int32 // of the publisher, for a stable choice
}

// fence sends one fence a channel where the dialect orders channels by offset,
// else one of every publisher, and waits until every subscriber has seen them, for
// the drain timeout at most: what a target is still busy with then is unseen. Channels
// that are thinned out get none; their subscribers are waited for until they have come
// to the last value, or until the last window that is added up is long over.
func (f *fleet) fence(ctx context.Context) error {
	tries := f.candidates()
	one := make(map[history.ChannelID]bool)
	fences := make([]int, f.channels())
	asked := 0
	send := func(c history.ChannelID, x candidate) {
		asked++
		x.shard.loop.Post(func() { x.shard.fence(x.client, x.index, c) })
	}
	next := make(map[history.ChannelID]int)
	for _, c := range sortedKeys(tries) {
		list := tries[c]
		q := f.plan.Promises.Of(f.cfg.Names.Name(int32(c)))
		one[c] = f.about.Can.Offsets && q.Order == "per-channel" && q.History.Size > 0
		if one[c] {
			send(c, list[0])
			fences[c], next[c] = 1, 1
			continue
		}
		for _, x := range list {
			send(c, x)
		}
		fences[c] = len(list)
	}
	answered, lasts, over := 0, f.lasts(), f.windowsOver()
	moved, last := f.now(), int64(-1)
	return f.until(ctx, 5*time.Millisecond, f.plan.Drain.Timeout, false, func() bool {
		n := f.count(fences)
		if n.delivered != last {
			moved, last = f.now(), n.delivered
		}
		for _, c := range n.fenceBad {
			answered++
			if k := next[c]; one[c] && k < len(tries[c]) && k < 4 {
				next[c] = k + 1
				send(c, tries[c][k])
			} else {
				fences[c] = max(0, fences[c]-1)
			}
		}
		if n.fenceOK+answered >= asked && n.fencesSeen >= n.fencesWanted && n.complete == n.wanted && f.now() >= over && f.unsettled(lasts) == 0 && f.settledDown() {
			// Copies that come after the fence are looked for a moment longer.
			return f.now()-moved >= max(f.lastLook(), f.shapedLook(lasts))
		}
		return f.out.Lost != ""
	})
}

// lastLook is how long the run listens on when everything expected is here:
// time for what should not come.
const lastLook = 150 * time.Millisecond

// lastLook is longer where copies are counted: a connection that has just brought
// something may bring more of it. So it is where filters keep the fence from
// subscriptions: only that nothing comes any more tells that they have everything. And
// so it is where messages wait in batches, which filters may keep the fence from, too.
func (f *fleet) lastLook() time.Duration {
	look := lastLook
	if f.plan.Promises.Copies == scenario.CopiesEach || len(f.plan.Filters) > 0 {
		look *= 3
	}
	if wait := f.plan.Promises.LongestBatch(); wait > 0 {
		look = max(look, 2*wait+lastLook)
	}
	return look
}

func (f *fleet) channels() int { return len(f.cfg.Names.All()) }

func (f *fleet) candidates() map[history.ChannelID][]candidate {
	lists := make([]map[history.ChannelID][]candidate, len(f.shards))
	f.each(func(s *shard) {
		m := make(map[history.ChannelID][]candidate)
		for i := range s.pubs {
			p := &s.pubs[i]
			c := &s.clients[p.client]
			if !c.Connected() && !p.plan.HTTP {
				continue
			}
			c.Published(int(p.index), func(ch history.ChannelID) {
				if s.ends.shaped(ch) != nil {
					return // a fence would be thinned out as well
				}
				m[ch] = append(m[ch], candidate{
					shard: s, client: p.client, index: p.index,
					number: int32(s.fleet.plan.Clients[c.id].Pubs[p.index]),
				})
			})
		}
		lists[s.index] = m
	})
	all := make(map[history.ChannelID][]candidate)
	for _, m := range lists {
		for c, l := range m {
			all[c] = append(all[c], l...)
		}
	}
	for _, l := range all {
		slices.SortFunc(l, func(a, b candidate) int { return int(a.number - b.number) })
	}
	return all
}

func sortedKeys(m map[history.ChannelID][]candidate) []history.ChannelID {
	keys := make([]history.ChannelID, 0, len(m))
	for c := range m {
		keys = append(keys, c)
	}
	slices.Sort(keys)
	return keys
}

// probe asks every connection for proof that it works and that nothing is under
// way any more.
func (f *fleet) probe(ctx context.Context) error {
	f.each(func(s *shard) {
		for i := range s.clients {
			c := &s.clients[i]
			c.Probe(s.loop.Now(), &s.out)
			s.flush(c, int32(i))
		}
	})
	return f.until(ctx, 5*time.Millisecond, 3*time.Second, false, func() bool {
		return f.count(nil).probing == 0
	})
}

// finish closes what is open and waits for it. Nothing of it counts: the end has
// been told.
func (f *fleet) finish(ctx context.Context) error {
	f.each(func(s *shard) {
		for i := range s.clients {
			c := &s.clients[i]
			c.Finish(&s.out)
			s.flush(c, int32(i))
			s.arm(c, int32(i))
		}
	})
	err := f.until(ctx, 5*time.Millisecond, 3*time.Second, false, func() bool {
		return f.count(nil).wanted == 0
	})
	if err == errStopped {
		return err
	}
	return nil
}
