package driver

import (
	"errors"
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/driver/session"
)

// Message implements engine.Handler: the hot path.
func (s *shard) Message(t engine.Token, opcode byte, payload []byte, at engine.Stamp) {
	c, i := s.of(t)
	if c == nil {
		s.stillServed(t, opcode, payload, at)
		s.asideMessage(t, opcode, payload, at)
		return
	}
	switch opcode {
	case 1, 2:
		if opcode == 1 && s.fleet.about.Binary {
			s.broken(c, i, errText, at.Read)
			return
		}
		s.receive(c, i, payload, at)
	case 9:
		c.WirePinged(at.Read, at.Arrived, &s.out)
		if c.Answers() {
			c.conn.Send(10, payload)
		}
		s.flush(c, i)
	case 10:
		if len(s.offences) > 0 && s.echoed(c, i, payload) {
			return
		}
		c.Pong(at.Read, &s.out)
		s.flush(c, i)
		s.arm(c, i)
	}
}

func (s *shard) receive(c *client, i int32, payload []byte, at engine.Stamp) {
	if s.fleet.tracing && int(c.id) == s.fleet.cfg.TraceClient {
		s.fleet.traceFrame("recv", c.Life(), payload, s.tokens[c.id], at.Read)
	}
	in := &s.in
	in.Message, in.Now, in.Arrived = &s.msg, at.Read, at.Arrived
	life, slow := c.Life(), false
	if s.names.Len() > s.mostNames {
		s.broken(c, i, errNames, at.Read)
		return
	}
	var e *repeat
	if s.stream == nil {
		if e = s.repeats.find(payload); e != nil && e.known {
			in.Message, in.Channel = &e.msg, e.channel
			s.placed(&e.stamp, len(payload), at)
			in.Flags |= e.weighed
			c.Message(in, &s.out)
			s.flush(c, i)
			return
		}
	}
	s.dec.Reset(s.joined(i, payload))
	n, lone, before := 0, false, s.delivered
	for ; s.dec.Next(&s.msg); n++ {
		if s.msg.Offset > mostOffset {
			s.broken(c, i, errOffset, at.Read)
			return
		}
		if s.msg.Kind == dialect.Delivered {
			found := s.stamped(c, len(payload), at)
			if s.delivered > before {
				in.Flags |= history.FlagJoined
				in.Bytes = 0
			}
			if lone = e != nil && n == 0 && found && len(s.msg.Channel) > 0 && len(s.msg.Epoch) == 0 && in.Altered == ""; lone {
				e.learn(payload, &s.msg, in.Channel, &s.stamp, in.Flags&history.FlagWeighed)
			}
		} else if s.msg.Kind == dialect.Row {
			slow = true
			s.stamped(c, 0, at)
		} else {
			slow = true
			if len(s.offences)+len(s.overdue) > 0 && s.judged(c, i, at) {
				continue
			}
			in.Channel, in.Epoch, in.Flags = 0, 0, 0
			if len(s.msg.Channel) > 0 {
				in.Channel = history.ChannelID(s.names.ID(s.msg.Channel))
			}
			if s.msg.Kind == dialect.Present || s.msg.Kind == dialect.Joined || s.msg.Kind == dialect.Left {
				s.readMembers()
			}
		}
		if len(s.msg.Epoch) > 0 {
			in.Epoch = history.EpochID(s.names.ID(s.msg.Epoch))
		}
		c.Message(in, &s.out)
		s.flush(c, i)
		if c.Life() != life || c.deaf {
			return
		}
	}
	if err := s.dec.Err(); err != nil {
		s.broken(c, i, err, at.Read)
		slow, lone = true, false
	}
	if lone && n == 1 {
		e.known = true
	}
	s.keep(i)
	if slow {
		s.arm(c, i)
	}
}

// stamped resolves channel and stamp of the delivery in s.msg into s.in, and
// reports whether the stamp is valid.
func (s *shard) stamped(c *client, bytes int, at engine.Stamp) bool {
	in := &s.in
	if len(s.msg.Channel) > 0 {
		in.Channel = history.ChannelID(s.names.ID(s.msg.Channel))
	} else if ch, ok := c.ChannelOf(s.msg.ID); ok {
		in.Channel = ch
	} else {
		in.Channel = history.ChannelID(s.names.ID(nil))
	}
	switch dialect.FindStamp(s.msg.Payload, &s.stamp) {
	case dialect.StampValid:
		s.placed(&s.stamp, bytes, at)
		if s.weighing.on {
			s.weigh(&s.stamp, s.msg.Payload)
		}
		return true
	case dialect.StampCorrupt:
		s.anonymous(bytes, at)
		in.Flags |= history.FlagCorrupt
	default:
		s.anonymous(bytes, at)
		if len(s.fleet.plan.Told) > 0 {
			s.readSum(s.msg.Payload)
		}
	}
	return false
}

// anonymous: nobody of this run can be said to have published the delivery in s.in.
func (s *shard) anonymous(bytes int, at engine.Stamp) {
	in := &s.in
	in.Flags, in.Bytes, in.Altered, in.Told = 0, int32(bytes), "", 0
	if at.Kernel {
		in.Flags |= history.FlagKernel
	}
	in.Publisher, in.Incarnation, in.Seq, in.Due, in.Cause = -1, 0, 0, 0, session.Cause{}
}

// placed says of the delivery in s.in, whose channel is known, what its stamp
// says.
func (s *shard) placed(st *dialect.Stamp, bytes int, at engine.Stamp) {
	in := &s.in
	s.anonymous(bytes, at)
	if st.Run != s.fleet.cfg.Run {
		// Another run publishes to the same channels. Whether it should is not for
		// the target to answer: it is somebody's message, like one without a stamp.
		return
	}
	in.Publisher, in.Incarnation, in.Seq, in.Due = st.Publisher, st.Incarnation, st.Seq, st.Due
	if st.Channel != s.hash(in.Channel) {
		in.Flags |= history.FlagCorrupt
		return
	}
	in.Flags |= history.FlagStamped
	if s.fleet.upstream != nil && s.overLink(st.Publisher, st.Due) {
		in.Flags |= history.FlagApart
	}
	if st.Fence {
		in.Flags |= history.FlagFence
	}
	if st.Cause.Seq > 0 {
		in.Cause = s.cause(&st.Cause)
	}
	if s.fleet.storm.during(st.Due, at.Read) {
		in.Flags |= history.FlagStorm
	}
}

func (s *shard) hash(c history.ChannelID) uint32 {
	for int(c) >= len(s.hashes) {
		name := s.fleet.cfg.Names.Name(int32(len(s.hashes)))
		s.hashes = append(s.hashes, history.Hash([]byte(name)))
	}
	return s.hashes[c]
}

// inventedNames is how many names of channels and epochs that nobody planned are
// remembered a shard.
const inventedNames = 50_000

// mostOffset is the highest offset that a server is believed: no stream is so
// long, and sums of offsets below it don't overflow.
const mostOffset = 1 << 62

var (
	errOffset = errors.New("an offset above 2^62, which no stream reaches")
	errNames  = errors.New("the server names channels and epochs without end")
	errText   = errors.New("a text message; its messages are binary")
)

// broken: the server said something that is not its protocol. The connection
// can't be trusted any further.
func (s *shard) broken(c *client, i int32, err error, now time.Duration) {
	e := history.Event{
		Kind: history.Problem, Client: history.ClientID(c.id), Life: c.Life(),
		Seen: now, Arrived: now, Note: "not " + s.fleet.about.Name + ": " + err.Error(),
	}
	s.tell(c, &e)
	c.conn.Close(1002, "not "+s.fleet.about.Name)
}
