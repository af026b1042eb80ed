package driver

import (
	"time"

	"squall/assert/history"
	"squall/driver/session"
)

// muted are the things that a mute may be of.
func muted(what string) session.Muted {
	switch what {
	case "pongs":
		return session.Pongs
	case "acks":
		return session.Acks
	}
	return session.Pings
}

// mute keeps the victim from pinging, from answering pings or deliveries, on this
// connection and on those that follow it while it lasts.
func (s *shard) mute(c *client, x step, now time.Duration) {
	if !c.Connected() {
		s.skipped++
		return
	}
	m := x.moment
	s.struck(c, now)
	s.fault(c, history.FaultBegin, "mute "+m.How, x.at, now)
	until := now + m.For
	c.Mute(muted(m.How), until)
	s.steps.add(step{at: until, kind: stepHeal, client: x.client, life: c.Life(), moment: m})
}

// speak ends a mute, unless a later one goes on.
func (s *shard) speak(c *client, x step, now time.Duration) {
	if c.Unmute(muted(x.moment.How), now, s.fleet.draining.Load(), &s.out) {
		s.flush(c, x.client)
		s.fault(c, history.FaultEnd, "mute "+x.moment.How, x.at, now)
	}
}
