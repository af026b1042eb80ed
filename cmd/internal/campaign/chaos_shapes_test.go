package campaign

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
)

var chaosShapes = flag.Bool("chaos-shapes", false, "shaped channels in every random scenario, not in a quarter of them")

// withShapes thins out some channels of a random scenario, and expects of them, and of
// what clients end on, what a correct gateway can't but keep.
func withShapes(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0x54a9e))
	pick := func(from ...string) string { return from[c.IntN(len(from))] }
	if c.Float64() > 0.25 && !*chaosShapes {
		return yaml
	}
	var throttled, debounced, expected []string
	topics := []string{"hall", "room.*", "own.**", "lobby", "nowhere"}
	if c.IntN(4) == 0 {
		topics = []string{"**"}
	}
	for _, topic := range topics {
		switch c.IntN(3) {
		case 0:
			every, keep := pick("5ms", "50ms", "200ms", "700ms", "2s"), pick("last", "last", "first")
			throttled = append(throttled, fmt.Sprintf(`{channel: "%s", every: %s, keep: %s}`, topic, every, keep))
			expected = append(expected, fmt.Sprintf(`  - throttle: {channel: "%s", at-most: 1 per %s}`, topic, every))
		case 1:
			quiet := pick("5ms", "50ms", "200ms", "700ms", "2s")
			debounced = append(debounced, fmt.Sprintf(`{channel: "%s", quiet: %s}`, topic, quiet))
			expected = append(expected, fmt.Sprintf(`  - debounce: {channel: "%s", quiet: %s}`, topic, quiet))
		}
	}
	expected = append(expected, `  - state: {channel: "**", fold: last, equals: published}`)
	config := "  gateway:\n"
	if len(throttled) > 0 {
		config += "    throttle: [" + strings.Join(throttled, ", ") + "]\n"
	}
	if len(debounced) > 0 {
		config += "    debounce: [" + strings.Join(debounced, ", ") + "]\n"
	}
	return strings.Replace(yaml, "  gateway:\n", config, 1) + strings.Join(expected, "\n") + "\n"
}
