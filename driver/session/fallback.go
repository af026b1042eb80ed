package session

import "squall/assert/history"

// A client that has a fallback begins every return with WebSocket. Where that is refused
// it goes through its other transports at once, one after the other, and after the last
// one it waits as its backoff says and begins again.

// Transport is what carries the current life.
func (s *Session) Transport() history.Transport {
	if s.transport == 0 {
		return history.WebSocket
	}
	return s.cfg.Fallback[s.transport-1]
}

// detours reports whether another transport is to be tried at once, after a loss.
func (s *Session) detours(l *Loss) bool {
	if !l.Refused || int(s.transport) >= len(s.cfg.Fallback) || !l.NoUpgrade && s.transport == 0 {
		s.transport = 0
		return false
	}
	s.transport++
	return true
}

// Aside reports whether the client is live, with nothing outstanding, on another transport
// than it would like to have.
func (s *Session) Aside() bool {
	return s.transport > 0 && s.Complete() && s.Connected() && !s.frozen && s.Pending() == 0
}

// spare takes the time until the next attempt from what the server is asked for, where the
// plan itself kept the client out.
func (s *Session) spare(l *Loss) {
	if l.Blocked {
		s.want = max(s.want, s.wait)
	}
}
