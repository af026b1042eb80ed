package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"squall/driver/gateway"
)

// control obeys what another squall, which started this gateway, says on stdin:
// `ID VERB NODE DOWN PAUSE` does a verb, `ID revoke "USER"` takes a user's rights away;
// it is answered with `ID done` or `ID
// failed: WHY`; `ID end` ends it early.
type control struct {
	cluster *gateway.Cluster
	tool    *tool
	ctx     context.Context
	stop    context.CancelFunc

	mu      sync.Mutex
	running map[string]context.CancelFunc
}

func newControl(c *gateway.Cluster, t *tool) *control {
	ctx, stop := context.WithCancel(context.Background())
	return &control{cluster: c, tool: t, ctx: ctx, stop: stop, running: make(map[string]context.CancelFunc)}
}

// end ends what still runs.
func (c *control) end() { c.stop() }

func (c *control) obey(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		id, rest, _ := strings.Cut(lines.Text(), " ")
		if rest == "end" {
			c.mu.Lock()
			if cancel := c.running[id]; cancel != nil {
				cancel()
			}
			c.mu.Unlock()
			continue
		}
		ctx, cancel := context.WithCancel(c.ctx)
		c.mu.Lock()
		c.running[id] = cancel
		c.mu.Unlock()
		go func() {
			defer cancel()
			answer := "done"
			if err := c.do(ctx, rest); err != nil {
				answer = "failed: " + err.Error()
			}
			c.mu.Lock()
			delete(c.running, id)
			c.tool.print(id + " " + answer + "\n")
			c.mu.Unlock()
		}()
	}
}

func (c *control) do(ctx context.Context, line string) error {
	if user, ok := strings.CutPrefix(line, "revoke "); ok {
		user, err := strconv.Unquote(user)
		if err != nil {
			return fmt.Errorf("%q is no command", line)
		}
		c.cluster.Revoke(user)
		return nil
	}
	var verb, down, pause string
	var node int
	if _, err := fmt.Sscan(line, &verb, &node, &down, &pause); err != nil {
		return fmt.Errorf("%q is no command", line)
	}
	d, err := time.ParseDuration(down)
	if err != nil {
		return err
	}
	p, err := time.ParseDuration(pause)
	if err != nil {
		return err
	}
	return c.cluster.Do(ctx, gateway.Verb(verb), node, d, p)
}
