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

func (w *wrong) crash(*hub) {}

func (w *wrong) risen(*hub) {}
