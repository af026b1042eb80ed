package session

import (
	"slices"
	"time"
)

// Muted is something that a client may omit for a while.
type Muted uint8

// The kinds.
const (
	Pings Muted = iota // its own
	Pongs              // its answers to those of the server
	Acks               // its answers to deliveries, where the dialect has them
	mutedKinds
)

// mutes are until when a client omits something; 0: it doesn't.
type mutes struct {
	until    [mutedKinds]time.Duration
	withheld []Command // acknowledgements on this connection, in the order of the deliveries
}

// Mute makes the client omit something until then.
func (s *Session) Mute(what Muted, until time.Duration) {
	if s.mutes == nil {
		s.mutes = new(mutes)
	}
	s.mutes.until[what] = max(s.mutes.until[what], until)
}

// Unmute ends what Mute began, if its time is over or all ends; false if it goes
// on, or has ended. What was withheld on this connection is said now; what was on an
// earlier one the server has to deliver again.
func (s *Session) Unmute(what Muted, now time.Duration, all bool, out *Out) bool {
	if s.mutes == nil {
		return false
	}
	until := &s.mutes.until[what]
	if *until == 0 || *until > now && !all {
		return false
	}
	*until = 0
	if what == Acks {
		for _, c := range s.mutes.withheld {
			if s.Connected() {
				out.send(c)
			}
		}
		s.mutes.withheld = nil
	}
	if s.mutes.until == [mutedKinds]time.Duration{} {
		s.mutes = nil
	}
	return true
}

func (s *Session) omits(what Muted) bool { return s.mutes != nil && s.mutes.until[what] != 0 }

// Answers reports whether the client answers pings of the server.
func (s *Session) Answers() bool { return !s.omits(Pongs) }

// pings reports whether the client sends its own.
func (s *Session) pings() bool { return !s.omits(Pings) }

// acknowledge answers a delivery, or keeps the answer to itself.
func (s *Session) acknowledge(c Command, out *Out) {
	if s.omits(Acks) {
		if slices.Contains(s.mutes.withheld, c) { // it was repeated: a second answer might be taken for one to the next with that id
			return
		}
		s.mutes.withheld = append(s.mutes.withheld, c)
		return
	}
	out.send(c)
}

// withdraw forgets the answers that a connection which has ended did not get.
func (s *Session) withdraw() {
	if s.mutes != nil {
		s.mutes.withheld = nil
	}
}
