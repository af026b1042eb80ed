package gateway

import (
	"fmt"
	"slices"
	"time"
)

// Shape says how the events of some channels are thinned out. What is left out gets
// no offset, and stands in no history: a channel is shaped for all alike, and those
// who come back get what they would have got.
type Shape struct {
	Channel string // a channel, or a pattern of channels

	// Throttle is the time in which at most one event is sent: at once if the last one
	// is so long ago, else the newest of those that have come when it is over; or, with
	// First, none of these.
	Throttle time.Duration
	First    bool

	// Debounce is how long nothing may come before the newest is sent.
	Debounce time.Duration

	// Aggregate is the time in which what is published is added up: for each value of
	// the member By the numbers in the member Sum. Only sums are sent.
	Aggregate time.Duration
	Sum, By   string

	segments []string
}

// checkShapes returns them with their patterns taken apart.
func checkShapes(shapes []Shape) ([]Shape, error) {
	all := slices.Clone(shapes)
	for i := range all {
		s := &all[i]
		var err error
		if s.segments, err = segmentsOf(s.Channel); err != nil {
			return nil, fmt.Errorf("shape of %q: %w", s.Channel, err)
		}
		kinds := 0
		for _, d := range []time.Duration{s.Throttle, s.Debounce, s.Aggregate} {
			if d < 0 {
				kinds = 2
			}
			if d > 0 {
				kinds++
			}
		}
		if kinds != 1 {
			return nil, fmt.Errorf("shape of %q: throttle, debounce or aggregate is a time above 0", s.Channel)
		}
		if s.Aggregate > 0 && (s.Sum == "" || s.By == "" || s.By == "sum" || s.By == "count") {
			return nil, fmt.Errorf("shape of %q: aggregate needs the members that are added up, and by which: not sum or count", s.Channel)
		}
	}
	return all, nil
}

// shaper thins one channel out. Under its stream's lock.
type shaper struct {
	*Shape
	stream *stream
	held   *said       // the newest that has not been sent
	before *said       // of stale-last-value: the one that was sent before
	due    time.Time   // throttle: the next may be sent then; debounce: what is held will be
	timer  *time.Timer // that sends what is held; nil: none is set

	window  []total        // what has been added up, by option
	totals  map[string]int // where each option stands there
	flushed time.Time      // when the last window was sent
	last    string         // the option that was added to last
	latest  *vote          // of window-boundary-doubled: what was added last
}

// shaper makes that of a stream; nil if it is not shaped.
func (h *hub) shaper(s *stream) *shaper {
	for i := range h.shapes {
		if x := &h.shapes[i]; matches(x.segments, s.name) {
			return &shaper{Shape: x, stream: s}
		}
	}
	return nil
}

// waits reports whether something is held back.
func (h *shaper) waits() bool { return h != nil && h.timer != nil }

// take takes what was published.
func (h *shaper) take(x said, now time.Time, w *wrong) {
	switch {
	case h.Aggregate > 0:
		h.add(x, now, w)
	case h.Debounce > 0 && h.waits() && w.debounceLost.fires():
		h.held = nil
	case h.Debounce > 0:
		h.hold(x, w)
		h.due = now.Add(w.quiet(h.Debounce))
		h.wake(now, w)
	case !now.Before(h.due):
		h.send(x, now, w)
	case w.throttleLeak.fires():
		h.held = nil
		h.stream.emit(x, now, w)
	case h.First, w.lastSwallowed.fires():
	default:
		h.hold(x, w)
		h.wake(now, w)
	}
}

// hold keeps the newest.
func (h *shaper) hold(x said, w *wrong) {
	if h.held != nil && h.Debounce > 0 && w.debounceFirst.fires() {
		return
	}
	h.held = &x
}

// send sends one event, and begins a throttle's time.
func (h *shaper) send(x said, now time.Time, w *wrong) {
	h.held = nil
	if h.Throttle > 0 {
		h.due = now.Add(h.Throttle)
	}
	h.stream.emit(x, now, w)
	w.echo(h, x)
}

// wake sees to it that what is held is sent when it is due.
func (h *shaper) wake(now time.Time, w *wrong) {
	if h.timer == nil {
		h.timer = time.AfterFunc(h.due.Sub(now), func() { h.ring(w) })
	}
}

// ring sends what is due, or waits on: a debounce's end moves on with every event.
func (h *shaper) ring(w *wrong) {
	h.stream.mu.Lock()
	defer h.stream.mu.Unlock()
	h.timer = nil
	switch now := time.Now(); {
	case h.Aggregate > 0:
		h.stream.used = now
		h.stream.expire(now)
		h.flush(now, w)
	case h.held == nil:
	case now.Before(h.due):
		h.wake(now, w)
	default:
		h.stream.used = now
		h.stream.expire(now)
		h.send(*h.held, now, w)
	}
}
