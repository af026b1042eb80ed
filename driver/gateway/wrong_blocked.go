package gateway

import "time"

// awaitSlowest holds a publication up while a subscriber of its channel has much queued.
func (w *wrong) awaitSlowest(g *Gateway, channel string) {
	if w.headOfLineBlock == nil || !g.hub.stream(channel).congested() || !w.headOfLineBlock.fires() {
		return
	}
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-g.done:
	}
}

// congested reports whether some subscriber has more than a moderate backlog.
func (s *stream) congested() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		q := &sub.conn.queue
		q.mu.Lock()
		much := q.bytes > moderate
		q.mu.Unlock()
		if much {
			return true
		}
	}
	return false
}
