package driver

import (
	"time"

	"squall/assert/history"
	"squall/driver/fault"
	"squall/scenario"
)

// do carries out one step.
func (s *shard) do(x step, now time.Duration) {
	c := &s.clients[x.client]
	switch x.kind {
	case stepArrive:
		s.arrive(c, x, now)
	case stepHeal:
		s.heal(c, x, now)
	case stepBack:
		s.fault(c, history.FaultEnd, s.returning(c), x.at, now)
	case stepLeave:
		s.leave(c, x, now)
	case stepBurst:
		s.burst(x)
	case stepFence:
		s.fence(x.client, x.pub, x.channel)
	case stepFlush:
		s.writeWaiting(c, x.client)
	case stepWait:
		s.waited(c, x, now)
	case stepOut:
		s.depart(c, x, now)
	case stepSwitch:
		s.switchBack(c, x, now)
	case stepAside:
		s.asideWaited(c, x, now)
	case stepMoment:
		if s.fleet.draining.Load() {
			return
		}
		switch x.moment.Do {
		case "disconnect":
			s.disconnect(c, x, now)
		case "slow":
			s.slow(c, x, now)
		case "degrade":
			s.degrade(c, x, now)
		case "mute":
			s.mute(c, x, now)
		case "block":
			s.block(c, x, now)
		case "scale":
			s.scale(c, x, now)
		case "publish":
			s.burst(s.firstBurst(x))
		case "subscribe", "unsubscribe":
			s.change(c, x, now)
		case "abuse":
			s.abuse(c, x, now)
		}
	}
}

func (s *shard) fault(c *client, k history.Kind, note string, due, now time.Duration) {
	e := history.Event{
		Kind: k, Client: history.ClientID(c.id), Life: c.Life(), Due: due, Sent: now, Seen: now, Arrived: now, Note: note,
	}
	s.tell(c, &e)
}

func (s *shard) struck(c *client, now time.Duration) {
	if !c.hit {
		c.hit = true
		s.fleet.storm.hit(now)
	}
}

// disconnect ends, freezes or abandons the victim's connection. A victim that
// is not connected is skipped and counted.
func (s *shard) disconnect(c *client, x step, now time.Duration) {
	if !c.Connected() {
		s.skipped++
		return
	}
	m := x.moment
	s.struck(c, now)
	s.fault(c, history.FaultBegin, "disconnect "+m.How, x.at, now)
	if m.Fresh {
		c.Forget()
	}
	if m.How == "freeze" {
		c.Freeze()
		c.conn.Fault(fault.Action{Kind: fault.Freeze})
		s.steps.add(step{at: now + x.victim.Away, kind: stepHeal, client: x.client, life: c.Life(), moment: m})
		return
	}
	c.faulty, c.away = true, x.victim.Away
	c.deaf = m.How == "reset" || m.How == "fin" || m.How == "vanish"
	switch m.How {
	case "close":
		c.Leave()
		c.conn.Close(m.Code, m.Reason)
	case "fin":
		c.conn.Fault(fault.Action{Kind: fault.Fin})
	case "reset":
		c.conn.Fault(fault.Action{Kind: fault.Reset})
	case "cut":
		c.conn.Fault(fault.Action{Kind: fault.Cut, After: m.After})
	case "vanish":
		if s.watchesOld(c) {
			s.leaveBehind(c, x.client)
			return
		}
		c.conn.Fault(fault.Action{Kind: fault.Abandon})
	}
}

// heal ends a freeze, a mute or a limit. A connection that has ended meanwhile
// needs no healing, but its client is told to be well again.
func (s *shard) heal(c *client, x step, now time.Duration) {
	switch x.moment.Do {
	case "mute":
		s.speak(c, x, now)
	case "block":
		s.unblock(c, x, now)
	case "slow", "degrade":
		s.unshape(c, x, now)
	default:
		s.fault(c, history.FaultEnd, "disconnect freeze", x.at, now)
		if c.Life() != x.life {
			return
		}
		c.Thaw(now)
		c.conn.Fault(fault.Action{Kind: fault.Heal})
		s.imprint(c)
		s.flushSoon(c, now)
	}
	if c.Complete() {
		s.healed(c, now)
	}
	s.arm(c, x.client)
}

// healAll ends what still lasts, at the beginning of the drain.
func (s *shard) healAll(now time.Duration) {
	s.unlimit(now)
	kept := steps{added: s.steps.added}
	for _, x := range s.steps.heap {
		switch x.kind {
		case stepHeal:
			x.at = now
			kept.add(x)
		case stepBack, stepArrive, stepFlush, stepWait, stepOut, stepAside:
			kept.add(x)
		}
	}
	s.steps = kept
}

// firstBurst turns a `publish` moment that reached a victim into its first
// publication.
func (s *shard) firstBurst(x step) step {
	c := &s.clients[x.client]
	for j, n := range s.plan(c).Pubs {
		if name := s.fleet.plan.Publishers[n].Name; x.moment.Publisher == "" || name == x.moment.Publisher {
			x.pub, x.left, x.kind = int32(j), int32(x.moment.Count), stepBurst
			return x
		}
	}
	return x
}

// burst publishes one message of a `publish` moment and plans the next.
func (s *shard) burst(x step) {
	if x.kind != stepBurst || x.left <= 0 || !s.publishing {
		return
	}
	c := &s.clients[x.client]
	if c.gone || c.revoked {
		return
	}
	p := &s.pubs[c.pubs+x.pub]
	if x.due == 0 {
		x.due = x.at
	}
	if s.busy(p) {
		x.at = s.loop.Now() + windowWait
		s.steps.add(x)
		return
	}
	s.publish(p, x.due, x.moment.Channel)
	x.at, x.due = x.due, 0
	x.left--
	if x.left == 0 {
		return
	}
	if x.moment.Rate > 0 {
		x.at += time.Duration(float64(time.Second) / x.moment.Rate)
	}
	s.steps.add(x)
}

// plant puts the moments of the timeline into the shard's steps.
func (s *shard) plant(origin time.Duration) {
	for k := range s.fleet.plan.Moments {
		m := &s.fleet.plan.Moments[k]
		if m.When != nil {
			continue // since the arrivals
		}
		s.strike(m, origin+m.At)
		if s.index == 0 && m.Do == "say" {
			s.fleet.sayings = append(s.fleet.sayings, saying{at: origin + m.At, text: m.Text})
		}
	}
}

// strike plans what a moment does to the shard's victims.
func (s *shard) strike(m *scenario.Moment, at time.Duration) {
	shards := len(s.fleet.cfg.Loops)
	for v := range m.Victims {
		victim := &m.Victims[v]
		if victim.Client%shards != s.index {
			continue
		}
		s.steps.add(step{
			at: at + victim.Delay, kind: stepMoment,
			client: int32(victim.Client / shards), moment: m, victim: victim,
		})
	}
}
