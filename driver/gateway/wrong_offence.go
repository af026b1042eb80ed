package gateway

import "errors"

// The code of this file is wrong on purpose.

// (expired-token-alive is in startExpiry: its trigger is all there is to it.)

// believePosition is foreign-epoch-accepted, stale-store-replay and
// future-offset-accepted: what a
// client says of its position is made true. Under the stream's lock.
func (w *wrong) believePosition(s *stream, m *command) {
	switch {
	case s.size == 0:
	case string(m.epoch) != s.top.epoch && w.foreignEpoch.fires():
		m.epoch, m.offset = []byte(s.top.epoch), min(m.offset, s.top.offset)
	case string(m.epoch) != s.top.epoch && w.staleStore.fires():
		m.epoch, m.offset = []byte(s.top.epoch), s.top.offset-uint64(len(s.past))
	case string(m.epoch) == s.top.epoch && m.offset > s.top.offset && w.futureOffset.fires():
		m.offset = s.top.offset
	}
}

// ownerOf is the key of the session that a connection gets for the one that it
// names. With session-hijack the name is all; with other-session-evicted whoever
// has a session of that name loses its connection.
func (w *wrong) ownerOf(all *sessions, c *conn, key sessionKey) sessionKey {
	if w.sessionHijack.fires() {
		return sessionKey{name: key.name}
	}
	if w.sessionEvicted == nil {
		return key
	}
	all.mu.Lock()
	var others []*session
	for k, s := range all.all {
		if k.name == key.name && k.user != key.user {
			others = append(others, s)
		}
	}
	all.mu.Unlock()
	for _, s := range others {
		s.mu.Lock()
		o := s.conn
		s.mu.Unlock()
		if o != nil && w.sessionEvicted.fires() {
			o.close(CloseTakenOver, "session taken over")
		}
	}
	return key
}

// meets remembers who was let in, for expired-token-trusted.
func (w *wrong) meets(who Identity) {
	if w.trustedToken == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.met == nil {
		w.met = make(map[string]bool)
	}
	w.met[who.User] = true
}

// trusts is expired-token-trusted.
func (w *wrong) trusts(who Identity, err error) bool {
	if w.trustedToken == nil || !errors.Is(err, ErrExpired) {
		return false
	}
	w.mu.Lock()
	known := w.met[who.User]
	w.mu.Unlock()
	return known && w.trustedToken.fires()
}
