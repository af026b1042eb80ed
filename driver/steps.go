package driver

import (
	"container/heap"
	"time"

	"squall/scenario"
)

// stepKind says what a step does to its client.
type stepKind uint8

const (
	stepArrive stepKind = iota
	stepMoment          // a moment of the timeline reaches a victim
	stepHeal            // a freeze or slow of this connection ends
	stepBack            // the end of `away`
	stepBurst           // the next publication of a `publish` moment
)

// step is something that a shard will do at a time of the run.
type step struct {
	at     time.Duration
	kind   stepKind
	client int32 // in the shard
	life   int32 // stepHeal: of which connection
	moment *scenario.Moment
	victim *scenario.Victim
	pub    int32 // stepBurst: index into the client's publishers
	left   int32 // stepBurst: messages still to come
	order  int32 // ties are done in the order of planning
}

// steps is a heap by time.
type steps []step

func (s steps) Len() int      { return len(s) }
func (s steps) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s steps) Less(i, j int) bool {
	if s[i].at != s[j].at {
		return s[i].at < s[j].at
	}
	return s[i].order < s[j].order
}
func (s *steps) Push(x any) { *s = append(*s, x.(step)) }
func (s *steps) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	if *s = (*s)[:last]; last == 0 {
		*s = nil // the arrivals of very many clients are a good deal of memory
	}
	return x
}

func (s *steps) add(x step) {
	x.order = int32(len(*s))
	heap.Push(s, x)
}

func (s *steps) next() (step, bool) {
	if len(*s) == 0 {
		return step{}, false
	}
	return (*s)[0], true
}

func (s *steps) pop() step { return heap.Pop(s).(step) }
