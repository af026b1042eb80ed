package gateway

// level is the priority that an event gets: with urgent-waits and urgent-last another
// than was asked for.
func (w *wrong) level(l level) level {
	switch {
	case l != urgent:
	case w.urgentWaits.fires():
		return normal
	case w.urgentLast.fires():
		return low
	}
	return l
}
