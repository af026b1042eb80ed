package campaign

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

var chaosOthers = flag.Bool("chaos-others", false, "what waits for what clients see strikes others wherever a random scenario lets it, not in a quarter of them")

var (
	awaits  = regexp.MustCompile(`(?m)^  - \{when: \{[^}]*\}, (disconnect|slow): \{`)
	someWho = regexp.MustCompile(`who: (\w+)`)
)

// withOthers has some of the moments that wait for what a client sees strike others than
// it: a share of any group.
func withOthers(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0x07e5))
	if c.Float64() > 0.25 && !*chaosOthers {
		return yaml
	}
	groups := someWho.FindAllStringSubmatch(yaml, -1)
	return awaits.ReplaceAllStringFunc(yaml, func(line string) string {
		own := fmt.Sprintf("who: %s, share: %d%%, ", groups[c.IntN(len(groups))][1], 5+c.IntN(96))
		if c.IntN(4) == 0 {
			own = strings.TrimLeft(own[strings.Index(own, ",")+1:], " ") // of those who see it
		}
		return line + own
	})
}
