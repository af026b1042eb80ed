package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"squall/driver/dialect"
	"squall/driver/gateway"
	"squall/report"
	"squall/scenario"
	"squall/scenarios"
)

func (t *tool) listVerb() *cobra.Command {
	var what []string
	for _, l := range vocabulary() {
		what = append(what, l.Title)
	}
	return &cobra.Command{
		Use:   "list [WHAT]",
		Short: "List scenarios, rules, faults, dialects, defects",
		Long: `List what this version knows: ` + strings.Join(what[:3], ", ") + `,
` + strings.Join(what[3:], ", ") + `. Without WHAT everything is listed.`,
		Example: `  squall list scenarios
  squall list defects
  squall list`,
		ValidArgs: what,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return oneArgument("word")(cmd, args)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			lists := vocabulary()
			if len(args) == 0 {
				return t.list(lists)
			}
			for _, l := range lists {
				if l.Title == args[0] {
					return t.list([]report.Words{l})
				}
			}
			if near := nearest(args[0], what); near != "" {
				return usage(fmt.Errorf("squall list: there is no list %q; did you mean `squall list %s`?", args[0], near))
			}
			return usage(fmt.Errorf("squall list: there is no list %q; the lists are %s", args[0], strings.Join(what, ", ")))
		},
	}
}

// vocabulary is all that can be listed.
func vocabulary() []report.Words {
	shipped := report.Words{Title: "scenarios", Note: "shipped; squall run NAME, with the folder or without"}
	for _, name := range scenarios.List() {
		_, source, _ := scenarios.Find(name)
		s, _ := scenario.Parse(name, source)
		shipped.Words = append(shipped.Words, [2]string{name, s.About})
	}
	rules := report.Words{Title: "rules", Note: "what `expect` may name"}
	for _, w := range scenario.Rules() {
		rules.Words = append(rules.Words, [2]string{w.Name, w.About})
	}
	faults := report.Words{Title: "faults", Note: "what `timeline` may do"}
	for _, w := range scenario.Actions() {
		faults.Words = append(faults.Words, [2]string{w.Name, w.About})
	}
	protocols := report.Words{Title: "dialects", Note: "protocols; --dialect NAME"}
	for _, d := range dialect.All() {
		protocols.Words = append(protocols.Words, [2]string{d.About().Name, d.About().Summary})
	}
	defects := report.Words{Title: "defects", Note: "of the reference gateway; squall gateway --defect NAME"}
	for _, d := range gateway.Defects() {
		defects.Words = append(defects.Words, [2]string{d.Name, d.About})
	}
	return []report.Words{shipped, rules, faults, protocols, defects, anomalyWords()}
}
