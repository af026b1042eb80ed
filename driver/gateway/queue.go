package gateway

import "sync"

// item is something queued for one connection.
type item struct {
	frame  []byte        // as it is sent, shared between connections
	replay []byte        // instead: the shared data of an event to be replayed; without sub: a whole frame that the channel holds anyway
	sub    *subscription // of an event or gap; nil for answers, which are never dropped
	at     position      // of an event or gap
	level  level         // of an event
	free   bool          // what is urgent may go before it: a ping or pong, the answer to a publish
	passed uint16        // how many have overtaken it
	batch  uint32        // what has the same number, and stands next to it, goes into the same message; 0: nothing
	number uint64        // of what a session remembers; 0: none does
}

// empty makes an event a gap.
func (it *item) empty() { it.frame, it.replay, it.batch = nil, nil, 0 }

// appendTo appends what the item is on the wire. Replays are framed only now:
// thousands of clients may return at once, and what they all wait for is in the
// history anyway. What is neither is a gap.
func (it *item) appendTo(buf []byte) []byte {
	frame := it.frame
	switch {
	case frame != nil:
	case it.sub == nil:
		frame = it.replay
	case it.replay != nil:
		frame, _ = sayEvent(it.sub.stream.name, it.at.offset, true, it.replay)
	default:
		frame = sayGap(it.sub.stream.name, it.at, "slow")
	}
	return append(buf, frame...)
}

// queue holds what a connection has still to write. Frames are shared, so an
// event costs each subscriber one item, whatever its size.
type queue struct {
	mu      sync.Mutex
	items   []item
	next    int  // items before it are gone
	hurried int  // how many that are urgent overtook something, since one let something by
	bytes   int  // of the items' frames; replays take no memory of their own
	writing bool // a writer is running
	ended   bool // a close frame is the last item; nothing follows
	dead    bool // nothing will be written any more
	doomed  bool // drain-loss: events are dropped
	idle    chan struct{}
	cuts    map[uint64]bool // numbers that were dropped, until the session knows it; false: a gap is left
}

// keep is how many items an empty queue keeps room for.
const keep = 4

// push appends; the caller holds mu.
func (q *queue) push(it item) {
	q.items = append(q.items, it)
	q.bytes += len(it.frame)
	q.advance()
}

// take moves frames of about limit bytes into buf; the caller holds mu.
func (q *queue) take(buf []byte, limit int) []byte {
	for q.next < len(q.items) && (len(buf) == 0 || len(buf)+len(q.items[q.next].frame)+len(q.items[q.next].replay) <= limit) {
		n := q.run()
		next := q.items[q.next : q.next+n]
		if n > 1 {
			buf = joined(buf, next)
		} else {
			buf = next[0].appendTo(buf)
		}
		for i := range next {
			q.bytes -= len(next[i].frame)
		}
		clear(next)
		q.next += n
	}
	if q.next == len(q.items) {
		q.next = 0
		if q.items = q.items[:0]; cap(q.items) > keep {
			q.items = nil
		}
	}
	return buf
}

// drop empties the queue; the caller holds mu.
func (q *queue) drop() {
	q.items, q.next, q.bytes = nil, 0, 0
}

// dropOldest drops the oldest events until at most half of limit is left, and
// puts one announced gap of each subscription where its last dropped event was.
// Answers keep their places. The caller holds mu.
func (q *queue) dropOldest(limit int) {
	last := make(map[*subscription]int) // index of the last item that goes
	bytes := q.bytes
	for i := q.next; i < len(q.items) && bytes > limit/2; i++ {
		if it := &q.items[i]; it.sub != nil {
			bytes -= len(it.frame)
			last[it.sub] = i
		}
	}
	kept := make([]item, 0, len(q.items)-q.next)
	for i := q.next; i < len(q.items); i++ {
		it := q.items[i]
		if end, ok := last[it.sub]; it.sub != nil && ok && i <= end {
			if q.cut(it.number, i < end); i < end {
				continue
			}
			it.empty()
		}
		kept = append(kept, it)
	}
	q.items, q.next, q.bytes = kept, 0, bytes
}

// cut notes what became of something that a session remembers.
func (q *queue) cut(number uint64, gone bool) {
	if number == 0 {
		return
	}
	if q.cuts == nil {
		q.cuts = make(map[uint64]bool)
	}
	q.cuts[number] = gone
}
