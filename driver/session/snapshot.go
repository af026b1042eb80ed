package session

import (
	"squall/assert/history"
)

// A snapshot comes behind the answer to a subscribe that has asked for it: the latest
// message of each key, as rows, in one message or several. It is no delivery: no position
// follows from it that the answer has not told.

// row is one of them.
func (s *Session) row(in *Incoming, out *Out) {
	out.emit(history.Event{
		Kind: history.Row, Client: s.client, Life: s.life, Flags: in.Flags | history.FlagPositioned, Channel: in.Channel,
		Epoch: in.Epoch, Offset: in.Message.Offset,
		Publisher: in.Publisher, Incarnation: in.Incarnation, Seq: in.Seq,
		Due: in.Due, Arrived: in.Arrived, Seen: in.Now, Note: in.Altered,
	})
}

// snapshot says which position the rows are of, and whether they are all.
func (s *Session) snapshot(in *Incoming, out *Out) {
	e := s.event(history.Snapshot, in.Now)
	e.Channel, e.Epoch, e.Offset, e.Arrived, e.Flags = in.Channel, in.Epoch, in.Message.Offset, in.Arrived, history.FlagPositioned
	if in.Message.Last {
		e.Code = 1
		if sub := s.find(in.Channel); sub != nil {
			sub.baseless = false
		}
	}
	out.emit(e)
}
