package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"squall/assert"
	"squall/assert/latency"
)

// JSONVersion is the value of `squall_report`. It grows when a field changes its
// meaning or goes away; new fields alone don't change it.
const JSONVersion = 1

// JSON writes a run as one JSON object:
//
//	squall_report  1, the version of this format
//	state          pass, fail, inconclusive: the whole run, with lost and interrupted counted in
//	exit           the exit code: 0, 1, 3 or 4
//	tool, scenario, about, file, seed, set[], run, target, dialect, engine,
//	command, clients, started (RFC 3339), took_ns, active_ns, interrupted,
//	lost           why the target was lost; "" if it was not
//	expectations[] in the file's order: name, rule, line, state (also: not
//	               applicable), reason, counts[] and owned[] of {name, n}, and
//	               findings[] of {anomaly, promise, times, clients, of, phase,
//	               fault, fault_ago_ns, client (-1: none), witness[] of {at_ns,
//	               actor, what, text}, missing, unexcused[]}
//	latency[]      stage, during, count, p50_ns … max_ns, mean_ns; percentiles of
//	               a row with count 0 mean nothing
//	returns        lost, back, peak (most within a second), peak_at_ns, curve[] of
//	               {after_ns, back}, cumulative
//	errors[]       what, n, excused, example
//	traffic        connections, dials, published, acked, unknown, failed,
//	               delivered, bytes_in, bytes_out; event_streams and long_polls
//	               are the connections over plain HTTP
//	generator      lag_p50_ns, lag_p99_ns, lag_max_ns, lag_count, busy (share of
//	               1), read_lag_ns, saturated, why, cpu_ns, max_rss (bytes), loops
//	notes[]
//	stopped        which limit ended the run early; "" otherwise
//	server         command, ended, output[]: what --start started, and the last
//	               lines that it wrote
//	commands[]     line, at_ns, command, took_ns, code (its exit code; −1: it has
//	               none), failed (why; "" otherwise), output[]: what the
//	               timeline ran
//
// Every field is always there and lists are never null. Durations are
// nanoseconds and end in _ns; shares are numbers from 0 to 1; seeds are 64-bit
// integers and may exceed 2^53.
func JSON(w io.Writer, r *Result) error {
	return encode(w, toDocument(r))
}

func toDocument(r *Result) *document {
	doc := &document{
		Report: JSONVersion, State: r.state(), Exit: r.Exit(),
		Tool: r.Tool, Scenario: r.Scenario, About: r.About, File: r.File, Seed: r.Seed, Set: list(r.Set), Run: r.Run,
		Target: r.Target, Dialect: r.Dialect, Engine: r.Engine, Command: r.Command, Clients: r.Clients,
		Started: r.Started.UTC(), Took: r.Took, Active: r.Active, Interrupted: r.Interrupted, Lost: r.Lost,
		Expectations: make([]expectation, 0, len(r.Verdicts)),
		Latency:      list(r.Latency),
		Returns:      returns{r.Returns.Lost, r.Returns.Back, r.Returns.Peak, r.Returns.PeakAt, list(r.Returns.Curve)},
		Errors:       make([]errorKind, 0, len(r.Errors)),
		Traffic:      r.Traffic,
		Generator: generator{
			LagP50: r.Generator.LagP50, LagP99: r.Generator.LagP99, LagMax: r.Generator.LagMax, LagCount: r.Generator.LagCount,
			Busy: finite(r.Generator.Busy), ReadLag: r.Generator.ReadLag, Saturated: r.Generator.Saturated, Why: r.Generator.Why,
			CPU: r.Generator.CPU, MaxRSS: r.Generator.MaxRSS, Loops: r.Generator.Loops,
		},
		Notes: list(r.Notes), Stopped: r.Stopped,
		Server:   Server{r.Server.Command, r.Server.Ended, list(r.Server.Output)},
		Commands: make([]Command, 0, len(r.Commands)),
	}
	for _, c := range r.Commands {
		c.Output = list(c.Output)
		doc.Commands = append(doc.Commands, c)
	}
	for i := range r.Verdicts {
		doc.Expectations = append(doc.Expectations, toExpectation(&r.Verdicts[i]))
	}
	for _, e := range r.Errors {
		doc.Errors = append(doc.Errors, errorKind(e))
	}
	return doc
}

func encode(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("writing the JSON report: %w", err)
	}
	return nil
}

// state is the verdict of the whole run as the exit code means it.
func (r *Result) state() string {
	switch r.Exit() {
	case 0:
		return assert.Pass.String()
	case 1:
		return assert.Fail.String()
	}
	return assert.Inconclusive.String()
}

func toExpectation(v *assert.Verdict) expectation {
	e := expectation{
		Name: v.Name, Rule: v.Rule, Line: v.Line, State: v.State.String(), Reason: v.Reason,
		Counts: list(v.Counts), Owned: list(v.Owned), Findings: make([]finding, 0, len(v.Findings)),
	}
	for i := range v.Findings {
		f := &v.Findings[i]
		e.Findings = append(e.Findings, finding{
			Anomaly: f.Anomaly, Promise: f.Promise, Times: f.Times, Clients: f.Clients, Of: f.Of, Phase: f.Phase,
			Fault: f.Fault, FaultAgo: f.FaultAgo, Client: int(f.Client), Witness: list(f.Witness), Missing: f.Missing,
			Unexcused: list(f.Unexcused),
		})
	}
	return e
}

// list makes nil an empty list: readers need not ask for null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// finite keeps JSON valid: it has no word for what is not a number.
func finite(n float64) float64 {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}

// The types below are the format. They repeat the Result on purpose, so that a
// renamed field of the tool doesn't rename a field of the report.

type document struct {
	Report       int           `json:"squall_report"`
	State        string        `json:"state"`
	Exit         int           `json:"exit"`
	Tool         string        `json:"tool"`
	Scenario     string        `json:"scenario"`
	About        string        `json:"about"`
	File         string        `json:"file"`
	Seed         uint64        `json:"seed"`
	Set          []string      `json:"set"`
	Run          string        `json:"run"`
	Target       string        `json:"target"`
	Dialect      string        `json:"dialect"`
	Engine       string        `json:"engine"`
	Command      string        `json:"command"`
	Clients      int           `json:"clients"`
	Started      time.Time     `json:"started"`
	Took         time.Duration `json:"took_ns"`
	Active       time.Duration `json:"active_ns"`
	Interrupted  bool          `json:"interrupted"`
	Lost         string        `json:"lost"`
	Expectations []expectation `json:"expectations"`
	Latency      []latency.Row `json:"latency"`
	Returns      returns       `json:"returns"`
	Errors       []errorKind   `json:"errors"`
	Traffic      Traffic       `json:"traffic"`
	Generator    generator     `json:"generator"`
	Notes        []string      `json:"notes"`
	Stopped      string        `json:"stopped"`
	Server       Server        `json:"server"`
	Commands     []Command     `json:"commands"`
}

type expectation struct {
	Name     string         `json:"name"`
	Rule     string         `json:"rule"`
	Line     int            `json:"line"`
	State    string         `json:"state"`
	Reason   string         `json:"reason"`
	Counts   []assert.Count `json:"counts"`
	Owned    []assert.Count `json:"owned"`
	Findings []finding      `json:"findings"`
}

type finding struct {
	Anomaly   string        `json:"anomaly"`
	Promise   string        `json:"promise"`
	Times     int64         `json:"times"`
	Clients   int           `json:"clients"`
	Of        int           `json:"of"`
	Phase     string        `json:"phase"`
	Fault     string        `json:"fault"`
	FaultAgo  time.Duration `json:"fault_ago_ns"`
	Client    int           `json:"client"`
	Witness   []assert.Line `json:"witness"`
	Missing   string        `json:"missing"`
	Unexcused []string      `json:"unexcused"`
}

type returns struct {
	Lost   int           `json:"lost"`
	Back   int           `json:"back"`
	Peak   int           `json:"peak"`
	PeakAt time.Duration `json:"peak_at_ns"`
	Curve  []ReturnPoint `json:"curve"`
}

type errorKind struct {
	What    string `json:"what"`
	N       int64  `json:"n"`
	Excused int64  `json:"excused"`
	Example string `json:"example"`
}

type generator struct {
	LagP50    time.Duration `json:"lag_p50_ns"`
	LagP99    time.Duration `json:"lag_p99_ns"`
	LagMax    time.Duration `json:"lag_max_ns"`
	LagCount  int64         `json:"lag_count"`
	Busy      float64       `json:"busy"`
	ReadLag   time.Duration `json:"read_lag_ns"`
	Saturated bool          `json:"saturated"`
	Why       string        `json:"why"`
	CPU       time.Duration `json:"cpu_ns"`
	MaxRSS    int64         `json:"max_rss"`
	Loops     int           `json:"loops"`
}
