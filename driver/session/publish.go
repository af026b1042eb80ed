package session

import (
	"time"

	"squall/assert/history"
)

// publisher is one `publish` entry of the client.
type publisher struct {
	number      int32
	incarnation uint32
	loose       bool // wrote something on this connection whose outcome nobody tells
	last        map[history.ChannelID]mark
}

// mark is the last message of a publisher on a channel.
type mark struct {
	incarnation uint32
	seq         uint64
}

// pending is a publication without an outcome. Ids grow, so the slice is
// ordered by id and by the time it was sent.
type pending struct {
	id          uint64
	publisher   int32 // index into Session.pubs
	channel     history.ChannelID
	incarnation uint32
	seq         uint64
	due, sent   time.Duration
	fence       bool
	repeats     bool          // it has a key and may be sent again
	retry       bool          // it is being sent again
	k           int64         // of the publisher, as the shard counts
	first       time.Duration // when it was sent first
	cause       Cause
}

// Publication names a message about to be written. ID is 0 if no answer is wanted.
type Publication struct {
	ID          uint64
	Publisher   int32 // number in the run
	Incarnation uint32
	Seq         uint64
	Cause       Cause // what the client had received last, where causal order is judged
}

// Publish claims the next number of publisher p (an index into Init's list) on
// a channel. ok is false if the client is not connected: then the publication
// is Missed and nothing may be written.
func (s *Session) Publish(p int, c history.ChannelID, due, now time.Duration, ack bool, out *Out) (m Publication, ok bool) {
	pub := &s.pubs[p]
	if !s.Connected() || s.frozen {
		e := s.event(history.Missed, now)
		e.Publisher, e.Channel, e.Due = pub.number, c, due
		out.emit(e)
		return m, false
	}
	return s.write(p, c, pub.claim(c), due, now, ack, false, out), true
}

// claim is the next number of a publisher on a channel.
func (p *publisher) claim(c history.ChannelID) mark {
	if p.last == nil {
		p.last = make(map[history.ChannelID]mark)
	}
	l := p.last[c]
	if l.incarnation != p.incarnation {
		l = mark{incarnation: p.incarnation}
	}
	l.seq++
	p.last[c] = l
	return l
}

// Fence repeats the last message of publisher p on a channel with the fence
// bit. ok is false if there is none or the client is not connected.
func (s *Session) Fence(p int, c history.ChannelID, now time.Duration, out *Out) (m Publication, ok bool) {
	l, has := s.pubs[p].last[c]
	if !has || !s.Connected() || s.frozen {
		return m, false
	}
	return s.write(p, c, l, now, now, true, true, out), true
}

func (s *Session) write(p int, c history.ChannelID, l mark, due, now time.Duration, ack, fence bool, out *Out) Publication {
	m := Publication{Publisher: s.pubs[p].number, Incarnation: l.incarnation, Seq: l.seq}
	e := s.event(history.Publish, now)
	e.Publisher, e.Incarnation, e.Seq, e.Channel = m.Publisher, m.Incarnation, m.Seq, c
	e.Due, e.Sent = due, now
	if fence {
		e.Flags |= history.FlagFence
	}
	if !fence && s.heardLast != nil {
		m.Cause = *s.heardLast
	}
	out.emit(e)
	if ack && s.cfg.Ack {
		m.ID = s.id()
		s.flying++
		s.pending = append(s.pending, pending{
			id: m.ID, publisher: int32(p), channel: c, incarnation: l.incarnation, seq: l.seq,
			due: due, sent: now, first: now, fence: fence, cause: m.Cause,
		})
	} else if !fence {
		s.pubs[p].loose = true
	}
	return m
}

// Published calls f for every channel on which publisher p has said something.
func (s *Session) Published(p int, f func(history.ChannelID)) {
	for c := range s.pubs[p].last {
		f(c)
	}
}

// answered settles the publication that a reply names; false if there is none.
func (s *Session) answered(in *Incoming, r history.Result, out *Out) bool {
	if s.voice == nil {
		return false
	}
	for i := range s.pending {
		if s.pending[i].id == in.Message.ID {
			e := s.outcome(&s.pending[i], r, in.Now, out)
			if in.Message.Positioned {
				e.Flags |= history.FlagPositioned
				e.Offset = in.Message.Offset
			}
			e.Arrived = in.Arrived
			s.pending = append(s.pending[:i], s.pending[i+1:]...)
			return true
		}
	}
	return false
}

func (s *Session) outcome(p *pending, r history.Result, now time.Duration, out *Out) *history.Event {
	e := s.event(history.Outcome, now)
	e.Result = r
	e.Publisher, e.Incarnation, e.Seq, e.Channel = s.pubs[p.publisher].number, p.incarnation, p.seq, p.channel
	e.Due, e.Sent = p.due, p.sent
	if p.fence {
		e.Flags |= history.FlagFence
	}
	if p.retry {
		e.Flags |= history.FlagRetry
	}
	out.emit(e)
	return &out.Events[len(out.Events)-1]
}

// expire makes publications unknown whose answer took too long.
func (s *Session) expire(now time.Duration, out *Out) {
	if s.voice == nil {
		return
	}
	n := 0
	for n < len(s.pending) && now >= s.pending[n].sent+s.cfg.AckTimeout {
		s.unknown(&s.pending[n], now, out)
		n++
	}
	s.remember(s.pending[:n])
	s.pending = append(s.pending[:0], s.pending[n:]...)
}

// forsake makes everything pending unknown: its connection is gone. So does it
// what no answer was wanted for: the server may still be reading it while the
// client says more on its next connection.
func (s *Session) forsake(now time.Duration, out *Out) {
	if s.voice == nil {
		return
	}
	for i := range s.pending {
		s.unknown(&s.pending[i], now, out)
	}
	s.remember(s.pending)
	s.pending = s.pending[:0]
	for i := range s.pubs {
		if pub := &s.pubs[i]; pub.loose {
			pub.loose = false
			pub.incarnation++
		}
	}
}

// unknown ends a publication without an answer. The publisher goes on as a new
// incarnation, because the message may still take effect, later than its
// successors. A fence repeats an old message and changes nothing.
func (s *Session) unknown(p *pending, now time.Duration, out *Out) {
	s.outcome(p, history.Unknown, now, out)
	if p.fence {
		return
	}
	if pub := &s.pubs[p.publisher]; pub.incarnation == p.incarnation {
		pub.incarnation++
	}
}
