package gateway

import (
	"time"

	"github.com/gobwas/ws"
)

// What nodes do wrong on purpose when they come and go.

// hint is when a connection is told to return.
func (w *wrong) hint(after, more time.Duration) time.Duration {
	if w.lockstepReconnect.fires() {
		return after + 500*time.Millisecond
	}
	return after + more
}

// doom is drain-loss: from the announcement on, events for this connection are
// dropped.
func (w *wrong) doom(c *conn) {
	if w.drainLoss.fires() {
		c.queue.mu.Lock()
		c.queue.doomed = true
		c.queue.mu.Unlock()
	}
}

// drops forgets an event of a doomed connection, and remembers that it was
// "delivered". Under the queue's lock.
func (w *wrong) drops(it item) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.drained == nil {
		w.drained = make(map[cursor]position)
	}
	if user := it.sub.conn.user; user != "" {
		w.drained[cursor{user, it.sub.stream.name}] = it.at
	}
	return true
}

// behindDrain resumes a user behind what was dropped.
func (w *wrong) behindDrain(sub *subscription, m *command) {
	if w.drainLoss == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	k := cursor{sub.conn.user, sub.stream.name}
	if at := w.drained[k]; at.epoch == sub.stream.top.epoch {
		m.offset = max(m.offset, at.offset)
	}
	delete(w.drained, k)
}

// leave closes a connection that is drained.
func (w *wrong) leave(c *conn, d Drain) {
	if !w.wrongCloseCode.fires() {
		c.close(ws.StatusCode(d.Code), d.Reason)
		return
	}
	switch w.wrongCloseCode.shown.Load() % 3 {
	case 0:
		c.close(1006, d.Reason)
	case 1:
		c.close(1000, d.Reason)
	default:
		c.nc.Close()
	}
}

// livelock ends the connection of a user who can't resume any more.
func (w *wrong) livelock(c *conn, m *command) bool {
	if w.resumeLivelock == nil || !m.recover || c.user == "" {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stuck[c.user] && !w.resumeLivelock.fires() {
		return false
	}
	if w.stuck == nil {
		w.stuck = make(map[string]bool)
	}
	w.stuck[c.user] = true
	c.close(ws.StatusInternalServerError, "bad sequence")
	return true
}

// recent is how old what acked-lost-on-crash loses is, at most.
const recent = time.Second

// crash is acked-lost-on-crash: the end of each history is lost with the node,
// although the epoch stays and the offsets go on.
func (w *wrong) crash(h *hub) {
	if !w.ackedLostOnCrash.fires() {
		return
	}
	now := time.Now()
	for _, s := range h.all() {
		s.mu.Lock()
		n := len(s.past)
		for n > 0 && now.Sub(s.past[n-1].at) < recent {
			n--
		}
		if n > 0 {
			s.past = s.past[:n:n]
		}
		s.mu.Unlock()
	}
}

// risen is restart-dup: a node that comes up sends the last two events of each
// channel once more to everybody who is subscribed.
func (w *wrong) risen(h *hub) {
	if !w.restartDup.fires() {
		return
	}
	for _, s := range h.all() {
		s.mu.Lock()
		for _, e := range s.past[max(len(s.past)-2, 0):] {
			for _, sub := range s.subs {
				sub.deliver(e)
			}
		}
		s.mu.Unlock()
	}
}

// forgets is interest-lost-remote: an event stays on the node at which it was
// published. Under the stream's lock.
func (w *wrong) forgets(s *stream, e event) bool {
	if w.interestLostRemote == nil {
		return false
	}
	home := func(sub *subscription) bool { return uint64(sub.conn.gateway.node) == e.from>>nodeShift }
	near := 0
	for _, sub := range s.subs {
		if home(sub) {
			near++
		}
	}
	if near == 0 || near == len(s.subs) || !w.interestLostRemote.fires() {
		return false
	}
	for _, sub := range s.subs {
		if home(sub) {
			sub.deliver(e)
		}
	}
	return true
}
