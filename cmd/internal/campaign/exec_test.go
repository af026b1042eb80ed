//go:build unix

package campaign

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"squall/assert"
	"squall/driver"
	"squall/driver/engine/memory"
	"squall/driver/gateway"
	"squall/report"
	"squall/scenario"
)

// TestExec: real commands, each way in which one can end.
func TestExec(t *testing.T) {
	for _, row := range []struct {
		name   string
		args   []string
		code   int
		failed string
		output []string
	}{
		{"well", []string{"sh", "-c", "echo one; echo two >&2"}, 0, "", []string{"one", "two"}},
		{"no shell", []string{"echo", "$HOME;", "*"}, 0, "", []string{"$HOME; *"}},
		{"code", []string{"sh", "-c", "echo no; exit 3"}, 3, "exit status 3", []string{"no"}},
		{"signal", []string{"sh", "-c", "kill -9 $$"}, -1, "signal: killed", []string{}},
		{"unknown program", []string{"no-such-program"}, -1, "not found", nil},
		{"much output", []string{"sh", "-c", "i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done"}, 0, "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := Exec(t.Context(), row.args)
			if e.Code != row.code || (e.Failed == "") != (row.failed == "") || !strings.Contains(e.Failed, row.failed) {
				t.Errorf("got %+v, want code %d, failed %q", e, row.code, row.failed)
			}
			if row.output != nil && !slices.Equal(e.Output, row.output) {
				t.Errorf("output %q, want %q", e.Output, row.output)
			}
			if row.name == "much output" && (len(e.Output) != commandLines || e.Output[commandLines-1] != "4999") {
				t.Errorf("kept %d lines, the last %q", len(e.Output), e.Output[len(e.Output)-1])
			}
		})
	}
}

// TestExecEnds: when the run ends, so does the command, with what it has started,
// even if it does not listen.
func TestExecEnds(t *testing.T) {
	for _, deaf := range []string{"", "trap '' TERM; "} {
		file := filepath.Join(t.TempDir(), "pid")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if b, _ := os.ReadFile(file); strings.HasSuffix(string(b), "\n") {
					break
				}
			}
			cancel()
		}()
		begun := time.Now()
		e := Exec(ctx, []string{"sh", "-c", deaf + "sleep 60 & echo $! >" + file + "; wait; wait"})
		if took := time.Since(begun); took > 5*time.Second+commandGrace+2*time.Second || !strings.Contains(e.Failed, "it was ended") {
			t.Errorf("after %s: %+v", took, e)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		gone := false
		for end := time.Now().Add(2 * time.Second); !gone && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			gone = syscall.Kill(pid, 0) != nil || zombie(pid)
		}
		if !gone {
			t.Errorf("its child %d still runs", pid)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e := Exec(ctx, []string{"true"}); e.Failed == "" {
		t.Error("a command was begun after the end")
	}
}

// zombie reports whether a process is dead and nobody has asked how it died.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(b), ") Z ")
}

// TestExecLeaves: what a command leaves behind is not waited for, and can go on
// writing.
func TestExecLeaves(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alive")
	begun := time.Now()
	e := Exec(t.Context(), []string{"sh", "-c", "(sleep 1; echo later; echo yes >" + file + ") & echo now"})
	if took := time.Since(begun); took > 900*time.Millisecond || e.Failed != "" || !slices.Equal(e.Output, []string{"now"}) {
		t.Fatalf("after %s: %+v", took, e)
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if b, _ := os.ReadFile(file); string(b) == "yes\n" {
			return
		}
	}
	t.Error("what it had started died of its output")
}

const commanded = `squall: 1
name: commanded
duration: 24s
target:
  url: ws://gateway:1/
  promises: {delivery: exactly-once, order: per-channel, recovery: true, history: {size: 5000, ttl: 60s}, heartbeat: {every: 2s, timeout: 2s}}
clients:
  voters: {count: 60, subscribe: {channel: "vote.{i % 5}", recover: true}, reconnect: {first: 100ms, max: 1s}}
  tellers: {count: 5, publish: {channel: "vote.{i}", rate: 5/s}, reconnect: {first: 100ms, max: 1s}}
timeline:
  - {at: 4500ms, disconnect: {who: voters, share: 30%, how: reset, away: 1s}}
  - {at: 5s, exec: [ctl, VERB]}
  - {at: 16s, disconnect: {who: voters, share: 30%, how: reset, away: 1s}}
expect: [{delivery: exactly-once}, {order: per-channel}, {recovery: complete}, {reconnect: {success: 100%}}, {heartbeat: {server-every: 2s}}, {errors: 0}]
`

// commandBubble runs a plan against a gateway outside of the run, to which its
// commands do what their second word says.
func commandBubble(t *testing.T, p *scenario.Plan, cfg gateway.Config, exec func(ctx context.Context, c *gateway.Cluster, verb string) driver.Ended) *report.Result {
	t.Helper()
	var r *report.Result
	synctest.Test(t, func(t *testing.T) {
		net := new(memory.Network)
		l, err := net.Listen("gateway:1")
		if err != nil {
			t.Fatal(err)
		}
		cfg.HistorySize, cfg.HistoryTTL, cfg.HeartbeatEvery, cfg.HeartbeatTimeout = 5000, time.Minute, 2*time.Second, 2*time.Second
		c, err := gateway.NewCluster(cfg, l)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		o := Options{Network: net, Loops: 2, Run: 7, Command: "squall run"}
		o.Exec = func(ctx context.Context, args []string) driver.Ended { return exec(ctx, c, args[1]) }
		if r, err = Run(t.Context(), p, o); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

// TestCommands: what a command does to the target excuses what follows from it,
// puts in doubt what may, and nothing else.
func TestCommands(t *testing.T) {
	do := func(ctx context.Context, c *gateway.Cluster, verb string) driver.Ended {
		if verb == "later" { // as a signal is obeyed: after the command has ended
			go func() {
				time.Sleep(300 * time.Millisecond)
				_ = c.Do(context.Background(), gateway.Kill, gateway.All, 500*time.Millisecond, 0)
			}()
			return driver.Ended{Output: []string{"told"}}
		}
		if verb == "fail" {
			return driver.Ended{Code: 3, Failed: "exit status 3", Output: []string{"no such unit"}}
		}
		if err := c.Do(ctx, gateway.Verb(verb), gateway.All, 500*time.Millisecond, 2*time.Second); err != nil {
			return driver.Ended{Code: 1, Failed: err.Error()}
		}
		return driver.Ended{}
	}
	const nothing, doubt = "", "exec"
	for _, row := range []struct {
		verb, defect string
		state        assert.State
		why          string // of the recovery
	}{
		{"pause", "", assert.Pass, nothing},
		{"restart", "", assert.Inconclusive, doubt}, // one node: its histories are gone
		{"kill", "", assert.Inconclusive, doubt},
		{"later", "", assert.Inconclusive, doubt},
		{"forget-history", "", assert.Inconclusive, doubt},
		{"fail", "", assert.Inconclusive, "the command of `exec ctl` failed (exit status 3)"},
		{"pause", "recovered-flag-lie", assert.Fail, "recovered-flag-lie"},
		{"kill", "fifo-violation", assert.Fail, ""},
		{"fail", "replay-live-overlap", assert.Fail, ""},
	} {
		t.Run(strings.TrimSuffix(row.verb+"-"+row.defect, "-"), func(t *testing.T) {
			p := compile(t, "commanded.yaml", []byte(strings.Replace(commanded, "VERB", row.verb, 1)), 1)
			var cfg gateway.Config
			if row.defect != "" {
				cfg.Defects = []gateway.Defect{{Name: row.defect}}
			}
			r := commandBubble(t, p, cfg, do)
			if r.State != row.state {
				t.Fatalf("%s, want %s\n%s", r.State, row.state, tell(r))
			}
			if row.defect != "" {
				if err := FoundByName(r, row.defect); err != nil {
					t.Errorf("%v\n%s", err, tell(r))
				}
				return
			}
			for _, v := range r.Verdicts {
				if v.State == assert.Fail {
					t.Errorf("%s fails on a correct gateway\n%s", v.Name, tell(r))
				}
				if v.Rule == "recovery" && !strings.Contains(v.Reason, row.why) {
					t.Errorf("recovery is %s: %q, want %q in it", v.State, v.Reason, row.why)
				}
			}
			if row.verb != "fail" && row.verb != "pause" && row.verb != "forget-history" && r.Returns.Lost < 60 {
				t.Errorf("only %d clients lost their connections\n%s", r.Returns.Lost, tell(r))
			}
			if len(r.Commands) != 1 || r.Commands[0].Command != "ctl "+row.verb || (r.Commands[0].Failed != "") != (row.verb == "fail") {
				t.Errorf("commands %+v", r.Commands)
			}
		})
	}
}

// TestCommandLeavesDown: a command that takes the target down for good is no
// failure of the target.
func TestCommandLeavesDown(t *testing.T) {
	src := strings.Replace(strings.Replace(commanded, "duration: 24s", "duration: 17s", 1), "at: 5s", "at: 11s", 1)
	p := compile(t, "commanded.yaml", []byte(src), 1)
	r := commandBubble(t, p, gateway.Config{}, func(ctx context.Context, c *gateway.Cluster, _ string) driver.Ended {
		c.Close()
		return driver.Ended{}
	})
	for _, v := range r.Verdicts {
		if v.State == assert.Fail {
			t.Errorf("%s fails: %s\n%s", v.Name, v.Reason, tell(r))
		}
	}
	if r.State != assert.Inconclusive {
		t.Errorf("%s\n%s", r.State, tell(r))
	}
}

// TestCommandsMustBeAllowed: without leave nothing is connected.
func TestCommandsMustBeAllowed(t *testing.T) {
	p := compile(t, "commanded.yaml", []byte(commanded), 1)
	if _, err := Run(t.Context(), p, Options{Network: new(memory.Network), Run: 7}); err == nil || !strings.Contains(err.Error(), "commanded.yaml:12: exec") {
		t.Errorf("got %v", err)
	}
}

// TestCommandsEndWithTheRun: a command that does not end is ended, and the secrets
// of its words and output are masked.
func TestCommandsEndWithTheRun(t *testing.T) {
	p := compile(t, "commanded.yaml", []byte(strings.Replace(commanded, "VERB", "hush-hush", 1)), 1)
	p.Secrets = []string{"hush"}
	r := commandBubble(t, p, gateway.Config{}, func(ctx context.Context, c *gateway.Cluster, _ string) driver.Ended {
		<-ctx.Done()
		return driver.Ended{Code: -1, Failed: "hush was ended", Output: []string{"a hush b"}}
	})
	if len(r.Commands) != 1 {
		t.Fatalf("%+v", r.Commands)
	}
	c := r.Commands[0]
	if c.Command != "ctl ***-***" || c.Failed != "*** was ended" || c.Output[0] != "a *** b" || c.Took < 18*time.Second || c.Took > 20*time.Second {
		t.Errorf("%+v", c)
	}
	if strings.Contains(tell(r), "hush") {
		t.Errorf("a secret is told\n%s", tell(r))
	}
}
