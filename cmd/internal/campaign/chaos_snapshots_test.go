package campaign

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

var chaosSnapshots = flag.Bool("chaos-snapshots", false, "rows of channels are asked for in every random scenario that lets them be, not in a fifth of them")

var (
	plannedQueue = regexp.MustCompile(`(?m)^    queue: .*\n`)
	queueWanted  = regexp.MustCompile(`(?m)^  - \{queue: .*\n`)
	smallBacklog = regexp.MustCompile(`backlog: (4|16)KiB`)
	plainWords   = regexp.MustCompile(`payload: \{type: t, n: "\{seq\}"`)
)

// withSnapshots has the channels of a random scenario keep rows, lets some of its
// subscriptions ask for them, and expects that they are given them as they are. Where
// something is thinned out or added up, or there is no history, it leaves the scenario as it
// is; sessions that keep a backlog go, as both can't be had.
func withSnapshots(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0x5a95))
	if c.Float64() > 0.2 && !*chaosSnapshots {
		return yaml
	}
	for _, word := range []string{"throttle: [", "debounce: [", "aggregate: [", "history: none"} {
		if strings.Contains(yaml, word) {
			return yaml
		}
	}
	before, share, some := yaml, []float64{0.3, 0.7, 1}[c.IntN(3)], false
	yaml = plainSub.ReplaceAllStringFunc(yaml, func(line string) string {
		if strings.Contains(line, "refused") || strings.Contains(line, "filter") || c.Float64() > share {
			return line
		}
		some = true
		return strings.TrimSuffix(line, "}") + ", snapshot: true}"
	})
	if !some {
		return before
	}
	yaml = queueWanted.ReplaceAllString(plannedQueue.ReplaceAllString(yaml, ""), "")
	yaml = smallBacklog.ReplaceAllString(yaml, "backlog: 64KiB") // of which all rows together take a part
	keys := []string{"0..1", "0..9", "0..99"}[c.IntN(3)]
	if strings.Contains(yaml, "backlog: 64KiB") {
		keys = "0..1"
	}
	gone := []string{"false", "true, false, false, false", "true, false"}[c.IntN(3)]
	if !strings.Contains(yaml, "row:") {
		yaml = plainWords.ReplaceAllString(yaml, fmt.Sprintf(`$0, row: "{pick(%s)}", gone: "{pick([%s])}"`, keys, gone))
	}
	const rows = `{channel: "**", key: row, tombstone: gone`
	yaml = strings.Replace(yaml, "  gateway:\n", "  gateway:\n    snapshot: "+rows+"}\n", 1)
	return strings.TrimRight(yaml, "\n") + "\n  - snapshot: " + rows + "}\n"
}
