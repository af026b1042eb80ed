package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"squall/scenario"
)

func (t *tool) schemaVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenarios",
		Long: `Print the JSON Schema of the scenario language. An editor that knows it
completes and checks scenarios while they are written.`,
		Example: `  squall schema
  squall schema > squall.schema.json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := scenario.Schema()
			if err != nil {
				return fmt.Errorf("making the schema: %w", err)
			}
			return t.print(string(text))
		},
	}
}
