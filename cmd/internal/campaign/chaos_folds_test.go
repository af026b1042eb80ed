package campaign

import (
	"flag"
	"math/rand/v2"
	"strings"
)

var chaosFolds = flag.Bool("chaos-folds", false, "states by key in every random scenario that can have them, not in a quarter")

// withFolds has the messages of a random scenario be changes of rows and numbers to add
// up, and expects clients to end on what was published.
func withFolds(yaml string, seed uint64) string {
	const payload = `payload: {type: t, n: "{seq}"}`
	c := rand.New(rand.NewPCG(seed, 0xf01d5))
	switch {
	case c.Float64() > 0.25 && !*chaosFolds:
		return yaml
	case strings.Contains(yaml, "fold: last"), strings.Count(yaml, "payload: ") != strings.Count(yaml, payload):
		return yaml // it thins out channels, or says other things
	}
	yaml = strings.ReplaceAll(yaml, payload, `payload: {type: t, n: "{seq}", row: "{pick(0..3)}", gone: "{pick([true, false])}"}`)
	return strings.TrimRight(yaml, "\n") + `
  - state: {channel: "**", fold: merge, key: row, tombstone: gone, equals: published}
  - state: {channel: "**", fold: sum, key: row, value: n, equals: published}
`
}
