package engine

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"squall/driver/fault"
)

// epollConn is one connection of the event loop.
type epollConn struct {
	link
	loop    *epoll
	busy    *busy // nil while nothing is out of the ordinary
	fd      int32 // -1 when there is none
	watched uint32
}

// busy is what only some moments of a socket need.
type busy struct {
	out    []byte           // what the socket did not take
	others []netip.AddrPort // to be tried if this address can't be reached
	buffer int              // Dial.ReadBuffer, for those
	broken unix.Errno       // of a write; reading tells the rest
	frozen bool
	slow   bool
	paused bool // slow, and the budget is used up
	over   bool // nothing is left to read
	behind bool // bytes may have waited for a fault of ours, not for us
	budget fault.Budget
}

func (c *epollConn) unusual() *busy {
	if c.busy == nil {
		c.busy = new(busy)
	}
	return c.busy
}

// usual drops what is no longer needed.
func (c *epollConn) usual() {
	if b := c.busy; b != nil && len(b.out) == 0 && b.broken == 0 && !b.frozen && !b.slow && !b.over && !b.behind && c.phase != connecting {
		c.busy = nil
	}
}

// connect tries the addresses in turn.
func (c *epollConn) connect(addrs []netip.AddrPort, readBuffer int) {
	var err error
	for len(addrs) > 0 {
		a := addrs[0]
		addrs = addrs[1:]
		fd, failed := openSocket(a, c.loop.source(a.Addr()), readBuffer)
		if failed != nil {
			err = failed
			continue
		}
		c.fd = int32(fd)
		if len(addrs) > 0 {
			b := c.unusual()
			b.others, b.buffer = addrs, readBuffer
		}
		c.refresh()
		return
	}
	c.lost(Unreachable, reason(err), c.loop.stamp())
}

// connection looks how connecting went.
func (c *epollConn) connection() {
	code, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err == nil {
		c.connected()
		c.usual()
		c.refresh()
		return
	}
	if c.busy != nil && len(c.busy.others) > 0 {
		unix.Close(int(c.fd))
		c.fd, c.watched = -1, 0
		others := c.busy.others
		c.busy.others = nil
		c.connect(others, c.busy.buffer)
		return
	}
	c.lost(Unreachable, reason(err), c.loop.stamp())
}

// ready serves the events of one round.
func (c *epollConn) ready(events uint32) {
	switch {
	case c.phase == ended:
		c.flush()
		if c.busy == nil || len(c.busy.out) == 0 {
			c.close()
		}
		return
	case c.phase == connecting:
		c.connection()
		return
	}
	if events&unix.EPOLLOUT != 0 {
		c.flush()
		c.usual()
		c.refresh()
	}
	if events&^unix.EPOLLOUT != 0 && (c.busy == nil || !c.busy.frozen && !c.busy.paused) {
		c.read()
	}
}

// read reads once.
func (c *epollConn) read() {
	e := c.loop
	want := readSize
	if c.busy != nil && c.busy.slow {
		now := e.Now()
		n, wait := c.busy.budget.Take(now, want)
		if n == 0 {
			c.busy.paused = true
			c.extra().later = now + wait
			c.arm()
			c.refresh()
			return
		}
		want = n
	}
	n, kernel, err := e.receiver.read(c.fd, want)
	now := e.Now()
	if c.busy != nil && c.busy.slow {
		c.busy.budget.Return(want - n)
	}
	at := Stamp{Arrived: now, Read: now}
	switch {
	case n > 0:
		if kernel != 0 {
			at.Arrived, at.Kernel = min(time.Duration(kernel)+e.offset, now), true
		}
		if !c.lags(want - n) {
			e.count.readLag = max(e.count.readLag, at.Read-at.Arrived)
		}
		c.receive(e.receiver.buf[:n], at)
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != 0:
		c.lost(Reset, err.Error(), at)
	case c.busy != nil && c.busy.broken == unix.ECONNRESET:
		c.lost(Reset, c.busy.broken.Error(), at) // the write took the error that explains the end
	default:
		c.lost(EOF, "", at)
	}
}

// lags says whether a fault made the bytes just read wait, and notes when a
// read that left room has caught up.
func (c *epollConn) lags(room int) bool {
	x := c.busy
	if x == nil || !x.behind {
		return false
	}
	if room > 0 && !x.slow {
		x.behind = false
		c.usual()
	}
	return true
}

// push implements wire.
func (c *epollConn) push(b []byte) {
	c.loop.count.bytesOut += uint64(len(b))
	if x := c.busy; x != nil && (x.frozen || len(x.out) > 0 || x.broken != 0) {
		if x.broken == 0 {
			x.out = append(x.out, b...)
		}
		return
	}
	n, err := send(c.fd, b)
	if n == len(b) {
		return
	}
	x := c.unusual()
	if err != 0 && err != unix.EAGAIN && err != unix.EINTR {
		x.broken = err
		return
	}
	x.out = append(x.out, b[n:]...)
	c.refresh()
}

// waiting implements wire.
func (c *epollConn) waiting() int {
	if c.busy == nil {
		return 0
	}
	return len(c.busy.out)
}

// flush writes what waits.
func (c *epollConn) flush() {
	x := c.busy
	if x == nil || len(x.out) == 0 || x.frozen {
		return
	}
	n, err := send(c.fd, x.out)
	if err != 0 && err != unix.EAGAIN && err != unix.EINTR {
		x.broken, x.out = err, nil
		return
	}
	if x.out = x.out[n:]; len(x.out) == 0 {
		x.out = nil
	}
}

// refresh watches for what matters now.
func (c *epollConn) refresh() {
	var want uint32
	switch x := c.busy; {
	case c.phase == connecting:
		want = unix.EPOLLOUT
	case x == nil:
		want = unix.EPOLLIN
	default:
		if !x.paused {
			want = unix.EPOLLIN
		}
		if len(x.out) > 0 {
			want |= unix.EPOLLOUT
		}
	}
	if c.busy != nil && c.busy.frozen {
		want = 0
	}
	if c.busy != nil && c.busy.over {
		want = 0 // the kernel would report the end in every round
	}
	c.watch(want)
}

// watch changes the events of interest. None takes the socket out of the set,
// since the kernel would report a reset all the same, in every round.
func (c *epollConn) watch(events uint32) {
	if c.fd < 0 || events == c.watched {
		return
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case events == 0:
		op = unix.EPOLL_CTL_DEL
	case c.watched == 0:
		op = unix.EPOLL_CTL_ADD
	}
	c.watched = events
	ev := unix.EpollEvent{Events: events, Fd: c.slot}
	if err := unix.EpollCtl(c.loop.wait.fd, op, int(c.fd), &ev); err != nil && c.phase != ended {
		c.lost(Unreachable, "watching a socket: "+err.Error(), c.loop.stamp())
	}
}

// end implements wire.
func (c *epollConn) end(how farewell) {
	switch {
	case c.fd < 0:
		c.loop.release(&c.link)
	case how == shut && c.busy != nil && len(c.busy.out) > 0:
		c.busy.frozen = false
		c.watch(unix.EPOLLOUT)
		c.linger()
	case how == finish:
		_ = unix.Shutdown(int(c.fd), unix.SHUT_WR)
		c.busy = nil
		c.watch(unix.EPOLLRDHUP)
		c.linger()
	case how == abandon:
		c.watch(0)
		c.loop.kept = append(c.loop.kept, c.fd)
		c.fd = -1
		c.loop.release(&c.link)
	case how == reset || how == lastWords:
		resetSocket(c.fd)
		c.fd = -1
		c.loop.release(&c.link)
	default:
		c.close()
	}
}

// linger bounds how long the socket outlives the connection.
func (c *epollConn) linger() {
	c.loop.wheel.Set(c.slot, c.loop.Now()+closeWait)
}

func (c *epollConn) close() {
	unix.Close(int(c.fd))
	c.fd = -1
	c.loop.release(&c.link)
}

// expire implements wire.
func (c *epollConn) expire(time.Duration) {
	if c.phase == ended {
		c.close()
		return
	}
	if c.busy != nil {
		c.busy.paused = false
	}
	c.refresh()
}

// over implements wire.
func (c *epollConn) over() {
	c.unusual().over = true
	c.refresh()
}

// gate implements wire.
func (c *epollConn) gate(a fault.Action) {
	switch a.Kind {
	case fault.Freeze:
		b := c.unusual()
		b.frozen, b.behind = true, true
	case fault.Slow:
		if a.Rate <= 0 {
			if b := c.busy; b != nil && b.slow {
				b.slow, b.paused = false, false
			}
			break
		}
		b := c.unusual()
		b.slow, b.behind, b.paused, b.budget = true, true, false, fault.NewBudget(a.Rate, c.loop.Now())
	case fault.Heal:
		b := c.busy
		if b == nil {
			return
		}
		b.frozen, b.slow, b.paused = false, false, false
		if c.phase != connecting {
			c.flush()
		}
		c.usual()
	}
	c.refresh()
}
