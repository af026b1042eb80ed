package driver

import (
	"math"
	"time"

	"squall/assert/history"
	"squall/driver/engine"
	"squall/driver/fault"
	"squall/scenario"
)

// shape is what the plan makes of a client's reading and of its link. It goes on
// through all connections of the client, and ends with the active part.
//
// What such a client measures is its own making as well: how long a message took
// on a link of 200 ms says nothing about the target. Its times are therefore
// marked (history.FlagApart) and kept apart from all others, and so are those of
// messages that were published over such a link, whoever received them.
type shape struct {
	read      int        // bytes per second, by its group; 0: all
	link      fault.Line // by its group
	slow      int        // by a `slow` moment; 0: none
	slowUntil time.Duration
	worse     fault.Line // by a `degrade` moment, if degraded
	degraded  bool
	until     time.Duration // of that
}

// always is the end of what does not end.
const always = time.Duration(math.MaxInt64)

// catchUp is how long after its end a limit may still explain a time.
const catchUp = time.Second

// hopelessLink is a round trip that may explain why an answer did not come in time.
const hopelessLink = 8 * time.Second

func lineOf(l scenario.Link) fault.Line {
	return fault.Line{Delay: l.Delay, Jitter: l.Jitter, Rate: int(l.Rate)}
}

// line is the client's link now.
func (x *shape) line() fault.Line {
	if x.degraded {
		return x.worse
	}
	return x.link
}

// rate is what the client reads now, bytes per second; 0: all that comes.
func (x *shape) rate() int {
	least := 0
	for _, r := range [...]int{x.read, x.slow, x.line().Rate} {
		if r > 0 && (least == 0 || r < least) {
			least = r
		}
	}
	return least
}

// explains reports whether the shape may be why an answer is not here in time.
func (x *shape) explains() bool {
	l := x.line()
	return x.rate() > 0 || 2*(l.Delay+l.Jitter) >= hopelessLink
}

// slowDial reports whether the client's own link may be why an upgrade was not
// answered in time, by its own patience or by that of the target.
func (c *client) slowDial(e *engine.End) bool {
	if c.shape == nil || !c.shape.explains() {
		return false
	}
	return e.Cause == engine.TimedOut || e.Cause == engine.EOF || e.Cause == engine.Reset || e.Cause == engine.NotUpgraded && (e.Status == 0 || e.Status == 408)
}

// shapeOf is the client's shape, made if there is none.
func (c *client) shapeOf() *shape {
	if c.shape == nil {
		c.shape = new(shape)
	}
	return c.shape
}

// limited reports whether a moment limits the client now.
func (c *client) limited() bool {
	return c.shape != nil && (c.shape.slow > 0 || c.shape.degraded)
}

// roundTrip is by how much the client's link may delay an answer.
func (c *client) roundTrip() time.Duration {
	if c.shape == nil {
		return 0
	}
	l := c.shape.line()
	return 2 * (l.Delay + l.Jitter)
}

// born limits a client that arrives as its group says.
func (s *shard) born(c *client, now time.Duration) {
	p := s.plan(c)
	g := &s.fleet.plan.Groups[p.Group]
	if !g.Limited() || s.fleet.draining.Load() || c.shape != nil {
		return
	}
	x := c.shapeOf()
	x.read = int(g.Read)
	if p.Link != nil {
		x.link = lineOf(*p.Link)
	}
	if x.read > 0 {
		s.limit(c, history.FaultBegin, "read", x.read, now, now)
	}
	if g.Linked {
		s.limit(c, history.FaultBegin, "link", x.link.Rate, now, now)
	}
	s.reshape(c, now)
}

// limit tells that a limit begins or ends; rate is that of reading, if it has one.
func (s *shard) limit(c *client, k history.Kind, note string, rate int, due, now time.Duration) {
	e := history.Event{
		Kind: k, Client: history.ClientID(c.id), Life: c.Life(), Code: int32(min(rate, math.MaxInt32)), Due: due, Sent: now, Seen: now, Arrived: now, Note: note,
	}
	s.tell(c, &e)
}

// reshape does what the client's shape has become.
func (s *shard) reshape(c *client, now time.Duration) {
	x := c.shape
	c.apart = now + catchUp
	if x.rate() > 0 || x.line() != (fault.Line{}) {
		c.apart = always
	}
	excused := now
	if x.explains() {
		excused = always
	}
	c.Slow(excused)
	s.imprint(c)
	if c.apart != always {
		c.shape = nil
	}
}

// imprint gives the client's connection its shape.
func (s *shard) imprint(c *client) {
	if c.conn == nil || c.shape == nil {
		return
	}
	seed := scenario.Rand(s.fleet.plan.Seed, "jitter", int(c.id), int(c.Life())).Uint64()
	c.conn.Fault(fault.Action{Kind: fault.Slow, Rate: c.shape.rate()})
	c.conn.Fault(fault.Action{Kind: fault.Degrade, Line: c.shape.line(), Seed: seed})
}

// slow limits what the victim reads, on this connection and on those that
// follow it while the limit lasts.
func (s *shard) slow(c *client, x step, now time.Duration) {
	if !c.Connected() {
		s.skipped++
		return
	}
	m := x.moment
	s.struck(c, now)
	y := c.shapeOf()
	y.slow, y.slowUntil = int(m.Bytes), now+m.For
	s.limit(c, history.FaultBegin, "slow", y.slow, x.at, now)
	s.reshape(c, now)
	s.steps.add(step{at: y.slowUntil, kind: stepHeal, client: x.client, life: c.Life(), moment: m})
}

// degrade changes the victim's link in the same way.
func (s *shard) degrade(c *client, x step, now time.Duration) {
	if !c.Connected() {
		s.skipped++
		return
	}
	m := x.moment
	s.struck(c, now)
	y := c.shapeOf()
	y.worse, y.degraded, y.until = lineOf(x.victim.Link), true, now+m.For
	s.limit(c, history.FaultBegin, "degrade", y.worse.Rate, x.at, now)
	s.reshape(c, now)
	s.steps.add(step{at: y.until, kind: stepHeal, client: x.client, life: c.Life(), moment: m})
}

// unshape ends a slow or a degrade, unless a later one goes on.
func (s *shard) unshape(c *client, x step, now time.Duration) {
	y := c.shape
	switch {
	case y == nil:
		return
	case x.moment.Do == "slow" && y.slow > 0 && now >= y.slowUntil:
		y.slow = 0
	case x.moment.Do == "degrade" && y.degraded && now >= y.until:
		y.degraded = false
	default:
		return
	}
	s.limit(c, history.FaultEnd, x.moment.Do, 0, x.at, now)
	s.reshape(c, now)
}

// unlimit ends what groups say of their clients, and lets the moments that still
// last end now: the drain begins.
func (s *shard) unlimit(now time.Duration) {
	for i := range s.clients {
		c := &s.clients[i]
		x := c.shape
		if x == nil {
			continue
		}
		x.slowUntil, x.until = now, now
		read, link := x.read > 0, x.link != (fault.Line{})
		if !read && !link {
			continue
		}
		x.read, x.link = 0, fault.Line{}
		if read {
			s.limit(c, history.FaultEnd, "read", 0, now, now)
		}
		if link {
			s.limit(c, history.FaultEnd, "link", 0, now, now)
		}
		s.reshape(c, now)
	}
}

// markApart marks the times of a client with a shape of its own.
func (s *shard) markApart(e *history.Event) {
	switch e.Kind {
	case history.Deliver, history.Outcome, history.Connected, history.Subscribed, history.Ready, history.Resynced, history.Beat:
		e.Flags |= history.FlagApart
	}
}

// upstream is when the messages of one publisher travel over a link of its own,
// from time 0.
type upstream struct{ from, to time.Duration }

// upstreams lists them by publisher; nil if nobody has such a link.
func upstreams(plan *scenario.Plan) []upstream {
	var all []upstream
	note := func(client int, from, to time.Duration) {
		for _, n := range plan.Clients[client].Pubs {
			if all == nil {
				all = make([]upstream, len(plan.Publishers))
			}
			u := &all[n]
			if u.from == u.to {
				*u = upstream{from, to}
			}
			u.from, u.to = min(u.from, from), max(u.to, to)
		}
	}
	for i := range plan.Clients {
		if plan.Clients[i].Link != nil {
			note(i, -always, always)
		}
	}
	for i := range plan.Moments {
		m := &plan.Moments[i]
		if m.Do != "degrade" {
			continue
		}
		from, to := m.At, m.At+m.For+catchUp
		if m.When != nil {
			from, to = -always, always
		}
		for v := range m.Victims {
			note(m.Victims[v].Client, from, to)
		}
	}
	return all
}

// overLink reports whether a message of a publisher that was due then travelled
// over a link of its own.
func (s *shard) overLink(publisher int32, due time.Duration) bool {
	if publisher < 0 || int(publisher) >= len(s.fleet.upstream) {
		return false
	}
	u := &s.fleet.upstream[publisher]
	if u.from == -always {
		return true
	}
	return s.active && due-s.zero >= u.from && due-s.zero < u.to
}
