package gateway

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// Batch says that the events of some channels are gathered, and sent several in one
// message. Each has its offset, stands in the history and is acknowledged when it is
// published; it is only sent later. Nothing is left out.
type Batch struct {
	Channel string        // a channel, or a pattern of channels
	Max     int           // events of one message
	Wait    time.Duration // after which a batch is sent that is not full, from its first event

	segments []string
}

// mostBatched is about how many bytes are gathered at most.
const mostBatched = 64 << 10

// checkBatches returns them with their patterns taken apart.
func checkBatches(batches []Batch) ([]Batch, error) {
	all := slices.Clone(batches)
	for i := range all {
		b := &all[i]
		var err error
		if b.segments, err = segmentsOf(b.Channel); err != nil {
			return nil, fmt.Errorf("batch of %q: %w", b.Channel, err)
		}
		if b.Max < 1 || b.Wait <= 0 {
			return nil, fmt.Errorf("batch of %q: the most events are a number above 0, and the wait is a time above 0", b.Channel)
		}
	}
	return all, nil
}

// batcher gathers the events of one channel. Under its stream's lock.
type batcher struct {
	*Batch
	stream  *stream
	wrong   *wrong
	numbers *atomic.Uint32 // of batches, of all streams

	waiting   []event
	bytes     int         // of their frames
	taken     uint64      // events so far
	due       time.Time   // when what waits is sent, full or not
	timer     *time.Timer // that sees to it; nil: none is set
	gathering bool        // what subscriptions are sent now goes into one message
	early     bool        // they are sent before the batch is full
	spare     []outgoing  // for one of them
	last      *event      // of batch-repeats-last: of the batch before
}

// outgoing is something that is about to be sent to a subscription.
type outgoing struct {
	item
	data []byte // of an event, for when it has to be sent again
	told bool   // it is no message of a session
}

// batcher makes that of a stream; nil if its events are sent at once.
func (h *hub) batcher(s *stream) *batcher {
	for i := range h.batches {
		if b := &h.batches[i]; matches(b.segments, s.name) {
			return &batcher{Batch: b, stream: s, wrong: h.wrong, numbers: &h.batched}
		}
	}
	return nil
}

// waits reports whether something has not been sent yet.
func (b *batcher) waits() bool { return b != nil && len(b.waiting) > 0 }

// add takes an event that is in the history already.
func (b *batcher) add(e event, now time.Time) {
	b.taken++
	e.nth = b.taken
	b.waiting = append(b.waiting, e)
	b.bytes += len(e.frame)
	switch {
	case len(b.waiting) >= b.wrong.mostOf(b.Max) || b.bytes >= mostBatched:
		b.flush()
	case len(b.waiting) == 1 || b.wrong.batchHeld.fires():
		b.due = now.Add(b.Wait)
		b.wake(now)
	}
}

// wake sees to it that what waits is sent when it is due. A timer that was set for a
// batch that became full rings for the next one, too early.
func (b *batcher) wake(now time.Time) {
	if b.timer == nil {
		b.timer = time.AfterFunc(b.due.Sub(now), b.ring)
	}
}

// ring sends what is due.
func (b *batcher) ring() {
	b.stream.mu.Lock()
	defer b.stream.mu.Unlock()
	b.timer = nil
	switch now := time.Now(); {
	case len(b.waiting) == 0:
	case now.Before(b.due):
		b.wake(now)
	default:
		b.early = true
		b.flush()
		b.early = false
	}
}

// flush sends what waits to everybody, each of whom gets it in one message.
func (b *batcher) flush() {
	if !b.waits() {
		return
	}
	events := b.wrong.spoil(b, b.waiting)
	number := b.numbers.Add(1)
	b.gathering = true
	if b.wrong.none { // one subscription after the other: they can share the room
		for _, sub := range b.stream.subs {
			for _, e := range events {
				sub.deliver(e)
			}
			b.hand(sub, number)
		}
	} else {
		for _, e := range events {
			b.stream.spread(e, b.wrong)
		}
		for _, sub := range b.stream.subs {
			b.hand(sub, number)
		}
	}
	b.gathering = false
	clear(b.waiting)
	b.waiting, b.bytes = b.waiting[:0], 0
}

// serve sends what waits to one subscription now: it ends, or changes.
func (b *batcher) serve(sub *subscription) {
	if !b.waits() || b.gathering || sub.index < 0 {
		return
	}
	b.gathering = true
	for _, e := range b.waiting {
		sub.deliver(e)
	}
	b.hand(sub, b.numbers.Add(1))
	b.gathering = false
	sub.since = b.taken
}

// since is what a subscription that is registered now has no part in.
func (b *batcher) since() uint64 {
	if b == nil {
		return 0
	}
	return b.taken
}

// keep holds what a subscription will be sent with the batch; false: there is none now.
func (b *batcher) keep(sub *subscription, o outgoing) bool {
	if b == nil || !b.gathering {
		return false
	}
	if sub.joint == nil {
		sub.joint, b.spare = b.spare, nil
	}
	sub.joint = append(sub.joint, o)
	return true
}

// hand sends a subscription what was kept for it.
func (b *batcher) hand(sub *subscription, number uint32) {
	list := sub.joint
	sub.joint = nil
	if b.early {
		list = b.wrong.cutTail(list)
	}
	if len(list) == 0 {
		return
	}
	if len(list) > 1 && !b.wrong.notBatched.fires() {
		for i := range list {
			list[i].batch = number
		}
	}
	sub.pass(list)
	clear(list)
	b.spare = list[:0]
}

// joined appends one message that holds what several items are, a line each.
func joined(buf []byte, items []item) []byte {
	at := len(buf)
	buf = append(buf, make([]byte, headroom)...)
	for i := range items {
		if i > 0 {
			buf = append(buf, '\n')
		}
		size, length := frameSize(items[i].frame)
		buf = append(buf, items[i].frame[size:size+length]...)
	}
	return append(buf[:at], seal(buf[at:], ws.OpText)...)
}

// run is how many of the next items go into one message. The caller holds mu.
func (q *queue) run() int {
	n := 1
	if first := &q.items[q.next]; first.batch != 0 && first.frame != nil {
		for q.next+n < len(q.items) && q.items[q.next+n].batch == first.batch && q.items[q.next+n].frame != nil {
			n++
		}
	}
	return n
}
