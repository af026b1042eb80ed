package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"squall/cmd/internal/campaign"
	"squall/driver"
	"squall/report"
	"squall/scenario"
)

// runOptions are the flags of `squall run`.
type runOptions struct {
	files        []string
	changes      changes
	outputs      outputs
	record       string
	trace        string
	start        string
	wait         time.Duration
	timeout      time.Duration
	inconclusive oneOf
	engine       oneOf
	loops        number
	allowExec    bool
	memory       amount
	quiet        bool
}

func (t *tool) runVerb(code *int) *cobra.Command {
	o := &runOptions{
		engine:       oneOf{value: "auto", words: []string{"auto", "epoll", "portable"}},
		inconclusive: oneOf{words: []string{"pass", "fail"}},
	}
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Run a scenario and judge it",
		Long: `Run a scenario against its target and judge what happened.

FILE is a scenario in YAML, a folder of them, the name of a shipped one, or -
for stdin. Several run one after the other and get one verdict. The summary goes
to stdout, progress to stderr. The first Ctrl-C ends the active part early: what
happened so far is drained, judged and reported. A second one stops at once.`,
		Example: `  squall run reconnect-storm
  squall run my.yaml --seed 42 --set clients.voters.count=200
  squall run my.yaml --target wss://gateway.test/ws --dialect centrifugo
  squall run scenarios/ --junit junit.xml --json report.json --quiet
  squall run my.yaml --start ./gateway --timeout 5m
  squall run my.yaml --trace voters/731   # one client's frames, live`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return oneArgument("scenario")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return t.runScenarios(cmd.Context(), o, code)
		},
	}
	o.changes.flags(cmd)
	o.outputs.flags(cmd)
	f := cmd.Flags()
	f.Var(word{&o.record, "FILE"}, "record", "write what happened, to be judged again by squall check")
	f.Var(word{&o.trace, "GROUP/INDEX"}, "trace", "show this client's frames and states on stderr")
	f.Var(word{&o.start, "COMMAND"}, "start", "start the server under test, and stop it at the end; no shell")
	f.Var(span{&o.wait, false}, "wait", "wait so long until the target accepts a connection (with --start: 30s)")
	f.Var(span{&o.timeout, false}, "timeout", "end early after this time, with what happened until then")
	f.Var(&o.inconclusive, "inconclusive", "end with the code of pass or fail instead of 3")
	completeFlag(cmd, "inconclusive", o.inconclusive.words)
	f.Var(&o.engine, "engine", "how bytes are moved: auto, epoll or portable")
	completeFlag(cmd, "engine", o.engine.words)
	f.Var(&o.loops, "loops", "engine loops (default: cores - 1, at least 1)")
	f.Var(&o.memory, "memory", "what the ledger of deliveries may use (default 1GiB)")
	f.BoolVar(&o.allowExec, "allow-exec", false, "let the timeline run commands on this machine (exec)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no notes")
	return cmd
}

// job is one scenario to run.
type job struct {
	plan    *scenario.Plan
	options campaign.Options
}

// runScenarios checks everything that can be checked without the target first, so
// that nobody waits for a run whose report can't be written.
func (t *tool) runScenarios(ctx context.Context, o *runOptions, code *int) error {
	if err := o.check(); err != nil {
		return err
	}
	files, merged, err := gather(o.files)
	if err != nil {
		return err
	}
	jobs, err := t.jobs(files, merged, o)
	if err != nil {
		return err
	}
	words, err := o.server(jobs)
	if err != nil {
		return err
	}
	var recording *report.File
	if o.record != "" {
		if recording, err = report.Create(o.record); err != nil {
			return usage(err)
		}
		jobs[0].options.Record = recording
	}
	r := t.newRunner(ctx, o, words)
	defer r.end()
	runs := &report.Runs{Tool: version(), Started: time.Now()}
	if !merged {
		result, judged, err := r.run(&jobs[0], true)
		runs.Runs = append(runs.Runs, result)
		return t.finishOne(runs, o, recording, judged, err, code)
	}
	var untold error
	for i := range jobs {
		if !o.quiet && !r.stop.interrupted() {
			r.live.Line(fmt.Sprintf("squall: %d of %d: %s", i+1, len(jobs), jobs[i].plan.Name))
		}
		result, judged, err := r.run(&jobs[i], i == len(jobs)-1)
		runs.Runs = append(runs.Runs, result)
		if judged {
			text := t.text(&o.outputs)
			untold = errors.Join(untold, report.Text(text, result, t.style(text)), newline(text))
		} else {
			t.complain(fmt.Errorf("running %s: %w", jobs[i].plan.File, err))
		}
	}
	runs.Took = time.Since(runs.Started)
	*code = t.settle(runs.Exit(), runs, o)
	return errors.Join(environmentIf(untold), t.deliver(runs, &o.outputs,
		func(w io.Writer) error { return report.RunsJSON(w, runs) },
		func(w io.Writer) error { return report.Summary(w, runs, t.style(w)) }, o.quiet))
}

func newline(w io.Writer) error {
	_, err := io.WriteString(w, "\n")
	return err
}

// finishOne reports a single run. One that came to no judgement has no summary
// and leaves the JSON file as it was, but a CI system is told.
func (t *tool) finishOne(runs *report.Runs, o *runOptions, recording *report.File, judged bool, err error, code *int) error {
	switch {
	case recording == nil:
	case err != nil:
		recording.Abort()
	default:
		err = recording.Commit()
	}
	if !judged {
		return t.apologise(runs, o, err)
	}
	result := runs.Runs[0]
	*code = t.settle(result.Exit(), runs, o)
	return errors.Join(environmentIf(err), t.deliver(runs, &o.outputs,
		func(w io.Writer) error { return report.JSON(w, result) },
		func(w io.Writer) error { return report.Text(w, result, t.style(w)) }, o.quiet))
}

// jobs loads all scenarios, and tells the problems of all.
func (t *tool) jobs(files []string, merged bool, o *runOptions) ([]job, error) {
	if merged && (o.record != "" || o.trace != "") {
		return nil, usage(errors.New("--record and --trace belong to one scenario; run it alone"))
	}
	var jobs []job
	var wrong []error
	by := map[string]string{} // file by name
	for _, file := range files {
		id := rand.Uint32()
		plan, err := t.load(file, fmt.Sprintf("%08x", id), &o.changes, o.quiet)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		if other, twice := by[plan.Name]; twice {
			wrong = append(wrong, usage(fmt.Errorf("%s and %s are both called %s; reports tell scenarios apart by their names", other, plan.File, plan.Name)))
		}
		by[plan.Name] = plan.File
		if m := plan.Exec(); m != nil && !o.allowExec {
			wrong = append(wrong, usage(fmt.Errorf("%s: exec runs a command on this machine, which needs your word for it: squall run %s --allow-exec", placed(plan.File, m.Line), quote(file))))
			continue
		}
		client, err := traced(plan, o.trace)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{plan, campaign.Options{
			Run: id, Engine: o.engine.value, Loops: int(o.loops.value), Memory: int64(o.memory),
			Command: o.command(file, plan), Version: version(), Self: self(), TraceClient: client, Exec: o.exec(),
		}})
	}
	return jobs, errors.Join(wrong...)
}

// self is this program, which the campaign starts again as `squall gateway` when
// one process would not have descriptors for both sides.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}

// exec is what runs the commands of a timeline, where that is allowed.
func (o *runOptions) exec() driver.Exec {
	if !o.allowExec {
		return nil
	}
	return campaign.Exec
}

// check refuses flags that can't be meant.
func (o *runOptions) check() error {
	if o.loops.value > 1024 {
		return usage(fmt.Errorf("--loops: %d is more than 1,024; a loop serves one core", o.loops.value))
	}
	return o.outputs.check(output{"record", o.record})
}

// server is the command of --start, taken apart.
func (o *runOptions) server(jobs []job) ([]string, error) {
	if o.start == "" {
		return nil, nil
	}
	words, err := split(o.start)
	if err != nil {
		return nil, usage(fmt.Errorf("--start: %w; it is split at blanks outside quotes, and no shell runs it", err))
	}
	for i := range jobs {
		if jobs[i].plan.Target.Embedded {
			return nil, usage(fmt.Errorf("--start: %s tests the embedded gateway, not the server that would be started; name it with --target URL", jobs[i].plan.File))
		}
	}
	return words, nil
}

// settle turns the exit code 3 into what --inconclusive says, unless a run was cut
// short: that was no verdict.
func (t *tool) settle(code int, runs *report.Runs, o *runOptions) int {
	if code != exitInconclusive || o.inconclusive.value == "" {
		return code
	}
	for _, r := range runs.Runs {
		if r.Interrupted {
			return code
		}
	}
	code = exitPass
	if o.inconclusive.value == "fail" {
		code = exitFail
	}
	if !o.quiet {
		t.note("--inconclusive %s: ending with %d instead of 3", o.inconclusive.value, code)
	}
	return code
}

// traced is the number in the run of the client that --trace names.
func traced(plan *scenario.Plan, name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	group, index, _ := strings.Cut(name, "/")
	var names []string
	for _, g := range plan.Groups {
		if names = append(names, g.Name); g.Name != group {
			continue
		}
		n, err := strconv.Atoi(index)
		if err != nil || n < 0 || n >= g.Count {
			return 0, usage(fmt.Errorf("--trace: %s has the clients %s/0 to %s/%d, not %q", group, group, group, g.Count-1, name))
		}
		return g.First + n, nil
	}
	if near := nearest(group, names); near != "" {
		return 0, usage(fmt.Errorf("--trace: there is no group %q; did you mean %s/%s?", group, near, index))
	}
	return 0, usage(fmt.Errorf("--trace: there is no group %q; the groups are %s", group, strings.Join(names, ", ")))
}

// command is the command line that repeats the run of file. Secrets are left out.
func (o *runOptions) command(file string, plan *scenario.Plan) string {
	words := []string{"squall", "run", quote(file), "--seed", strconv.FormatUint(plan.Seed, 10)}
	add := func(flag, value string) { words = append(words, flag, quote(value)) }
	for _, s := range shown(o.changes.set) {
		add("--set", s)
	}
	if o.changes.env != "" {
		add("--env", o.changes.env)
	}
	if o.changes.target != "" {
		add("--target", withoutUser(o.changes.target))
	}
	if o.changes.dialect != "" {
		add("--dialect", o.changes.dialect)
	}
	if o.changes.key != "" {
		add("--jwt-key", o.changes.key)
	}
	if o.allowExec && plan.Exec() != nil {
		words = append(words, "--allow-exec")
	}
	if o.start != "" {
		command := o.start
		for _, secret := range plan.Secrets {
			command = strings.ReplaceAll(command, secret, hidden)
		}
		add("--start", command)
	}
	if o.wait > 0 {
		add("--wait", o.wait.String())
	}
	if o.engine.value != "auto" {
		add("--engine", o.engine.value)
	}
	if o.loops.value > 0 {
		add("--loops", o.loops.String())
	}
	if o.memory > 0 {
		add("--memory", o.memory.String())
	}
	return strings.Join(words, " ")
}

// placed is a file and line; what --set has brought stands in no line.
func placed(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}
