package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"squall/assert"
	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
)

func TestRun(t *testing.T) {
	b := newBench()
	if code := b.squall("run", small, "--seed", "42"); code != exitPass || b.err.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	golden(t, "run", b.out.String())
}

// The exit code of every outcome, and that a summary is there whenever there is a Result.
func TestRunExitCodes(t *testing.T) {
	state := func(s assert.State) func(*bench) { return func(b *bench) { b.result.State = s } }
	for _, row := range []struct {
		name string
		set  func(*bench)
		want int
		told string // on stderr
	}{
		{"pass", state(assert.Pass), 0, ""},
		{"fail", state(assert.Fail), 1, ""},
		{"inconclusive", state(assert.Inconclusive), 3, ""},
		{"nothing applicable", state(assert.NotApplicable), 3, ""},
		{"interrupted", func(b *bench) { b.result.Interrupted = true }, 3, ""},
		{"lost", func(b *bench) { b.result.State, b.result.Lost = assert.Inconclusive, "gone" }, 4, ""},
		{"failed and lost", func(b *bench) { b.result.State, b.result.Lost = assert.Fail, "gone" }, 1, ""},
		{"unreachable", func(b *bench) { b.fails = fmt.Errorf("dialling :1: refused: %w", campaign.ErrTarget) }, 4, "squall: running " + small + ": dialling :1: refused"},
		{"an answer with escapes", func(b *bench) { b.fails = fmt.Errorf("404: <html>\n\x1b[2J</html>: %w", campaign.ErrTarget) }, 4, "404: <html> �[2J</html>"},
		{"stopped at once", func(b *bench) { b.fails = context.Canceled }, 3, ": stopped at once; nothing was judged\n"},
		{"something else", func(b *bench) { b.fails = fmt.Errorf("out of luck") }, 4, "out of luck"},
	} {
		b := newBench()
		row.set(b)
		if code := b.squall("run", small); code != row.want || !strings.Contains(b.err.String(), row.told) || row.told == "" && b.err.Len() > 0 {
			t.Errorf("%s: exit %d, want %d; stderr %q", row.name, code, row.want, b.err.String())
		}
		if (b.fails == nil) != strings.Contains(b.out.String(), "seed 7") {
			t.Errorf("%s: stdout is %q", row.name, b.out.String())
		}
	}
}

func TestRunFiles(t *testing.T) {
	dir := t.TempDir()
	doc, recording := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.rec")
	b := newBench()
	answer := b.run
	b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
		fmt.Fprint(o.Record, "recorded")
		return answer(ctx, p, o)
	}
	if code := b.squall("run", small, "--json", doc, "--record", recording); code != exitPass {
		t.Fatalf("exit %d: %s", code, b.err.String())
	}
	first, err := os.ReadFile(doc)
	if err != nil || !json.Valid(first) {
		t.Fatalf("the report is %q, %v", first, err)
	}
	if got, err := os.ReadFile(recording); err != nil || string(got) != "recorded" {
		t.Errorf("the recording is %q, %v", got, err)
	}

	// A run that ends in an error leaves both files as they were.
	b.run = func(_ context.Context, _ *scenario.Plan, o campaign.Options) (*report.Result, error) {
		fmt.Fprint(o.Record, "half")
		return nil, campaign.ErrTarget
	}
	if code := b.squall("run", small, "--json", doc, "--record", recording); code != exitTarget {
		t.Errorf("exit %d", code)
	}
	again, _ := os.ReadFile(doc)
	rec, _ := os.ReadFile(recording)
	if string(again) != string(first) || string(rec) != "recorded" {
		t.Errorf("an error changed the files: %q, %q", again, rec)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("the folder holds %v, want the two files", entries)
	}
}

// With --json - stdout carries JSON and nothing else.
func TestRunJSONToStdout(t *testing.T) {
	b := newBench()
	if code := b.squall("run", small, "--json", "-"); code != exitPass || !json.Valid(b.out.Bytes()) || !strings.Contains(b.err.String(), "PASS") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, b.out.String(), b.err.String())
	}
}

// A full disk is told, and does not hide a failure.
func TestRunFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	for state, want := range map[assert.State]int{assert.Pass: exitTarget, assert.Inconclusive: exitTarget, assert.Fail: exitFail} {
		b := newBench()
		b.result.State = state
		if code := b.squall("run", small, "--json", "/dev/full"); code != want || !strings.Contains(b.err.String(), "writing /dev/full: no space left on device; free some space") {
			t.Errorf("%v: exit %d, want %d; stderr %q", state, code, want, b.err.String())
		}
		if !strings.Contains(b.out.String(), "seed 7") {
			t.Errorf("%v: the summary is missing: %q", state, b.out.String())
		}
	}
}

// The command that repeats a run: everything that matters, quoted, no secret.
func TestRunCommand(t *testing.T) {
	for _, row := range []struct{ args, want []string }{
		{[]string{small}, []string{"squall run " + small + " --seed 7"}},
		{[]string{small, "--seed", "18446744073709551615"}, []string{"--seed 18446744073709551615"}},
		{[]string{small, "--set", "about=x y", "--set", "clients.voters.count=10"}, []string{"--set 'about=x y' --set clients.voters.count=10"}},
		{[]string{small, "--engine", "portable", "--loops", "2", "--memory", "64MiB"}, []string{"--engine portable --loops 2 --memory 67108864B"}},
		{[]string{small, "--target", "ws://joe:pa55@h/ws"}, []string{"--target 'ws://***@h/ws'"}},
		{[]string{small, "--target", "ws://h/ws?token=pa55"}, []string{"--target 'ws://h/ws?***'"}},
		{[]string{small, "--set", "clients.voters.token=pa55"}, []string{"--set 'clients.voters.token=***'"}},
	} {
		b := newBench()
		b.squall(append([]string{"run"}, row.args...)...)
		for _, want := range row.want {
			if !strings.Contains(b.options.Command, want) {
				t.Errorf("squall run %q is repeated by %q, want %q in it; stderr %q", row.args, b.options.Command, want, b.err.String())
			}
		}
		if all := b.out.String() + b.err.String() + b.options.Command; strings.Contains(all, "pa55") {
			t.Errorf("squall run %q shows the secret: %s", row.args, all)
		}
	}
}

func TestRunTrace(t *testing.T) {
	b := newBench()
	if b.squall("run", small); b.options.Trace != nil {
		t.Error("a run without --trace traces")
	}
	answer := b.run
	b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
		o.Trace("    0.120  #1  recv  {}\x1b[2J")
		return answer(ctx, p, o)
	}
	b.squall("run", small, "--trace", "tellers/1")
	if b.options.TraceClient != 11 || b.err.String() != "    0.120  #1  recv  {}�[2J\n" {
		t.Errorf("client %d was traced as %q, want 11", b.options.TraceClient, b.err.String())
	}
}

// The first signal asks for an early end, the second cancels; both times the
// reports are written.
func TestRunInterrupt(t *testing.T) {
	for signals := 1; signals <= 2; signals++ {
		b := newBench()
		answer := b.run
		b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
			b.signal <- syscall.SIGINT
			<-o.Interrupt
			if signals == 2 {
				if ctx.Err() != nil {
					t.Error("the first signal cancels already")
				}
				b.signal <- syscall.SIGTERM
				<-ctx.Done()
			}
			b.result.Interrupted = true
			return answer(ctx, p, o)
		}
		path := filepath.Join(t.TempDir(), "r.json")
		code := b.squall("run", small, "--json", path)
		doc, err := os.ReadFile(path)
		if code != exitInconclusive || err != nil || !json.Valid(doc) || !strings.Contains(b.out.String(), "interrupted") {
			t.Errorf("after %d signals: exit %d, report %v, stdout %q", signals, code, err, b.out.String())
		}
		if !strings.Contains(b.err.String(), "Ctrl-C again stops at once") {
			t.Errorf("after %d signals stderr is %q", signals, b.err.String())
		}
	}
}

// A run that a second signal stops has no judgement, and says why in words.
func TestRunStoppedAtOnce(t *testing.T) {
	b := newBench()
	b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
		b.signal <- syscall.SIGINT
		b.signal <- syscall.SIGINT
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if code := b.squall("run", small); code != exitInconclusive || !strings.Contains(b.err.String(), ": stopped at once; nothing was judged\n") {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	if code := exitCode(errNotRun); code != exitInconclusive {
		t.Errorf("a run whose turn never came ends with %d", code)
	}
}

// Progress goes to stderr, unless --quiet.
func TestRunProgress(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		b := newBench()
		answer := b.run
		b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
			if o.Progress != nil {
				o.Progress(campaign.Progress{Phase: "active", Clients: 12, Ready: 12, Connected: 12})
			}
			return answer(ctx, p, o)
		}
		b.squall("run", small, fmt.Sprintf("--quiet=%v", quiet))
		if shown := strings.Contains(b.err.String(), "12/12 ready"); shown == quiet || strings.Contains(b.out.String(), "ready") {
			t.Errorf("quiet %v: stderr %q, stdout %q", quiet, b.err.String(), b.out.String())
		}
	}
}

func TestQuote(t *testing.T) {
	for _, row := range [][2]string{
		{"plain-word_1.yaml", "plain-word_1.yaml"}, {"", "''"}, {"a b", "'a b'"}, {"it's", `'it'\''s'`}, {"$(x)`y`", "'$(x)`y`'"},
		{"a=b@c:1/d%,+", "a=b@c:1/d%,+"}, {"über", "'über'"}, {"{i}", "'{i}'"}, {"~", "'~'"},
	} {
		if got := quote(row[0]); got != row[1] {
			t.Errorf("quote(%q) = %s, want %s", row[0], got, row[1])
		}
	}
}

func TestASCII(t *testing.T) {
	for _, row := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false}, // nothing is said
		{map[string]string{"LANG": "C"}, true},
		{map[string]string{"LANG": "C.UTF-8"}, false},
		{map[string]string{"LANG": "de_DE.utf8"}, false},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, true}, // LC_ALL wins
		{map[string]string{"LANG": "de_DE.ISO-8859-1"}, true},
	} {
		if got := ascii(func(n string) string { return row.env[n] }); got != row.want {
			t.Errorf("with %v ASCII is %v", row.env, got)
		}
	}
}

const commanding = `squall: 1
name: commanding
duration: 2s
clients: {voters: {count: 3, subscribe: {channel: a}}}
timeline:
  - {at: 1s, say: soon}
  - {at: 1s, exec: [systemctl, restart, "the gateway"]}
`

// Commands are run only by those who say so; who doesn't gets the line that does,
// and nothing is connected. To look at a plan needs no leave.
func TestRunAllowExec(t *testing.T) {
	b := newBench()
	file := filepath.Join(t.TempDir(), "commanding.yaml")
	if err := os.WriteFile(file, []byte(commanding), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := b.squall("run", file); code != exitUsage || b.plan != nil ||
		!strings.Contains(b.err.String(), file+":7: exec runs a command on this machine") || !strings.Contains(b.err.String(), "squall run "+file+" --allow-exec") {
		t.Errorf("exit %d\n%s", code, b.err.String())
	}
	if code := b.squall("run", small, "--set", "timeline=[{at: 1s, exec: [echo, hi]}]"); code != exitUsage || !strings.Contains(b.err.String(), small+": exec runs a command") {
		t.Errorf("exit %d\n%s", code, b.err.String())
	}
	if code := b.squall("run", file, "--allow-exec"); code != 0 || b.options.Exec == nil || !strings.Contains(b.options.Command, "--allow-exec") {
		t.Errorf("exit %d, command %q\n%s", code, b.options.Command, b.err.String())
	}
	if code := b.squall("run", small, "--allow-exec"); code != 0 || strings.Contains(b.options.Command, "--allow-exec") {
		t.Errorf("exit %d, command %q", code, b.options.Command)
	}
	if code := b.squall("plan", file); code != 0 || !strings.Contains(b.out.String(), `1s  exec systemctl restart "the gateway"`) ||
		!strings.Contains(b.out.String(), "squall run will need --allow-exec") {
		t.Errorf("exit %d\n%s%s", code, b.out.String(), b.err.String())
	}
}
