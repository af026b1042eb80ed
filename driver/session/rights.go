package session

import (
	"time"

	"squall/assert/history"
)

// A plan may say that the server must not let a client in, or must refuse one of
// its subscriptions. Then the refusal is what is waited for, and being let through
// is told and goes no further: such a client leaves at once, and such a
// subscription is none that the client counts on.

func (s *Session) tellDenied(now time.Duration, ch history.ChannelID, code int32, note string, f history.Flags, out *Out) {
	e := s.event(history.Denied, now)
	e.Channel, e.Code, e.Note, e.Flags = ch, code, note, f
	out.emit(e)
}

// bar: the client was not let in, as the plan wants. It does not come back.
func (s *Session) bar(now time.Duration, code int32, note string, out *Out) {
	s.barred, s.ever = true, true
	s.tellDenied(now, -1, code, note, history.FlagForbidden, out)
	s.complete(out)
}

// turnedAway takes the end of a connection, or of an attempt, that is the
// server's word about who the client is. It reports whether nothing more is to be
// told of it.
func (s *Session) turnedAway(l *Loss, now time.Duration, out *Out) bool {
	if s.state > Connecting || l.Who != history.Server || l.Excused || s.barred {
		return false
	}
	unauthorised := l.Refused && (l.Code == 401 || l.Code == 403)
	switch {
	case s.unwelcome() && (unauthorised || !l.Refused && disowns(l.Code)):
		s.bar(now, l.Code, l.Note, out)
		return l.Refused
	case unauthorised:
		s.tellDenied(now, -1, l.Code, l.Note, 0, out)
	}
	return false
}

// disowns reports whether a close code is about the client: policy, the
// registered ones for "unauthorized" and "forbidden", and what servers use for
// clients that should not come back.
func disowns(code int32) bool {
	return code == 1008 || code == 3000 || code == 3003 || code >= 3500 && code < 5000
}

// letIn: the server has let a client in that it must not.
func (s *Session) letIn(in *Incoming, out *Out) {
	e := s.event(history.Connected, in.Now)
	e.Channel, e.Due, e.Arrived, e.Flags = -1, s.dialDue, in.Arrived, history.FlagForbidden
	out.emit(e)
	s.state, s.answerBy = Subscribing, 0
	s.barred, s.ever, s.leaving = true, true, true
	s.complete(out)
	out.do(Do{Kind: Close, Code: 1000})
}

// turnDown takes the refusal of a subscription.
func (s *Session) turnDown(sub *subscription, in *Incoming, out *Out) {
	m := in.Message
	code, note := int32(m.Code), string(m.Reason)
	switch {
	case m.Denied && sub.forbidden:
		sub.state = denied
		s.open--
		s.tellDenied(in.Now, sub.channel, code, note, history.FlagForbidden, out)
		s.settle(in.Now, out)
		return
	case m.Denied && !m.Vague && !s.outdated(in.Now) && !s.revoked:
		s.tellDenied(in.Now, sub.channel, code, note, 0, out)
	}
	s.deny(sub, in.Now, code, note, out)
}

// letThrough: the server has granted a subscription that it must refuse.
func (s *Session) letThrough(sub *subscription, in *Incoming, out *Out) {
	sub.state = denied
	s.open--
	e := s.event(history.Subscribed, in.Now)
	e.Channel, e.Due, e.Sent, e.Arrived, e.Flags = sub.channel, sub.sent, sub.sent, in.Arrived, history.FlagForbidden
	out.emit(e)
	s.settle(in.Now, out)
}

// unwelcome reports whether a refusal to let the client in is right.
func (s *Session) unwelcome() bool { return s.cfg.Refused || s.revoked }

// Revoke says that the server is asked to take the client's rights away.
func (s *Session) Revoke() { s.revoked = true }

// Revoked says that the server has done so. A connect that was sent before may
// still be answered as if it had not.
func (s *Session) Revoked() { s.outcast, s.spared = true, s.state == Connecting }

// granted: the server has subscribed the client by itself. What comes of it is
// rightly the client's; it is not counted on, and not asked for again.
func (s *Session) granted(in *Incoming, out *Out) {
	if s.state != Subscribing && s.state != Live || len(in.Message.Channel) == 0 {
		return
	}
	e := s.event(history.Subscribed, in.Now)
	e.Channel, e.Arrived, e.Flags = in.Channel, in.Arrived, history.FlagServer
	out.emit(e)
}

// Bears says when the token of the present connection expires.
func (s *Session) Bears(until time.Duration) { s.bearer = until }

// outdated reports whether the client's token has expired, so that a refusal may be
// about that.
func (s *Session) outdated(now time.Duration) bool { return s.bearer > 0 && now >= s.bearer }
