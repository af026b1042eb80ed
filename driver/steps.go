package driver

import (
	"container/heap"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// stepKind says what a step does to its client.
type stepKind uint8

const (
	stepArrive stepKind = iota
	stepMoment          // a moment of the timeline reaches a victim
	stepHeal            // a freeze, mute, slow or degrade ends
	stepBack            // the end of `away`
	stepLeave           // a turn of steady churn ends with this connection
	stepBurst           // the next publication of a `publish` moment
	stepFence           // a fence that found the server's window full
	stepFlush           // what a client said before can be written now
	stepWait            // an offence of this connection is not waited for any longer
	stepOut             // a client that leaves may have its answers now
	stepSwitch          // a client tries WebSocket again
	stepAside           // an offence on a connection of its own is not waited for any longer
)

// step is something that a shard will do at a time of the run.
type step struct {
	at      time.Duration
	kind    stepKind
	client  int32 // in the shard
	life    int32 // stepHeal: of which connection
	moment  *scenario.Moment
	victim  *scenario.Victim
	pub     int32             // stepBurst, stepFence: index into the client's publishers
	left    int32             // stepBurst: messages still to come
	due     time.Duration     // stepBurst: of the next message, if it had to wait; 0: at. stepOut: the end of the patience
	channel history.ChannelID // stepFence
	order   int32             // set by add
}

// steps is what a shard will do, ordered by time; what is due at the same time is
// done in the order in which it was added.
type steps struct {
	heap  stepHeap
	added int32
}

// add puts x in its place.
func (s *steps) add(x step) {
	x.order = s.added
	s.added++
	heap.Push(&s.heap, x)
}

// next is the earliest step.
func (s *steps) next() (step, bool) {
	if len(s.heap) == 0 {
		return step{}, false
	}
	return s.heap[0], true
}

// pop takes the earliest step away.
func (s *steps) pop() step { return heap.Pop(&s.heap).(step) }

// stepHeap implements heap.Interface.
type stepHeap []step

func (h stepHeap) Len() int      { return len(h) }
func (h stepHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h stepHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}
func (h *stepHeap) Push(x any) { *h = append(*h, x.(step)) }
func (h *stepHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	if *h = (*h)[:last]; last == 0 {
		*h = nil // the arrivals of very many clients are a good deal of memory
	}
	return x
}
