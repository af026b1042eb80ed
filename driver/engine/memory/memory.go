// Package memory is a network inside the process: bounded, buffered duplex
// connections with half-close, reset and stall, which net.Pipe has not. All of
// its blocking is durable, so it runs in testing/synctest bubbles.
package memory

import (
	"fmt"
	"net"
	"sync"
	"syscall"
)

// DefaultBuffer is how many bytes one direction of a connection holds.
const DefaultBuffer = 64 << 10

// backlog is how many connections wait for Accept before Dial is refused.
const backlog = 64 << 10

// Network is a set of listeners by address. The zero value is ready to use.
type Network struct {
	Buffer int // bytes in flight per direction; 0: DefaultBuffer. Set it first

	mu        sync.Mutex
	listeners map[string]*listener
	ports     int
}

// Addr is an address on a Network.
type Addr string

// Network implements net.Addr.
func (Addr) Network() string { return "memory" }

func (a Addr) String() string { return string(a) }

// Listen opens addr, any string. It fails if that is in use.
func (n *Network) Listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "memory", Addr: Addr(addr), Err: syscall.EADDRINUSE}
	}
	l := &listener{network: n, addr: Addr(addr)}
	l.ready.L = &n.mu
	if n.listeners == nil {
		n.listeners = make(map[string]*listener)
	}
	n.listeners[addr] = l
	return l, nil
}

// Dial connects to addr at once, whether or not anybody accepts yet.
func (n *Network) Dial(addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[addr]
	if l == nil || len(l.queue) >= backlog {
		return nil, &net.OpError{Op: "dial", Net: "memory", Addr: Addr(addr), Err: syscall.ECONNREFUSED}
	}
	n.ports++
	size := n.Buffer
	if size <= 0 {
		size = DefaultBuffer
	}
	near, far := Pipe(size)
	near.local, near.remote = Addr(fmt.Sprintf("client:%d", n.ports)), l.addr
	far.local, far.remote = near.remote, near.local
	l.queue = append(l.queue, far)
	l.ready.Signal()
	return near, nil
}

type listener struct {
	network *Network
	addr    Addr
	ready   sync.Cond // L is the network's lock
	queue   []*Conn
	closed  bool
}

func (l *listener) Accept() (net.Conn, error) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.ready.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "memory", Addr: l.addr, Err: net.ErrClosed}
	}
	c := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	return c, nil
}

// Close resets what nobody accepted.
func (l *listener) Close() error {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "memory", Addr: l.addr, Err: net.ErrClosed}
	}
	l.closed = true
	delete(l.network.listeners, string(l.addr))
	for _, c := range l.queue {
		c.Reset()
	}
	l.queue = nil
	l.ready.Broadcast()
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }
