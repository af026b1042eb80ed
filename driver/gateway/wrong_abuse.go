package gateway

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/gobwas/ws"
)

// The code of this file is wrong on purpose.

// unmask is unmasked-accepted: it takes a frame without a mask for one whose mask
// is zero.
func (w *wrong) unmask(h ws.Header) ws.Header {
	if !h.Masked && w.unmaskedAccepted.fires() {
		h.Masked = true
	}
	return h
}

// longest is oversize-buffered: no message is too long.
func (w *wrong) longest(limit int) int {
	if w.oversizeBuffered.fires() {
		return math.MaxInt - 1 // a reader asks for one byte more, to see that it is too many
	}
	return limit
}

// passOn is bad-utf8-passed-on: another connection is sent a text before
// anybody has looked whether it is one.
func (w *wrong) passOn(c *conn, message []byte) {
	if !w.badUTF8PassedOn.fires() {
		return
	}
	if o := c.opposite(); o != nil {
		o.send(item{frame: seal(append(open(len(message)), bytes.Clone(message)...), ws.OpText)})
	}
}

// expels is collateral-close: a violation of one client ends another one's
// connection, too.
func (w *wrong) expels(c *conn) {
	if !w.collateralClose.fires() {
		return
	}
	if o := c.opposite(); o != nil {
		o.close(ws.StatusInternalServerError, "internal error")
	}
}

// verdict is wrong-violation-code: whatever was wrong, all is well.
func (w *wrong) verdict(v *violation) ws.StatusCode {
	if w.wrongViolationCode.fires() {
		return ws.StatusNormalClosure
	}
	return v.code
}

// obeysTwice is resubscribe-obeyed: a subscribe to a channel that is
// subscribed to is answered as if it were the first.
func (w *wrong) obeysTwice(c *conn, m *command) bool {
	if !w.resubscribeObeyed.fires() {
		return false
	}
	s := c.subs[string(m.channel)].stream
	s.mu.Lock()
	defer s.mu.Unlock()
	c.send(item{frame: saySubscribed(m.id, s.name, s.top, false, false)})
	return true
}

// opposite is another connection of the same node, the one half of all further,
// by number; nil if there is none.
func (c *conn) opposite() *conn {
	g := c.gateway
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*conn
	for o := range g.conns {
		if o == c || o.ready.Load() {
			all = append(all, o)
		}
	}
	if len(all) < 2 {
		return nil
	}
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.number, b.number) })
	return all[(slices.Index(all, c)+len(all)/2)%len(all)]
}
