package campaign

import (
	"fmt"
	"time"

	"squall/assert"
	"squall/assert/latency"
	"squall/driver"
	"squall/report"
)

// The generator's budget: beyond it, what is late may be our own doing, and
// timing is not judged. Safety rules rest on the order of facts and stand.
const (
	lagBudget  = 25 * time.Millisecond // p99 of due → actually sent
	busyBudget = 0.9                   // share of the active part that the busiest loop worked
)

// conclude turns a merged judge and what the driver says of itself into a Result.
func conclude(brief *assert.Brief, j *assert.Judge, out *driver.Outcome, took time.Duration) *report.Result {
	r := &report.Result{
		Tool: brief.Tool, About: brief.About, File: brief.File, Set: brief.Set, Engine: brief.Engine,
		Started: brief.Started, Took: took,
		Scenario: brief.Scenario, Seed: brief.Seed, Run: brief.Run, Target: brief.Target, Dialect: brief.Dialect,
		Command: brief.Command, Active: out.Active, Interrupted: out.Interrupted || out.Stopped != "", Stopped: out.Stopped, Lost: out.Lost,
		Generator: generator(j, out),
	}
	for _, g := range brief.Groups {
		r.Clients += g.Count
	}
	r.Verdicts = j.Verdicts(assert.End{
		Saturated: r.Generator.Saturated, Why: r.Generator.Why, Interrupted: r.Interrupted, Stopped: out.Stopped, Lost: out.Lost,
	})
	if r.Lost != "" {
		r.Lost += "; it worked before: its log should tell why it does not any more"
	}
	r.State = assert.Overall(r.Verdicts)
	r.Latency, r.Spreads = j.Latency(), j.Histograms()
	back := j.Returns()
	r.Returns = report.Returns{Lost: back.Lost, Back: back.Back, Peak: back.Peak, PeakAt: back.PeakAt}
	for _, p := range back.Curve {
		r.Returns.Curve = append(r.Returns.Curve, report.ReturnPoint(p))
	}
	for _, e := range j.Errors() {
		r.Errors = append(r.Errors, report.ErrorKind(e))
	}
	t := j.Traffic()
	r.Traffic = report.Traffic{
		Connections: max(t.Connections, out.Connections), Dials: t.Dials, Streams: t.Streams, Polls: t.Polls, Published: t.Published, Acked: t.Acked, Unknown: t.Unknown,
		Failed: t.Failed, Delivered: t.Delivered, BytesIn: int64(out.BytesIn), BytesOut: int64(out.BytesOut),
		Packed: int64(out.Packed), Unpacked: int64(out.Unpacked),
	}
	r.Notes = append(r.Notes, out.Notes...)
	for _, c := range out.Commands {
		r.Commands = append(r.Commands, commandOf(c))
	}
	if out.Skipped > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d victims were skipped: when their fault came, they were not connected or had nothing that it could be done to", out.Skipped))
	}
	return r
}

func generator(j *assert.Judge, out *driver.Outcome) report.Generator {
	lag := j.Spread(latency.Lag)
	g := report.Generator{Busy: out.Busy, ReadLag: out.ReadLag, Loops: out.Loops, LagCount: lag.Count()}
	if g.LagCount > 0 {
		g.LagP50, g.LagP99, g.LagMax = lag.Quantile(0.5), lag.Quantile(0.99), lag.Max()
	}
	g.CPU, g.MaxRSS = usage()
	switch {
	case g.LagP99 > lagBudget:
		g.Saturated = true
		g.Why = fmt.Sprintf("1 %% of the publications left more than %s after they were due (budget %s)", g.LagP99.Round(time.Millisecond), lagBudget)
	case g.Busy > busyBudget:
		g.Saturated = true
		g.Why = fmt.Sprintf("the busiest engine loop worked %.0f %% of the time (budget %.0f %%)", 100*g.Busy, 100*busyBudget)
	}
	return g
}
