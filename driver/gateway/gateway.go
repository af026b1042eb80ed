package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Gateway is one running server. Its methods are safe for use by many
// goroutines. It starts its own goroutines and joins them in Close.
type Gateway struct {
	cfg   Config
	node  int // its number in a cluster
	hub   *hub
	wrong *wrong

	done   chan struct{}
	wg     sync.WaitGroup
	paused atomic.Pointer[chan struct{}] // closed when it goes on; nil: it works

	mu        sync.Mutex
	rng       *rand.Rand
	conns     map[*conn]bool // true: admitted; false: not yet, or refused
	admitted  int
	listeners map[net.Listener]struct{}
	draining  bool
	closed    bool
	farewell  func(*conn)   // said to whoever still gets in while it drains; nil: nothing
	emptied   chan struct{} // closed when the last connection goes; nil if nobody waits
	paced     time.Time     // until when the limit of deliveries is used up

	carriers  carriers  // of clients that can't have a WebSocket
	buffers   sync.Pool // *[]byte for writers and readers
	deflaters sync.Pool // *flate.Writer
}

// New makes a gateway that serves what Serve is given.
func New(cfg Config) (*Gateway, error) { return newNode(cfg, 0, nil) }

// newNode makes a gateway that shares the channels of another, if there is one.
func newNode(cfg Config, node int, other *Gateway) (*Gateway, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("configuring the gateway: %w", err)
	}
	seed := cfg.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	g := &Gateway{
		cfg:       cfg,
		node:      node,
		done:      make(chan struct{}),
		rng:       rand.New(rand.NewPCG(seed, 0x67617465)),
		conns:     make(map[*conn]bool),
		listeners: make(map[net.Listener]struct{}),
	}
	g.buffers.New = func() any { b := make([]byte, 0, 4<<10); return &b }
	if other != nil {
		g.hub, g.wrong = other.hub, other.wrong
	} else {
		g.hub = &hub{
			size: cfg.HistorySize, ttl: cfg.HistoryTTL,
			epoch:    func() string { return g.word(8) },
			shapes:   cfg.Shapes,
			batches:  cfg.Batches,
			rows:     cfg.Rows,
			mostRows: cfg.Limits.Backlog / 2, // a snapshot fits into a backlog
			streams:  make(map[string]*stream),
			sessions: sessions{size: cfg.QueueSize, ttl: cfg.QueueTTL},
		}
		if g.wrong, err = newWrong(cfg.Defects, seed); err != nil {
			return nil, fmt.Errorf("configuring the gateway: %w", err)
		}
		g.hub.wrong = g.wrong
	}
	g.wg.Go(g.sweep)
	return g, nil
}

// Serve accepts connections until the listener is closed, by Drain or Close,
// which gives nil, or fails for good. It closes the listener.
func (g *Gateway) Serve(l net.Listener) error {
	defer l.Close()
	g.mu.Lock()
	if g.closed || g.draining {
		g.mu.Unlock()
		return errors.New("serving: the gateway is closed")
	}
	g.listeners[l] = struct{}{}
	g.wg.Add(1)
	g.mu.Unlock()
	defer g.wg.Done()

	over := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.closed || g.draining
	}
	return accept(l, over, g.done, g.begin)
}

// accept hands over what connects, until it is over (nil) or l fails for good.
func accept(l net.Listener, over func() bool, done <-chan struct{}, begin func(net.Conn)) error {
	var wait time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			wait = 0
			begin(nc)
			continue
		}
		switch {
		case over():
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accepting: %w", err)
		}
		// Out of descriptors, most likely: others will be given back.
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(wait):
		case <-done:
			return nil
		}
	}
}

// begin starts to serve a connection.
func (g *Gateway) begin(nc net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		nc.Close()
		return
	}
	c := &conn{gateway: g, nc: nc, number: g.hub.number(g.node)}
	g.conns[c] = false
	g.wg.Go(c.begin)
}

// admit lets a connection in if there is room.
func (g *Gateway) admit(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining || g.closed || g.cfg.Limits.Connections > 0 && g.admitted >= g.cfg.Limits.Connections {
		return false
	}
	g.conns[c] = true
	g.admitted++
	return true
}

// release forgets a connection.
func (g *Gateway) release(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns[c] {
		g.admitted--
	}
	delete(g.conns, c)
	if len(g.conns) == 0 && g.emptied != nil {
		close(g.emptied)
		g.emptied = nil
	}
}

// Connections is the number of admitted connections now.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.admitted
}

func (g *Gateway) stopListening() {
	for l := range g.listeners {
		l.Close()
	}
	clear(g.listeners)
}

// Close ends everything at once and waits until it has ended.
func (g *Gateway) Close() error {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.done)
		g.stopListening()
		for c := range g.conns {
			c.nc.Close()
		}
	}
	g.mu.Unlock()
	g.wg.Wait()
	return nil
}

// sweep forgets idle channels, now and then.
func (g *Gateway) sweep() {
	t := time.NewTicker(max(g.cfg.HistoryTTL/4, time.Second))
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			g.hub.sweep(now)
			g.hub.sessions.sweep(now)
		case <-g.done:
			return
		}
	}
}

// word draws n random letters and digits.
func (g *Gateway) word(n int) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	g.mu.Lock()
	defer g.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[g.rng.IntN(len(letters))]
	}
	return string(b)
}

// chance draws from [0, 1).
func (g *Gateway) chance() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rng.Float64()
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
