package assert

import (
	"squall/assert/history"
	"squall/scenario"
)

// promises is what the target claims of one channel.
func (s *settlement) promises(ch history.ChannelID) *scenario.Promises {
	p := s.promisesOf[ch]
	if p == nil {
		q := s.j.brief.Promises.Of(s.j.names.Name(int32(ch)))
		p = &q
		s.promisesOf[ch] = p
	}
	return p
}

// ruled reports whether the target claims something of this channel in particular.
func (s *settlement) ruled(ch history.ChannelID) bool {
	return len(s.j.brief.Promises.Channels) > 0 && s.j.brief.Promises.Rules(s.j.names.Name(int32(ch)))
}

// unpromised reports whether an incident breaks nothing that is promised of its
// channel in particular, whatever is expected of all.
func (s *settlement) unpromised(f *found) bool {
	if f.channel < 0 {
		return false
	}
	d := f.anomaly.Define()
	if s.leaves(d.Owner, f.channel) && d.harm&(loses|repeats|refuses|delays) != 0 {
		return true
	}
	if !s.ruled(f.channel) {
		return false
	}
	q := s.promises(f.channel)
	switch {
	case f.anomaly == DuplicateLiveSession, f.anomaly == RetryDoublePublish: // promised of the target as a whole
		return false
	case d.harm == loses:
		return q.Delivery == "at-most-once" && !kept(d.Owner, q)
	case d.harm == repeats:
		return q.Delivery == "at-least-once"
	case d.harm == reorders:
		return q.Order == "none" || q.Order == "per-publisher" && !f.same
	case f.anomaly == RetainedMissing, f.anomaly == WillMissing:
		return q.Delivery == "at-most-once"
	case d.harm&(refuses|delays) != 0 && d.Owner == "recovery":
		return !q.Recovery
	case d.harm&refuses != 0 && d.Owner == "queue":
		return q.Queue.Size == 0
	}
	return false
}

// kept reports whether a channel promises that what a rule owns is not lost even
// where delivery is at most once: by a history, or by the queue of a session.
func kept(rule string, q *scenario.Promises) bool {
	return rule == "recovery" && q.Recovery || rule == "queue" && q.Queue.Size > 0
}

// owes reports whether anything is owed by a rule on a channel for which the target
// claims something in particular.
func (s *settlement) owes(rule string, ch history.ChannelID) bool {
	q := s.promises(ch)
	return q.Delivery != "at-most-once" || kept(rule, q)
}

// recovers reports whether recovery is promised, for some channel.
func (b *Brief) recovers() bool {
	p := b.Promises.Recovery
	for _, c := range b.Promises.Channels {
		p = p || c.Recovery
	}
	return p
}
