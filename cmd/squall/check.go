package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"squall/report"
)

// checkOptions are the flags of `squall check`.
type checkOptions struct {
	file string
	json string
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
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(word{&o.json, "FILE"}, "json", "write the report as JSON; - is stdout, the summary then goes to stderr")
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
	if o.json != "" && o.json != "-" {
		if err := report.Writable(o.json); err != nil {
			return usage(err)
		}
	}
	result, err := t.check(in, version())
	if err != nil {
		return usage(fmt.Errorf("checking %s: %w", name, err))
	}
	*code = result.Exit()
	return t.deliver(result, o.json)
}
