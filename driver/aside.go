package driver

import (
	"slices"
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/engine"
)

// aside is a connection that a client opens beside its own, to do something wrong
// on it: it resumes from a position that can't be, or connects as somebody who it is
// not. Nothing of it is history but the offence and its outcome; the client's own
// connection, its subscriptions and its positions stay as they are.
//
// An answer that lets the offence pass is told as OK, a refusal as Failed. Whatever
// else ends an aside, or nothing within five seconds, proves nothing.
type aside struct {
	client int32 // in the shard
	life   int32 // of its own connection, when it began
	what   string
	token  engine.Token
	conn   engine.Conn
	rest   []byte // of a streamed dialect
	stage  asideStage
	till   time.Duration
	pong   bool // the server wants its pings answered

	channel history.ChannelID // stale-epoch, future-offset
	epoch   string
	offset  uint64

	session  string // other-session
	received uint64
}

type asideStage uint8

const (
	asideDials asideStage = iota
	asideGreets
	asideAsks    // the wrong resume is said
	asideListens // a connect was answered as it must be: nothing of the session may follow
	asideOver
)

const (
	// asideHears is how long the messages of somebody else are listened for.
	asideHears = time.Second

	// future is by how much an offset lies in the future: no channel gets there
	// during a run, and no number format of a server breaks by it.
	future = 1 << 40
)

// offendAside opens the aside of a victim. One that has no position, or finds
// nobody whose session it could name, is skipped and counted.
func (s *shard) offendAside(c *client, x step, now time.Duration) {
	a := &aside{client: x.client, life: c.Life(), what: x.moment.How, till: now + outcomeWait + c.roundTrip()}
	ok := true
	switch a.what {
	case "stale-epoch", "future-offset":
		var epoch history.EpochID
		a.channel, epoch, a.offset, ok = c.Position()
		if ok {
			a.epoch = s.fleet.cfg.Names.Name(int32(epoch))
		}
		if a.what == "stale-epoch" {
			a.epoch = otherEpoch(a.epoch)
		} else {
			a.offset += future
		}
	case "other-session":
		ok = s.spy(c, a)
	}
	if !ok {
		s.skipped++
		return
	}
	if s.asides == nil {
		s.asides = make(map[engine.Token]*aside)
	}
	s.asided++
	a.token = token(x.client, -s.asided)
	s.asides[a.token] = a
	s.steps.add(step{at: a.till, kind: stepAside, client: x.client, life: -s.asided})
	s.fault(c, history.FaultBegin, abuseOf(a.what), x.at, now)
	a.conn = s.loop.Dial(a.token, s.with(c, &s.plain[c.node]))
}

func abuseOf(what string) string { return "abuse " + what }

// otherEpoch is an epoch of the same form that is not the one.
func otherEpoch(epoch string) string {
	b := []byte(epoch)
	if len(b) == 0 {
		return "squall"
	}
	last := &b[len(b)-1]
	switch c := *last; {
	case c >= '0' && c < '9', c >= 'a' && c < 'z', c >= 'A' && c < 'Z':
		*last++
	case c == '9':
		*last = '0'
	case c == 'z' || c == 'Z':
		*last -= 'z' - 'a'
	default:
		b = append(b, '0')
	}
	return string(b)
}

// spy finds a session of another user that is in use, each once for one offender:
// what it has named before may be a session of its own by now.
func (s *shard) spy(c *client, a *aside) bool {
	me := s.plan(c)
	for k := 1; k < len(s.clients); k++ {
		i := (int(a.client) + k) % len(s.clients)
		o := &s.clients[i]
		pair := [2]int32{a.client, int32(i)}
		if !s.plan(o).Owns(me) || !o.Connected() || s.named[pair] {
			continue
		}
		if s.named == nil {
			s.named = make(map[[2]int32]bool)
		}
		s.named[pair] = true
		a.session, a.received = s.fleet.session(o.id), o.Heard()
		return true
	}
	return false
}

// asideOf is the aside of a client that has had no outcome yet; nil if there is none.
func (s *shard) asideOf(i int32) *aside {
	for _, a := range s.asides {
		if a.client == i && a.stage != asideOver {
			return a
		}
	}
	return nil
}

// asideOpened says who the aside is, or pretends to be.
func (s *shard) asideOpened(t engine.Token) {
	a := s.asides[t]
	if a == nil || a.stage != asideDials {
		return
	}
	p := s.plan(&s.clients[a.client])
	a.stage = asideGreets
	token := p.Token
	if p.Renewal > 0 {
		token, _ = s.fleet.cfg.Bearer(int(s.clients[a.client].id))
	}
	m := dialect.Command{Verb: dialect.Connect, ID: 1, Token: token, User: p.User, Client: s.fleet.session(s.clients[a.client].id) + "x"}
	switch a.what {
	case "expired-token":
		m.Token = p.Stale
	case "other-session":
		m.Session, m.Keep, m.Received = a.session, true, a.received
	}
	s.asideSay(a, &m)
}

func (s *shard) asideSay(a *aside, m *dialect.Command) {
	s.encode(m)
	a.conn.Send(s.opcode, s.frame)
}

// asideMessage takes what a server says to an aside.
func (s *shard) asideMessage(t engine.Token, opcode byte, payload []byte, at engine.Stamp) {
	a := s.asides[t]
	switch {
	case a == nil || a.stage == asideOver:
		return
	case opcode == 9:
		a.conn.Send(10, payload)
		return
	case opcode != 1 && opcode != 2:
		return
	}
	a.rest = append(a.rest, payload...)
	s.dec.Reset(a.rest)
	for a.stage != asideOver && s.dec.Next(&s.msg) {
		s.asideHeard(a, at)
	}
	if a.stage != asideOver && s.dec.Err() != nil {
		s.asideEnd(a, history.Unknown, at.Read)
	}
	var rest []byte
	if s.stream != nil {
		rest = slices.Clone(s.stream.Rest())
	}
	a.rest = append(a.rest[:0], rest...)
}

// asideHeard takes one message, in s.msg.
func (s *shard) asideHeard(a *aside, at engine.Stamp) {
	m := &s.msg
	resumes := a.what == "stale-epoch" || a.what == "future-offset"
	switch {
	case m.Kind == dialect.Pinged && a.pong:
		s.asideSay(a, &dialect.Command{Verb: dialect.Pong})
	case m.Kind == dialect.Connected && a.stage == asideGreets:
		switch a.pong = m.WantsPong; {
		case resumes:
			a.stage = asideAsks
			s.asideSay(a, &dialect.Command{
				Verb: dialect.Subscribe, ID: 2, Channel: s.fleet.cfg.Names.Name(int32(a.channel)), Recover: true, Epoch: a.epoch, Offset: a.offset,
			})
		case a.what == "other-session" && !m.Resumed:
			a.stage = asideListens
			s.steps.add(step{at: at.Read + asideHears, kind: stepAside, client: a.client, life: int32(uint32(a.token))})
		default:
			s.asideEnd(a, history.OK, at.Read)
		}
	case m.Kind == dialect.Error && a.stage == asideGreets && !resumes, m.Kind == dialect.Error && a.stage == asideAsks && m.ID == 2:
		c := &s.clients[a.client]
		s.tell(c, &history.Event{
			Kind: history.Problem, Client: history.ClientID(c.id), Life: a.life, Flags: history.FlagExcused,
			Code: int32(m.Code), Seen: at.Read, Arrived: at.Arrived, Note: abuseOf(a.what) + " refused",
		})
		s.asideEnd(a, history.Failed, at.Read)
	case m.Kind == dialect.Error && a.stage == asideGreets: // it never came to the offence
		s.asideEnd(a, history.Unknown, at.Read)
	case m.Kind == dialect.Subscribed && a.stage == asideAsks && m.ID == 2:
		r := history.Failed
		if m.Recovered {
			r = history.OK
		}
		s.asideEnd(a, r, at.Read)
	case m.Kind == dialect.Delivered && a.what == "other-session":
		if s.stamped(&s.clients[a.client], 0, at); s.in.Flags&history.FlagStamped != 0 {
			s.asideEnd(a, history.OK, at.Read)
		}
	}
}

// asideWaited ends the wait for an outcome: of what was listened for, with nothing
// heard.
func (s *shard) asideWaited(c *client, x step, now time.Duration) {
	a := s.asides[token(x.client, x.life)]
	switch {
	case a == nil || a.stage == asideOver:
	case a.stage == asideListens:
		s.asideEnd(a, history.Failed, now)
	case now >= a.till:
		s.asideEnd(a, history.Unknown, now)
	}
}

// asideClosed takes the end of an aside. A close frame behind the offence is a
// refusal, unless the server takes leave of everybody.
func (s *shard) asideClosed(t engine.Token, end engine.End) {
	a := s.asides[t]
	if a == nil {
		return
	}
	delete(s.asides, t)
	if a.stage == asideOver {
		return
	}
	said := a.stage == asideAsks || a.stage >= asideGreets && a.what != "stale-epoch" && a.what != "future-offset"
	r := history.Unknown
	if said && end.Cause == engine.CloseFrame && end.Code != 0 && end.Code != 1001 && end.Code != 1012 {
		r = history.Failed
	}
	s.asideTell(a, r, s.loop.Now())
}

func (s *shard) asideEnd(a *aside, r history.Result, now time.Duration) {
	a.stage = asideOver
	s.asideTell(a, r, now)
	a.conn.Close(1000, "")
}

func (s *shard) asideTell(a *aside, r history.Result, now time.Duration) {
	c := &s.clients[a.client]
	s.tell(c, &history.Event{
		Kind: history.FaultEnd, Client: history.ClientID(c.id), Life: a.life, Result: r, Due: now, Sent: now, Seen: now, Arrived: now, Note: abuseOf(a.what),
	})
}
