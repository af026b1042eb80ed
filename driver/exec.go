package driver

import (
	"context"
	"path/filepath"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// Exec runs a command and returns when it has ended. When ctx ends, so does the
// command, with all that it has started.
type Exec func(ctx context.Context, args []string) Ended

// Ended tells how a command ended.
type Ended struct {
	Code   int      `json:"code"`   // its exit code; −1: it has none
	Failed string   `json:"failed"` // why it counts as failed; "" for exit code 0
	Output []string `json:"output"` // the last lines that it wrote
}

// Command is a command that the timeline ran. Secrets are masked.
type Command struct {
	Line int           `json:"line"`  // of the file
	At   time.Duration `json:"at_ns"` // since time 0, as it was
	Args []string      `json:"args"`
	Took time.Duration `json:"took_ns"`
	Ended
}

// commandFailed stands, with the reason behind it, at the end of the note of a
// command that failed.
const commandFailed = ", failed: "

// command runs one. Every shard hears of it before it begins. What it does to the
// target is its own business; for the latencies it is a storm until a little
// after its end.
func (f *fleet) command(ctx context.Context, m *scenario.Moment) {
	due, begun := f.zero+m.At, f.now()
	name := "exec " + clip(f.masked(filepath.Base(m.Args[0])), mostNote)
	f.each(func(s *shard) { s.operation(history.FaultBegin, name, m, due) })
	c := Command{Line: m.Line, At: begun - f.zero, Ended: Ended{Code: -1, Failed: "nobody here runs commands"}}
	if f.cfg.Exec != nil {
		c.Ended = f.cfg.Exec(ctx, m.Args)
	}
	c.Took, c.Failed = f.now()-begun, f.masked(c.Failed)
	for _, a := range m.Args {
		c.Args = append(c.Args, f.masked(a))
	}
	for i := range c.Output {
		c.Output[i] = f.masked(c.Output[i])
	}
	f.notes.ran(c)
	end := name
	if c.Failed != "" {
		end += commandFailed + clip(c.Failed, mostNote)
	}
	f.each(func(s *shard) { s.operation(history.FaultEnd, end, m, due) })
	t := time.NewTimer(scenario.Aftermath)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-f.ended:
		return
	}
	f.each(func(s *shard) { s.calm() })
}

// calm ends the storm for those who are well.
func (s *shard) calm() {
	now := s.loop.Now()
	for i := range s.clients {
		if c := &s.clients[i]; c.Complete() && !c.limited() {
			s.healed(c, now)
		}
	}
}

func (n *notes) ran(c Command) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.commands = append(n.commands, c)
}
