package session

import (
	"time"

	"squall/assert/history"
)

// mostRetry is how long after it was first sent a publication may be sent again:
// keys are remembered for a while, not for ever.
const mostRetry = time.Minute

// CanPublish reports whether a publication can be written now.
func (s *Session) CanPublish() bool { return s.Connected() && !s.frozen }

// Miss tells that publication of p was due and was never written.
func (s *Session) Miss(p int, c history.ChannelID, due, now time.Duration, why string, out *Out) {
	e := s.event(history.Missed, now)
	e.Publisher, e.Channel, e.Due, e.Note = s.pubs[p].number, c, due, why
	out.emit(e)
}

// Repeats says that the publication just made has a key, so that it may be sent
// again if its outcome stays unknown. k is the shard's number of it.
func (s *Session) Repeats(k int64) {
	p := &s.pending[len(s.pending)-1]
	p.repeats, p.k = true, k
}

// remember keeps what ended without an answer and may be sent again, in its order:
// it is older than what waits to be sent again already.
func (s *Session) remember(ended []pending) {
	var list []pending
	for _, p := range ended {
		if p.repeats && !p.fence {
			list = append(list, p)
		}
	}
	if len(list) > 0 {
		x := s.exchanges()
		x.again = append(list, x.again...)
	}
}

// Unsent is how many publications wait to be sent again.
func (s *Session) Unsent() int {
	if s.rounds == nil {
		return 0
	}
	return len(s.rounds.again)
}

// Again is a publication that is being sent again.
type Again struct {
	Publication
	Publisher int   // index into Init's list
	K         int64 // the shard's number of it
	Channel   history.ChannelID
	Due       time.Duration
}

// Repeat writes the next publication that waits to be sent again, with the stamp
// that it had; ok is false if there is none, or the client is not connected. What
// is too old for it stays unknown.
func (s *Session) Repeat(now time.Duration, out *Out) (a Again, ok bool) {
	for s.Unsent() > 0 && s.CanPublish() {
		x := s.rounds
		p := x.again[0]
		x.again = x.again[1:]
		if now-p.first > mostRetry {
			continue
		}
		e := s.event(history.Publish, now)
		e.Publisher, e.Incarnation, e.Seq, e.Channel = s.pubs[p.publisher].number, p.incarnation, p.seq, p.channel
		e.Due, e.Sent, e.Flags = p.due, now, history.FlagRetry
		out.emit(e)
		p.id, p.retry = s.id(), true
		p.sent = now
		s.pending = append(s.pending, p)
		s.flying++
		a = Again{
			Publication: Publication{ID: p.id, Publisher: e.Publisher, Incarnation: p.incarnation, Seq: p.seq, Cause: p.cause},
			Publisher:   int(p.publisher), K: p.k, Channel: p.channel, Due: p.due,
		}
		return a, true
	}
	return a, false
}
