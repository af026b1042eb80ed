package gateway

import "errors"

// The code of this file is wrong on purpose.

// believes reports whether a token is taken although there is something wrong
// with it.
func (w *wrong) believes(err error) bool {
	return errors.Is(err, ErrExpired) && w.expiredToken.fires() || errors.Is(err, ErrForged) && w.forgedToken.fires()
}

// permits decides whether a connection may subscribe to a channel.
func (w *wrong) permits(c *conn, channel string) bool {
	if c.may(channel) {
		return len(c.gateway.cfg.Roles) == 0 || !w.wronglyRefused.fires()
	}
	return w.rightNotEnforced.fires()
}

// forbid refuses a subscribe; with delivered-despite-refusal the subscription is
// there all the same.
func (w *wrong) forbid(c *conn, m *command, channel string) *refusal {
	c.ghosts.layOne(channel)
	if c.may(channel) || !w.despiteRefusal.fires() {
		return forbidden()
	}
	c.send(item{frame: sayError(m.id, forbidden())})
	sub := &subscription{conn: c, index: -1, exact: true}
	sub.register(c.gateway.hub, channel)
	s := sub.stream
	s.mu.Lock()
	sub.buffer, sub.buffering = nil, false
	s.mu.Unlock()
	c.ghosts.add(channel, func() { s.remove(sub) })
	return nil
}
