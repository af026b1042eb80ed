package session

import (
	"slices"
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

// watch is what a subscription that asks who is there knows of that.
type watch struct {
	who     uint64        // of a question who is there that is unanswered …
	whoSent time.Duration // … since then
	roll    *roll         // what was told, where it is told of connections
}

// begin forgets what an earlier subscribe led to.
func (w *watch) begin(connections bool) {
	w.who = 0
	if !connections {
		return
	}
	if w.roll == nil {
		w.roll = new(roll)
	}
	w.roll.begin()
}

// watcher makes what a subscription needs that asks who is there.
func watcher(asks bool) *watch {
	if !asks {
		return nil
	}
	return new(watch)
}

// AskWho asks once more who is there, of every answered subscription that asks for it, and
// returns of how many.
func (s *Session) AskWho(now time.Duration, out *Out) (n int) {
	if !s.Connected() || s.frozen {
		return 0
	}
	for i := range s.subs {
		if sub := &s.subs[i]; sub.watch != nil && sub.state == active && sub.id != 0 {
			s.ask(sub, now, out)
			n++
		}
	}
	return n
}

func (s *Session) ask(sub *subscription, now time.Duration, out *Out) {
	sub.watch.who, sub.watch.whoSent = s.id(), now
	out.send(Command{Verb: dialect.Who, ID: sub.watch.who, Channel: sub.channel})
}

// lookAgain asks with each of the client's own pings, where a WebSocket pong may overtake
// what is told of who is there: the answers bound that.
func (s *Session) lookAgain(now time.Duration, out *Out) {
	for i := range s.subs {
		if sub := &s.subs[i]; sub.watch != nil && sub.watch.roll != nil && sub.state == active && sub.watch.who == 0 {
			s.ask(sub, now, out)
		}
	}
}

// Asking counts the questions who is there that are unanswered.
func (s *Session) Asking() (n int) {
	if !s.Connected() {
		return 0
	}
	for i := range s.subs {
		if w := s.subs[i].watch; w != nil && w.who != 0 {
			n++
		}
	}
	return n
}

// unanswerable takes a refusal of such a question; false if id names none.
func (s *Session) unanswerable(id uint64) bool {
	for i := range s.subs {
		if w := s.subs[i].watch; w != nil && w.who == id {
			w.who = 0
			return true
		}
	}
	return false
}

// watching finds the subscription that somebody's coming and going is told of.
func (s *Session) watching(c history.ChannelID) *subscription {
	if sub := s.find(c); sub != nil && sub.watch != nil && (sub.state == active || sub.state == asked) {
		return sub
	}
	return nil
}

// asking finds the subscription whose question who is there has an id.
func (s *Session) asking(id uint64) *subscription {
	for i := range s.subs {
		if sub := &s.subs[i]; sub.watch != nil && sub.watch.who == id && id != 0 && sub.state == active {
			return sub
		}
	}
	return nil
}

// present tells who is there.
func (s *Session) present(in *Incoming, out *Out) {
	sub := s.watching(in.Channel)
	if s.cfg.Connections {
		sub = s.asking(in.Message.ID)
	}
	if sub == nil {
		return
	}
	e := s.event(history.Present, in.Now)
	e.Channel, e.Arrived, e.Due = sub.channel, in.Arrived, sub.sent
	if w := sub.watch; w.who != 0 && in.Message.ID == w.who {
		w.who, e.Due = 0, w.whoSent
	}
	var changes []change
	if sub.watch.roll != nil {
		changes = sub.watch.roll.list(in.Connections, in.Members)
		slices.Sort(in.Members)
		in.Members = slices.Compact(in.Members)
	}
	e.Code = int32(len(in.Members))
	out.emit(e)
	e.Kind, e.Code = history.Member, 0
	for _, m := range in.Members {
		e.Epoch = m
		out.emit(e)
	}
	for _, c := range changes {
		kind := history.Joined
		if c.gone {
			kind = history.Left
		}
		s.tellMoved(kind, sub.channel, c.member, in, out)
	}
}

// moved tells that somebody has come, or gone.
func (s *Session) moved(kind history.Kind, in *Incoming, out *Out) {
	sub := s.watching(in.Channel)
	switch {
	case sub == nil:
	case !s.cfg.Connections:
		s.tellMoved(kind, sub.channel, in.Member, in, out)
	case sub.state == active && len(in.Message.Member) > 0 && sub.watch.roll.move(seat{in.Connections[0], in.Member}, kind == history.Left):
		s.tellMoved(kind, sub.channel, in.Member, in, out)
	}
}

func (s *Session) tellMoved(kind history.Kind, c history.ChannelID, m history.MemberID, in *Incoming, out *Out) {
	e := s.event(kind, in.Now)
	e.Channel, e.Arrived, e.Epoch = c, in.Arrived, m
	out.emit(e)
}
