package session

import "squall/assert/history"

// NextID is an id for a command that the session knows nothing of.
func (s *Session) NextID() uint64 { return s.id() }

// Position is that of the first of its channels from which the client could resume.
func (s *Session) Position() (c history.ChannelID, epoch history.EpochID, offset uint64, ok bool) {
	for i := range s.subs {
		if sub := &s.subs[i]; sub.state == active && !sub.pattern && sub.recover && sub.placed {
			return sub.channel, sub.epoch, sub.offset, true
		}
	}
	return 0, 0, 0, false
}

// Heard is how many messages have come since the session began.
func (s *Session) Heard() uint64 { return s.received }
