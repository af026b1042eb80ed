package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"squall/report"
)

// lastMinute is how long a run may drain after --timeout before it is stopped.
const lastMinute = time.Minute

// stopping ends runs early: the first signal, or the time limit, ends the active
// part; a second signal, or another minute, stops at once.
type stopping struct {
	ctx       context.Context
	interrupt chan struct{}
	done      func() // ends the watch

	mu  sync.Mutex
	why string // of a limit that ended it; "" for a signal
}

func (t *tool) stopping(ctx context.Context, live *report.Live, limit time.Duration) *stopping {
	ctx, stop := context.WithCancel(ctx)
	s := &stopping{ctx: ctx, interrupt: make(chan struct{})}
	signals := make(chan os.Signal, 2)
	ignore := t.signals(signals)
	over := make(chan struct{})
	s.done = func() { close(over); ignore(); stop() }
	var late <-chan time.Time
	if limit > 0 {
		late = time.After(limit)
	}
	go func() {
		for n := 0; ; n++ {
			word := "squall: ending early: draining and judging; Ctrl-C again stops at once"
			select {
			case <-over:
				return
			case <-signals:
			case <-late:
				late = time.After(lastMinute)
				if n == 0 {
					word = fmt.Sprintf("squall: --timeout %s is over: draining and judging", limit)
					s.mu.Lock()
					s.why = fmt.Sprintf("--timeout %s was over", limit)
					s.mu.Unlock()
				}
			}
			if n == 0 {
				live.Line(word)
				close(s.interrupt)
				continue
			}
			live.Line("squall: stopping at once")
			stop()
			return
		}
	}()
	return s
}

// interrupted tells whether nothing more shall begin.
func (s *stopping) interrupted() bool {
	select {
	case <-s.interrupt:
		return true
	case <-s.ctx.Done():
		return true
	default:
		return false
	}
}

// limit is the limit that ended the runs; "" if none did.
func (s *stopping) limit() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// soon is a context that ends with the first signal.
func (s *stopping) soon() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.ctx)
	go func() {
		select {
		case <-s.interrupt:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
