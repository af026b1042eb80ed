package gateway

// What a channel and its history do wrong on purpose.

// rewind is double-replay: the replay begins two events early. Under the stream's
// lock.
func (w *wrong) rewind(m *command) {
	if m.offset > 2 && w.doubleReplay.fires() {
		m.offset -= 2
	}
}

// sinceWrong is what of a history a client gets, when silent-history-truncation,
// expired-position-no-error or false-unrecovered know better. Under the stream's
// lock.
func (w *wrong) sinceWrong(s *stream, after uint64, missed []event, complete bool) ([]event, bool) {
	switch {
	case complete && after > 0 && w.falseUnrecovered.fires():
		return nil, false
	case !complete && after < s.top.offset && len(s.past) > 0 && w.silentTruncation.fires():
		return append([]event(nil), s.past...), true
	case !complete && after < s.top.offset && w.expiredPosition.fires():
		return nil, true
	}
	return missed, complete
}

// answered is the position that the answer to a subscribe tells: with
// offset-regress one before that from which the client resumes.
func (w *wrong) answered(m *command, top position, complete bool) position {
	if complete && m.offset > 2 && w.offsetRegress.fires() {
		top.offset = m.offset - 2
	}
	return top
}

// number gives a stream's next event its offset: with offset-divergence now and
// then one that is taken. Under the stream's lock.
func (w *wrong) number(s *stream) uint64 {
	if s.top.offset == 0 || !w.offsetDivergence.fires() {
		s.top.offset++
	}
	return s.top.offset
}

// hand gives an event to everybody itself if one of them shall get it twice, not
// at all or changed. Under the stream's lock.
func (w *wrong) hand(s *stream, e event) bool {
	if w.duplicateDelivery == nil && w.lostMessage == nil && w.phantomMessage == nil {
		return false
	}
	var victim *subscription
	if n := len(s.subs); n > 0 {
		if victim = s.subs[int(e.offset)%n]; victim.buffering {
			victim = nil
		}
	}
	passed := s.passed // by lost-message: has had the event before this one
	s.passed = nil
	for _, sub := range s.subs {
		switch {
		case sub == passed && !sub.buffering:
		case sub == victim && w.phantomMessage.fires():
			flipped := e
			flipped.frame, flipped.data = flip(e.frame, e.data)
			sub.deliver(flipped)
		default:
			sub.deliver(e)
		}
	}
	switch {
	case victim == nil:
	case w.duplicateDelivery.fires():
		victim.deliver(e)
	case victim != passed && w.lostMessage.fires():
		s.passed = victim
	}
	return true
}

// flip returns a frame with one digit of its data changed, and the data in it.
func flip(frame, data []byte) (flipped, inside []byte) {
	flipped = append([]byte(nil), frame...)
	end := len(flipped) - 1
	inside = flipped[end-len(data) : end : end]
	for i := min(24, len(inside)/2); i < len(inside); i++ {
		if c := inside[i]; c >= '0' && c <= '9' {
			inside[i] = '0' + (c-'0'+1)%10
			break
		}
	}
	return flipped, inside
}
