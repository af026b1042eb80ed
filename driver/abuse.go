package driver

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/driver/fault"
	"squall/driver/session"
	"squall/scenario"
)

// outcomeWait is how long the outcome of an offence is waited for.
const outcomeWait = 5 * time.Second

// offence is what a client has done wrongly on its present connection, and what
// has not had its answer yet.
type offence struct {
	what string
	life int32
	till time.Duration
	id   uint64 // of the command that was wrong
	wire bool   // it was a frame: the client says nothing more, and id is what a broken text named
	echo bool   // what was written behind it was answered
	late bool   // the server may have had more to read before it
}

func (o *offence) note() string { return "abuse " + o.what }

// brokenText is a JSON text that is not UTF-8.
const brokenText = "\"squall \xff\xfe\xc0\xaf\""

// abuse lets the victim do something wrong, of its own free will. It is no fault
// of the network: no storm begins, and nobody's latency is excused. A victim that
// is not connected, whose last offence has had no outcome yet, or who has subscribed
// to nothing on its connection that it could subscribe to again, is skipped and
// counted.
func (s *shard) abuse(c *client, x step, now time.Duration) {
	if !c.Connected() || c.faulty || c.Transport() != history.WebSocket || c.blocked > now || s.offences[x.client] != nil || s.asideOf(x.client) != nil {
		s.skipped++
		return
	}
	o := &offence{what: x.moment.How, life: c.Life(), till: now + outcomeWait + c.roundTrip(), late: c.Unread()}
	kind, _ := scenario.OffenceOf(o.what)
	if kind.Aside {
		s.offendAside(c, x, now)
		return
	}
	channel, subscribed := history.ChannelID(0), false
	c.Subscriptions(func(ch history.ChannelID, _ int) {
		if !subscribed {
			channel, subscribed = ch, true
		}
	})
	if o.what == "duplicate-subscribe" {
		if channel, subscribed = c.Asked(); !subscribed {
			s.skipped++
			return
		}
	}
	if s.offences == nil {
		s.offences = make(map[int32]*offence)
	}
	s.offences[x.client] = o
	s.steps.add(step{at: o.till, kind: stepWait, client: x.client, life: o.life})
	s.fault(c, history.FaultBegin, o.note(), x.at, now)
	if o.wire = !kind.Words; o.wire {
		name := "squall"
		if subscribed {
			name = s.fleet.cfg.Names.Name(int32(channel))
		}
		c.Leave() // whatever it says from now on is not owed an answer
		c.conn.Fault(fault.Action{Kind: fault.Raw, Bytes: fault.Offence(o.what, s.brokenMessage(c, o, name), s.opcode == engine.OpBinary)})
		return
	}
	o.id = c.NextID()
	switch m := (session.Command{ID: o.id}); o.what {
	case "bad-json":
		m.Verb = dialect.Garbage
		s.say(c, &m)
	case "unknown-command":
		m.Verb = dialect.Nonsense
		s.say(c, &m)
	case "duplicate-subscribe":
		m.Verb, m.Channel = dialect.Subscribe, channel
		s.say(c, &m)
	case "second-connect":
		m.Verb = dialect.Connect
		s.say(c, &m)
	}
}

// brokenMessage is a publication whose payload is not UTF-8, nil where messages
// are no text.
func (s *shard) brokenMessage(c *client, o *offence, channel string) []byte {
	if s.fleet.about.Binary || o.what != "bad-utf8" {
		return nil
	}
	o.id = c.NextID()
	b, err := s.fleet.cfg.Dialect.Append(nil, &dialect.Command{Verb: dialect.Publish, ID: o.id, Channel: channel, Payload: []byte(brokenText)})
	if err != nil {
		return []byte(brokenText)
	}
	return b
}

// judged takes the message in s.msg if it answers an offence: a refusal, which is
// an error that the offence explains, or an answer as to a right command. Behind a
// broken frame whatever names no other command is about that, too: a server may
// tell what it made of it before it ends the connection.
func (s *shard) judged(c *client, i int32, at engine.Stamp) bool {
	m := &s.msg
	for _, o := range s.overdue[i] {
		if o.life == c.Life() && o.refused(m) {
			s.tellRefused(c, o, at)
			return true
		}
	}
	o := s.offences[i]
	if o == nil || o.life != c.Life() {
		return false
	}
	switch {
	case o.refused(m):
		s.tellRefused(c, o, at)
		if !o.wire {
			s.outcome(c, i, history.Failed, at.Read)
		}
	case o.wire:
		return false
	case m.ID == o.id && m.Kind != dialect.Ignored && m.Kind != dialect.Delivered && m.Kind != dialect.Error:
		s.outcome(c, i, history.OK, at.Read)
	default:
		return false
	}
	return true
}

// refused reports whether a message is the error that an offence is answered with.
func (o *offence) refused(m *dialect.Message) bool {
	return m.Kind == dialect.Error && (m.ID == o.id || m.ID == 0 && (o.wire || o.what == "bad-json"))
}

func (s *shard) tellRefused(c *client, o *offence, at engine.Stamp) {
	s.tell(c, &history.Event{
		Kind: history.Problem, Client: history.ClientID(c.id), Life: o.life, Flags: history.FlagExcused,
		Code: int32(s.msg.Code), Seen: at.Read, Arrived: at.Arrived, Note: o.note() + " refused",
	})
}

// echoed takes the pong that answers what was written behind an offence. It still
// may be ended: not every server answers pings where it looks at messages.
func (s *shard) echoed(c *client, i int32, payload []byte) bool {
	o := s.offences[i]
	if o == nil || o.life != c.Life() || !o.wire || string(payload) != fault.Echo {
		return false
	}
	o.echo = true
	return true
}

// waited ends the wait for an outcome.
func (s *shard) waited(c *client, x step, now time.Duration) {
	o := s.offences[x.client]
	if o == nil || o.life != x.life || now < o.till {
		return
	}
	r := history.Unknown
	if o.echo {
		r = history.OK
	} else if !o.wire { // the answer may be slow, and is no error of its own then
		if s.overdue == nil {
			s.overdue = make(map[int32][]*offence)
		}
		s.overdue[x.client] = append(s.overdue[x.client], o)
	}
	s.outcome(c, x.client, r, now)
	if o.wire {
		s.giveUp(c)
	}
}

// outcome tells what came of an offence, but for the end of the connection, which
// speaks for itself.
func (s *shard) outcome(c *client, i int32, r history.Result, now time.Duration) {
	o := s.offences[i]
	delete(s.offences, i)
	e := history.Event{
		Kind: history.FaultEnd, Client: history.ClientID(c.id), Life: o.life, Result: r, Due: now, Sent: now, Seen: now, Arrived: now, Note: o.note(),
	}
	if r == history.Unknown && o.late {
		e.Flags |= history.FlagExcused
	}
	s.tell(c, &e)
}

// giveUp ends a connection on which nothing more can be said, since its frames
// are out of step: the client returns at once.
func (s *shard) giveUp(c *client) {
	c.faulty, c.away, c.deaf = true, 0, true
	c.conn.Fault(fault.Action{Kind: fault.Reset})
}
