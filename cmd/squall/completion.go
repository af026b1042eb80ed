package main

import (
	"fmt"
	"squall/scenarios"
	"strings"

	"github.com/spf13/cobra"
)

// shells for which cobra can write a completion script.
var shells = [...]string{"bash", "zsh", "fish", "powershell"}

// completeFile completes shipped scenarios, then files.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return scenarios.Names(), cobra.ShellCompDirectiveDefault
}

// completeFiles does so for as many as one likes.
func completeFiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return scenarios.Names(), cobra.ShellCompDirectiveDefault
}

// completeFlag completes a flag that takes one of a few words.
func completeFlag(cmd *cobra.Command, flag string, words []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag isn't there: a mistake in this package that every test would meet
	}
}

func (t *tool) completionVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for a shell",
		Long: `Print a script that completes verbs, flags and shipped scenarios.

SHELL is bash, zsh, fish or powershell. bash needs its bash-completion package.`,
		Example: `  source <(squall completion bash)   # for this session
  squall completion bash > /etc/bash_completion.d/squall
  squall completion zsh > "${fpath[1]}/_squall"
  squall completion fish > ~/.config/fish/completions/squall.fish`,
		ValidArgs: shells[:],
		Args:      oneArgument("shell"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			var err error
			switch args[0] {
			case "bash":
				err = root.GenBashCompletionV2(t.stdout, true)
			case "zsh":
				err = root.GenZshCompletion(t.stdout)
			case "fish":
				err = root.GenFishCompletion(t.stdout, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(t.stdout)
			default:
				return usage(fmt.Errorf("squall completion: %q is none of %s", args[0], strings.Join(shells[:], ", ")))
			}
			if err != nil {
				return environment(fmt.Errorf("writing to stdout: %w", err))
			}
			return nil
		},
	}
}
