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
		what = append(what, l.title)
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
				return t.list(lists...)
			}
			for _, l := range lists {
				if l.title == args[0] {
					return t.list(l)
				}
			}
			if near := nearest(args[0], what); near != "" {
				return usage(fmt.Errorf("squall list: there is no list %q; did you mean `squall list %s`?", args[0], near))
			}
			return usage(fmt.Errorf("squall list: there is no list %q; the lists are %s", args[0], strings.Join(what, ", ")))
		},
	}
}

// list is one of the lists: its words are read when somebody wants them, since each
// start of squall, whatever its verb, knows the titles.
type list struct {
	title, note string
	words       func() [][2]string
}

func (l list) read() report.Words {
	return report.Words{Title: l.title, Note: l.note, Words: l.words()}
}

// vocabulary is all that can be listed.
func vocabulary() []list {
	return []list{
		{"scenarios", "shipped; squall run NAME, with the folder or without", func() (words [][2]string) {
			for _, name := range scenarios.List() {
				_, source, _ := scenarios.Find(name)
				s, _ := scenario.Parse(name, source)
				words = append(words, [2]string{name, s.About})
			}
			return words
		}},
		{"rules", "what `expect` may name", func() (words [][2]string) {
			for _, w := range scenario.Rules() {
				words = append(words, [2]string{w.Name, w.About})
			}
			return words
		}},
		{"faults", "what `timeline` may do", func() (words [][2]string) {
			for _, w := range scenario.Actions() {
				words = append(words, [2]string{w.Name, w.About})
			}
			return words
		}},
		{"dialects", "protocols; --dialect NAME", func() (words [][2]string) {
			for _, d := range dialect.All() {
				words = append(words, [2]string{d.About().Name, d.About().Summary})
			}
			return words
		}},
		{"defects", "of the reference gateway; squall gateway --defect NAME", func() (words [][2]string) {
			for _, d := range gateway.Defects() {
				words = append(words, [2]string{d.Name, d.About})
			}
			return words
		}},
		anomalies(),
	}
}
