package session

import "time"

// mutes are until when a client omits its own pings, and its answers to those of
// the server; 0: it doesn't.
type mutes struct{ pings, pongs time.Duration }

func (m *mutes) of(pongs bool) *time.Duration {
	if pongs {
		return &m.pongs
	}
	return &m.pings
}

// Mute makes the client omit its pongs, or its own pings, until then.
func (s *Session) Mute(pongs bool, until time.Duration) {
	if s.mutes == nil {
		s.mutes = new(mutes)
	}
	m := s.mutes.of(pongs)
	*m = max(*m, until)
}

// Unmute ends what Mute began, if its time is over or all ends; false if it goes
// on, or has ended.
func (s *Session) Unmute(pongs bool, now time.Duration, all bool) bool {
	if s.mutes == nil {
		return false
	}
	m := s.mutes.of(pongs)
	if *m == 0 || *m > now && !all {
		return false
	}
	*m = 0
	if *s.mutes == (mutes{}) {
		s.mutes = nil
	}
	return true
}

// Answers reports whether the client answers pings of the server.
func (s *Session) Answers() bool { return s.mutes == nil || s.mutes.pongs == 0 }

// pings reports whether the client sends its own.
func (s *Session) pings() bool { return s.mutes == nil || s.mutes.pings == 0 }
