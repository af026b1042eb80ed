package campaign

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

var chaosSums = flag.Bool("chaos-sums", false, "sums instead of messages wherever a random scenario lets them be")

// withSums lets a random scenario add up some channels, and expects that nothing of them is
// lost or counted twice. Where something is shaped already, or said that can't be added up,
// it leaves the scenario as it is.
func withSums(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0x50a5))
	if c.Float64() > 0.3 && !*chaosSums {
		return yaml
	}
	for _, word := range []string{"throttle:", "debounce:", "transform:", "retain: true", "will:", "fold: merge", "fold: sum"} {
		if strings.Contains(yaml, word) {
			return yaml
		}
	}
	const plain = `payload: {type: t, n: "{seq}"`
	yaml = strings.ReplaceAll(yaml, plain, `payload: {type: t, opt: "{pick(['a','b','c'])}", n: "{seq / 4}"`)
	every := []string{"5ms", "50ms", "200ms", "700ms", "2s"}[c.IntN(5)]
	topics := []string{"**"}
	if c.IntN(2) == 0 {
		topics = []string{"hall", "room.*", "own.**"}[c.IntN(3):]
	}
	var config, expected []string
	for _, topic := range topics {
		config = append(config, fmt.Sprintf(`{channel: "%s", every: %s, sum: n, by: opt}`, topic, every))
		expected = append(expected, fmt.Sprintf(`  - aggregate: {channel: "%s", conserves: n, by: opt}`, topic))
	}
	yaml = strings.Replace(yaml, "  gateway:\n", "  gateway:\n    aggregate: ["+strings.Join(config, ", ")+"]\n", 1)
	return strings.TrimRight(yaml, "\n") + "\n" + strings.Join(expected, "\n") + "\n"
}

// inSums says how other anomalies show where sums come instead of messages: their own rules
// leave such channels.
var inSums = map[string][]string{
	"aggregate-lost": {
		"lost-message", "ack-then-drop", "lost-in-socket", "recovered-flag-lie", "slow-consumer-silent-drop", "subscribe-history-gap", "silent-history-truncation", "confirmed-not-subscribed",
		"membership-lost-silent", "interest-lost-remote", "drain-loss", "acked-lost-on-crash", "offline-queue-drop", "resubscribe-partial", "stale-epoch-accepted", "offset-divergence",
		"command-inversion", "filter-false-negative", "phantom-message", "state-diverged", "payload-altered",
	},
	"aggregate-overcounted":   {"duplicate-delivery", "double-replay", "double-flush", "replay-live-overlap", "restart-dup", "retry-double-publish", "overlap-copies", "offset-divergence", "phantom-message", "payload-altered"},
	"aggregate-misattributed": {"offset-divergence", "phantom-message"},
	"not-aggregated":          {"phantom-message"},
}

func showsInSums(defect, found string) bool { return slices.Contains(inSums[found], defect) }
