package driver

import (
	"time"

	"squall/assert/history"
	"squall/driver/detour"
	"squall/driver/engine"
	"squall/driver/fault"
	"squall/driver/session"
	"squall/scenario"
)

// A client whose upgrades are refused goes on over plain HTTP, if its group has a
// fallback, and tries WebSocket again now and then: after half of the longest wait of its
// backoff, or up to all of it, it leaves cleanly and returns. A return begins with
// WebSocket, so a client that is refused again is back over HTTP at once.

// transports are those of a group.
func transports(names []string) (all []history.Transport) {
	for _, name := range names {
		switch name {
		case scenario.ServerSentEvents:
			all = append(all, history.EventStream)
		case scenario.LongPolling:
			all = append(all, history.LongPoll)
		}
	}
	return all
}

// carriers says how a transport is carried.
var carriers = map[history.Transport]detour.Carrier{history.EventStream: detour.EventStream, history.LongPoll: detour.LongPoll}

// refusedNote is what a client that the plan blocks meets in place of an answer.
const refusedNote = "refused on the way, as the plan's block says"

// call begins the attempt of the client's current life.
func (s *shard) call(c *client, i int32, how *engine.Dial) engine.Conn {
	t := token(i, c.Life())
	if by, ok := carriers[c.Transport()]; ok {
		return s.roads.Dial(s.fleet.ctx, t, how, by)
	}
	if c.blocked <= s.loop.Now() {
		return s.loop.Dial(t, how)
	}
	c.barred = true
	s.loop.Post(func() { s.Closed(t, engine.End{Cause: engine.NotUpgraded, Status: 403, Text: refusedNote}) })
	return closedConn{}
}

// block refuses the victim's upgrades from now on, and ends the WebSocket that it has.
func (s *shard) block(c *client, x step, now time.Duration) {
	m := x.moment
	if c.gone || !c.Wanted() {
		s.skipped++
		return
	}
	until := now + m.For
	c.blocked = max(c.blocked, until)
	s.struck(c, now)
	s.fault(c, history.FaultBegin, "block", x.at, now)
	s.steps.add(step{at: until, kind: stepHeal, client: x.client, life: c.Life(), moment: m})
	if c.Transport() != history.WebSocket || c.faulty {
		return
	}
	switch state := c.State(); {
	case state == session.Dialing:
		c.barred = true
	case state >= session.Connecting && state != session.Gone:
		c.faulty, c.deaf, c.away = true, true, 0
	default:
		return
	}
	c.conn.Fault(fault.Action{Kind: fault.Reset})
}

// unblock ends a block, unless a later one goes on.
func (s *shard) unblock(c *client, x step, now time.Duration) {
	if now >= c.blocked || s.fleet.draining.Load() {
		c.blocked = 0
	}
	s.fault(c, history.FaultEnd, "block", x.at, now)
}

// bar says of an attempt that the plan itself has refused.
func (c *client) bar(l *session.Loss) bool {
	was := c.barred && l.Refused
	c.barred = false
	if was {
		l.Code, l.Note, l.Excused, l.NoUpgrade, l.Blocked = 403, refusedNote, true, true, true
	}
	return was
}

// lookBack is how soon a client that has something outstanding looks again whether it may
// leave its transport.
const lookBack = 50 * time.Millisecond

// detoured plans when a client that is live on another transport tries WebSocket again, if
// there is time left before the drain.
func (s *shard) detoured(c *client, now time.Duration) {
	if c.Transport() == history.WebSocket || !s.active {
		return
	}
	most := s.fleet.plan.Groups[s.plan(c).Group].Reconnect.Max
	chance := scenario.Rand(s.fleet.plan.Seed, "switch", int(c.id), int(c.Life())).Float64()
	at := now + most/2 + time.Duration(chance*float64(most/2))
	if at < s.zero+s.fleet.plan.Duration {
		s.steps.add(step{at: at, kind: stepSwitch, client: s.indexOf(c), life: c.Life()})
	}
}

// switchBack leaves a transport to try WebSocket again.
func (s *shard) switchBack(c *client, x step, now time.Duration) {
	if c.Life() != x.life || c.faulty || c.gone || c.revoked || s.fleet.draining.Load() || !c.Connected() {
		return
	}
	if !c.Aside() {
		x.at = now + lookBack
		s.steps.add(x)
		return
	}
	s.fault(c, history.FaultBegin, "switch", x.at, now)
	c.faulty, c.switching, c.away = true, true, 0
	c.Leave()
	c.conn.Close(1000, "")
}
