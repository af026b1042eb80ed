package campaign

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

var chaosFallback = flag.Bool("chaos-fallback", false, "clients with a fallback in every random scenario, not in a quarter of them")

// withFallback gives the clients of a random scenario other transports, and refuses their
// upgrades now and then.
func withFallback(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0xfa11bac))
	if c.Float64() > 0.25 && !*chaosFallback {
		return yaml
	}
	lists := []string{"sse", "long-poll", "[sse, long-poll]", "[long-poll, sse]"}
	counts := regexp.MustCompile(`(?m)^    count: \d+$`)
	yaml = counts.ReplaceAllStringFunc(yaml, func(line string) string {
		if c.IntN(5) == 0 {
			return line
		}
		return line + "\n    fallback: " + lists[c.IntN(len(lists))]
	})
	var blocks strings.Builder
	for range 1 + c.IntN(3) {
		lasts := ""
		if c.IntN(4) > 0 {
			lasts = fmt.Sprintf(", for: %dms", 1+c.IntN(2500))
		}
		trigger := fmt.Sprintf("at: %dms", c.IntN(1500))
		if c.IntN(3) == 0 {
			trigger = fmt.Sprintf("every: %dms", 300+c.IntN(1600))
		}
		fmt.Fprintf(&blocks, "  - {%s, block: {share: %d%%%s}}\n", trigger, 1+c.IntN(100), lasts)
	}
	return strings.Replace(yaml, "\ntimeline:\n", "\ntimeline:\n"+blocks.String(), 1)
}
