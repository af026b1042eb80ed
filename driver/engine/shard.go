package engine

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"
)

// shard is what the connections of one loop share, whatever moves their bytes.
// Only the loop touches it: its thread, or whoever holds its lock.
type shard struct {
	handler  Handler
	epoch    time.Time
	limit    int     // Options.MaxMessage
	mask     [4]byte // of every frame sent; it only has to differ between runs
	wheel    *Wheel  // by link.slot
	spares   spares
	deflater deflater
	scratch  []byte // frame under construction

	links []*link // by slot; nil: free
	free  []int32
	freed []int32 // free from the next batch on: events of this one may still name them
	ends  []ending
	next  time.Duration // when the handler wants to be woken; Never if not

	count  counts
	public public
}

// ending is a Closed to be called once no other callback is running.
type ending struct {
	token Token
	end   End
}

// counts are the loop's own; public are their copies for other goroutines.
type counts struct {
	messages, bytesIn, bytesOut uint64
	conns                       int64
	busy, readLag               time.Duration
}

type public struct {
	messages, bytesIn, bytesOut, packed, unpacked atomic.Uint64
	conns, busy, readLag                          atomic.Int64
}

func (s *shard) configure(o Options) {
	s.epoch, s.limit, s.next = o.Epoch, o.MaxMessage, Never
	rand.Read(s.mask[:])
}

// Now is the time since the loop's epoch.
func (s *shard) Now() time.Duration { return time.Since(s.epoch) }

// Stats tells what the loop has done so far, up to the last batch.
func (s *shard) Stats() Stats {
	p := &s.public
	return Stats{
		Messages: p.messages.Load(),
		BytesIn:  p.bytesIn.Load(),
		BytesOut: p.bytesOut.Load(),
		Packed:   p.packed.Load(),
		Unpacked: p.unpacked.Load(),
		Conns:    int(p.conns.Load()),
		Busy:     time.Duration(p.busy.Load()),
		ReadLag:  time.Duration(p.readLag.Load()),
	}
}

func (s *shard) publish() {
	p, c := &s.public, &s.count
	p.messages.Store(c.messages)
	p.bytesIn.Store(c.bytesIn)
	p.bytesOut.Store(c.bytesOut)
	p.packed.Store(s.spares.packed)
	p.unpacked.Store(s.spares.unpacked)
	p.conns.Store(c.conns)
	p.busy.Store(int64(c.busy))
	p.readLag.Store(int64(c.readLag))
}

// stamp is the time of something that has no receive stamp.
func (s *shard) stamp() Stamp {
	now := s.Now()
	return Stamp{Arrived: now, Read: now}
}

// start serves h from now on.
func (s *shard) start(h Handler) {
	now := s.Now()
	s.handler, s.wheel = h, NewWheel(now)
	s.wake(now)
}

// adopt gives l a slot.
func (s *shard) adopt(l *link) {
	if n := len(s.free); n > 0 {
		l.slot = s.free[n-1]
		s.free = s.free[:n-1]
		s.links[l.slot] = l
		return
	}
	l.slot = int32(len(s.links))
	s.links = append(s.links, l)
}

// release takes l's slot back: nothing of it is left to be served.
func (s *shard) release(l *link) {
	if l.slot < 0 {
		return
	}
	s.wheel.Clear(l.slot)
	s.links[l.slot] = nil
	s.freed = append(s.freed, l.slot)
	l.slot = -1
}

// batch ends a batch of callbacks: it runs the timers, tells what ended, and
// wakes the handler. busy is when the batch began.
func (s *shard) batch(began time.Duration) {
	now := s.Now()
	if due, ok := s.wheel.Next(now); ok && due <= now {
		s.wheel.Advance(now, s.expire)
	}
	s.settle()
	s.wake(now)
	s.free = append(s.free, s.freed...)
	s.freed = s.freed[:0]
	s.count.busy += s.Now() - began
	s.publish()
}

func (s *shard) expire(slot int32) {
	if l := s.links[slot]; l != nil {
		l.expire(s.Now())
	}
}

// settle calls Closed for what has ended. Callbacks may end more.
func (s *shard) settle() {
	for i := 0; i < len(s.ends); i++ {
		s.handler.Closed(s.ends[i].token, s.ends[i].end)
	}
	clear(s.ends)
	s.ends = s.ends[:0]
}

func (s *shard) wake(now time.Duration) {
	s.next = s.handler.Wake(now)
	if s.next <= 0 {
		s.next = Never
	}
	if len(s.ends) > 0 { // what the handler plans when it hears of these may be due before
		s.settle()
		s.next = now
	}
}

// due is when the loop must come back by itself; Never if not.
func (s *shard) due(now time.Duration) time.Duration {
	if due, ok := s.wheel.Next(now); ok {
		return min(due, s.next)
	}
	return s.next
}

// frame builds one frame in the scratch buffer, valid until the next.
func (s *shard) frame(opcode byte, payload []byte) []byte {
	if cap(s.scratch) > 4*spareSize {
		s.scratch = nil
	}
	s.scratch = appendFrame(s.scratch[:0], opcode, payload, s.mask)
	return s.scratch
}

// inbox holds the functions that other goroutines want run on the loop.
type inbox struct {
	mu    sync.Mutex
	funcs []func()
	spare []func()
}

// put says whether the box was empty.
func (b *inbox) put(f func()) (first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.funcs = append(b.funcs, f)
	return len(b.funcs) == 1
}

// run calls what is there now; what these post in turn waits for the next time.
func (b *inbox) run() {
	b.mu.Lock()
	funcs := b.funcs
	b.funcs, b.spare = b.spare[:0], nil
	b.mu.Unlock()
	for i, f := range funcs {
		f()
		funcs[i] = nil
	}
	b.mu.Lock()
	b.spare = funcs[:0]
	b.mu.Unlock()
}
