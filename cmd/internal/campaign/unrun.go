package campaign

import (
	"fmt"
	"time"

	"squall/assert"
	"squall/driver/dialect"
	"squall/report"
	"squall/scenario"
)

// Unrun is the Result of a plan that could not be run, or not to a judgement:
// every expectation is there, as inconclusive, for the reason why.
func Unrun(plan *scenario.Plan, o Options, started time.Time, why string) *report.Result {
	r := &report.Result{
		Tool: o.Version, Scenario: plan.Name, About: plan.About, File: plan.File, Seed: plan.Seed, Set: plan.Set,
		Run: fmt.Sprintf("%08x", o.Run), Target: "embedded", Dialect: plan.Target.Dialect, Command: o.Command,
		Clients: len(plan.Clients), Started: started, Took: time.Since(started), State: assert.Inconclusive,
	}
	if !plan.Target.Embedded {
		r.Target = plan.Target.Dialect
		if d, ok := dialect.Find(plan.Target.Dialect); ok {
			if t, err := remote(plan, d.About(), plan.Target.URLs[0]); err == nil {
				r.Target = t.name
			}
		}
	}
	for i := range plan.Expect {
		x := &plan.Expect[i]
		r.Verdicts = append(r.Verdicts, assert.Verdict{Name: x.Name, Rule: x.Rule, Line: x.Line, Promised: x.Promised, Reason: why})
	}
	return r
}
