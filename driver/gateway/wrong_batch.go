package gateway

import "slices"

// What becomes of batches on purpose.

// mostOf is how many events make a batch full: one more with batch-oversized.
func (w *wrong) mostOf(most int) int {
	if w.batchOversized.fires() {
		return most + 1
	}
	return most
}

// cutTail is batch-tail-lost: the last event of a batch that did not become full.
func (w *wrong) cutTail(list []outgoing) []outgoing {
	if len(list) > 1 && !list[len(list)-1].told && w.batchTail.fires() {
		return list[:len(list)-1]
	}
	return list
}

// spoil is batch-reordered and batch-repeats-last.
func (w *wrong) spoil(b *batcher, events []event) []event {
	if w.batchReordered != nil {
		if i := lastPair(events); i >= 0 && w.batchReordered.fires() {
			events = slices.Clone(events)
			events[i], events[i+1] = events[i+1], events[i]
		}
	}
	if w.batchRepeats != nil {
		if b.last != nil && len(events) < b.Max && w.batchRepeats.fires() {
			events = append([]event{*b.last}, events...)
		}
		last := events[len(events)-1]
		last.nth = 0
		b.last = &last
	}
	return events
}

// lastPair finds the last two neighbours that one connection has published; −1: none.
func lastPair(events []event) int {
	for i := len(events) - 2; i >= 0; i-- {
		if events[i].from == events[i+1].from {
			return i
		}
	}
	return -1
}

// gathered is batch-not-recovered: what a client has missed, without what waits in a
// batch. Under the stream's lock.
func (w *wrong) gathered(s *stream, missed []event) []event {
	if !s.batcher.waits() || len(missed) == 0 || !w.batchForgotten.fires() {
		return missed
	}
	return missed[:max(len(missed)-len(s.batcher.waiting), 0)]
}
