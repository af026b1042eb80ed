package driver

import (
	"time"

	"squall/assert/history"
	"squall/driver/session"
)

// A client that a `scale` sends home says nothing more, waits until what it has
// said is answered, and closes its connection. From then on it is owed nothing and
// wants nothing. When it comes again it comes as somebody who knows nothing: it is
// owed what follows its first answers.

// lookAgain is how long a client that leaves waits before it looks whether its
// publications are answered.
const lookAgain = 10 * time.Millisecond

// scale lets the victim come or go.
func (s *shard) scale(c *client, x step, now time.Duration) {
	if c.revoked {
		s.skipped++
		return
	}
	if x.moment.How == "out" {
		s.goOut(c, x, now)
		return
	}
	switch {
	case c.State() == session.New:
		c.late = true
		s.arrive(c, x, now)
	case c.gone && c.State() == session.Gone:
		s.comeAgain(c, x.client, x.at, now)
	case c.gone:
		c.again = x.at
	default:
		s.skipped++ // it has given up for good
	}
}

// arrive starts a client for the first time.
func (s *shard) arrive(c *client, x step, now time.Duration) {
	s.born(c, now)
	c.Start(x.at, now, &s.out)
	s.flush(c, x.client)
	s.arm(c, x.client)
}

func (s *shard) comeAgain(c *client, i int32, due, now time.Duration) {
	c.gone, c.again, c.late = false, 0, true
	s.fault(c, history.FaultEnd, "scale", due, now)
	c.Renew()
	s.arrive(c, step{at: due, client: i}, now)
}

// goOut begins to leave: the publishers of the client stop.
func (s *shard) goOut(c *client, x step, now time.Duration) {
	if c.gone {
		c.again = 0
		return
	}
	c.gone = true
	s.hush(c)
	x.kind, x.due = stepOut, now+s.fleet.plan.Drain.AckTimeout
	s.depart(c, x, now)
}

// hush stops the publishers of a client.
func (s *shard) hush(c *client) {
	for j, number := range s.plan(c).Pubs {
		p := &s.pubs[int(c.pubs)+j]
		s.wheel.Clear(s.key(p))
		p.begun, p.waiting, p.pacer = false, false, s.fleet.plan.Pacer(number)
	}
}

// depart closes the connection when everything said is answered, or will not be.
func (s *shard) depart(c *client, x step, now time.Duration) {
	if c.Connected() && now < x.due && (c.Pending() > 0 || s.waits(c, x.client)) {
		x.at = now + lookAgain
		s.steps.add(x)
		return
	}
	s.fault(c, history.FaultBegin, "scale", x.at, now)
	c.Finish(&s.out)
	c.Leave()
	s.flush(c, x.client)
	s.arm(c, x.client)
	if c.State() == session.Gone {
		s.departed(c, x.client, now)
	}
}

// departed notes that a client has left. It may be wanted again already.
func (s *shard) departed(c *client, i int32, now time.Duration) {
	s.healed(c, now)
	if c.gone && c.again > 0 && !s.fleet.draining.Load() {
		s.comeAgain(c, i, c.again, now)
	}
}
