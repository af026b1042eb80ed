package campaign

import (
	"strings"
	"testing"

	"squall/report"
	"squall/scenario"
	"squall/scenarios"
)

func source(t testing.TB, file string) []byte {
	t.Helper()
	_, src, ok := scenarios.Find(file)
	if !ok {
		t.Fatalf("%s is not shipped", file)
	}
	return src
}

// plan compiles a shipped scenario.
func plan(t testing.TB, file string, seed uint64, set ...string) *scenario.Plan {
	t.Helper()
	return compile(t, file, source(t, file), seed, set...)
}

func compile(t testing.TB, file string, src []byte, seed uint64, set ...string) *scenario.Plan {
	t.Helper()
	return compileWith(t, file, src, scenario.Options{Seed: &seed, Run: "00000007"}, set...)
}

// planAt compiles a shipped scenario for another target.
func planAt(t testing.TB, file string, seed uint64, target, dialect string, set ...string) *scenario.Plan {
	t.Helper()
	return compileWith(t, file, source(t, file), scenario.Options{Seed: &seed, Run: "00000007", Target: target, Dialect: dialect, Key: keyOfServers}, set...)
}

func compileWith(t testing.TB, file string, src []byte, o scenario.Options, set ...string) *scenario.Plan {
	t.Helper()
	o.Dialects = Dialects()
	p, problems := scenario.Load(file, src, o, set...)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", file, problems)
	}
	return p
}

// bubble runs a plan in memory, in virtual time, on two shards.
func bubble(t *testing.T, p *scenario.Plan) *report.Result {
	t.Helper()
	r, err := Bubble(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tell(r *report.Result) string {
	var b strings.Builder
	if err := report.Text(&b, r, report.Style{Width: 100}); err != nil {
		return err.Error()
	}
	return b.String()
}
