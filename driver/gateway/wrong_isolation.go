package gateway

// The code of this file is wrong on purpose.

// matches reports whether a pattern matches a channel.
func (w *wrong) matches(p *pattern, channel string) bool {
	return matches(p.segments, channel)
}
