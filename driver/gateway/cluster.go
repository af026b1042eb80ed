package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Cluster is several nodes that share their channels: what is published at one
// reaches the subscribers of all, in one order, and a client may return to any.
// The histories live as long as one node is up; when the last goes down they
// are lost, and every channel begins anew in another epoch.
//
// A node keeps its listener while it is down, and resets who connects: so its
// address is nobody else's meanwhile.
type Cluster struct {
	cfg   Config
	nodes []*node
	first *Gateway
	done  chan struct{}
	wg    sync.WaitGroup

	mu     sync.Mutex // of ups and the nodes' gateways
	ups    int
	closed bool
	failed error
}

type node struct {
	number   int
	listener net.Listener
	up       *Gateway // nil: down
	leaving  *Gateway // it takes leave, and still serves those who are there; nil: none does
}

// NewCluster makes a node for each listener and serves them until Close.
func NewCluster(cfg Config, listeners ...net.Listener) (*Cluster, error) {
	c := &Cluster{cfg: cfg, done: make(chan struct{})}
	for i, l := range listeners {
		g, err := newNode(cfg, i, c.first)
		if err != nil {
			return nil, err
		}
		if c.first == nil {
			c.first = g
		}
		c.nodes = append(c.nodes, &node{number: i, listener: l, up: g})
	}
	c.ups = len(c.nodes)
	for _, n := range c.nodes {
		c.wg.Go(func() {
			if err := accept(n.listener, c.over, c.done, func(nc net.Conn) { c.take(n, nc) }); err != nil {
				c.mu.Lock()
				c.failed = err
				c.mu.Unlock()
			}
		})
	}
	return c, nil
}

// Wait waits until no node accepts connections any more: nil after Drain or
// Close, otherwise why that is.
func (c *Cluster) Wait() error {
	c.wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Drain lets all nodes take leave for good. It returns when all connections are
// gone, or with ctx's error; what is left then is ended by Close.
func (c *Cluster) Drain(ctx context.Context, d Drain) error {
	c.mu.Lock()
	c.closed = true
	close(c.done)
	var all []*Gateway
	for _, n := range c.nodes {
		n.listener.Close()
		if n.up != nil {
			all = append(all, n.up)
		}
	}
	c.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, g := range all {
		wg.Go(func() { errs[i] = g.Drain(ctx, d) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// take hands a connection to its node, or resets it if that is down.
func (c *Cluster) take(n *node, nc net.Conn) {
	c.mu.Lock()
	g := n.up
	c.mu.Unlock()
	if g == nil {
		reset(nc)
		return
	}
	g.begin(nc)
}

// Shown is Gateway.Shown, of all nodes together.
func (c *Cluster) Shown(defect string) uint64 { return c.first.Shown(defect) }

// Connections is the number of admitted connections now.
func (c *Cluster) Connections() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.nodes {
		if x.up != nil {
			n += x.up.Connections()
		}
	}
	return n
}

// Close ends everything at once and waits until it has ended.
func (c *Cluster) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.done)
		for _, n := range c.nodes {
			n.listener.Close()
		}
	}
	var all []*Gateway
	for _, n := range c.nodes {
		if n.up != nil {
			all = append(all, n.up)
		}
	}
	c.mu.Unlock()
	for _, g := range all {
		g.Close()
	}
	c.wg.Wait()
	return nil
}

// Verb is something that happens to a node.
type Verb string

// The verbs.
const (
	// DrainNode announces the end with a time to return, flushes, closes with 1012,
	// stays down for a while and comes up again.
	DrainNode Verb = "drain"
	// Maintenance does the same with a longer notice, and closes with 1001.
	Maintenance Verb = "maintenance"
	// Restart flushes and closes with 1012, without notice.
	Restart Verb = "restart"
	// Kill resets every connection; what is queued is lost.
	Kill Verb = "kill"
	// Pause does nothing for a while.
	Pause Verb = "pause"
	// ForgetHistory empties the histories of all channels; the offsets go on.
	ForgetHistory Verb = "forget-history"
	// NewEpoch makes all channels begin anew in another epoch.
	NewEpoch Verb = "new-epoch"
)

// Verbs lists them all.
func Verbs() []Verb {
	return []Verb{Restart, DrainNode, Kill, Pause, ForgetHistory, NewEpoch, Maintenance}
}

// How a node takes leave.
const (
	drainGrace       = 500 * time.Millisecond
	maintenanceGrace = 3 * time.Second
	leastSpread      = time.Second
	returnsPerSecond = 500 // at which clients are asked to come back
	leaveTimeout     = 4 * time.Second
)

// All is the number that means every node.
const All = -1

// Do does v to one node, or to all, and returns when it is over: when the node
// is up again, or the pause has ended. If ctx ends before, the node comes up, or
// goes on, at once.
func (c *Cluster) Do(ctx context.Context, v Verb, number int, down, pause time.Duration) error {
	var nodes []*node
	for _, n := range c.nodes {
		if number == All || number == n.number {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return fmt.Errorf("there is no node %d; the nodes are 0 to %d", number, len(c.nodes)-1)
	}
	switch v {
	case ForgetHistory:
		c.first.hub.forget()
		return nil
	case NewEpoch:
		c.first.hub.lose()
		return nil
	}
	var wg sync.WaitGroup
	errs := make([]error, len(nodes))
	for i, n := range nodes {
		wg.Go(func() { errs[i] = c.one(ctx, v, n, down, pause) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) one(ctx context.Context, v Verb, n *node, down, pause time.Duration) error {
	if v == Pause {
		c.mu.Lock()
		g := n.up
		c.mu.Unlock()
		if g == nil {
			return nil
		}
		resume := g.Pause()
		sleep(ctx, pause)
		resume()
		return nil
	}
	g := c.down(n)
	if g == nil {
		return nil // it is down already, and whoever did that brings it up
	}
	if v == Kill || v == Restart {
		g.wrong.crash(g.hub)
	}
	switch v {
	case Kill:
		g.Kill()
	default:
		d := Drain{Code: 1012, Reason: "restarting", Grace: drainGrace, RetryAfter: down, Spread: c.spread(g)}
		c.mu.Lock()
		d.others = c.ups > 0
		c.mu.Unlock()
		switch v {
		case Restart:
			d.Silent, d.Grace = true, 0
		case Maintenance:
			d.Code, d.Reason, d.Grace = 1001, "maintenance", maintenanceGrace
		}
		leave, stop := context.WithTimeout(context.WithoutCancel(ctx), d.Grace+leaveTimeout)
		g.Drain(leave, d) // what is left then is cut off
		stop()
		g.Close()
	}
	c.mu.Lock()
	n.leaving = nil
	c.mu.Unlock()
	sleep(ctx, down)
	return c.bringUp(n)
}

// spread is over how long the clients of a node are asked to return.
func (c *Cluster) spread(g *Gateway) time.Duration {
	return max(leastSpread, time.Duration(g.Connections())*time.Second/returnsPerSecond)
}

// down takes a node out of service: nobody gets in any more. It returns its
// gateway, with its connections; nil if it is down already.
func (c *Cluster) down(n *node) *Gateway {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := n.up
	if g == nil || c.closed {
		return nil
	}
	n.up, n.leaving = nil, g
	c.ups--
	return g
}

// bringUp starts a node anew.
func (c *Cluster) bringUp(n *node) error {
	g, err := newNode(c.cfg, n.number, c.first)
	if err != nil {
		return fmt.Errorf("starting node %d: %w", n.number, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		g.Close()
		return nil
	}
	if c.ups == 0 {
		c.first.hub.lose()
	}
	c.ups++
	n.up = g
	g.wrong.risen(g.hub)
	return nil
}
