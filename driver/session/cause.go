package session

import "squall/assert/history"

// Cause names a message that another one may be an answer to. Seq 0: none.
type Cause struct {
	Channel     history.ChannelID
	Publisher   int32
	Incarnation uint32
	Seq         uint64
	Offset      uint64 // at which it was received; 0 where the protocol has none
}

// noteCause remembers what was received last, for what the client will say next,
// and tells what the received message answers. What a replay brings is no news:
// channels are replayed one after the other, so causes may come behind.
func (s *Session) noteCause(in *Incoming, replay bool, out *Out) {
	if in.Cause.Seq > 0 && !replay {
		e := s.event(history.Caused, in.Now)
		c := &in.Cause
		e.Channel, e.Publisher, e.Incarnation, e.Seq, e.Offset = c.Channel, c.Publisher, c.Incarnation, c.Seq, c.Offset
		out.emit(e)
	}
	if s.voice != nil && in.Flags&(history.FlagStamped|history.FlagFence) == history.FlagStamped {
		if s.heardLast == nil {
			s.heardLast = new(Cause)
		}
		*s.heardLast = Cause{Channel: in.Channel, Publisher: in.Publisher, Incarnation: in.Incarnation, Seq: in.Seq, Offset: in.Message.Offset}
	}
}
