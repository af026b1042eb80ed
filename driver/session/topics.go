package session

import (
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
)

// Subscribe adds a subscription, now and in all later lives. ok is false if the
// client is not connected, or has it already.
func (s *Session) Subscribe(p Sub, now time.Duration, out *Out) (ok bool) {
	if !s.Connected() || s.frozen {
		return false
	}
	sub := s.find(p.Channel)
	if sub != nil && sub.wanted {
		return false
	}
	if sub == nil {
		s.subs = append(s.subs, subscription{channel: p.Channel})
		sub = &s.subs[len(s.subs)-1]
	}
	// The position is not kept over an unsubscribe: what came meanwhile was not
	// wanted.
	*sub = subscription{
		channel: p.Channel, pattern: p.Pattern, recover: p.Recover, kept: p.Kept, quality: p.Quality, filter: p.Filter, watch: watcher(p.Watch), rows: p.Rows,
		wanted: true, unsub: sub.unsub, fences: sub.fences,
	}
	if s.state == Live {
		s.state = Subscribing
	}
	s.subscribe(sub, now, out)
	return true
}

// Unsubscribe takes a subscription away, now and in all later lives. ok is false
// if the client is not connected, or does not have it.
func (s *Session) Unsubscribe(c history.ChannelID, now time.Duration, out *Out) (ok bool) {
	sub := s.find(c)
	if !s.Connected() || s.frozen || sub == nil || !sub.wanted {
		return false
	}
	sub.wanted, sub.held = false, false
	if sub.state == denied {
		return true
	}
	if sub.state == asked {
		s.open--
	}
	if sub.behind {
		sub.behind = false
		s.behind--
	}
	sub.unsub, sub.sent, sub.state = s.id(), now, leaving
	e := s.event(history.Unsubscribe, now)
	e.Channel, e.Sent = c, now
	out.emit(e)
	out.send(Command{Verb: dialect.Unsubscribe, ID: sub.unsub, Channel: c, Pattern: sub.pattern})
	s.settle(now, out)
	s.resynced(now, out)
	return true
}

// released takes the answer to an unsubscribe. The client may have asked for the
// same again meanwhile; the history tells the answer all the same.
func (s *Session) released(in *Incoming, out *Out) {
	for i := range s.subs {
		if sub := &s.subs[i]; sub.unsub == in.Message.ID {
			sub.unsub = 0
			e := s.event(history.Unsubscribed, in.Now)
			e.Channel, e.Arrived = sub.channel, in.Arrived
			out.emit(e)
			return
		}
	}
}

// unreleased takes a refusal of an unsubscribe; false if id names none.
func (s *Session) unreleased(id uint64) bool {
	for i := range s.subs {
		if s.subs[i].unsub == id {
			s.subs[i].unsub = 0
			return true
		}
	}
	return false
}

// fenced counts a fence: of a subscription of its own, or of a pattern.
func (s *Session) fenced(c history.ChannelID, sub *subscription) {
	if sub != nil {
		sub.fences++
		return
	}
	if s.fences == nil {
		s.fences = make(map[history.ChannelID]uint16)
	}
	s.fences[c]++
}

// Patterns calls f for every answered subscription to a pattern that lets fences
// through.
func (s *Session) Patterns(f func(pattern history.ChannelID)) {
	for i := range s.subs {
		if s.subs[i].pattern && s.subs[i].state == active && s.subs[i].filter == 0 {
			f(s.subs[i].channel)
		}
	}
}

// Patterned returns how many fences of a channel came by a pattern, and false
// if the channel has a subscription of its own.
func (s *Session) Patterned(c history.ChannelID) (fences int, ok bool) {
	if sub := s.find(c); sub != nil && sub.state == active {
		return 0, false
	}
	return int(s.fences[c]), true
}
