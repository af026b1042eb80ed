package campaign

import (
	"flag"
	"math/rand/v2"
	"strings"
)

var chaosTransforms = flag.Bool("chaos-transforms", false, "transformations in every random scenario, not in a quarter of them")

// withTransforms makes the gateway of a random scenario rewrite all payloads, and
// expects it.
func withTransforms(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0x7a45f0))
	if c.Float64() > 0.25 && !*chaosTransforms {
		return yaml
	}
	payload := [...]string{
		`{double: "{(msg.n ?? 0) * 2}", kind: "{msg.kind}"}`,
		`{of: {n: ["{msg.n}", 1]}, text: "number {msg.n ?? 'none'}"}`,
		`{}`,
	}[c.IntN(3)]
	yaml = strings.Replace(yaml, "  gateway:\n", "  gateway:\n    transform: {channel: \"**\", payload: "+payload+"}\n", 1)
	return strings.TrimRight(yaml, "\n") + "\n  - {transform: {channel: \"**\", payload: " + payload + "}}\n"
}
