package gateway

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/gobwas/ws"
)

// Drain says how a gateway takes leave.
type Drain struct {
	Code       uint16        // close code; default 1001 (going away), 1012 means restart
	Reason     string        // of the close frame
	Grace      time.Duration // between the announcement and the close frames
	RetryAfter time.Duration // when clients may return, told in the announcement; 0: not told
	Spread     time.Duration // each is told a random time of that length more, so that they don't return together
	Silent     bool          // no announcement

	others bool // other nodes go on serving the channels
}

// Drain stops accepting, announces the end to every connection, lets each
// queue flush and closes it. It returns when all connections are gone, or with
// ctx's error; what is left then is ended by Close.
func (g *Gateway) Drain(ctx context.Context, d Drain) error {
	if d.Code == 0 {
		d.Code = uint16(ws.StatusGoingAway)
	}
	announce := func(c *conn) {
		if !d.Silent {
			c.send(item{frame: sayDrain(g.wrong.hint(d.RetryAfter, time.Duration(g.chance()*float64(d.Spread))))})
			g.wrong.doom(c)
		}
	}
	leave := func(c *conn) { g.wrong.leave(c, d) }
	for _, c := range g.part(announce) {
		announce(c)
	}
	g.endPosts()
	if err := sleep(ctx, d.Grace); err != nil {
		return fmt.Errorf("draining: %w", err)
	}
	leaving := g.part(leave)
	if !d.others {
		g.hub.flushSums(g.wrong)
	}
	g.hub.flush()
	for _, c := range leaving {
		leave(c)
	}
	g.mu.Lock()
	if len(g.conns) == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.emptied == nil {
		g.emptied = make(chan struct{})
	}
	emptied := g.emptied
	g.mu.Unlock()
	select {
	case <-emptied:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("draining: %w", ctx.Err())
	}
}

// part lists the upgraded connections, in the order in which they came; the
// others will hear farewell when they are upgraded.
func (g *Gateway) part(farewell func(*conn)) []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.draining, g.farewell = true, farewell
	g.stopListening()
	all := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		if c.upgraded {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.number, b.number) })
	return all
}

// welcome notes that a connection is upgraded. One that was admitted just before
// a drain began hears what all others have heard.
func (g *Gateway) welcome(c *conn) {
	g.mu.Lock()
	c.upgraded = true
	farewell := g.farewell
	g.mu.Unlock()
	if farewell != nil {
		farewell(c)
	}
}

// Kill ends everything at once, as a crash does: what is queued is lost, and
// every connection is reset. It returns when all are gone.
func (g *Gateway) Kill() {
	g.mu.Lock()
	g.draining = true
	for c := range g.conns {
		c.queue.mu.Lock()
		c.queue.dead = true
		c.queue.drop()
		c.queue.mu.Unlock()
		reset(c.nc)
	}
	g.mu.Unlock()
	g.Close()
}

// reset ends a connection without a FIN.
func reset(nc net.Conn) {
	switch c := nc.(type) {
	case interface{ SetLinger(sec int) error }:
		c.SetLinger(0)
	case interface{ Reset() }:
		c.Reset()
	}
	nc.Close()
}

// Pause makes the gateway do nothing until the returned function is called: it
// reads nothing, writes nothing and lets nobody in. Afterwards nobody is
// reproached for the time that it slept.
func (g *Gateway) Pause() (resume func()) {
	on := make(chan struct{})
	g.paused.Store(&on)
	return func() {
		g.mu.Lock()
		for c := range g.conns {
			c.alive.Store(true)
		}
		g.mu.Unlock()
		g.paused.Store(nil)
		close(on)
	}
}

// awake waits while the gateway is paused.
func (g *Gateway) awake() {
	if p := g.paused.Load(); p != nil {
		select {
		case <-*p:
		case <-g.done:
		}
	}
}
