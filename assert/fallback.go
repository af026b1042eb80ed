package assert

// fallback counts the connections of a run by what carried them. A block that nobody had
// to go round exercises nothing: why is the reason not to pass then.
func (s *settlement) fallback(v *Verdict) (unused string) {
	t := s.j.Traffic()
	v.add(false, "over an event stream", t.Streams)
	v.add(false, "by long polling", t.Polls)
	if s.j.brief.Blocked && t.Streams+t.Polls == 0 {
		return "not exercised: the plan blocks upgrades, but nobody connected in another way; let the `block` last longer, or the target serve event streams"
	}
	return ""
}
