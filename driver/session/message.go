package session

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

// Incoming is one message of the server with its names and stamp resolved by
// the shard. It is valid during the call.
type Incoming struct {
	Message *dialect.Message
	Channel history.ChannelID // of Message.Channel, if any
	Epoch   history.EpochID   // of Message.Epoch, if any
	Now     time.Duration     // after the read
	Arrived time.Duration     // kernel stamp, or Now

	// Of a delivery.
	Flags       history.Flags // FlagStamped, FlagCorrupt, FlagFence, FlagStorm, FlagKernel
	Publisher   int32
	Incarnation uint32
	Seq         uint64
	Due         time.Duration
	Bytes       int32
	Cause       Cause // of the message, where causal order is judged

	Altered string // what is wrong with the payload, where payloads are compared; "": nothing
	Raw     bool   // and it is the published one

	Told   int32         // how the sum that it holds is read, as the plan numbers it; 0: it needs none
	Key    history.KeyID // of that sum
	Amount int64         // in millionths
	Unread string        // why there is none; "": there is one

	Member  history.MemberID   // of Message.Member, if any
	Members []history.MemberID // of a Present; valid during the call

	Connections []uint64 // digests: of the Members, or of the Member, where they are connections
}

// Message is one step: something that the server said.
func (s *Session) Message(in *Incoming, out *Out) {
	if s.state < Connecting || s.state == Gone {
		return
	}
	s.heard = in.Now
	switch in.Message.Kind {
	case dialect.Delivered:
		switch {
		case !s.accept(in.Message, out):
		case in.Message.Retained:
			s.given(in, out)
		default:
			s.received++
			s.delivered(in, out)
		}
	case dialect.Row:
		s.row(in, out)
	case dialect.Snapshot:
		s.snapshot(in, out)
	case dialect.Published:
		s.landed()
		s.completed(in.Message.ID)
		s.answered(in, history.OK, out)
	case dialect.Connected:
		s.connected(in, out)
	case dialect.Subscribed:
		s.subscribed(in, out)
	case dialect.Granted:
		s.granted(in, out)
	case dialect.Unsubscribed:
		s.unsubscribed(in, out)
	case dialect.Gapped:
		s.received++
		s.gapped(in, out)
	case dialect.Passed:
		s.passed(in, out)
	case dialect.Present:
		s.present(in, out)
	case dialect.Joined:
		s.moved(history.Joined, in, out)
	case dialect.Left:
		s.moved(history.Left, in, out)
	case dialect.Pinged:
		s.pinged(in.Now, in.Arrived, s.wantPong && s.Answers(), out)
		if s.wantPong && s.Answers() {
			out.send(Command{Verb: dialect.Pong})
		}
	case dialect.Ponged:
		s.ponged(in.Now, out)
	case dialect.Draining:
		s.announced(in, out)
	case dialect.Received:
		s.owe(in.Message.ID)
		out.send(Command{Verb: dialect.Release, ID: in.Message.ID})
	case dialect.Released:
		s.freed(in.Message.ID, out)
	case dialect.Error:
		s.erred(in, out)
	}
}

func (s *Session) erred(in *Incoming, out *Out) {
	m := in.Message
	note := string(m.Reason)
	switch {
	case s.state == Connecting && m.Denied && s.unwelcome():
		s.bar(in.Now, int32(m.Code), note, out)
		s.drop("connect refused", out)
		return
	case s.state == Connecting:
		if m.Denied && !m.Vague && !s.outdated(in.Now) {
			s.tellDenied(in.Now, -1, int32(m.Code), note, 0, out)
		}
		s.problem(in.Now, int32(m.Code), "connect refused: "+note, out)
		s.complete(out)
		s.drop("connect refused", out)
		return
	case m.ID != 0 && s.asked(m.ID) != nil:
		s.turnDown(s.asked(m.ID), in, out)
		return
	case m.ID != 0 && s.unanswerable(m.ID):
		note = "presence refused: " + note
	case m.ID != 0 && s.unreleased(m.ID):
		note = "unsubscribe refused: " + note
	case m.ID != 0:
		s.landed()
		if s.answered(in, history.Failed, out) {
			note = "publish refused: " + note
		}
	}
	s.problem(in.Now, int32(m.Code), note, out)
}

// WirePinged: a WebSocket ping came in.
func (s *Session) WirePinged(now, arrived time.Duration, out *Out) {
	s.heard = now
	if s.state >= Connecting && s.state != Gone {
		s.pinged(now, arrived, s.Answers(), out)
	}
}

// pinged tells that the server has asked for a sign of life, and gets one or not.
func (s *Session) pinged(now, arrived time.Duration, answered bool, out *Out) {
	e := s.event(history.Pinged, now)
	e.Arrived = arrived
	if answered {
		e.Sent = now
	}
	out.emit(e)
}
