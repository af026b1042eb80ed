package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"
)

func (t *tool) planVerb() *cobra.Command {
	c := &changes{}
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Show what a scenario will do, without doing it",
		Long: `Compile a scenario and print its timetable: defaults that apply, who is hit by
what and when, the peaks of connections and messages, and what the run will
need. Nothing is connected. The same file and seed give the same bytes.

FILE is a scenario in YAML, the name of a shipped one, or - for stdin.`,
		Example: `  squall plan reconnect-storm
  squall plan my.yaml --seed 42 --set clients.voters.count=200
  squall plan my.yaml > my.plan`,
		Args:              oneArgument("scenario"),
		ValidArgsFunction: completeFile,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := t.load(args[0], "", c, false)
			if err != nil {
				return err
			}
			var text bytes.Buffer
			if err := plan.Print(&text); err != nil {
				return fmt.Errorf("printing the plan: %w", err)
			}
			return t.print(text.String())
		},
	}
	c.flags(cmd)
	return cmd
}
