package campaign

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestChild: what a gateway of another process is asked, line by line, and what its
// answers mean.
func TestChild(t *testing.T) {
	asked, ask := io.Pipe()
	answers, answer := io.Pipe()
	c := newChild(ask, bufio.NewScanner(answers))
	var lines []string
	over := make(chan struct{})
	go func() {
		defer close(over)
		for s := bufio.NewScanner(asked); s.Scan(); {
			lines = append(lines, s.Text())
			id, rest, _ := strings.Cut(s.Text(), " ")
			if strings.HasPrefix(rest, "kill") {
				fmt.Fprintf(answer, "%s failed: there is no node 7\n", id)
				continue
			}
			fmt.Fprintf(answer, "%s done\n", id)
		}
	}()
	ctx := context.Background()
	if err := c.Gateway(ctx, "drain", 1, 2*time.Second, 0); err != nil {
		t.Error(err)
	}
	if err := c.Gateway(ctx, "kill", 7, 0, 0); err == nil || err.Error() != "there is no node 7" {
		t.Errorf("got %v", err)
	}
	if err := c.Revoke(ctx, "ann \"x\"\n9 kill"); err != nil {
		t.Error(err)
	}
	ask.Close()
	<-over
	if got, want := strings.Join(lines, "|"), `1 drain 1 2s 0s|2 kill 7 0s 0s|3 revoke "ann \"x\"\n9 kill"`; got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	answer.Close()
	if err := c.Revoke(ctx, "bob"); err == nil {
		t.Error("a process that has ended has done something")
	}
}
