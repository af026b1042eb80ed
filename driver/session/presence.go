package session

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

// AskWho asks once more who is there, of every answered subscription that asks for it, and
// returns of how many.
func (s *Session) AskWho(now time.Duration, out *Out) (n int) {
	if !s.Connected() || s.frozen {
		return 0
	}
	for i := range s.subs {
		if sub := &s.subs[i]; sub.watch && sub.state == active && sub.id != 0 {
			sub.who, sub.whoSent = s.id(), now
			out.send(Command{Verb: dialect.Who, ID: sub.who, Channel: sub.channel})
			n++
		}
	}
	return n
}

// Asking counts the questions who is there that are unanswered.
func (s *Session) Asking() (n int) {
	if !s.Connected() {
		return 0
	}
	for i := range s.subs {
		if s.subs[i].who != 0 {
			n++
		}
	}
	return n
}

// unanswerable takes a refusal of such a question; false if id names none.
func (s *Session) unanswerable(id uint64) bool {
	for i := range s.subs {
		if s.subs[i].who == id {
			s.subs[i].who = 0
			return true
		}
	}
	return false
}

// watching finds the subscription that somebody's coming and going is told of.
func (s *Session) watching(c history.ChannelID) *subscription {
	if sub := s.find(c); sub != nil && sub.watch && (sub.state == active || sub.state == asked) {
		return sub
	}
	return nil
}

// present tells who is there.
func (s *Session) present(in *Incoming, out *Out) {
	sub := s.watching(in.Channel)
	if sub == nil {
		return
	}
	e := s.event(history.Present, in.Now)
	e.Channel, e.Arrived, e.Code, e.Due = in.Channel, in.Arrived, int32(len(in.Members)), sub.sent
	if sub.who != 0 && in.Message.ID == sub.who {
		sub.who, e.Due = 0, sub.whoSent
	}
	out.emit(e)
	e.Kind, e.Code = history.Member, 0
	for _, m := range in.Members {
		e.Epoch = m
		out.emit(e)
	}
}

// moved tells that somebody has come, or gone.
func (s *Session) moved(kind history.Kind, in *Incoming, out *Out) {
	if s.watching(in.Channel) == nil {
		return
	}
	e := s.event(kind, in.Now)
	e.Channel, e.Arrived, e.Epoch = in.Channel, in.Arrived, in.Member
	out.emit(e)
}
