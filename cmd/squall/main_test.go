package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"squall/assert"
	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// bench is the tool with its streams in memory and a stage that answers at once.
type bench struct {
	tool
	in, out, err bytes.Buffer
	env          map[string]string
	plan         *scenario.Plan   // what the last run was asked to do
	options      campaign.Options // and how
	signal       chan<- os.Signal // what the tool listens on
	result       *report.Result   // what the next run answers
	fails        error
}

func newBench() *bench {
	b := &bench{env: map[string]string{}, result: passed()}
	b.tool = tool{
		stdin: &b.in, stdout: &b.out, stderr: &b.err,
		getenv:  func(name string) string { return b.env[name] },
		signals: func(c chan<- os.Signal) func() { b.signal = c; return func() {} },
		run: func(_ context.Context, plan *scenario.Plan, o campaign.Options) (*report.Result, error) {
			b.plan, b.options = plan, o
			if b.fails != nil {
				return nil, b.fails
			}
			b.result.Command, b.result.Seed, b.result.Set = o.Command, plan.Seed, plan.Set
			return b.result, nil
		},
	}
	return b
}

// squall runs the tool and returns its exit code. Each call begins with empty streams.
func (b *bench) squall(args ...string) int {
	b.out.Reset()
	b.err.Reset()
	return b.main(context.Background(), append([]string{}, args...)) // nil would mean os.Args to cobra
}

// passed is a small Result in which everything held.
func passed() *report.Result {
	return &report.Result{
		Tool: "dev", Scenario: "small", File: small, Run: "k3v9q2", Target: "embedded", Dialect: "events", Engine: "epoll", Clients: 12,
		Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Took: 3 * time.Second, Active: 2 * time.Second, State: assert.Pass,
		Verdicts:  []assert.Verdict{{Name: "delivery: exactly-once", Rule: "delivery", Line: 12, State: assert.Pass, Counts: []assert.Count{{Name: "owed", N: 400}}}},
		Generator: report.Generator{Loops: 1},
	}
}

const small = "testdata/small.yaml"

// golden compares got with testdata/name.golden, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./cmd/squall -update makes it", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test ./cmd/squall -update rewrites it, then read the diff)\n--- got\n%s\n--- want\n%s", name, got, want)
	}
}

// Help is what a new user reads first: it is kept word for word, fits into 80
// columns, and goes to stdout only when it was asked for.
func TestHelp(t *testing.T) {
	b := newBench()
	names := append(verbs(b.root(new(int))), "")
	for _, verb := range names {
		args := []string{verb, "--help"}
		if verb == "" {
			args = args[1:]
		}
		if code := b.squall(args...); code != exitPass || b.err.Len() > 0 {
			t.Errorf("squall %v: exit %d, stderr %q", args, code, b.err.String())
		}
		golden(t, strings.TrimSuffix("help-"+verb, "-"), b.out.String())
		for _, line := range strings.Split(b.out.String(), "\n") {
			if len(line) > 80 || strings.TrimRight(line, " ") != line {
				t.Errorf("squall %v: a line is too long or ends in blanks: %q", args, line)
			}
		}
		if verb != "" && !strings.Contains(b.out.String(), "Examples:") {
			t.Errorf("squall %s --help shows no example", verb)
		}
	}
	asked := b.squall("help", "run")
	first := b.out.String()
	if b.squall("run", "--help"); asked != exitPass || first != b.out.String() {
		t.Errorf("squall help run (exit %d) is not squall run --help", asked)
	}
	if code := b.squall(); code != exitUsage || b.out.Len() > 0 || !strings.Contains(b.err.String(), "Usage:") {
		t.Errorf("squall alone: exit %d, stdout %q; an empty command line must not look like a pass", code, b.out.String())
	}
}

// Each example of the help is a command line that squall understands.
func TestExamples(t *testing.T) {
	root := newBench().root(new(int))
	for _, cmd := range append(root.Commands(), root) {
		if cmd.Hidden {
			continue
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			_, line, _ = strings.Cut(line, "squall ")
			line, _, _ = strings.Cut(line, "#")
			line, _, _ = strings.Cut(line, ">")
			about, args, err := root.Find(strings.Fields(strings.ReplaceAll(line, ")", "")))
			if err == nil {
				err = about.ParseFlags(args)
			}
			if err == nil {
				err = about.ValidateArgs(about.Flags().Args())
			}
			if err != nil || about == root {
				t.Errorf("the example `squall %s` is not understood: %v", line, err)
			}
		}
	}
}

// Every message of bad usage, word for word: what was found, and the next step.
func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	var all strings.Builder
	for _, line := range []string{
		"rnu",
		"small.yaml",
		"frobnicate",
		"help frobnicate",
		"version 2",
		"run",
		"run DIR",
		"run " + small + " " + small,
		"run " + small + " cuts --trace voters/1",
		"run " + small + " --junit -",
		"run " + small + " --junit DIR/x --markdown DIR/x",
		"run " + small + " --inconclusive maybe",
		"run " + small + " --timeout soon",
		"run " + small + " --wait 0s",
		"run " + small + " --start './gateway",
		"run " + small + " --start ./gateway",
		"run " + small + " --sed 7",
		"run " + small + " -seed 7",
		"run " + small + " --frobnicate",
		"run " + small + " --seed",
		"run " + small + " --seed -1",
		"run " + small + " --seed 1.5",
		"run " + small + " --engine uring",
		"run " + small + " --loops 2000",
		"run " + small + " --memory 12",
		"run " + small + " --memory -3MiB",
		"run " + small + " --memory 99999999999GiB",
		"run " + small + " --set count",
		"run " + small + " --quiet=maybe",
		"run " + small + " --json=",
		"run " + small + " --json DIR/none/r.json",
		"run " + small + " --json DIR",
		"run " + small + " --record -",
		"run " + small + " --json DIR/x --record DIR/./x",
		"run " + small + " --trace voters",
		"run " + small + " --trace voters/10",
		"run " + small + " --trace votes/1",
		"run " + small + " --trace nobody/1",
		"completion tcsh",
	} {
		b := newBench()
		code := b.squall(strings.Fields(strings.ReplaceAll(line, "DIR", dir))...)
		if code != exitUsage || b.out.Len() > 0 || b.plan != nil {
			t.Errorf("squall %s: exit %d, stdout %q, run %v; want exit 2 and nothing else", line, code, b.out.String(), b.plan != nil)
		}
		told := strings.ReplaceAll(b.err.String(), dir, "DIR")
		message := strings.TrimPrefix(told, "squall: ")
		if message == told || strings.HasSuffix(message, ".\n") || strings.Count(message, "\n") != 1 || message[:1] != strings.ToLower(message[:1]) {
			t.Errorf("squall %s: not one line in the house's form: %q", line, told)
		}
		all.WriteString("$ squall " + line + "\n" + told)
	}
	golden(t, "usage", all.String())
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("bad usage left files: %v", entries)
	}
}

func TestVersion(t *testing.T) {
	b := newBench()
	if code := b.squall("version"); code != exitPass || !strings.HasPrefix(b.out.String(), "squall ") || b.err.Len() > 0 {
		t.Errorf("exit %d, stdout %q, stderr %q", code, b.out.String(), b.err.String())
	}
}

func TestCompletion(t *testing.T) {
	b := newBench()
	for _, shell := range shells {
		if code := b.squall("completion", shell); code != exitPass || !strings.Contains(b.out.String(), "squall") || b.err.Len() > 0 {
			t.Errorf("%s: exit %d, %d bytes, stderr %q", shell, code, b.out.Len(), b.err.String())
		}
	}
}

// What a shell asks for while a line is typed.
func TestCompletionWords(t *testing.T) {
	for line, want := range map[string]string{
		"run recon":          "reconnect-storm\n",
		"run x --engine ":    "portable\n",
		"run x --dialect ":   "centrifugo\n",
		"gateway --defect a": "ack-then-drop\n",
		"r":                  "run\tRun a scenario and judge it\n",
	} {
		b := newBench()
		if b.squall(append([]string{"__complete"}, strings.Split(line, " ")...)...); !strings.Contains(b.out.String(), want) {
			t.Errorf("completing %q gives %q, want %q in it", line, b.out.String(), want)
		}
	}
}

// broken is a stdout that is gone.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestBrokenStdout(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"schema"}, {"plan", small}, {"run", small}, {"completion", "bash"}} {
		b := newBench()
		b.stdout = broken{}
		if code := b.squall(args...); code != exitTarget || !strings.Contains(b.err.String(), "broken pipe") {
			t.Errorf("squall %v into a broken pipe: exit %d, stderr %q", args, code, b.err.String())
		}
	}
}
