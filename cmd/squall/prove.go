package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
	"squall/scenarios"
)

// proveOptions are the flags of `squall prove`.
type proveOptions struct {
	scenarios, defects, faults names
	seeds                      number
	limit                      time.Duration
	sockets, small             bool
	correct                    bool
	target, dialect, as, start string
	set                        []string
	json, markdown             string
	resume                     bool
	parallel                   number
	quiet                      bool
}

func (t *tool) proveVerb(code *int) *cobra.Command {
	o := &proveOptions{}
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "Prove the rules: every defect found, no false alarm",
		Long: `Run the shipped scenarios on gateways that are known to be right or wrong, and
count whether the rules say so: each defect of the reference gateway must be
found by its own name, with a witness, in every scenario whose header names it;
a correct gateway must pass every scenario, and must not be blamed whatever
fault its clients meet beside (limits of time are not judged then).

Most runs are bubbles: in memory and virtual time, in the scenario's small form.
--sockets runs over loopback instead, as it is written; --target runs the
scenarios against a gateway of yours, which then should be right. There, where
time is real, a run may also end inconclusive: it is counted as open.`,
		Example: `  squall prove --seeds 3
  squall prove --defect recovered-flag-lie --seeds 20
  squall prove --scenario cuts --fault none --sockets --seeds 3
  squall prove --for 30m --json proof.json --resume
  squall prove --scenario cuts --target ws://127.0.0.1:8000 --seeds 10
  squall prove --scenario cuts --target ws://127.0.0.1:8000 --start ./gateway`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.prove(cmd.Context(), o, code) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.scenarios, "scenario", "only these shipped scenarios; may be repeated, or a list with commas")
	completeFlag(cmd, "scenario", scenarios.Names())
	f.Var(&o.defects, "defect", "only these defects, and no correct gateway")
	completeFlag(cmd, "defect", defectNames())
	f.Var(&o.faults, "fault", "only these faults beside; none adds none (default: none, and all)")
	completeFlag(cmd, "fault", append([]string{"none"}, campaign.FaultNames()...))
	f.BoolVar(&o.correct, "correct", false, "only correct gateways")
	f.Var(&o.seeds, "seeds", "runs of each cell in all (default 1, or no limit with --for)")
	f.Var(span{&o.limit, false}, "for", "end after this time")
	f.BoolVar(&o.sockets, "sockets", false, "over loopback instead of in bubbles")
	f.BoolVar(&o.small, "small", false, "with --sockets: in the small form of the bubbles")
	f.Var(word{&o.target, "URL"}, "target", "against this gateway; only scenarios, no defects")
	f.Var(word{&o.dialect, "NAME"}, "dialect", "the protocol of --target")
	f.Var(texts{&o.set, "PATH=VALUE"}, "set", "change a value of the scenarios, for --target")
	f.Var(word{&o.start, "COMMAND"}, "start", "start the server under test anew for each run; no shell")
	f.Var(word{&o.as, "NAME"}, "as", "what the counts call the target (default: its URL)")
	f.Var(word{&o.json, "FILE"}, "json", "write the counts as JSON")
	f.Var(word{&o.markdown, "FILE"}, "markdown", "write the matrix as Markdown")
	f.BoolVar(&o.resume, "resume", false, "go on from the counts in --json FILE")
	f.Var(&o.parallel, "parallel", "runs at once (default: cores in bubbles, else 1)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return cmd
}

// bubbleVerb is what `squall prove` starts again and again.
func (t *tool) bubbleVerb() *cobra.Command {
	return &cobra.Command{
		Use: "bubbles", Hidden: true, Args: noArgs, Short: "Answer the jobs of squall prove",
		Run: func(*cobra.Command, []string) { campaign.ServeBubbles(t.stdin, t.stdout, t.compile("", "")) },
	}
}

// compile makes plans for campaigns of many runs.
func (t *tool) compile(target, dialect string) campaign.Compile {
	return func(file string, source []byte, seed uint64, set ...string) (*scenario.Plan, error) {
		o := scenario.Options{
			Target: target, Dialect: dialect, Env: t.lookup, Run: "00000007", Seed: &seed,
			Dialects: campaign.Dialects(), Defects: defectNames(), Read: readRows,
		}
		plan, wrong := scenario.Load(file, source, o, set...)
		if len(wrong) > 0 {
			return nil, usage(&problems{file, wrong})
		}
		return plan, nil
	}
}

// prove runs the matrix, prints it, and writes its files.
func (t *tool) prove(ctx context.Context, o *proveOptions, code *int) error {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	proof := new(report.Proof)
	if o.resume {
		if proof, err = o.read(); err != nil {
			return err
		}
	}
	for _, file := range []string{o.json, o.markdown} {
		if file != "" {
			if err := report.Writable(file); err != nil {
				return usage(err)
			}
		}
	}
	plan.Compile = o.changed(t.compile(o.target, o.dialect))
	plan.Options = campaign.Options{Version: version(), Self: self(), Command: "squall run"}
	plan.Bubbles = t.bubbles
	plan.Progress = t.proofProgress(o, proof)
	if o.start != "" {
		words, err := split(o.start)
		if err != nil {
			return usage(fmt.Errorf("--start: %w; it is split at blanks outside quotes, and no shell runs it", err))
		}
		plan.Ready = started(words, plan.Compile)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signals := make(chan os.Signal, 1)
	defer t.signals(signals)()
	finished := make(chan struct{})
	go func() {
		select {
		case <-signals:
			stop()
		case <-finished:
		}
	}()
	err = campaign.Prove(ctx, plan, proof)
	close(finished)
	proof.Sort()
	total := proof.Totals()
	switch {
	case total.Wrong > 0:
		*code = exitFail
	case ctx.Err() != nil || total.Untried > 0 || total.Runs == 0:
		*code = exitInconclusive
	}
	if o.json != "" {
		err = errors.Join(err, environmentIf(report.WriteFile(o.json, proof.JSON)))
	}
	if o.markdown != "" {
		err = errors.Join(err, environmentIf(report.WriteFile(o.markdown, proof.Markdown)))
	}
	return errors.Join(err, environmentIf(proof.Text(t.stdout, t.style(t.stdout))))
}

// changed makes plans with the changes of --set before those of the job.
func (o *proveOptions) changed(compile campaign.Compile) campaign.Compile {
	return func(file string, source []byte, seed uint64, set ...string) (*scenario.Plan, error) {
		return compile(file, source, seed, append(slices.Clip(o.set), set...)...)
	}
}

// started starts the server under test for a run, waits until it accepts
// connections, and stops it after the run.
func started(words []string, compile campaign.Compile) func(context.Context, campaign.Job) (func(), error) {
	return func(ctx context.Context, j campaign.Job) (func(), error) {
		plan, err := compile(j.Scenario, j.Source, j.Seed)
		if err != nil {
			return nil, err
		}
		server, err := campaign.Start(words)
		if err != nil {
			return nil, err
		}
		if err := campaign.Wait(ctx, plan, startWait, server.Ended()); err != nil {
			server.Stop()
			return nil, err
		}
		return server.Stop, nil
	}
}

// saveEvery is how often the counts of a proof are written while it goes on.
const saveEvery = time.Minute

// proofProgress tells about wrong runs at once, and where it stands now and then;
// so often it also saves the counts, that little is lost if nothing else is.
func (t *tool) proofProgress(o *proveOptions, proof *report.Proof) func(campaign.Job, campaign.Answer, report.Totals) {
	var told time.Time
	saved := time.Now()
	return func(j campaign.Job, a campaign.Answer, total report.Totals) {
		if o.json != "" && time.Since(saved) > saveEvery {
			saved = time.Now()
			_ = report.WriteFile(o.json, proof.JSON) // at the end it is written again, and what is wrong is told
		}
		if o.quiet || a.Why == "" && a.Open == "" && time.Since(told) < 10*time.Second {
			return
		}
		told = time.Now()
		say := func(word, why string) {
			c := report.Cell{Defect: j.Defect, Fault: j.Fault}
			fmt.Fprintf(t.stderr, "%s  %s, %s, %s, seed %d: %s\n", word, c.Kind(), j.Scenario, j.Where, j.Seed, t.style(t.stderr).Clean(why))
		}
		if a.Why != "" {
			say("wrong", a.Why)
		}
		if a.Open != "" {
			say("open", a.Open)
		}
		fmt.Fprintf(t.stderr, "%d runs of %d cells, %d wrong\n", total.Runs, total.Cells, total.Wrong)
	}
}

// read takes the counts of an earlier proof; none is as good as an empty one.
func (o *proveOptions) read() (*report.Proof, error) {
	if o.json == "" {
		return nil, usage(errors.New("--resume goes on from the counts of --json FILE; give that too"))
	}
	f, err := os.Open(o.json)
	if errors.Is(err, fs.ErrNotExist) {
		return new(report.Proof), nil
	}
	if err != nil {
		return nil, usage(explainRead(o.json, err, "check its permissions"))
	}
	defer f.Close()
	p, err := report.ReadProof(f)
	if err != nil {
		return nil, usage(explainRead(o.json, err, "give a file that squall prove wrote"))
	}
	return p, nil
}

// plan lists the cells that the flags ask for.
func (o *proveOptions) plan() (*campaign.ProofPlan, error) {
	p := &campaign.ProofPlan{Sources: make(map[string][]byte), For: o.limit, Runs: int(min(o.seeds.value, 1<<30))}
	p.Parallel = int(min(o.parallel.value, 1024))
	p.Sockets = p.Parallel
	if !o.seeds.given && o.limit == 0 {
		p.Runs = 1
	}
	where := campaign.InBubble
	switch {
	case o.target != "" && len(o.defects) > 0:
		return nil, usage(errors.New("--defect is about the reference gateway; leave it out with --target"))
	case o.correct && len(o.defects) > 0:
		return nil, usage(errors.New("--correct and --defect exclude each other"))
	case o.dialect != "" && o.target == "":
		return nil, usage(errors.New("--dialect is the protocol of --target; give that too"))
	case o.target == "" && (o.start != "" || o.as != "" || len(o.set) > 0):
		return nil, usage(errors.New("--start, --set and --as are about the server behind --target; give that too"))
	case o.as != "":
		where = o.as
	case o.target != "":
		where = o.dialect + " " + withoutUser(o.target)
		where = strings.TrimSpace(where)
	case o.small && !o.sockets:
		return nil, usage(errors.New("--small is about --sockets; bubbles are small anyway"))
	case o.small:
		where = campaign.Small
	case o.sockets:
		where = campaign.OnSockets
	}
	if err := knownNames("scenario", o.scenarios, scenarios.Names()); err != nil {
		return nil, err
	}
	if err := knownNames("defect", o.defects, defectNames()); err != nil {
		return nil, err
	}
	faults := append([]string{"none"}, campaign.FaultNames()...)
	if err := knownNames("fault", o.faults, faults); err != nil {
		return nil, err
	}
	if len(o.faults) > 0 {
		faults = o.faults
	} else if o.target != "" {
		faults = []string{"none"}
	}
	wanted := o.scenarios
	if len(wanted) == 0 {
		wanted = scenarios.Names()
	}
	for _, name := range wanted {
		_, source, _ := shipped(name)
		short := strings.TrimSuffix(path.Base(name), ".yaml")
		p.Sources[short] = source
		if len(o.defects) == 0 {
			for _, fault := range faults {
				if fault == "none" {
					fault = ""
				}
				p.Cells = append(p.Cells, report.Cell{Scenario: short, Fault: fault, Where: where})
			}
		}
		if o.correct || o.target != "" {
			continue
		}
		for _, d := range campaign.Header(source, "Fails with") {
			if len(o.defects) == 0 || slices.Contains(o.defects, d) {
				p.Cells = append(p.Cells, report.Cell{Scenario: short, Defect: d, Where: where})
			}
		}
	}
	if len(p.Cells) == 0 {
		return nil, usage(errors.New("nothing to prove: no header of these scenarios names these defects"))
	}
	return p, nil
}

// mostNamed is how many names an error lists.
const mostNamed = 30

// knownNames refuses words that are not among known.
func knownNames(flag string, got, known []string) error {
	for _, name := range got {
		if slices.Contains(known, name) {
			continue
		}
		if near := nearest(name, known); near != "" {
			return usage(fmt.Errorf("--%s: there is no %s %q; did you mean %s?", flag, flag, name, near))
		}
		if len(known) > mostNamed {
			return usage(fmt.Errorf("--%s: there is no %s %q; squall list %ss tells them", flag, flag, name, flag))
		}
		return usage(fmt.Errorf("--%s: there is no %s %q; choose from %s", flag, flag, name, strings.Join(known, ", ")))
	}
	return nil
}
