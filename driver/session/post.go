package session

import (
	"time"

	"squall/assert/history"
)

// What is published over HTTP does not depend on the client's connection: the
// session only numbers it, and hears what came of it. The shard makes one request of
// a publisher after the other, so an answered one is before the next wherever the
// order of a publisher is kept.

// Post claims the next number of publisher p on a channel, for a request that could
// have been made since ready.
func (s *Session) Post(p int, c history.ChannelID, due, ready, now time.Duration, out *Out) Publication {
	return s.post(p, c, s.pubs[p].claim(c), due, ready, now, 0, out)
}

// PostFence repeats the last message of publisher p on a channel with the fence bit.
// ok is false if there is none.
func (s *Session) PostFence(p int, c history.ChannelID, now time.Duration, out *Out) (m Publication, ok bool) {
	l, ok := s.pubs[p].last[c]
	if !ok {
		return m, false
	}
	return s.post(p, c, l, now, now, now, history.FlagFence, out), true
}

func (s *Session) post(p int, c history.ChannelID, l mark, due, ready, now time.Duration, flags history.Flags, out *Out) Publication {
	e := s.event(history.Publish, now)
	e.Life = 0 // it is on none of its connections
	e.Publisher, e.Incarnation, e.Seq, e.Channel = s.pubs[p].number, l.incarnation, l.seq, c
	e.Due, e.Sent, e.Arrived, e.Flags = due, now, ready, history.FlagPosted|flags
	out.emit(e)
	return Publication{Publisher: e.Publisher, Incarnation: l.incarnation, Seq: l.seq}
}

// Posted settles what Post or PostFence has numbered. Unknown makes the publisher
// another incarnation: the message may still take effect, later than its successors.
func (s *Session) Posted(p int, m Publication, c history.ChannelID, due, sent time.Duration, fence bool, r history.Result, now time.Duration, out *Out) {
	e := s.event(history.Outcome, now)
	e.Life, e.Result = 0, r
	e.Publisher, e.Incarnation, e.Seq, e.Channel = m.Publisher, m.Incarnation, m.Seq, c
	e.Due, e.Sent, e.Flags = due, sent, history.FlagPosted
	if fence {
		e.Flags |= history.FlagFence
	}
	out.emit(e)
	if pub := &s.pubs[p]; !fence && r == history.Unknown && pub.incarnation == m.Incarnation {
		pub.incarnation++
	}
}
