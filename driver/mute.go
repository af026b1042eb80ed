package driver

import (
	"time"

	"squall/assert/history"
)

// mute keeps the victim from pinging or from answering pings, on this
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
	c.Mute(m.How == "pongs", until)
	s.steps.add(step{at: until, kind: stepHeal, client: x.client, life: c.Life(), moment: m})
}

// speak ends a mute, unless a later one goes on.
func (s *shard) speak(c *client, x step, now time.Duration) {
	if c.Unmute(x.moment.How == "pongs", now, s.fleet.draining.Load()) {
		s.fault(c, history.FaultEnd, "mute "+x.moment.How, x.at, now)
	}
}
