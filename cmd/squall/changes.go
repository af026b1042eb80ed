package main

import (
	"github.com/spf13/cobra"

	"squall/cmd/internal/campaign"
)

// changes are the flags that change a scenario before it becomes a plan.
type changes struct {
	seed    number
	set     []string
	target  string
	dialect string
	env     string
	key     string
}

func (c *changes) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&c.seed, "seed", "draw every random choice from this, not from the file's seed")
	f.Var(texts{&c.set, "PATH=VALUE"}, "set", "change a value of the scenario; may be repeated")
	f.Var(word{&c.env, "NAME"}, "env", "take the target from this environment of squall.yaml")
	f.Var(word{&c.target, "URL"}, "target", "test this instead of the scenario's target")
	f.Var(word{&c.dialect, "NAME"}, "dialect", "speak this protocol instead of the scenario's")
	f.Var(word{&c.key, "FILE"}, "jwt-key", "sign the tokens of jwt() with the key in this file, or in env:NAME")
	var names []string
	for _, d := range campaign.Dialects() {
		names = append(names, d.Name)
	}
	completeFlag(cmd, "dialect", names)
}

// shown are changes as they may be printed: without secrets.
func shown(set []string) []string {
	var all []string
	for _, s := range set {
		all = append(all, withoutSecret(s))
	}
	return all
}
