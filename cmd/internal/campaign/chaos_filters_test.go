package campaign

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

var chaosFilters = flag.Bool("chaos-filters", false, "filters in every random scenario, not in a third of them")

// filtersOf are what subscriptions of random scenarios filter by: nearly all, a half,
// next to nothing, nothing, and by what not every message has.
var filtersOf = []string{
	"msg.w > 0", "msg.w > 1", "msg.w >= 3", "msg.w >= 5", "msg.kind != 'c'", "msg.kind == 'a'", "msg.kind != 'a' && msg.w < 3", "msg.w > 100", "msg.n % 7 == 0",
	"msg.kind in ['a', 'b']", "msg.more?.deep == 1 || msg.w == 4", "msg.kind == 'b'",
}

var (
	chaosTopic   = regexp.MustCompile(`channel: "[^"]*"`)
	chaosPattern = regexp.MustCompile(`pattern: "[^"]*"`)
)

// withFilters gives subscriptions of a random scenario filters. Patterns get channels
// of their own: a filter beside another subscription that brings the same is refused.
// Where roles name channels and patterns, these stay as they are.
func withFilters(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0xf117e5))
	if c.Float64() > 0.35 && !*chaosFilters || strings.Contains(yaml, "    roles:") {
		return yaml
	}
	spaces := make(map[string]int)
	var out []string
	for _, line := range strings.Split(yaml, "\n") {
		line = chaosPattern.ReplaceAllStringFunc(line, func(p string) string {
			if _, ok := spaces[p]; !ok {
				spaces[p] = len(spaces)
			}
			return fmt.Sprintf(`pattern: "note%d.**"`, spaces[p])
		})
		line = strings.Replace(line, `payload: {type: t, n: "{seq}"}`, `payload: {type: t, n: "{seq}", kind: "{pick(['a','b','c'])}", w: "{pick(0..9)}"}`, 1)
		if strings.Contains(line, "payload:") && c.IntN(3) == 0 {
			line = chaosTopic.ReplaceAllString(line, fmt.Sprintf(`channel: "note%d.{i %% 2}"`, c.IntN(2)))
		}
		subscribes := strings.Contains(line, " subscribe: {") || strings.HasPrefix(line, "      - {channel:") || strings.HasPrefix(line, "      - {pattern:")
		if subscribes && c.IntN(4) > 0 {
			f := filtersOf[c.IntN(len(filtersOf))]
			end := len(line) - 1 // before the brace that closes the entry
			if strings.Contains(line, " subscribe: {") {
				end--
			}
			line = line[:end] + fmt.Sprintf(`, filter: "%s"`, f) + line[end:]
		}
		out = append(out, line)
		if line == "  gateway:" {
			out = append(out, "    filter: true")
		}
	}
	return strings.Join(out, "\n")
}
