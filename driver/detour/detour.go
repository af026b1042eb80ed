package detour

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"squall/driver/engine"
	"squall/driver/fault"
)

// Carrier is how messages come.
type Carrier uint8

// The carriers.
const (
	EventStream Carrier = iota + 1 // one answer that does not end
	LongPoll                       // one request after the other
)

// Opener opens a connection for HTTP, TLS included.
type Opener func(ctx context.Context, d *engine.Dial) (net.Conn, error)

// Roads is what the detours of one loop share.
type Roads struct {
	Loop    engine.Loop
	Handler engine.Handler
	Open    Opener
	In, Out atomic.Uint64  // bytes so far
	Go      func(f func()) // starts a goroutine that somebody waits for
}

// closeWait bounds the wait for the server's last word after our goodbye.
const closeWait = 2 * time.Second

// detour is one connection. What is named under mu belongs to all goroutines, the rest to
// the loop.
type detour struct {
	roads *Roads
	token engine.Token
	dial  *engine.Dial
	by    Carrier
	ask   request
	ctx   context.Context
	stop  context.CancelFunc

	opened bool
	over   bool // Closed was called, or is about to be: nothing more is told
	left   bool // Close was called
	frozen bool
	thaw   []func() // what came while it was frozen

	mu    sync.Mutex
	conns []net.Conn    // open sockets
	id    string        // of the connection, from its first event
	out   []byte        // said, not yet posted: commands, one a line
	bye   bool          // and then a goodbye
	kick  chan struct{} // there is something to post
}

// Dial begins a detour, and returns at once; Open or Closed follows. It ends with ctx,
// silently.
func (r *Roads) Dial(ctx context.Context, t engine.Token, d *engine.Dial, by Carrier) engine.Conn {
	x := &detour{roads: r, token: t, dial: d, by: by, ask: requestOf(d.Request), kick: make(chan struct{}, 1)}
	x.ctx, x.stop = context.WithCancel(ctx)
	context.AfterFunc(x.ctx, x.hangUp)
	r.Go(x.receive)
	return x
}

// Send implements engine.Conn. There are messages only: a WebSocket's own pings have no
// place here.
func (x *detour) Send(opcode byte, payload []byte) {
	if opcode != engine.OpText || !x.opened || x.over || x.left {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.out) > 0 {
		x.out = append(x.out, '\n')
	}
	x.out = append(x.out, payload...)
	x.wake()
}

// Close implements engine.Conn. A code has no place here either.
func (x *detour) Close(uint16, string) {
	switch {
	case x.over || x.left:
	case !x.opened:
		x.finish(engine.End{Cause: engine.Local})
	default:
		x.left = true
		x.mu.Lock()
		x.bye = true
		x.wake()
		x.mu.Unlock()
		late := time.AfterFunc(closeWait, func() { x.end(engine.End{Cause: engine.Local}) })
		context.AfterFunc(x.ctx, func() { late.Stop() })
	}
}

// Fault implements engine.Conn. There are no frames to cut: a cut is a reset.
func (x *detour) Fault(a fault.Action) {
	switch a.Kind {
	case fault.Freeze:
		x.frozen = true
	case fault.Heal:
		x.frozen = false
		for _, f := range x.thaw {
			x.roads.Loop.Post(f)
		}
		x.thaw = nil
	case fault.Abandon: // untouched until the run ends
		x.over = true
		x.mu.Lock()
		for _, c := range x.conns {
			c.SetDeadline(time.Unix(1, 0))
		}
		x.mu.Unlock()
		x.tell(engine.End{Cause: engine.Fault})
	case fault.Fin:
		x.finish(engine.End{Cause: engine.Fault})
	case fault.Reset, fault.Cut:
		x.mu.Lock()
		for _, c := range x.conns {
			reset(c.(*counted).Conn)
		}
		x.mu.Unlock()
		x.finish(engine.End{Cause: engine.Fault})
	}
}

func reset(c net.Conn) {
	switch c := c.(type) {
	case interface{ SetLinger(int) error }:
		c.SetLinger(0)
	case interface{ Reset() }:
		c.Reset()
	}
}

// finish ends it from the loop.
func (x *detour) finish(e engine.End) {
	if !x.over {
		x.over = true
		x.stop()
		x.tell(e)
	}
}

// end ends it from elsewhere; only the first end counts.
func (x *detour) end(e engine.End) {
	x.post(func() { x.finish(e) })
}

// tell calls Closed, as soon as no other callback is running.
func (x *detour) tell(e engine.End) {
	x.roads.Loop.Post(func() {
		now := x.roads.Loop.Now()
		e.At = engine.Stamp{Arrived: now, Read: now}
		x.roads.Handler.Closed(x.token, e)
	})
}

// post runs f on the loop, and returns when it was run, which a freeze delays.
func (x *detour) post(f func()) {
	done := make(chan struct{})
	var run func()
	run = func() {
		switch {
		case x.over || x.ctx.Err() != nil:
		case x.frozen:
			x.thaw = append(x.thaw, run)
			return
		default:
			f()
		}
		close(done)
	}
	x.roads.Loop.Post(run)
	select {
	case <-done:
	case <-x.ctx.Done():
	}
}

// wake lets speak look. Under mu.
func (x *detour) wake() {
	select {
	case x.kick <- struct{}{}:
	default:
	}
}

// connect opens a socket that ends with x.
func (x *detour) connect() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(x.ctx, timeout(x.dial))
	defer cancel()
	c, err := x.roads.Open(ctx, x.dial)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ctx.Err() != nil {
		c.Close()
		return nil, x.ctx.Err()
	}
	c = &counted{c, x.roads}
	x.conns = append(x.conns, c)
	return c, nil
}

// counted counts the bytes of a socket.
type counted struct {
	net.Conn
	roads *Roads
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.roads.In.Add(uint64(n))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.roads.Out.Add(uint64(n))
	return n, err
}

func timeout(d *engine.Dial) time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return engine.DefaultTimeout
}

// drop closes a socket before x ends.
func (x *detour) drop(c net.Conn) {
	c.Close()
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.conns {
		if x.conns[i] == c {
			x.conns = append(x.conns[:i], x.conns[i+1:]...)
			return
		}
	}
}

// hangUp closes every socket.
func (x *detour) hangUp() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.conns {
		c.Close()
	}
	x.conns = nil
}

// lost is the end of a connection whose sockets fail.
func lost(err error, what string) engine.End {
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return engine.End{Cause: engine.EOF, Text: what + " ended without a close event"}
	}
	return engine.End{Cause: engine.Reset, Text: fmt.Sprintf("%s: %s", what, bare(err))}
}

// bare is an error without addresses that change from run to run.
func bare(err error) string {
	var sys syscall.Errno
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &sys):
		return sys.Error()
	case errors.As(err, &op) && op.Err != nil:
		return op.Err.Error()
	}
	return err.Error()
}

// brief is the start of a body, for people.
func brief(b []byte) string { return string(bytes.ToValidUTF8(b[:min(len(b), 512)], nil)) }
