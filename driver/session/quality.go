package session

import (
	"slices"
	"time"

	"squall/driver/dialect"
)

// Where the protocol has qualities, deliveries are answered and publications wait
// for the server's window. An exactly-once message takes two rounds: it is held
// by its id from its receipt until the server releases it, and a repeat of a held
// one is the protocol's own, no second delivery.

// rounds are the exchanges of a session that one answer does not end.
type rounds struct {
	held  []uint64  // exactly-once deliveries that are received and not released, by id
	owing []uint64  // exactly-once publications that the server has received and not completed, by id
	again []pending // publications without an answer, to be sent again
}

// exchanges makes the session's rounds when they are needed.
func (s *Session) exchanges() *rounds {
	if s.rounds == nil {
		s.rounds = new(rounds)
	}
	return s.rounds
}

// accept answers a delivery. ok is false if it is the repeat of a held one.
func (s *Session) accept(m *dialect.Message, out *Out) (ok bool) {
	switch m.Quality {
	case dialect.AtLeastOnce:
		s.acknowledge(Command{Verb: dialect.Confirm, ID: m.ID}, out)
	case dialect.ExactlyOnce:
		s.acknowledge(Command{Verb: dialect.Receive, ID: m.ID}, out)
		x := s.exchanges()
		if slices.Contains(x.held, m.ID) {
			return false
		}
		x.held = append(x.held, m.ID)
	}
	return true
}

// freed: the server will not repeat a held delivery.
func (s *Session) freed(id uint64, out *Out) {
	if x := s.exchanges(); slices.Contains(x.held, id) {
		x.held = slices.DeleteFunc(x.held, func(one uint64) bool { return one == id })
	}
	s.acknowledge(Command{Verb: dialect.Complete, ID: id}, out)
}

// owe: the server has received a publication, and waits for our word to complete
// it, for as long as it keeps the session.
func (s *Session) owe(id uint64) {
	if x := s.exchanges(); s.keeps && !slices.Contains(x.owing, id) {
		x.owing = append(x.owing, id)
	}
}

func (s *Session) completed(id uint64) {
	if x := s.rounds; x != nil {
		x.owing = slices.DeleteFunc(x.owing, func(one uint64) bool { return one == id })
	}
}

// takeUp goes on with the exchanges of a session that goes on, or forgets them.
// A session that was to begin anew and goes on is the server's mistake.
func (s *Session) takeUp(resumed bool, now time.Duration, out *Out) {
	if resumed && (!s.named || !s.keeps || s.fresh) {
		s.problem(now, 0, "the server went on with a session that was to begin anew", out)
	}
	if !resumed || !s.named || !s.keeps || s.fresh {
		if x := s.rounds; x != nil {
			x.held, x.owing = x.held[:0], x.owing[:0]
		}
		return
	}
	if s.rounds == nil {
		return
	}
	for _, id := range s.rounds.owing {
		out.send(Command{Verb: dialect.Release, ID: id})
	}
}

// Full reports whether the server's window has no room for another publication.
func (s *Session) Full() bool { return s.voice != nil && s.window > 0 && s.flying >= s.window }

// landed makes room in the window: a publication was answered, in time or later.
func (s *Session) landed() {
	if s.voice != nil {
		s.flying = max(s.flying-1, 0)
	}
}

// allow takes the server's window for a new connection; 0: any number.
func (s *Session) allow(window int32) {
	if s.voice != nil {
		s.window = window
	}
}

// Unread reports whether the server may have more of this connection to read:
// publications that it has not answered yet, even if their time is up, or that no
// answer was wanted for.
func (s *Session) Unread() bool {
	return s.voice != nil && (s.flying > 0 || slices.ContainsFunc(s.pubs, func(p publisher) bool { return p.loose }))
}

// quiet forgets the window of the connection before, and what was on its way there.
func (s *Session) quiet() {
	if s.voice != nil {
		s.window, s.flying = 0, 0
	}
}

// id is the next id of a command. Where ids begin again it is none that is in use.
func (s *Session) id() uint64 {
	for {
		s.nextID++
		last := s.cfg.LastID
		if last == 0 {
			return s.nextID
		}
		if s.nextID > last {
			s.nextID = 1
		}
		if uint64(s.Pending()) >= last/2 || !s.uses(s.nextID) {
			return s.nextID
		}
	}
}

func (s *Session) uses(id uint64) bool {
	return s.voice != nil && slices.ContainsFunc(s.pending, func(p pending) bool { return p.id == id }) ||
		slices.ContainsFunc(s.subs, func(u subscription) bool { return u.unsub == id || u.id == id && u.state == asked })
}

// deny ends a subscription that the server does not grant.
func (s *Session) deny(sub *subscription, now time.Duration, code int32, note string, out *Out) {
	sub.state = denied
	s.open--
	if !sub.forbidden {
		s.refused++
	}
	s.problem(now, code, "subscribe refused: "+note, out)
	s.settle(now, out)
}

func digit(q dialect.Quality) string { return string('0' + rune(q)) }
