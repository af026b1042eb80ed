package campaign

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"squall/assert"
	"squall/driver/gateway"
	"squall/report"
	"squall/scenario"
)

// Compile makes the plan of a scenario's source with some values changed.
type Compile func(file string, source []byte, seed uint64, set ...string) (*scenario.Plan, error)

// Where a job runs, unless it is the URL of a target.
const (
	InBubble  = "bubble"         // in memory and virtual time, in the scenario's small form
	OnSockets = "sockets"        // over loopback, as it is written
	Small     = "sockets, small" // over loopback, in its small form
)

// Job is one run of a proof.
type Job struct {
	Scenario string `json:"scenario"` // file name
	Source   []byte `json:"source"`
	Defect   string `json:"defect,omitempty"`
	Fault    string `json:"fault,omitempty"` // one of Faults
	Where    string `json:"where"`
	Seed     uint64 `json:"seed"`
}

// Answer is what came of a Job.
type Answer struct {
	State  string `json:"state"`
	Why    string `json:"why,omitempty"`  // it is wrong; empty: it is right
	Open   string `json:"open,omitempty"` // right, but neither an alarm nor a pass: why
	Judged int64  `json:"judged"`
}

// Faults are what `squall prove` adds to a scenario for everybody, by name: a
// moment of its timeline.
func Faults() map[string]string {
	faults := map[string]string{"slow": "{every: 4s, slow: {share: 10%, rate: 4KiB/s, for: 2s}}"}
	for _, how := range []string{"close", "fin", "reset", "cut", "vanish"} {
		faults[how] = "{every: 3s, disconnect: {share: 10%, over: 500ms, how: " + how + ", away: 0s..2s}}"
	}
	faults["freeze"] = "{every: 3s, disconnect: {share: 10%, over: 500ms, how: freeze, away: 500ms..2s}}"
	return faults
}

// FaultNames lists the Faults in order.
func FaultNames() []string {
	var names []string
	for name := range Faults() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// withMoment adds a moment at the end of the timeline of a scenario's source, where
// it changes no other moment's number.
func withMoment(source []byte, moment string) []byte {
	const head = "\ntimeline:\n"
	text, line := strings.TrimRight(string(source), "\n")+"\n", "  - "+moment+"\n"
	before, block, ok := strings.Cut(text, head)
	if !ok {
		return []byte(text + head[1:] + line)
	}
	end := 0 // of the block: lines that are empty, or don't begin at the margin
	for l := range strings.Lines(block) {
		if strings.TrimSpace(l) != "" && !strings.ContainsRune(" -", rune(l[0])) {
			break
		}
		end += len(l)
	}
	moments := strings.TrimRight(block[:end], "\n") + "\n"
	return []byte(before + head + moments + line + block[len(moments):])
}

// Header reads a list from the comment at the head of a shipped scenario, such as
// the defects behind "# Fails with:". It may go on over lines up to an empty one.
func Header(source []byte, name string) (words []string) {
	_, list, ok := strings.Cut("\n"+string(source), "\n# "+name+":")
	if !ok {
		return nil
	}
	var all strings.Builder
	for i, line := range strings.Split(list, "\n") {
		text, comment := strings.CutPrefix(line, "#")
		if i > 0 && (!comment || strings.TrimSpace(text) == "") {
			break
		}
		all.WriteString(text + " ")
	}
	for _, w := range strings.Split(all.String(), ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// plan compiles the job.
func (j *Job) plan(compile Compile) (*scenario.Plan, error) {
	source := j.Source
	if j.Fault != "" {
		moment, ok := Faults()[j.Fault]
		if !ok {
			return nil, fmt.Errorf("there is no fault %q", j.Fault)
		}
		source = withMoment(source, moment)
	}
	var set []string
	if j.Where == InBubble || j.Where == Small {
		set = Header(j.Source, "Small")
	}
	if j.Defect != "" {
		set = append(set, "target.gateway.defects=["+j.Defect+"]")
	}
	p, err := compile(j.Scenario, source, j.Seed, set...)
	if err == nil && j.Fault != "" {
		p.Expect = untimed(p.Expect)
	}
	return p, err
}

// untimed leaves out what is expected of times: a fault that the scenario does
// not know delays those whom it hits, and no gateway is to blame.
func untimed(all []scenario.Expectation) (rest []scenario.Expectation) {
	for _, e := range all {
		if e.Rule == "latency" {
			continue
		}
		within := e.Within
		e.P, e.Within, e.Shape.Settles, e.Batch.Wait = nil, 0, scenario.Limit{}, 0
		if e.Rule == "presence" { // which counts from what its members and watchers prove
			e.Within = within
		}
		rest = append(rest, e)
	}
	return rest
}

// judge says what is wrong with the Result of the job. A correct gateway must pass,
// and a defect be found by its name. Where time is real, and on a correct gateway
// under a fault that the scenario does not know, a run may also be left open: that is
// counted, and is neither an alarm nor a miss.
func (j *Job) judge(r *report.Result) Answer {
	a := Answer{State: r.State.String(), Judged: r.Traffic.Delivered}
	var err error
	switch {
	case j.Where != InBubble && r.State == assert.Inconclusive:
		a.Open = reasons(r)
	case j.Defect != "":
		err = FoundByName(r, AnomalyOf(j.Defect))
	case r.State == assert.Fail, j.Fault == "" && r.State != assert.Pass:
		err = errors.New(reasons(r))
	case r.State != assert.Pass:
		a.Open = reasons(r)
	}
	if err != nil {
		a.Why = err.Error()
	}
	return a
}

// reasons says why a run did not pass.
func reasons(r *report.Result) string {
	var all []string
	for _, v := range r.Verdicts {
		if v.State == assert.Pass || v.State == assert.NotApplicable && v.Promised {
			continue
		}
		all = append(all, v.Name+" is "+v.State.String()+": "+v.Reason)
	}
	return strings.Join(all, "; ")
}

// AnomalyOf is the anomaly by which a defect of the reference gateway is found.
func AnomalyOf(defect string) string {
	for _, d := range gateway.Defects() {
		if d.Name == defect {
			return d.Anomaly
		}
	}
	return ""
}

// FoundByName reports what is wrong with a Result that should fail because of
// one anomaly: its owner must blame it first, with a witness, and no other rule
// may fail for anything else.
func FoundByName(r *report.Result, anomaly string) error {
	if r.State != assert.Fail {
		return fmt.Errorf("missed: the run ended as %s", r.State)
	}
	owner := assert.AnomalyOf(anomaly).Define().Owner
	found := false
	for _, v := range r.Verdicts {
		if v.State != assert.Fail {
			continue
		}
		if v.Rule == owner {
			if len(v.Findings) == 0 {
				return fmt.Errorf("%s, which owns %s, failed without a finding", owner, anomaly)
			}
			f := v.Findings[0]
			if f.Anomaly != anomaly {
				return fmt.Errorf("%s was blamed first, want %s", f.Anomaly, anomaly)
			}
			if n := len(f.Witness); n < 2 || n > 8 {
				return fmt.Errorf("the witness has %d lines", n)
			}
			found = true
			continue
		}
		for _, f := range v.Findings {
			if f.Anomaly != anomaly {
				return fmt.Errorf("%s was blamed by %s, want only %s", f.Anomaly, v.Rule, anomaly)
			}
		}
	}
	if !found {
		return fmt.Errorf("%s, which owns %s, did not fail", owner, anomaly)
	}
	return nil
}

// ProofPlan says what a proof runs.
type ProofPlan struct {
	Cells    []report.Cell     // Scenario, Defect, Fault and Where
	Sources  map[string][]byte // by scenario
	Runs     int               // each cell is brought to so many; 0: no limit but For
	For      time.Duration     // time for all of it; 0: no limit
	Parallel int               // bubbles at once; 0: as many as cores
	Sockets  int               // runs at once elsewhere; 0: one
	Compile  Compile
	Options  Options // of runs on sockets

	// Ready brings up what a job runs against, if that is not in a bubble, and returns
	// what takes it away after the run. nil: there is nothing to do.
	Ready func(context.Context, Job) (after func(), err error)

	// Bubbles starts a worker that answers jobs in virtual time.
	Bubbles  func(context.Context) (Worker, error)
	Progress func(done Job, a Answer, t report.Totals) // called one at a time; nil: none
}

// Worker answers jobs, one after the other.
type Worker interface {
	Do(Job) (Answer, error)
	Close()
}

// Prove brings every cell of the plan to its number of runs, going round so that
// no cell is far ahead of another, and counts in p. An error means that a cell
// can't be planned, that no worker could be had, or (ErrTarget) that a target could
// not be used. Cancelling ctx, or the end of
// the time, ends it early; p is then whole and says less. Seeds go on where the
// cell's runs ended, so a proof may be resumed.
func Prove(ctx context.Context, plan *ProofPlan, p *report.Proof) error {
	p.Version, p.Tool = report.ProofVersion, plan.Options.Version
	if plan.For > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, plan.For)
		defer stop()
	}
	for _, c := range plan.Cells {
		first := Job{Scenario: c.Scenario, Source: plan.Sources[c.Scenario], Defect: c.Defect, Fault: c.Fault, Where: c.Where, Seed: 1}
		if _, err := first.plan(plan.Compile); err != nil {
			return fmt.Errorf("planning %s (%s): %w", c.Scenario, c.Kind(), err)
		}
		c.Anomaly = AnomalyOf(c.Defect)
		p.Cell(c)
	}
	p.Sort()
	r := &rounds{plan: plan, proof: p, begun: make(map[*report.Cell]int)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	work := func(where func(string) bool, open func(context.Context) (Worker, error)) {
		wg.Go(func() {
			err := r.serve(ctx, where, open)
			if err != nil && ctx.Err() == nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
				}
			}
		})
	}
	n := plan.Parallel
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	bubbles := func(w string) bool { return w == InBubble }
	sockets := func(w string) bool { return w != InBubble }
	if slices.ContainsFunc(plan.Cells, func(c report.Cell) bool { return bubbles(c.Where) }) {
		for range n {
			work(bubbles, plan.Bubbles)
		}
	}
	if slices.ContainsFunc(plan.Cells, func(c report.Cell) bool { return sockets(c.Where) }) {
		for range max(plan.Sockets, 1) {
			work(sockets, func(ctx context.Context) (Worker, error) { return &socketWorker{ctx, plan}, nil })
		}
	}
	wg.Wait()
	return first
}

// rounds deals jobs out.
type rounds struct {
	mu    sync.Mutex
	plan  *ProofPlan
	proof *report.Proof
	begun map[*report.Cell]int // runs under way
}

// next is the job of the cell that has been run least often.
func (r *rounds) next(where func(string) bool) (*report.Cell, Job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var least *report.Cell
	for _, c := range r.plan.Cells {
		k := r.proof.Cell(c)
		n := k.Runs + r.begun[k]
		if !where(k.Where) || r.plan.Runs > 0 && n >= r.plan.Runs {
			continue
		}
		if least == nil || n < least.Runs+r.begun[least] {
			least = k
		}
	}
	if least == nil {
		return nil, Job{}, false
	}
	j := Job{
		Scenario: least.Scenario, Source: r.plan.Sources[least.Scenario], Defect: least.Defect, Fault: least.Fault,
		Where: least.Where, Seed: uint64(least.Runs + r.begun[least] + 1),
	}
	r.begun[least]++
	return least, j, true
}

// done counts an answer; a job without one is given back.
func (r *rounds) done(c *report.Cell, j Job, a Answer, answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun[c]--
	if !answered {
		return
	}
	c.Runs++
	c.Judged += a.Judged
	switch {
	case a.Why == "":
		c.Right++
		if a.Open != "" {
			c.Inconclusive++
		}
	case len(c.Wrong) < report.MostWrong:
		c.Wrong = append(c.Wrong, report.Wrong{Seed: j.Seed, State: a.State, Why: a.Why})
	}
	if r.plan.Progress != nil {
		r.plan.Progress(j, a, r.proof.Totals())
	}
}

// serve answers jobs until there are none or ctx ends. A worker that breaks is
// replaced, and its job counts as wrong: a run must not end that way.
func (r *rounds) serve(ctx context.Context, where func(string) bool, open func(context.Context) (Worker, error)) error {
	var w Worker
	defer func() {
		if w != nil {
			w.Close()
		}
	}()
	for ctx.Err() == nil {
		c, j, ok := r.next(where)
		if !ok {
			return nil
		}
		if w == nil {
			var err error
			if w, err = open(ctx); err != nil {
				r.done(c, j, Answer{}, false)
				return err
			}
		}
		a, err := w.Do(j)
		if errors.Is(err, ErrTarget) { // there was no run: neither the rules nor the target are to blame
			r.done(c, j, Answer{}, false)
			return err
		}
		if err != nil && ctx.Err() == nil {
			w.Close()
			w = nil
			a = Answer{State: "broken", Why: err.Error()}
		}
		r.done(c, j, a, ctx.Err() == nil || err == nil)
	}
	return nil
}

// socketWorker runs jobs in this process.
type socketWorker struct {
	ctx  context.Context
	plan *ProofPlan
}

func (w *socketWorker) Close() {}

// Do implements Worker.
func (w *socketWorker) Do(j Job) (Answer, error) {
	if w.plan.Ready != nil {
		after, err := w.plan.Ready(w.ctx, j)
		if err != nil {
			return Answer{}, targetError{err}
		}
		defer after()
	}
	plan, err := j.plan(w.plan.Compile)
	if err != nil {
		return Answer{}, err
	}
	o := w.plan.Options
	o.Run = uint32(time.Now().UnixNano())
	r, err := Run(w.ctx, plan, o)
	if err != nil {
		return Answer{}, err
	}
	if w.ctx.Err() != nil {
		return Answer{}, w.ctx.Err()
	}
	return j.judge(r), nil
}
