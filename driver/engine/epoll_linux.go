package engine

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const hasEpoll = true

// Sizes of an event loop.
const (
	readSize   = 64 << 10    // of the one read buffer, bytes; also the most that one connection reads in a round
	roundSize  = 512         // most events of a round
	resampling = time.Second // between two looks at how far apart the clocks are
	wakeSlot   = -1          // the event that Post and Stop cause
)

// epoll is the event loop: raw sockets, one thread, one read buffer. Readiness
// is level-triggered, so that each connection gets one read a round and what is
// left comes up again in the next.
type epoll struct {
	shard
	inbox    inbox
	wait     waiter
	receiver *receiver
	names    resolver
	group    sync.WaitGroup // look-ups of names
	ctx      context.Context
	cancel   context.CancelFunc
	stopped  atomic.Bool

	sources []netip.Addr
	turn    int // of sources

	offset  time.Duration // from Unix time to the loop's
	sampled time.Duration // when offset was

	kept []int32 // abandoned sockets, open until the end

	wakeMu sync.Mutex
	wakeFD int // eventfd; -1 when the loop is over
}

// NewEpoll returns an event loop for ws://. Run releases its descriptors.
func NewEpoll(o Options) (Loop, error) {
	o = o.withDefaults()
	e := &epoll{receiver: newReceiver(readSize), sources: o.Sources}
	e.configure(o)
	var err error
	if e.wait.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("making an event loop: %w", err)
	}
	if e.wakeFD, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(e.wait.fd)
		return nil, fmt.Errorf("making an event loop: %w", err)
	}
	e.wait.events = make([]unix.EpollEvent, roundSize)
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeSlot}
	if err = unix.EpollCtl(e.wait.fd, unix.EPOLL_CTL_ADD, e.wakeFD, &ev); err != nil {
		e.close()
		return nil, fmt.Errorf("making an event loop: %w", err)
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e, nil
}

// Run implements Loop.
func (e *epoll) Run(h Handler) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer e.shutdown()
	e.sample()
	e.start(h)
	e.inbox.run()
	e.batch(e.Now())
	for !e.stopped.Load() {
		now := e.Now()
		limit := e.due(now)
		if limit != Never {
			limit -= now
		}
		events, err := e.wait.wait(limit)
		if err != nil {
			return fmt.Errorf("waiting for events: %w", err)
		}
		began := e.Now()
		if began-e.sampled >= resampling {
			e.sample()
		}
		for i := range events {
			e.handle(&events[i])
		}
		if e.stopped.Load() {
			break
		}
		e.batch(began)
	}
	return nil
}

// sample looks at both clocks at once.
func (e *epoll) sample() {
	t := time.Now()
	e.sampled = t.Sub(e.epoch)
	e.offset = e.sampled - time.Duration(t.UnixNano())
}

func (e *epoll) handle(ev *unix.EpollEvent) {
	if ev.Fd == wakeSlot {
		var count [8]byte
		_, _ = unix.Read(e.wakeFD, count[:])
		if !e.stopped.Load() {
			e.inbox.run()
		}
		return
	}
	if l := e.links[ev.Fd]; l != nil {
		l.wire.(*epollConn).ready(ev.Events)
	}
}

// shutdown closes everything without telling the handler.
func (e *epoll) shutdown() {
	e.stopped.Store(true)
	e.cancel()
	for _, l := range e.links {
		if l != nil {
			unix.Close(int(l.wire.(*epollConn).fd))
		}
	}
	e.links = nil
	for _, fd := range e.kept {
		unix.Close(int(fd))
	}
	e.kept = nil
	e.close()
	e.group.Wait()
}

// close releases the loop's own descriptors.
func (e *epoll) close() {
	e.wakeMu.Lock()
	defer e.wakeMu.Unlock()
	unix.Close(e.wakeFD)
	unix.Close(e.wait.fd)
	e.wakeFD = -1
}

// wakeUp makes the loop look at its inbox.
func (e *epoll) wakeUp() {
	e.wakeMu.Lock()
	defer e.wakeMu.Unlock()
	if e.wakeFD >= 0 {
		_, _ = unix.Write(e.wakeFD, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // full means awake already
	}
}

// Post implements Loop.
func (e *epoll) Post(f func()) {
	if e.inbox.put(f) {
		e.wakeUp()
	}
}

// Stop implements Loop.
func (e *epoll) Stop() {
	e.stopped.Store(true)
	e.wakeUp()
}

// Dial implements Loop.
func (e *epoll) Dial(t Token, d *Dial) Conn {
	c := &epollConn{loop: e, fd: -1}
	c.link = link{token: t, shard: &e.shard, wire: c}
	e.adopt(&c.link)
	c.begin(d)
	if d.TLS != nil {
		c.lost(Unreachable, "this engine has no TLS; the portable one has", e.stamp())
		return c
	}
	e.names.find(d.Address, e.look, e.Post, func(addrs []netip.AddrPort, err error) {
		if c.phase == ended {
			return
		}
		if err != nil {
			c.lost(Unreachable, reason(err), e.stamp())
			return
		}
		c.connect(addrs, d.ReadBuffer)
	})
	return c
}

// look runs a look-up beside the loop.
func (e *epoll) look(f func(context.Context)) {
	e.group.Go(func() { f(e.ctx) })
}

// source is the next source address of a's family, if there is a choice.
func (e *epoll) source(a netip.Addr) netip.Addr {
	for range e.sources {
		s := e.sources[e.turn%len(e.sources)]
		e.turn++
		if s.Is4() == a.Is4() {
			return s
		}
	}
	return netip.Addr{}
}
