package gateway

import (
	"time"
)

// What becomes of sums on purpose.

// atBoundary is window-boundary-dropped: what comes shortly after a window has been sent
// is taken for a part of it. Under the stream's lock, as all of these.
func (w *wrong) atBoundary(h *shaper, now time.Time) bool {
	return w.boundaryDropped != nil && !h.flushed.IsZero() && now.Sub(h.flushed) < late && w.boundaryDropped.fires()
}

// uncounted is aggregate-skipped: a publication is sent as it is, and not added up.
func (w *wrong) uncounted(h *shaper, x said, now time.Time) bool {
	if !w.aggregateSkipped.fires() {
		return false
	}
	h.stream.emit(x, now, w)
	return true
}

// attribute is sum-misattributed: a number is added to the option before.
func (w *wrong) attribute(h *shaper, v *vote) {
	if w.misattributed == nil || h.last == v.key {
		return
	}
	if i, ok := h.totals[h.last]; ok && w.misattributed.fires() {
		v.key, v.name = h.last, h.window[i].name
	}
}

// remember notes what window-boundary-doubled will count again.
func (w *wrong) remember(h *shaper, v *vote) {
	if w.boundaryDoubled != nil {
		x := *v
		x.name = append([]byte(nil), v.name...)
		h.latest = &x
	}
}

// carryOver is window-boundary-doubled: the last publication of a window is the first of
// the next as well.
func (w *wrong) carryOver(h *shaper, now time.Time) {
	v := h.latest
	h.latest = nil
	if v != nil && w.boundaryDoubled.fires() {
		h.recount(*v, now, w)
	}
}

// recount counts once more, in a window of its own if there is none.
func (h *shaper) recount(v vote, now time.Time, w *wrong) {
	h.count(v, now, w)
	if !h.waits() {
		h.due = now.Add(h.Aggregate)
		h.wake(now, w)
	}
}

// recounts is replay-recounts: a sum that is replayed is added up again.
func (w *wrong) recounts(sub *subscription, e *event) {
	h := sub.stream.shaper
	if w.replayRecounts == nil || h == nil || h.Aggregate == 0 {
		return
	}
	told := Shape{Sum: "sum", By: h.By}
	if v, ok := told.read(e.data); ok && w.replayRecounts.fires() {
		h.recount(v, time.Now(), w)
	}
}

// whole is sum-truncated: the decimals are left out.
func (w *wrong) whole(sum int64) int64 {
	if sum%million != 0 && w.sumTruncated.fires() {
		return sum - sum%million
	}
	return sum
}

// forgetWindow is window-lost-at-disconnect: when somebody goes who listened, what is being
// added up is forgotten.
func (w *wrong) forgetWindow(s *stream) {
	if h := s.shaper; w.windowLost != nil && h != nil && len(h.window) > 0 && w.windowLost.fires() {
		h.window = nil
		clear(h.totals)
	}
}

// countsRefused is counts-refused: what its publisher has no right to is added up all the
// same.
func (c *conn) countsRefused(m *command) {
	w, h := c.gateway.wrong, c.gateway.hub
	if w.countsRefused == nil {
		return
	}
	s := h.stream(string(m.channel))
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.shaper; x != nil && x.Aggregate > 0 && !s.gone {
		if v, ok := x.read(m.data); ok && w.countsRefused.fires() {
			x.recount(v, time.Now(), w)
		}
	}
}
