// Package campaign composes the stages into runs: a plan is driven against its
// target, judged while it runs, and becomes one Result.
package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"squall/assert"
	"squall/assert/history"
	"squall/driver"
	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/driver/engine/memory"
	"squall/report"
	"squall/scenario"
)

// Options of one run.
type Options struct {
	Engine      string            // auto (default), epoll, portable
	Run         uint32            // the run's id: in every stamp, and what {run} meant when the plan was made
	Loops       int               // engine loops; 0: cores − 1, at least 1
	Memory      int64             // bytes that the ledger may use; 0: 1 GiB
	Command     string            // that repeats this run; printed with every failure
	Version     string            // of the tool
	Self        string            // this program, to run the embedded gateway apart for very many clients; "": never
	Network     *memory.Network   // run on this in-memory network instead of sockets: for bubbles
	Record      io.Writer         // the recording; nil: none
	Progress    func(Progress)    // called about once a second from a goroutine of the run; nil: none
	Trace       func(line string) // frames and states of the client TraceClient, live; nil: none
	TraceClient int               // number in the run
	Exec        driver.Exec       // runs the commands of the timeline; nil: such a plan is refused
	Interrupt   <-chan struct{}   // closed by the first Ctrl-C: ends the active part; cancelling ctx stops at once
}

// Progress is what the live line shows.
type Progress = report.Progress

// ErrTarget marks errors that come from the target or the environment: exit code 4.
var ErrTarget = errors.New("the target or the environment could not be used")

// targetError is an ErrTarget that says only what happened.
type targetError struct{ error }

func (e targetError) Unwrap() error      { return e.error }
func (e targetError) Is(want error) bool { return want == ErrTarget }

// RecordError says that a run was judged, but its recording is not whole.
type RecordError struct{ error }

func (e *RecordError) Unwrap() error { return e.error }

// Run drives plan, judges it and returns the Result. An error means that no
// judgement was possible; it wraps ErrTarget when the target or the environment
// (descriptors, ports, the embedded gateway) is the reason. Only with a
// *RecordError there is a Result, too.
func Run(ctx context.Context, plan *scenario.Plan, o Options) (*report.Result, error) {
	d, ok := dialect.Find(plan.Target.Dialect)
	if !ok {
		return nil, fmt.Errorf("dialect %q is not known", plan.Target.Dialect)
	}
	if m := plan.Exec(); m != nil && o.Exec == nil {
		return nil, fmt.Errorf("%s:%d: exec runs a command on this machine, which was not allowed", plan.File, m.Line)
	}
	if o.Network == nil {
		if err := needs(plan, o).Check(); err != nil {
			return nil, targetError{err}
		}
	}
	started := time.Now()
	plan, err := Signed(plan)
	if err != nil {
		return nil, err
	}
	t, err := open(plan, d.About(), &o)
	if err != nil {
		return nil, err
	}
	defer t.stop()

	loops, kind, err := newLoops(t, plan, o)
	if err != nil {
		return nil, targetError{err}
	}
	return judged(ctx, plan, d, NewBrief(plan, d.About(), t.name, kind, started, o), t, loops, o)
}

// judged drives plan over loops and judges it, one judge a loop.
func judged(ctx context.Context, plan *scenario.Plan, d dialect.Dialect, brief *assert.Brief, t *target, loops []engine.Loop, o Options) (*report.Result, error) {
	names := history.NewNames(plan.Channels)
	judges := make([]*assert.Judge, len(loops))
	sinks := make([]driver.Sink, len(loops))
	for i := range loops {
		judges[i] = assert.NewJudge(brief, names)
		sinks[i] = judges[i]
	}
	var rec *history.Writer
	if o.Record != nil {
		head, err := json.Marshal(brief)
		if err != nil {
			return nil, fmt.Errorf("writing the head of the recording: %w", err)
		}
		if rec, err = history.NewWriter(o.Record, head, names); err != nil {
			return nil, fmt.Errorf("starting the recording: %w", err)
		}
		for i := range sinks {
			sinks[i] = tee{sinks[i], rec.Shard(i)}
		}
	}
	post, end, err := newPoster(plan, t, o)
	if err != nil {
		return nil, err
	}
	defer end()
	out, err := driver.Run(ctx, plan, driver.Config{
		Loops: loops, Sinks: sinks, Names: names, Dialect: d, Dial: t.dial, More: t.more, Control: t.control, Exec: o.Exec, Run: o.Run,
		Secrets: plan.Secrets, Bearer: bearer(plan), Post: post, Open: newOpener(o),
		Interrupt: o.Interrupt, Progress: progress(plan, o), Trace: o.Trace, TraceClient: o.TraceClient,
	})
	var unrecorded error
	if rec != nil {
		unrecorded = closeRecording(rec, out, time.Since(brief.Started))
	}
	if err != nil {
		if lost := (*driver.TargetError)(nil); errors.As(err, &lost) {
			return nil, targetError{fmt.Errorf("%s: %w", brief.Target, err)}
		}
		return nil, err
	}
	for _, j := range judges[1:] {
		judges[0].Merge(j)
	}
	r := conclude(brief, judges[0], out, time.Since(brief.Started))
	if unrecorded != nil {
		return r, &RecordError{unrecorded}
	}
	return r, nil
}

// tee gives every event to both.
type tee struct{ a, b driver.Sink }

func (t tee) Add(e history.Event) {
	t.a.Add(e)
	t.b.Add(e)
}

func progress(plan *scenario.Plan, o Options) func(driver.Progress) {
	if o.Progress == nil {
		return nil
	}
	return func(p driver.Progress) {
		o.Progress(Progress{
			Phase: p.Phase, At: p.At, Of: plan.Duration, Connected: p.Connected, Clients: p.Clients,
			Ready: p.Ready, Published: p.Published, Delivered: p.Delivered, Errors: p.Errors, Lag: p.Lag,
		})
	}
}

// newLoops makes one engine loop a shard, all with one epoch.
func newLoops(t *target, plan *scenario.Plan, o Options) (loops []engine.Loop, kind string, err error) {
	n := o.Loops
	if n <= 0 {
		n = max(1, runtime.GOMAXPROCS(0)-1)
	}
	n = min(n, len(plan.Clients))
	kind = o.Engine
	if kind == "" || kind == "auto" {
		kind = engine.Best(t.tls)
	}
	if o.Network != nil {
		kind = "memory"
	}
	opts := engine.Options{Epoch: time.Now(), Sources: sources(len(plan.Clients), t.addresses()...)}
	for range n {
		var l engine.Loop
		switch kind {
		case "memory":
			l = engine.NewMemory(o.Network, opts)
		case "epoll":
			l, err = engine.NewEpoll(opts)
		case "portable":
			l = engine.NewPortable(opts)
		default:
			err = fmt.Errorf("engine %q is not known: choose auto, epoll or portable", kind)
		}
		if err != nil {
			return nil, "", err
		}
		loops = append(loops, l)
	}
	return loops, kind, nil
}

// needs is what the plan will take from this machine.
func needs(plan *scenario.Plan, o Options) driver.Needs {
	n := driver.Needs{Connections: plan.Peaks.Connections, Descriptors: plan.Peaks.Connections + 64}
	n.Descriptors += plan.Detours() // one more for what each says
	if plan.Target.Embedded && !(len(plan.Clients) > ownProcess && o.Self != "") {
		n.Descriptors += plan.Peaks.Connections + plan.Detours()
	}
	n.Sources = 1 + plan.Peaks.Connections/driver.PortsPerSource
	return n
}
