package driver

import (
	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/driver/fault"
)

// leftover is a connection that its client has left open behind it. Once the
// client is connected anew it is read on, for one question only: does the server
// still serve it, although it promises to close the older connection of a session?
type leftover struct {
	client int32 // in the shard
	life   int32
	conn   engine.Conn
}

// watchesOld reports whether what c leaves behind has to be read on.
func (s *shard) watchesOld(c *client) bool {
	return s.plan(c).Session && s.fleet.plan.Promises.Takeover == "closes-old"
}

// leaveBehind lets the client go without its connection, which is neither read
// nor written until the client is back.
func (s *shard) leaveBehind(c *client, i int32) {
	t := token(i, c.Life())
	if s.leftovers == nil {
		s.leftovers = make(map[engine.Token]*leftover)
	}
	o := &leftover{client: i, life: c.Life(), conn: c.conn}
	o.conn.Fault(fault.Action{Kind: fault.Freeze})
	now := s.loop.Now()
	s.Closed(t, engine.End{Cause: engine.Fault, At: engine.Stamp{Arrived: now, Read: now}})
	s.leftovers[t] = o
}

// readOn reads what the client left behind, now that it is connected anew.
func (s *shard) readOn(i int32) {
	for _, o := range s.leftovers {
		if o.client == i {
			o.conn.Fault(fault.Action{Kind: fault.Heal})
		}
	}
}

// stillServed tells what came on a connection that was left behind.
func (s *shard) stillServed(t engine.Token, opcode byte, payload []byte, at engine.Stamp) {
	o := s.leftovers[t]
	if o == nil || opcode != 1 && opcode != 2 {
		return
	}
	c := &s.clients[o.client]
	if !c.Connected() {
		return
	}
	s.in.Message, s.in.Now, s.in.Arrived = &s.msg, at.Read, at.Arrived
	s.dec.Reset(payload)
	for s.dec.Next(&s.msg) {
		if s.msg.Kind != dialect.Delivered {
			continue
		}
		s.stamped(c, len(payload), at)
		in := &s.in
		e := history.Event{
			Kind: history.Leftover, Client: history.ClientID(c.id), Life: o.life, Flags: in.Flags, Channel: in.Channel, Offset: s.msg.Offset,
			Publisher: in.Publisher, Incarnation: in.Incarnation, Seq: in.Seq, Due: in.Due, Arrived: in.Arrived, Seen: in.Now, Bytes: in.Bytes,
		}
		if s.msg.Positioned {
			e.Flags |= history.FlagPositioned
		}
		s.tell(c, &e)
	}
}

// displaced tells how a connection that was left behind ended.
func (s *shard) displaced(t engine.Token, end engine.End) {
	o := s.leftovers[t]
	if o == nil {
		return
	}
	delete(s.leftovers, t)
	c := &s.clients[o.client]
	now := s.loop.Now()
	who := history.Server
	if end.Cause == engine.Local || end.Cause == engine.Fault {
		who = history.Fault
	}
	s.tell(c, &history.Event{
		Kind: history.Displaced, Client: history.ClientID(c.id), Life: o.life, Who: who, Code: int32(end.Code), Note: end.Text, Seen: now, Arrived: now,
	})
}
