package engine

import (
	"math/bits"
	"time"
)

// Tick is the grain of a Wheel: a timer fires at most so much after its due
// time, and never before.
const Tick = time.Millisecond

const (
	wheelSize = 4096                   // slots, one tick each
	horizon   = wheelSize - 1          // ticks that lie in slots; what is due later waits apart
	rescan    = wheelSize / 2          // ticks after which what waits apart is looked at again
	nobody    = int32(-1)              // no key
	unset     = int64(-1 << 63)        // tick of a key that is not set
	forever   = int64(Never / Tick)    // a tick that does not come
	beginning = -(int64(Never / Tick)) // the first tick there can be
)

// Wheel is a hashed timer wheel over dense keys: one due time a key. Set and
// Clear take constant time. It has no clock: the owner tells the time and asks
// when to come back. It takes 16 bytes a key, up to the largest key ever set,
// and 17 KB. It belongs to one goroutine.
type Wheel struct {
	cursor int64 // the next tick to be fired
	near   int   // keys in slots
	heads  [wheelSize]int32
	filled [wheelSize / 64]uint64
	timers []timer

	far       []int32 // keys due beyond the horizon, in no order
	farFirst  int64   // no tick of far is before it
	farLooked int64   // cursor at the last look through far
}

// timer is one key. In a slot, prev and next link a ring; apart, prev is the
// place in far and next is nobody.
type timer struct {
	tick       int64
	prev, next int32
}

// NewWheel returns an empty wheel that starts at now.
func NewWheel(now time.Duration) *Wheel {
	w := &Wheel{cursor: int64(now / Tick), farFirst: forever}
	w.farLooked = w.cursor
	for i := range w.heads {
		w.heads[i] = nobody
	}
	return w
}

// tickOf is the first tick that is not before due.
func tickOf(due time.Duration) int64 {
	t := int64(due / Tick)
	if due > 0 && due%Tick != 0 {
		t++
	}
	return max(t, beginning)
}

// Set makes key (≥ 0) fire at due, instead of when it would have before. What
// is due already fires with the next Advance.
func (w *Wheel) Set(key int32, due time.Duration) {
	for int(key) >= len(w.timers) {
		w.timers = append(w.timers, timer{tick: unset})
	}
	w.Clear(key)
	w.place(key, max(tickOf(due), w.cursor))
}

func (w *Wheel) place(key int32, tick int64) {
	t := &w.timers[key]
	t.tick = tick
	if tick-w.cursor >= horizon {
		t.prev, t.next = int32(len(w.far)), nobody
		w.far = append(w.far, key)
		w.farFirst = min(w.farFirst, tick)
		return
	}
	w.near++
	slot := uint64(tick) % wheelSize
	head := w.heads[slot]
	if head == nobody {
		w.heads[slot] = key
		w.filled[slot/64] |= 1 << (slot % 64)
		t.prev, t.next = key, key
		return
	}
	h := &w.timers[head]
	t.prev, t.next = h.prev, head
	w.timers[h.prev].next = key
	h.prev = key
}

// Clear makes key not fire.
func (w *Wheel) Clear(key int32) {
	if int(key) >= len(w.timers) || w.timers[key].tick == unset {
		return
	}
	if t := &w.timers[key]; t.next != nobody {
		w.unlink(key)
	} else {
		w.removeFar(t.prev)
	}
	w.timers[key].tick = unset
}

// unlink takes key out of its slot.
func (w *Wheel) unlink(key int32) {
	t := &w.timers[key]
	w.near--
	slot := uint64(t.tick) % wheelSize
	if t.next == key {
		w.heads[slot] = nobody
		w.filled[slot/64] &^= 1 << (slot % 64)
		return
	}
	w.timers[t.prev].next, w.timers[t.next].prev = t.next, t.prev
	if w.heads[slot] == key {
		w.heads[slot] = t.next
	}
}

// removeFar takes the key at place i out of far.
func (w *Wheel) removeFar(i int32) {
	last := w.far[len(w.far)-1]
	w.far[i] = last
	w.timers[last].prev = i
	w.far = w.far[:len(w.far)-1]
	if len(w.far) == 0 {
		w.farFirst = forever
	}
}

// Next says when Advance has something to fire: never later than the earliest
// due time, rounded up to a tick, and now if that has passed. It may be too
// early only by keys that were cleared and lay over four seconds ahead. It is
// false when nothing is set.
func (w *Wheel) Next(now time.Duration) (due time.Duration, ok bool) {
	tick := w.farFirst
	if w.near > 0 {
		tick = min(tick, w.firstNear())
	} else if len(w.far) == 0 {
		return 0, false
	}
	return max(time.Duration(tick)*Tick, now), true
}

// firstNear is the earliest tick in the slots, of which one is filled.
func (w *Wheel) firstNear() int64 {
	start := uint64(w.cursor) % wheelSize
	word := start / 64
	bitsHere := w.filled[word] &^ (1<<(start%64) - 1)
	for range len(w.filled) + 1 {
		if bitsHere != 0 {
			slot := word*64 + uint64(bits.TrailingZeros64(bitsHere))
			return w.cursor + int64((slot-start)%wheelSize)
		}
		word = (word + 1) % uint64(len(w.filled))
		bitsHere = w.filled[word]
	}
	return w.cursor
}

// Advance fires what is due by now, by tick, and within one tick in the order
// of Set. The func may set and clear any key; what it sets for now or before
// fires at the next tick.
func (w *Wheel) Advance(now time.Duration, fire func(key int32)) {
	last := int64(now / Tick)
	for w.cursor <= last {
		if len(w.far) > 0 && w.cursor-w.farLooked >= rescan {
			w.look()
		}
		tick := w.quiet(last)
		if tick > last {
			w.cursor = last + 1
			return
		}
		w.cursor = tick + 1
		for slot := uint64(tick) % wheelSize; w.heads[slot] != nobody && w.timers[w.heads[slot]].tick == tick; {
			key := w.heads[slot]
			w.unlink(key)
			w.timers[key].tick = unset
			fire(key)
		}
	}
}

// quiet moves the cursor over ticks at which nothing happens, and returns the
// next at which something does, or one past last.
func (w *Wheel) quiet(last int64) int64 {
	for {
		tick := last + 1
		if w.near > 0 {
			tick = min(tick, w.firstNear())
		}
		if len(w.far) == 0 {
			return tick
		}
		look := max(w.farLooked+rescan, w.cursor)
		if w.near == 0 {
			look = max(look, w.farFirst-horizon+1) // nothing before it can come due
		}
		if tick < look {
			return tick
		}
		if look > last {
			return tick
		}
		w.cursor = look
		w.look()
	}
}

// look moves what has come within the horizon to its slots.
func (w *Wheel) look() {
	w.farLooked = w.cursor
	w.farFirst = forever
	for i := 0; i < len(w.far); {
		key := w.far[i]
		tick := w.timers[key].tick
		if tick-w.cursor < horizon {
			w.removeFar(int32(i))
			w.place(key, max(tick, w.cursor))
			continue
		}
		w.farFirst = min(w.farFirst, tick)
		i++
	}
}
