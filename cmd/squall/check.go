package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"squall/report"
)

// checkOptions are the flags of `squall check`.
type checkOptions struct {
	file    string
	outputs outputs
}

func (t *tool) checkVerb(code *int) *cobra.Command {
	o := &checkOptions{}
	cmd := &cobra.Command{
		Use:   "check RECORDING",
		Short: "Judge a recorded run again",
		Long: `Judge a recording that squall run --record made, with the rules of this version.
Nothing is run. The verdicts are those of the run unless the rules changed.
RECORDING is a file, or - for stdin.`,
		Example: `  squall check my.rec
  squall run my.yaml --record my.rec           # makes one
  squall check my.rec --json report.json`,
		Args: oneArgument("recording"),
		RunE: func(_ *cobra.Command, args []string) error {
			o.file = args[0]
			return t.checkRecording(o, code)
		},
	}
	o.outputs.flags(cmd)
	return cmd
}

func (t *tool) checkRecording(o *checkOptions, code *int) error {
	in, name := t.stdin, "stdin"
	if o.file != "-" {
		name = o.file
		file, err := os.Open(o.file)
		if err != nil {
			return usage(explainRead(o.file, err, "make one with squall run FILE --record "+quote(o.file)))
		}
		defer file.Close()
		in = file
	}
	if err := o.outputs.check(); err != nil {
		return err
	}
	result, err := t.check(in, version())
	if err != nil {
		return usage(fmt.Errorf("checking %s: %w", name, err))
	}
	*code = result.Exit()
	runs := &report.Runs{Tool: result.Tool, Started: result.Started, Took: result.Took, Runs: []*report.Result{result}}
	return t.deliver(runs, &o.outputs,
		func(w io.Writer) error { return report.JSON(w, result) },
		func(w io.Writer) error { return report.Text(w, result, t.style(w)) }, false)
}
