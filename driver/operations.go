package driver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"squall/assert/history"
	"squall/driver/session"
	"squall/scenario"
)

// Control does to the target what a plan's gateway moments say. The driver knows
// no target; whoever runs it hands one in that can be reached.
type Control interface {
	// Gateway does one verb to a node (−1: all) and returns when it is over: the
	// node is up again, or the pause has ended. When ctx ends that is at once.
	Gateway(ctx context.Context, verb string, node int, down, pause time.Duration) error

	// Revoke takes all rights of a user away, for good. When it returns, nothing that
	// is published later goes to a connection of theirs, and none is let in.
	Revoke(ctx context.Context, user string) error
}

// notes are what the operations leave for the reader.
type notes struct {
	mu       sync.Mutex
	all      []string
	commands []Command
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, text)
}

// operate carries out, each at its time, what happens to the target. The
// returned function ends what still lasts, and waits for it.
func (f *fleet) operate(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i := range f.plan.Moments {
		m := &f.plan.Moments[i]
		if m.Do != "gateway" && m.Do != "exec" && m.Do != "revoke" {
			continue
		}
		wg.Go(func() {
			t := time.NewTimer(f.zero + m.At - f.now())
			defer t.Stop()
			select {
			case <-t.C:
				f.operation(ctx, m)
			case <-ctx.Done():
			case <-f.ended:
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
		f.out.Notes, f.out.Commands = f.notes.all, f.notes.commands
	}
}

// operation does one of them. Every shard hears of it before it begins, so that
// what follows from it stands behind it in every history.
func (f *fleet) operation(ctx context.Context, m *scenario.Moment) {
	switch m.Do {
	case "exec":
		f.command(ctx, m)
		return
	case "revoke":
		f.revoke(ctx, m)
		return
	}
	name := "gateway " + m.Verb
	if m.Loses {
		name += ", history lost"
	}
	f.each(func(s *shard) { s.operation(history.FaultBegin, name, m, f.zero+m.At) })
	if f.cfg.Control == nil {
		f.notes.add(name + " was not done: this target can't be reached")
	} else if err := f.cfg.Control.Gateway(ctx, m.Verb, m.Node, m.Down, m.For); err != nil {
		f.notes.add(fmt.Sprintf("%s failed: %s", name, f.masked(err.Error())))
	}
	f.each(func(s *shard) { s.operation(history.FaultEnd, name, m, f.zero+m.At) })
}

// operation tells that something begins or ends at the target, and counts whom
// it strikes.
func (s *shard) operation(k history.Kind, name string, m *scenario.Moment, due time.Duration) {
	now := s.loop.Now()
	e := history.Event{Kind: k, Client: -1, Code: int32(m.Node), Due: due, Sent: now, Seen: now, Arrived: now, Note: name}
	s.strikes(&e)
	s.sink.Add(e)
	if m.Verb == "forget-history" || m.Verb == "new-epoch" {
		return // nobody loses a connection
	}
	for i := range s.clients {
		c := &s.clients[i]
		if m.Node != scenario.AllNodes && int(c.node) != m.Node {
			continue
		}
		switch {
		case k == history.FaultBegin && c.State() >= session.Connecting && c.State() <= session.Live:
			s.struck(c, now)
		case k == history.FaultEnd && m.Verb == "pause" && c.Complete():
			s.healed(c, now)
		}
	}
}
