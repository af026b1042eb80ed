package engine

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"squall/driver/fault"
)

// gate lets the bytes of a connection through, or not: Freeze and Slow, below
// TLS. A blocked Read or Write notices a change at once.
type gate struct {
	net.Conn
	mu      sync.Mutex
	epoch   time.Time
	frozen  bool
	ended   bool
	slow    bool
	budget  fault.Budget
	changed chan struct{} // closed and replaced at each change; nil while nobody waits
	turns   int           // changes so far
}

// longAgo is a deadline that interrupts what is under way.
func longAgo() time.Time { return time.Unix(1, 0) }

// apply does Freeze, Slow or Heal.
func (g *gate) apply(a fault.Action) {
	g.change(func() {
		switch a.Kind {
		case fault.Freeze:
			g.frozen = true
			g.Conn.SetDeadline(longAgo())
		case fault.Slow:
			g.slow, g.budget = a.Rate > 0, fault.NewBudget(a.Rate, time.Since(g.epoch))
			g.Conn.SetReadDeadline(longAgo())
		case fault.Heal:
			g.frozen, g.slow = false, false
		}
		if !g.frozen {
			g.Conn.SetDeadline(time.Time{})
		}
	})
}

// stop makes every Read and Write fail from now on, and leaves the socket alone.
func (g *gate) stop() {
	g.change(func() {
		g.ended = true
		g.Conn.SetDeadline(longAgo())
	})
}

func (g *gate) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	f()
	g.turns++
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// enter waits until n bytes of want may pass, and returns the number of changes
// so far; false after stop.
func (g *gate) enter(want int, reading bool) (n, turns int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		var wait time.Duration
		switch {
		case g.ended:
			return 0, 0, false
		case g.frozen:
		case g.slow && reading && want > 0:
			if n, wait = g.budget.Take(time.Since(g.epoch), want); n > 0 {
				return n, g.turns, true
			}
		default:
			return want, g.turns, true
		}
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mu.Unlock()
		if wait == 0 {
			<-changed
		} else {
			timer := time.NewTimer(wait)
			select {
			case <-changed:
			case <-timer.C:
			}
			timer.Stop()
		}
		g.mu.Lock()
	}
}

// leave gives back what a read did not use, and says whether the error is only
// a change that interrupted it.
func (g *gate) leave(unused, turns int, err error) (again bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slow && unused > 0 && turns == g.turns {
		g.budget.Return(unused)
	}
	return turns != g.turns && !g.ended && errors.Is(err, os.ErrDeadlineExceeded)
}

func (g *gate) Read(p []byte) (int, error) {
	for {
		allowed, turns, ok := g.enter(len(p), true)
		if !ok {
			return 0, net.ErrClosed
		}
		n, err := g.Conn.Read(p[:allowed])
		if again := g.leave(allowed-n, turns, err); n == 0 && again {
			continue
		}
		if err != nil { // met by a read that had begun before a Freeze: known when it is over
			if _, _, ok := g.enter(0, false); !ok {
				return n, net.ErrClosed
			}
		}
		return n, err
	}
}

func (g *gate) Write(p []byte) (done int, err error) {
	for {
		_, turns, ok := g.enter(len(p)-done, false)
		if !ok {
			return done, net.ErrClosed
		}
		n, err := g.Conn.Write(p[done:])
		done += n
		if done < len(p) && g.leave(0, turns, err) {
			continue
		}
		return done, err
	}
}
