package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"squall/assert"
	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
)

// folder holds small scenarios of these names, and what is none.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	text, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		write(name+".yaml", strings.Replace(string(text), "name: small", "name: "+name, 1))
	}
	write("notes.txt", "no scenario")
	write("squall.yaml", "environments: {}\n")
	write(".hidden.yaml", "no scenario")
	for _, d := range []string{".hidden", "z"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(".hidden/deep.yaml", "no scenario")
	return dir
}

// answers makes the bench answer each scenario by its name.
func (b *bench) answers(by map[string]func(*report.Result) error) *[]string {
	ran := &[]string{}
	b.run = func(_ context.Context, plan *scenario.Plan, o campaign.Options) (*report.Result, error) {
		*ran = append(*ran, plan.Name)
		r := passed()
		r.Scenario, r.File, r.Command = plan.Name, plan.File, o.Command
		if change := by[plan.Name]; change != nil {
			if err := change(r); err != nil {
				return nil, err
			}
		}
		return r, nil
	}
	return ran
}

func failing(r *report.Result) error {
	r.State = assert.Fail
	r.Verdicts[0].State, r.Verdicts[0].Reason = assert.Fail, "it did not hold"
	return nil
}

func unsettling(r *report.Result) error {
	r.State = assert.Inconclusive
	r.Verdicts[0].State, r.Verdicts[0].Reason = assert.Inconclusive, "nothing occurred"
	return nil
}

func unreachable(*report.Result) error {
	return fmt.Errorf("dialling :1: refused: %w", campaign.ErrTarget)
}

// Several scenarios have one exit code, by precedence, one summary, one JSON and
// one JUnit file; the seeds and commands of each are its own.
func TestRunSeveral(t *testing.T) {
	for _, row := range []struct {
		name string
		by   map[string]func(*report.Result) error
		want int
	}{
		{"all pass", nil, 0},
		{"one fails", map[string]func(*report.Result) error{"b": failing}, 1},
		{"a failure beats a lost target", map[string]func(*report.Result) error{"a": unreachable, "b": failing, "c": unsettling}, 1},
		{"a lost target beats what is not settled", map[string]func(*report.Result) error{"a": unsettling, "c": unreachable}, 4},
		{"not settled", map[string]func(*report.Result) error{"c": unsettling}, 3},
	} {
		dir := folder(t, "c", "a", "b")
		b := newBench()
		ran := b.answers(row.by)
		doc, junit, md := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.xml"), filepath.Join(dir, "r.md")
		code := b.squall("run", dir, "--json", doc, "--junit", junit, "--markdown", md, "--quiet")
		if code != row.want || !slices.Equal(*ran, []string{"a", "b", "c"}) {
			t.Errorf("%s: exit %d, want %d; ran %v; stderr %q", row.name, code, row.want, *ran, b.err.String())
		}
		var merged struct {
			Version int `json:"squall_runs"`
			Exit    int
			Runs    []struct {
				Scenario, Command string
				Exit              int
				Expectations      []any
			}
		}
		text, err := os.ReadFile(doc)
		if err != nil || json.Unmarshal(text, &merged) != nil || merged.Version != report.RunsVersion || merged.Exit != row.want || len(merged.Runs) != 3 {
			t.Fatalf("%s: %v, the JSON is %s", row.name, err, text)
		}
		for i, r := range merged.Runs {
			if r.Scenario != (*ran)[i] || len(r.Expectations) == 0 || !strings.Contains(r.Command, r.Scenario+".yaml") {
				t.Errorf("%s: run %d is %+v", row.name, i, r)
			}
		}
		var suites struct {
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Suites   []struct {
				Name string `xml:"name,attr"`
			} `xml:"testsuite"`
		}
		text, err = os.ReadFile(junit)
		if err != nil || xml.Unmarshal(text, &suites) != nil || len(suites.Suites) != 3 || (suites.Failures+suites.Errors == 0) != (code == 0) {
			t.Errorf("%s: %v, the JUnit file is %s", row.name, err, text)
		}
		if text, err := os.ReadFile(md); err != nil || strings.Count(string(text), "\n| ") < 4 {
			t.Errorf("%s: %v, the Markdown is %s", row.name, err, text)
		}
		if !strings.Contains(b.out.String(), fmt.Sprintf("exit %d: ", code)) {
			t.Errorf("%s: no merged verdict in %q", row.name, b.out.String())
		}
	}
}

func TestRunSeveralText(t *testing.T) {
	dir := folder(t, "a", "b")
	b := newBench()
	b.answers(map[string]func(*report.Result) error{"a": unreachable})
	if code := b.squall("run", dir); code != exitTarget || !strings.Contains(b.err.String(), "squall: 2 of 2: b\n") ||
		!strings.Contains(b.err.String(), "squall: running "+filepath.Join(dir, "a.yaml")+": dialling :1: refused") {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	golden(t, "several", strings.ReplaceAll(timeless(b.out.String()), dir, "DIR"))
	if b.squall("run", dir, "--json", "-"); !json.Valid(b.out.Bytes()) || !strings.Contains(b.err.String(), "2 of 2: b") || !strings.Contains(b.err.String(), "exit 4: 1 of 2 scenarios") {
		t.Errorf("with --json - stdout is %q, stderr %q", b.out.String(), b.err.String())
	}
	// One file in a folder is reported as several would be.
	one := folder(t, "only")
	if b.squall("run", one, "--json", "-"); !strings.Contains(b.out.String(), `"squall_runs": 1`) {
		t.Errorf("a folder of one: %q", b.out.String())
	}
}

// timeless takes the time that a command took out of its last line.
func timeless(text string) string {
	var kept []string
	for _, line := range strings.Split(text, "\n") {
		if head, _, ok := strings.Cut(line, "; "); ok && strings.HasSuffix(line, " in all") {
			line = head
		}
		if head, _, ok := strings.Cut(line, "passed, "); ok {
			line = head + "passed, …"
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// All problems of all files are told before anything is run.
func TestRunSeveralProblems(t *testing.T) {
	dir := folder(t, "a", "b")
	again := folder(t, "a")
	b := newBench()
	ran := b.answers(nil)
	if code := b.squall("run", dir, again); code != exitUsage || !strings.Contains(b.err.String(), "are both called a") {
		t.Errorf("two of one name: exit %d, stderr %q", code, b.err.String())
	}
	for _, f := range []string{"a.yaml", "b.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("squall: 1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if code := b.squall("run", dir); code != exitUsage || !strings.Contains(b.err.String(), "a.yaml:1:") || !strings.Contains(b.err.String(), "b.yaml:1:") {
		t.Errorf("two wrong ones: exit %d, stderr %q", code, b.err.String())
	}
	if len(*ran) > 0 {
		t.Errorf("ran %v", *ran)
	}
}

// A signal ends the scenario at hand; the others are not run, and say so.
func TestRunSeveralInterrupt(t *testing.T) {
	dir := folder(t, "a", "b", "c")
	b := newBench()
	ran := b.answers(nil)
	answer := b.run
	b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
		b.signal <- syscall.SIGINT
		<-o.Interrupt
		r, err := answer(ctx, p, o)
		r.Interrupted = true
		return r, err
	}
	path := filepath.Join(dir, "r.xml")
	code := b.squall("run", dir, "--junit", path, "--inconclusive", "pass")
	text, _ := os.ReadFile(path)
	if code != exitInconclusive || !slices.Equal(*ran, []string{"a"}) || strings.Count(string(text), "not run: the command ended before") < 2 {
		t.Errorf("exit %d, want 3 although --inconclusive says pass; ran %v\n%s", code, *ran, text)
	}
}

// --timeout is a signal that comes by itself, and a minute later the second one.
func TestRunTimeout(t *testing.T) {
	for _, obeys := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			began := time.Now()
			b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
				<-o.Interrupt
				if got := time.Since(began); got != 20*time.Second {
					t.Errorf("the time was over after %s", got)
				}
				if !obeys {
					<-ctx.Done()
					if got := time.Since(began); got != 80*time.Second {
						t.Errorf("it was stopped after %s", got)
					}
					return nil, ctx.Err()
				}
				b.result.Interrupted = true
				return b.result, nil
			}
			code := b.squall("run", small, "--timeout", "20s")
			if all := b.out.String() + b.err.String(); code != exitInconclusive || !strings.Contains(all, "--timeout 20s") || obeys && !strings.Contains(b.out.String(), "stopped  --timeout 20s was over") {
				t.Errorf("exit %d, stdout %q, stderr %q", code, b.out.String(), b.err.String())
			}
		})
	}
}

// --inconclusive changes the code 3 and nothing else.
func TestRunInconclusive(t *testing.T) {
	for _, row := range []struct {
		as    string
		state assert.State
		want  int
	}{
		{"pass", assert.Inconclusive, 0}, {"fail", assert.Inconclusive, 1}, {"pass", assert.NotApplicable, 0},
		{"pass", assert.Fail, 1}, {"fail", assert.Pass, 0}, {"pass", assert.Pass, 0},
	} {
		b := newBench()
		b.result.State = row.state
		code := b.squall("run", small, "--inconclusive", row.as)
		if code != row.want || (row.state == assert.Inconclusive) != strings.Contains(b.err.String(), "instead of 3") && row.state != assert.NotApplicable {
			t.Errorf("%v as %s: exit %d, want %d; stderr %q", row.state, row.as, code, row.want, b.err.String())
		}
	}
	b := newBench()
	b.fails = campaign.ErrTarget
	if code := b.squall("run", small, "--inconclusive", "pass"); code != exitTarget {
		t.Errorf("a lost target: exit %d", code)
	}
}

// In the log of GitHub Actions what failed is marked; elsewhere the log is as ever.
func TestRunAnnotations(t *testing.T) {
	b := newBench()
	_ = failing(b.result)
	b.squall("run", small)
	plain := b.out.String()
	b.env["GITHUB_ACTIONS"] = "true"
	b.squall("run", small)
	if added, ok := strings.CutPrefix(b.out.String(), plain); !ok || !strings.HasPrefix(added, "::error file="+small+",line=12,") || strings.Count(added, "\n") != 1 {
		t.Errorf("added %q to\n%s", added, plain)
	}
	b.fails = errors.New("no way to it")
	if b.squall("run", small); !strings.Contains(b.out.String(), "::error file="+small+",title=small%3A target lost::no way to it") {
		t.Errorf("a lost target: stdout %q", b.out.String())
	}
}

// A run that came to nothing is an error for a CI system.
func TestRunUnjudgedJUnit(t *testing.T) {
	b := newBench()
	b.fails = fmt.Errorf("dialling :1: refused\x07: %w", campaign.ErrTarget)
	dir := t.TempDir()
	path := filepath.Join(dir, "r.xml")
	code := b.squall("run", small, "--junit", path, "--json", filepath.Join(dir, "r.json"))
	text, err := os.ReadFile(path)
	if code != exitTarget || err != nil || !strings.Contains(string(text), `errors="`) || strings.Contains(string(text), `errors="0"`) || !strings.Contains(string(text), "dialling :1: refused") {
		t.Errorf("exit %d, %v\n%s", code, err, text)
	}
	if _, err := os.Stat(filepath.Join(dir, "r.json")); err == nil {
		t.Error("there is a JSON report of a run without a judgement")
	}
}

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"a b  c":              {"a", "b", "c"},
		` a 'b c' "d e" `:     {"a", "b c", "d e"},
		`a\ b 'c\d' "e\"f\\"`: {"a b", `c\d`, `e"f\`},
		`"a\n" $HOME *.go |`:  {`a\n`, "$HOME", "*.go", "|"},
		`a '' x"y"z`:          {"a", "", "xyz"},
		"sh -c 'a && b'":      {"sh", "-c", "a && b"},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", line, got, err, want)
		}
	}
	for _, line := range []string{"", "  ", "'a", `"a`, `a\`, "''"} {
		if got, err := split(line); err == nil {
			t.Errorf("%q: got %q, want an error", line, got)
		}
	}
}
