package session

import "squall/assert/history"

// NameSession says whether the client names its session when it connects. Call
// it after Init.
func (s *Session) NameSession(named bool) { s.named = named }

// resume takes the server's word about the session: it goes on, with the
// subscriptions that it had, or has begun anew.
func (s *Session) resume(resumed bool, e *history.Event) {
	if !s.named {
		return
	}
	e.Flags |= history.FlagSession
	if s.keeps && s.ever && !s.fresh {
		e.Flags |= history.FlagRecover
	}
	if resumed && s.keeps && !s.fresh {
		e.Flags |= history.FlagResumed
		return
	}
	s.received = 0
	for i := range s.subs {
		s.subs[i].held = false
	}
}
