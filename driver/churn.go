package driver

import (
	"time"

	"squall/assert/history"
)

// turn plans when a client of a group with a `session` leaves the connection on
// which everything has just been answered. Nobody leaves before time 0, nor when
// there is no time left to return before the drain.
func (s *shard) turn(c *client, now time.Duration) {
	if !s.active {
		return
	}
	stay, away, ok := s.fleet.plan.Turn(int(c.id), int(c.turns))
	if !ok {
		return
	}
	c.turns++
	if now+stay+away < s.zero+s.fleet.plan.Duration {
		s.steps.add(step{at: now + stay, kind: stepLeave, client: (c.id - int32(s.index)) / int32(len(s.fleet.shards)), life: c.Life()})
	}
}

// leave ends a turn with a clean close, if it still lasts. It is no fault of the
// timeline: no storm begins.
func (s *shard) leave(c *client, x step, now time.Duration) {
	if c.Life() != x.life || !c.Connected() || c.faulty || s.fleet.draining.Load() {
		return
	}
	_, away, _ := s.fleet.plan.Turn(int(c.id), int(c.turns)-1)
	s.fault(c, history.FaultBegin, "session", x.at, now)
	c.faulty, c.churn, c.away = true, true, away
	c.Leave()
	c.conn.Close(1000, "")
}

// returning is what the end of an absence is called in the history.
func (s *shard) returning(c *client) string {
	if c.switching {
		c.switching = false
		return "switch"
	}
	if c.churn {
		c.churn = false
		return "session"
	}
	return "disconnect"
}
