package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"squall/cmd/internal/campaign"
	"squall/report"
)

// startWait is how long --start waits for its server, unless --wait says another.
const startWait = 30 * time.Second

// runner runs the jobs of one command, with what they share: the live line, the
// ways to end early, the server under test.
type runner struct {
	t      *tool
	o      *runOptions
	live   *report.Live
	stop   *stopping
	server *campaign.Server
	failed error // why there is no server
}

// newRunner starts the server that words name; nil: none.
func (t *tool) newRunner(ctx context.Context, o *runOptions, words []string) *runner {
	columns, terminal := isTerminal(t.stderr)
	style := t.style(t.stderr)
	if columns > 0 {
		style.Width = min(columns, 120)
	}
	r := &runner{t: t, o: o, live: report.NewLive(t.stderr, style, terminal && t.getenv("TERM") != "dumb")}
	r.stop = t.stopping(ctx, r.live, o.timeout)
	if words != nil {
		r.server, r.failed = campaign.Start(words)
	}
	return r
}

// end stops the server and what watches.
func (r *runner) end() {
	r.live.End()
	if r.server != nil {
		r.server.Stop()
	}
	r.stop.done()
}

// run runs one job. There always is a Result; unless it was judged, its
// expectations are all inconclusive. The error tells why, or that a judged run was
// not recorded. With the last job the server ends, since only of one that has ended
// it is known that all it wrote is here.
func (r *runner) run(j *job, last bool) (result *report.Result, judged bool, err error) {
	started := time.Now()
	result, err = r.judge(j)
	if judged = result != nil; !judged {
		result = unjudged(j, started, err)
	}
	if r.server != nil {
		if last {
			r.live.End()
			r.server.Stop()
		}
		result.Server = r.server.Report(j.plan.Secrets)
	}
	if result.Interrupted {
		result.Stopped = r.stop.limit()
	}
	return result, judged, err
}

// judge returns nil and the reason if there is no judgement.
func (r *runner) judge(j *job) (*report.Result, error) {
	if r.stop.interrupted() {
		return nil, errNotRun
	}
	if err := r.ready(j); err != nil {
		if errors.Is(err, context.Canceled) {
			err = cutShort("interrupted while waiting for the target; nothing was judged")
		}
		return nil, err
	}
	o := j.options
	o.Interrupt = r.stop.interrupt
	if !r.o.quiet {
		o.Progress = func(p campaign.Progress) { r.live.Show(p) }
	}
	if r.o.trace != "" {
		o.Trace = r.live.Line
	}
	var err error
	if j.plan, err = campaign.Signed(j.plan); err != nil {
		return nil, err
	}
	defer r.live.End()
	result, err := r.t.run(r.stop.ctx, j.plan, o)
	if result == nil && errors.Is(err, context.Canceled) {
		err = cutShort("stopped at once; nothing was judged")
	}
	return result, err
}

// cutShort says in words for people why a run was cancelled.
type cutShort string

func (c cutShort) Error() string { return string(c) }

func (c cutShort) Unwrap() error { return context.Canceled }

// errNotRun: the turn of a scenario never came.
const errNotRun = cutShort("not run: the command ended before")

func unjudged(j *job, started time.Time, err error) *report.Result {
	result := campaign.Unrun(j.plan, j.options, started, err.Error())
	if errors.Is(err, context.Canceled) {
		result.Interrupted = true
	} else {
		result.Lost = err.Error()
	}
	return result
}

// ready waits for the target, where that is wanted.
func (r *runner) ready(j *job) error {
	if r.failed != nil {
		return r.failed
	}
	limit := r.o.wait
	var ended <-chan struct{}
	if r.server != nil {
		ended = r.server.Ended()
		if limit == 0 {
			limit = startWait
		}
	}
	if limit == 0 {
		return nil
	}
	ctx, cancel := r.stop.soon()
	defer cancel()
	return campaign.Wait(ctx, j.plan, limit, ended)
}

// apologise reports a single run without a judgement: to a CI system, and to
// people as an error.
func (t *tool) apologise(runs *report.Runs, o *runOptions, err error) error {
	result := runs.Runs[0]
	if s := &result.Server; s.Command != "" {
		how := "the server"
		if s.Ended != "" {
			how += ", which ended with " + s.Ended + ","
		}
		if len(s.Output) == 0 {
			t.note("%s wrote nothing", how)
		} else {
			style := t.style(t.stderr)
			lines := s.Output[max(0, len(s.Output)-20):]
			for i := range lines {
				lines[i] = "  " + style.Clean(lines[i])
			}
			t.note("%s wrote:\n%s", how, strings.Join(lines, "\n"))
		}
	}
	files := errors.Join(t.files(runs, &o.outputs, o.quiet), t.annotate(runs, t.text(&o.outputs)))
	return errors.Join(fmt.Errorf("running %s: %w", result.File, err), environmentIf(files))
}
