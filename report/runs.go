package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"squall/assert"
)

// Runs is what became of several scenarios, in the order in which they ran.
type Runs struct {
	Tool    string
	Started time.Time
	Took    time.Duration
	Runs    []*Result
}

// Exit merges the exit codes: 1 if anything failed, else 4 if a target was lost
// or could not be used, else 3 unless everything passed.
func (r *Runs) Exit() int {
	code := 0
	if len(r.Runs) == 0 {
		return 3
	}
	for _, one := range r.Runs {
		if c := one.Exit(); weight(c) > weight(code) {
			code = c
		}
	}
	return code
}

// weight orders exit codes by precedence.
func weight(code int) int {
	for i, c := range [...]int{0, 3, 4, 1} {
		if c == code {
			return i
		}
	}
	return 0
}

// RunsVersion is the value of `squall_runs`. Like JSONVersion it grows when a
// field changes its meaning or goes away.
const RunsVersion = 1

// RunsJSON writes several runs as one JSON object:
//
//	squall_runs  1, the version of this format
//	state        pass, fail, inconclusive: of all together
//	exit         the exit code: 1 if anything failed, else 4 if a target was lost
//	             or could not be used, else 3 unless everything passed, else 0
//	tool, started (RFC 3339), took_ns
//	runs[]       an object for each scenario, as JSON writes it. What was not run,
//	             since its target could not be used or the command was
//	             interrupted, has its expectations as inconclusive
func RunsJSON(w io.Writer, r *Runs) error {
	doc := runsDocument{
		Version: RunsVersion, State: (&Result{State: r.state()}).state(), Exit: r.Exit(),
		Tool: r.Tool, Started: r.Started.UTC(), Took: r.Took, Runs: make([]*document, 0, len(r.Runs)),
	}
	for _, one := range r.Runs {
		doc.Runs = append(doc.Runs, toDocument(one))
	}
	return encode(w, &doc)
}

type runsDocument struct {
	Version int           `json:"squall_runs"`
	State   string        `json:"state"`
	Exit    int           `json:"exit"`
	Tool    string        `json:"tool"`
	Started time.Time     `json:"started"`
	Took    time.Duration `json:"took_ns"`
	Runs    []*document   `json:"runs"`
}

func (r *Runs) state() assert.State {
	switch r.Exit() {
	case 0:
		return assert.Pass
	case 1:
		return assert.Fail
	}
	return assert.Inconclusive
}

// Summary writes one line for each run, and what they amount to.
func Summary(w io.Writer, r *Runs, style Style) error {
	p := &page{Style: style}
	names, states := 0, 0
	for _, one := range r.Runs {
		names = max(names, columns(p.Clean(one.Scenario)))
		states = max(states, len(one.state()))
	}
	names = min(names, p.width()/2)
	for _, one := range r.Runs {
		mark, c := p.mark(one.mark())
		front := "  " + p.paint(c, mark) + " "
		name, state := p.Clean(one.Scenario), one.state()
		if columns(name) > names {
			p.hang(front, 4, name)
			front, name = "    ", ""
		}
		front += pad(name, names) + "  " + p.paint(c, state) + pad("", states-len(state)) + "  "
		indent := 4 + names + 2 + states + 2
		if p.width()-indent < 40 {
			p.line(front)
			front, indent = "      ", 6
		}
		p.hang(front, indent, strings.Join(p.gist(one), ", "))
	}
	p.blank()
	word, c := (&Result{State: r.state()}).headline()
	p.hang(p.paint(c, word)+"  ", len(word)+2, r.closing()+"; "+p.span(r.Took)+" in all")
	return p.send(w, "the summary of all runs")
}

// mark is the state for which a run's sign stands.
func (r *Result) mark() assert.State {
	switch r.Exit() {
	case 0:
		return assert.Pass
	case 1:
		return assert.Fail
	}
	return assert.Inconclusive
}

// gist is what one line can tell of a run: what did not pass, or how much did.
func (p *page) gist(r *Result) []string {
	var facts []string
	passed := 0
	for i := range r.Verdicts {
		switch v := &r.Verdicts[i]; {
		case v.State == assert.Pass:
			passed++
		case v.State == assert.Fail && len(v.Findings) > 0:
			facts = append(facts, p.Clean(v.Name+": "+v.Findings[0].Anomaly))
		case v.State == assert.Fail:
			facts = append(facts, p.Clean(v.Name+": failed"))
		case v.State == assert.Inconclusive && r.Lost == "" && !r.Interrupted:
			facts = append(facts, p.Clean(v.Name+": not settled"))
		}
	}
	switch {
	case r.Lost != "":
		facts = append(facts, "target lost")
	case r.Stopped != "":
		facts = append(facts, "stopped early")
	case r.Interrupted:
		facts = append(facts, "interrupted")
	}
	return append(facts, fmt.Sprintf("%s of %s passed", count(passed), many(len(r.Verdicts), "expectation", "expectations")), p.span(r.Took))
}

func (r *Runs) closing() string {
	n, what := 0, "failed"
	code := r.Exit()
	for _, one := range r.Runs {
		if one.Exit() == code {
			n++
		}
	}
	switch code {
	case 0:
		return "exit 0: " + many(n, "scenario", "scenarios") + " passed"
	case 3:
		what = "not settled"
	case 4:
		what = "without a usable target"
	}
	return fmt.Sprintf("exit %d: %s of %s %s", code, count(n), many(len(r.Runs), "scenario", "scenarios"), what)
}
