package driver

import (
	"fmt"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// outbox holds what a client said while it could not be written: only that, so
// nothing in it can have reached the server. Numbers are given when it leaves.
type outbox struct{ kept []said }

// said is a publication that was not written. It is composed anew when it is.
type said struct {
	pub     int32 // among the client's publishers
	k       int64
	due     time.Duration
	channel string
}

// stash keeps x if its client has an outbox and can't write, or still has older
// ones to write; ok is false if x is to be written, or missed, now.
func (s *shard) stash(p *publisher, x said) (ok bool) {
	c := &s.clients[p.client]
	o := s.outboxOf(c)
	if o.Limit == 0 {
		return false
	}
	box := s.outboxes[p.client]
	if c.CanPublish() && box == nil {
		return false
	}
	if box == nil {
		box = &outbox{}
		if s.outboxes == nil {
			s.outboxes = make(map[int32]*outbox)
		}
		s.outboxes[p.client] = box
	}
	if len(box.kept) < o.Limit {
		box.kept = append(box.kept, x)
		return true
	}
	switch o.Overflow {
	case "drop-oldest":
		s.forgo(c, p.client, box.kept[0], "the outbox was full")
		box.kept = append(box.kept[1:], x)
	case "reject":
		s.forgo(c, p.client, x, "the outbox was full and refused it")
	default:
		s.forgo(c, p.client, x, "the outbox was full")
	}
	return true
}

func (s *shard) outboxOf(c *client) *scenario.Outbox {
	return &s.fleet.plan.Groups[s.plan(c).Group].Outbox
}

// forgo tells that a publication will not be written.
func (s *shard) forgo(c *client, i int32, x said, why string) {
	c.Miss(int(x.pub), history.ChannelID(s.names.ID([]byte(x.channel))), x.due, s.loop.Now(), why, &s.out)
	s.flush(c, i)
}

// waits reports whether a client has something to write that it said before.
func (s *shard) waits(c *client, i int32) bool {
	return c.Unsent() > 0 || s.outboxes[i] != nil
}

// flushSoon writes what waits, before anything newer, as soon as what is at hand
// is done.
func (s *shard) flushSoon(c *client, now time.Duration) {
	if i := s.number(c); s.waits(c, i) {
		s.steps.add(step{at: now, kind: stepFlush, client: i})
	}
}

// number is the client's place in the shard.
func (s *shard) number(c *client) int32 { return c.id / int32(len(s.fleet.cfg.Loops)) }

// writeWaiting writes, in order, first what has to be sent again and then the
// outbox. If the server's window is full it goes on later.
func (s *shard) writeWaiting(c *client, i int32) {
	now := s.loop.Now()
	box := s.outboxes[i]
	for s.waits(c, i) {
		if !c.CanPublish() {
			return
		}
		if c.held(true) {
			s.steps.add(step{at: now + windowWait, kind: stepFlush, client: i})
			return
		}
		if c.Unsent() > 0 {
			s.sendAgain(c, i, now)
			continue
		}
		x := box.kept[0]
		if box.kept = box.kept[1:]; len(box.kept) == 0 {
			delete(s.outboxes, i)
		}
		s.fromOutbox(c, i, x, now)
	}
	s.arm(c, i)
}

// fromOutbox writes one kept publication. It is due now: that it could not be
// written before was the plan's will, and no fault of the target.
func (s *shard) fromOutbox(c *client, i int32, x said, now time.Duration) {
	if ttl := s.outboxOf(c).TTL; ttl > 0 && now-x.due > ttl {
		s.forgo(c, i, x, "it grew too old in the outbox")
		return
	}
	p := &s.pubs[c.pubs+x.pub]
	m, err := p.plan.Compose(x.k, x.due, s.fleet.runID)
	if err != nil { // it was composed before
		panic(fmt.Sprintf("driver: composing %d again: %v", x.k, err))
	}
	m.Channel = x.channel
	s.publishNow(p, c, m, x.k, now, history.FlagOutbox)
}

// sendAgain writes the next publication of unknown outcome once more, with the
// same stamp and key.
func (s *shard) sendAgain(c *client, i int32, now time.Duration) {
	a, ok := c.Repeat(now, &s.out)
	if !ok {
		return
	}
	p := &s.pubs[int(c.pubs)+a.Publisher]
	m, err := p.plan.Compose(a.K, a.Due, s.fleet.runID)
	if err != nil {
		panic(fmt.Sprintf("driver: composing %d again: %v", a.K, err))
	}
	m.Channel = s.fleet.cfg.Names.Name(int32(a.Channel))
	s.write(c, a.Channel, m, a.Publication, a.Due, false)
	s.flush(c, i)
}

// missWaiting tells, at the end of the run, what never left.
func (s *shard) missWaiting() {
	for i := range s.clients {
		if box := s.outboxes[int32(i)]; box != nil {
			for _, x := range box.kept {
				s.forgo(&s.clients[i], int32(i), x, "its client was offline at the end")
			}
		}
	}
	s.outboxes = nil
}

// wireKey makes a publisher's key unique among publishers and runs.
func (s *shard) wireKey(publisher int32, key string) string {
	if key == "" {
		return ""
	}
	return fmt.Sprintf("%s.%d.%s", s.fleet.runID, publisher, key)
}

// firstUse reports whether a publisher has not used a key on a channel before: a
// server must take the second use for a repetition of the first.
func (s *shard) firstUse(p *publisher, m scenario.Publication) bool {
	name := m.Channel + "\x00" + m.Key
	if _, used := p.keys[name]; used {
		return false
	}
	if p.keys == nil {
		p.keys = make(map[string]struct{})
	}
	p.keys[name] = struct{}{}
	return true
}
