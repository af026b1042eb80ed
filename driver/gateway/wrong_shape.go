package gateway

import "time"

// What becomes of shaping on purpose.

// quiet is how long a debounce waits: a third of it where it is debounce-early.
func (w *wrong) quiet(d time.Duration) time.Duration {
	if w.debounceEarly.fires() {
		return d / 3
	}
	return d
}

// echo is stale-last-value: when nothing has come for a throttle's time after an
// event, the one before it is sent once more. Under the stream's lock.
func (w *wrong) echo(h *shaper, x said) {
	if w.staleLast == nil || h.Throttle == 0 {
		return
	}
	before, due := h.before, h.due
	h.before = &x
	if before == nil {
		return
	}
	time.AfterFunc(h.Throttle, func() {
		h.stream.mu.Lock()
		defer h.stream.mu.Unlock()
		if h.due.Equal(due) && h.held == nil && w.staleLast.fires() {
			now := time.Now()
			h.due = now.Add(h.Throttle)
			h.stream.emit(*before, now, w)
		}
	})
}
