package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
)

// tool is what the verbs share: the streams, the surroundings and the stages
// that they hand over to. Tests replace parts of it.
type tool struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	signals        func(chan<- os.Signal) (stop func())
	run            func(context.Context, *scenario.Plan, campaign.Options) (*report.Result, error)
	check          func(r io.Reader, version string) (*report.Result, error)
	bubbles        func(context.Context) (campaign.Worker, error)
}

// run is the whole program: it does what args say and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := &tool{
		stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv, run: campaign.Run, check: campaign.Check,
		bubbles: func(ctx context.Context) (campaign.Worker, error) {
			return campaign.BubbleWorker(ctx, self(), "bubbles")
		},
		signals: func(c chan<- os.Signal) func() {
			signal.Notify(c, os.Interrupt, syscall.SIGTERM)
			return func() { signal.Stop(c) }
		},
	}
	return t.main(ctx, args)
}

func (t *tool) main(ctx context.Context, args []string) int {
	code := exitPass
	root := t.root(&code)
	root.SetArgs(args)
	root.SetIn(t.stdin)
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		t.complain(err)
		// A run that failed stays a failure, whatever happened to its reports.
		if code != exitFail {
			code = exitCode(err)
		}
	}
	return code
}

// complain writes an error for people: one line with the tool's name, and the
// lines that belong to it. Errors that were joined get a line each.
func (t *tool) complain(err error) {
	var mark *failure
	if errors.As(err, &mark) && mark == err {
		t.complain(mark.err)
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			t.complain(e)
		}
		return
	}
	var problems *problems
	if errors.As(err, &problems) {
		fmt.Fprintf(t.stderr, "squall: %s\n", problems)
		return
	}
	// What a target answered may be part of it: no escapes, no line ends.
	text := strings.Join(strings.Fields(t.style(t.stderr).Clean(err.Error())), " ")
	fmt.Fprintf(t.stderr, "squall: %s\n", text)
}

// note writes something worth knowing that is no error.
func (t *tool) note(format string, args ...any) {
	fmt.Fprintf(t.stderr, "squall: note: "+format+"\n", args...)
}

// print writes a result to stdout.
func (t *tool) print(text string) error {
	if _, err := io.WriteString(t.stdout, text); err != nil {
		return environment(fmt.Errorf("writing to stdout: %w", err))
	}
	return nil
}

// root is the command without a verb. Verbs that end in a verdict put its code
// into code.
func (t *tool) root(code *int) *cobra.Command {
	root := &cobra.Command{
		Use:   "squall",
		Short: "Squall load-tests and conformance-tests WebSocket event systems",
		Long: `Squall load-tests and conformance-tests WebSocket event systems.

A scenario in YAML says who connects, what they subscribe to and publish, which
disconnect storms hit them, and what must hold. squall opens the connections,
injects the failures, and judges event by event whether anything was lost,
repeated or reordered, and how long it took.`,
		Example: `  squall run reconnect-storm      # a storm against the built-in gateway
  squall plan reconnect-storm     # what that will do, without doing it
  squall run my.yaml --target ws://localhost:8000/ws --json report.json`,
		Args:              t.verb,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Exit code 0 here would let an empty command line pass for a passed test.
			cmd.SetOut(t.stderr)
			_ = cmd.Help()
			*code = exitUsage
			return nil
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(t.helpVerb())
	group(root, "Run and judge:", t.runVerb(code), t.checkVerb(code), t.explainVerb())
	group(root, "Write scenarios:", t.initVerb(), t.planVerb(), t.schemaVerb(), t.listVerb())
	group(root, "Serve:", t.gatewayVerb())
	group(root, "Prove:", t.proveVerb(code))
	root.AddCommand(t.bubbleVerb())
	group(root, "And:", t.versionVerb(), t.completionVerb())
	root.SetHelpCommandGroupID("And:")
	return root
}

// group adds verbs under a heading of the help.
func group(root *cobra.Command, title string, verbs ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, v := range verbs {
		v.GroupID = title
		root.AddCommand(v)
	}
}

// verb refuses words that are no verb.
func (t *tool) verb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	names := verbs(cmd)
	if near := nearest(args[0], names); near != "" {
		return usage(fmt.Errorf("there is no verb %q; did you mean `squall %s`?", args[0], near))
	}
	if strings.HasSuffix(args[0], ".yaml") || strings.HasSuffix(args[0], ".yml") {
		return usage(fmt.Errorf("%q is no verb; did you mean `squall run %s`?", args[0], quote(args[0])))
	}
	return usage(fmt.Errorf("there is no verb %q; the verbs are %s (see squall --help)", args[0], strings.Join(names, ", ")))
}

// oneArgument takes exactly one argument, what the verb is about.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usage(fmt.Errorf("%s needs a %s, as in: %s", cmd.CommandPath(), what, firstExample(cmd)))
		case len(args) > 1:
			return usage(fmt.Errorf("%s takes one %s and got %d: %s", cmd.CommandPath(), what, len(args), strings.Join(args, " ")))
		}
		return nil
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%s takes no argument and got %q", cmd.CommandPath(), args[0]))
	}
	return nil
}

func firstExample(cmd *cobra.Command) string {
	line, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	line, _, _ = strings.Cut(line, "#") // what it is for
	return strings.TrimSpace(line)
}

// flagError words pflag's errors and names the nearest flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	var needs *pflag.ValueRequiredError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown):
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		got := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			got = short // -seed is most likely --seed
		}
		if near := nearest(got, names); near != "" {
			return usage(fmt.Errorf("%s has no flag %s; did you mean --%s?", cmd.CommandPath(), flagAsTyped(unknown), near))
		}
		return usage(fmt.Errorf("%s has no flag %s; see %s --help", cmd.CommandPath(), flagAsTyped(unknown), cmd.CommandPath()))
	case errors.As(err, &value):
		f := value.GetFlag()
		return usage(fmt.Errorf("--%s: %q is not %s", f.Name, value.GetValue(), expected(f, value)))
	case errors.As(err, &needs):
		f := needs.GetFlag()
		return usage(fmt.Errorf("--%s needs a value: --%s %s", f.Name, f.Name, f.Value.Type()))
	}
	return usage(err)
}

func flagAsTyped(e *pflag.NotExistError) string {
	if short := e.GetSpecifiedShortnames(); short != "" {
		return "-" + short
	}
	return "--" + e.GetSpecifiedName()
}

// expected says what a flag's value must be.
func expected(f *pflag.Flag, err *pflag.InvalidValueError) string {
	switch f.Value.Type() {
	case "N", "uint64":
		return "a whole number from 0 on"
	case "bool":
		return "true or false"
	}
	return err.Unwrap().Error() // our own values word it
}
