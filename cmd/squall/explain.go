package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"squall/assert"
	"squall/driver/gateway"
	"squall/report"
)

func (t *tool) explainVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ANOMALY]",
		Short: "Explain an anomaly: what it is, how it comes about",
		Long: `Explain an anomaly that a report names: its definition, the rule that fails for
it, how it shows on the wire, what usually leads to it, public reports of the
same in real systems, and what to look at. Without ANOMALY all are listed.`,
		Example: `  squall explain recovered-flag-lie
  squall explain`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return oneArgument("anomaly")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return anomalyNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return t.list(anomalies())
			}
			a := assert.AnomalyOf(args[0])
			if a == assert.NoAnomaly {
				for _, d := range gateway.Defects() {
					if d.Name == args[0] {
						return usage(fmt.Errorf("%s is a defect of the reference gateway, found as an anomaly: squall explain %s", d.Name, d.Anomaly))
					}
				}
				if near := nearest(args[0], anomalyNames()); near != "" {
					return usage(fmt.Errorf("there is no anomaly %q; did you mean `squall explain %s`?", args[0], near))
				}
				return usage(fmt.Errorf("there is no anomaly %q; squall explain lists them", args[0]))
			}
			var text bytes.Buffer
			if err := report.Explain(&text, a, t.style(t.stdout)); err != nil {
				return err
			}
			return t.print(text.String())
		},
	}
}

// list prints lists of words.
func (t *tool) list(lists ...list) error {
	var text bytes.Buffer
	var read []report.Words
	for _, l := range lists {
		read = append(read, l.read())
	}
	if err := report.List(&text, read, t.style(t.stdout)); err != nil {
		return err
	}
	return t.print(text.String())
}

func anomalyNames() []string {
	var names []string
	for _, a := range assert.Anomalies() {
		names = append(names, a.String())
	}
	return names
}

func anomalies() list {
	return list{"anomalies", "what a rule fails for; squall explain NAME tells more", func() (words [][2]string) {
		for _, a := range assert.Anomalies() {
			d := a.Define()
			words = append(words, [2]string{d.Name, d.Owner + ": " + d.Means})
		}
		return words
	}}
}
