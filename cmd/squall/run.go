package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
)

// runOptions are the flags of `squall run`.
type runOptions struct {
	file    string
	changes changes
	json    string
	record  string
	trace   string
	engine  oneOf
	loops   number
	memory  amount
	quiet   bool
}

func (t *tool) runVerb(code *int) *cobra.Command {
	o := &runOptions{engine: oneOf{value: "auto", words: []string{"auto", "epoll", "portable"}}}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a scenario and judge it",
		Long: `Run a scenario against its target and judge what happened.

FILE is a scenario in YAML, the name of a shipped one, or - for stdin. The
summary goes to stdout, progress to stderr. The first Ctrl-C ends the active
part early: what happened so far is drained, judged and reported. A second one
stops at once.`,
		Example: `  squall run reconnect-storm
  squall run my.yaml --seed 42 --set clients.voters.count=200
  squall run my.yaml --target wss://gateway.test/ws --dialect centrifugo
  squall run my.yaml --json report.json --quiet
  squall run my.yaml --trace voters/731   # one client's frames, live`,
		Args:              oneArgument("scenario"),
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = args[0]
			return t.runScenario(cmd.Context(), o, code)
		},
	}
	o.changes.flags(cmd)
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(word{&o.json, "FILE"}, "json", "write the report as JSON; - is stdout, the summary then goes to stderr")
	f.Var(word{&o.record, "FILE"}, "record", "write what happened, to be judged again by squall check")
	f.Var(word{&o.trace, "GROUP/INDEX"}, "trace", "show this client's frames and states on stderr")
	f.Var(&o.engine, "engine", "how bytes are moved: auto, epoll or portable")
	completeFlag(cmd, "engine", o.engine.words)
	f.Var(&o.loops, "loops", "engine loops (default: cores - 1, at least 1)")
	f.Var(&o.memory, "memory", "what the ledger of deliveries may use (default 1GiB)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no notes")
	return cmd
}

// runScenario checks everything that can be checked without the target first, so
// that nobody waits for a run whose report can't be written.
func (t *tool) runScenario(ctx context.Context, o *runOptions, code *int) error {
	if err := o.check(); err != nil {
		return err
	}
	id := rand.Uint32()
	plan, err := t.load(o.file, fmt.Sprintf("%08x", id), &o.changes, o.quiet)
	if err != nil {
		return err
	}
	client, err := traced(plan, o.trace)
	if err != nil {
		return err
	}
	options := campaign.Options{
		Run: id, Engine: o.engine.value, Loops: int(o.loops.value), Memory: int64(o.memory),
		Command: o.command(plan.Seed), Version: version(), Self: self(), TraceClient: client,
	}
	var recording *report.File
	if o.record != "" {
		if recording, err = report.Create(o.record); err != nil {
			return usage(err)
		}
		options.Record = recording
	}
	result, err := t.drive(ctx, plan, o, options)
	unrecorded := (*campaign.RecordError)(nil)
	if err != nil && !errors.As(err, &unrecorded) {
		if recording != nil {
			recording.Abort()
		}
		return fmt.Errorf("running %s: %w", plan.File, err)
	}
	*code = result.Exit()
	switch {
	case err != nil:
		recording.Abort()
	case recording != nil:
		err = recording.Commit()
	}
	return errors.Join(environmentIf(err), t.deliver(result, o.json))
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

// check refuses flags that can't be meant.
func (o *runOptions) check() error {
	if o.loops.value > 1024 {
		return usage(fmt.Errorf("--loops: %d is more than 1,024; a loop serves one core", o.loops.value))
	}
	if o.json != "" && o.record != "" && filepath.Clean(o.json) == filepath.Clean(o.record) {
		return usage(fmt.Errorf("--json and --record both name %s; give them different files", o.json))
	}
	if o.record == "-" {
		return usage(errors.New("--record: a recording is binary and goes to a file, not to stdout"))
	}
	for _, path := range [...]string{o.json, o.record} {
		if path == "" || path == "-" {
			continue
		}
		if err := report.Writable(path); err != nil {
			return usage(err)
		}
	}
	return nil
}

// drive runs plan with progress on stderr and Ctrl-C in two steps.
func (t *tool) drive(ctx context.Context, plan *scenario.Plan, o *runOptions, options campaign.Options) (*report.Result, error) {
	columns, terminal := isTerminal(t.stderr)
	style := t.style(t.stderr)
	if columns > 0 {
		style.Width = min(columns, 120)
	}
	live := report.NewLive(t.stderr, style, terminal && t.getenv("TERM") != "dumb")
	defer live.End()
	if !o.quiet {
		options.Progress = func(p campaign.Progress) { live.Show(p) }
	}
	if o.trace != "" {
		options.Trace = live.Line
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	interrupt := make(chan struct{})
	options.Interrupt = interrupt
	signals := make(chan os.Signal, 2)
	defer t.signals(signals)()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			if n == 0 {
				live.Line("squall: ending early: draining and judging; Ctrl-C again stops at once")
				close(interrupt)
				continue
			}
			live.Line("squall: stopping at once")
			stop()
			return
		}
	}()
	return t.run(ctx, plan, options)
}

// deliver writes the reports, the file first: a reader of stdout may leave early.
func (t *tool) deliver(result *report.Result, json string) error {
	text := t.stdout
	var err error
	switch json {
	case "":
	case "-":
		text = t.stderr
		err = report.JSON(t.stdout, result)
	default:
		err = report.WriteFile(json, func(w io.Writer) error { return report.JSON(w, result) })
	}
	return environmentIf(errors.Join(err, report.Text(text, result, t.style(text))))
}

func environmentIf(err error) error {
	if err == nil {
		return nil
	}
	return environment(err)
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

// command is the command line that repeats this run. Secrets are left out.
func (o *runOptions) command(seed uint64) string {
	words := []string{"squall", "run", quote(o.file), "--seed", strconv.FormatUint(seed, 10)}
	add := func(flag, value string) { words = append(words, flag, quote(value)) }
	for _, s := range shown(o.changes.set) {
		add("--set", s)
	}
	if o.changes.target != "" {
		add("--target", withoutUser(o.changes.target))
	}
	if o.changes.dialect != "" {
		add("--dialect", o.changes.dialect)
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
