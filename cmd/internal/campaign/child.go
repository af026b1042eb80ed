package campaign

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"squall/scenario"
)

// embedChild starts `squall gateway` as a process of its own and waits for the
// lines that tell its addresses, one a node. What a plan does to the gateway is
// told to it on its stdin.
func embedChild(plan *scenario.Plan, self string) (*embedded, error) {
	args := append([]string{"gateway", "--listen", "127.0.0.1:0", "--control"}, GatewayArgs(plan.Target.Gateway, plan.Seed)...)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, self, args...)
	if plan.Target.Gateway.Auth.On {
		cmd.Env = append(os.Environ(), GatewayEnv(plan.Key)...)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	e := &embedded{stop: func() { cancel(); cmd.Wait() }}
	lines := bufio.NewScanner(out)
	for len(e.addresses) < plan.Nodes() && lines.Scan() {
		if _, after, ok := strings.Cut(lines.Text(), "ws://"); ok {
			address, _, _ := strings.Cut(strings.Fields(after)[0], "/")
			e.addresses = append(e.addresses, address)
		}
	}
	if len(e.addresses) < plan.Nodes() {
		e.stop()
		return nil, fmt.Errorf("`%s gateway` ended without telling its address", self)
	}
	e.control = newChild(in, lines)
	return e, nil
}

// child implements driver.Control for a gateway of another process: a line
// `ID VERB NODE DOWN PAUSE` or `ID revoke "USER"` asks, `ID done` or `ID failed: WHY`
// answers, and `ID end` asks to end early.
type child struct {
	mu      sync.Mutex
	in      io.Writer
	next    int
	waiting map[string]chan error
	gone    bool
}

func newChild(in io.Writer, answers *bufio.Scanner) *child {
	c := &child{in: in, waiting: make(map[string]chan error)}
	go func() {
		for answers.Scan() {
			id, text, _ := strings.Cut(answers.Text(), " ")
			var err error
			if text != "done" {
				err = errors.New(strings.TrimPrefix(text, "failed: "))
			}
			c.answer(id, err)
		}
		c.mu.Lock()
		c.gone = true
		for _, w := range c.waiting {
			w <- errGone
		}
		clear(c.waiting)
		c.mu.Unlock()
	}()
	return c
}

var errGone = errors.New("the gateway's process has ended")

func (c *child) answer(id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.waiting[id]; w != nil {
		w <- err
		delete(c.waiting, id)
	}
}

// Gateway implements driver.Control.
func (c *child) Gateway(ctx context.Context, verb string, node int, down, pause time.Duration) error {
	return c.ask(ctx, fmt.Sprintf("%s %d %s %s", verb, node, down, pause))
}

// Revoke implements driver.Control.
func (c *child) Revoke(ctx context.Context, user string) error {
	return c.ask(ctx, "revoke "+strconv.Quote(user))
}

func (c *child) ask(ctx context.Context, command string) error {
	answer := make(chan error, 1)
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return errGone
	}
	c.next++
	id := fmt.Sprint(c.next)
	c.waiting[id] = answer
	_, err := fmt.Fprintf(c.in, "%s %s\n", id, command)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		c.mu.Lock()
		fmt.Fprintf(c.in, "%s end\n", id)
		c.mu.Unlock()
		return <-answer
	}
}
