package campaign

import (
	"math/rand/v2"
	"strings"
)

// withDeflate has the clients of a fifth of the random scenarios offer compression.
func withDeflate(yaml string, seed uint64) string {
	if rand.New(rand.NewPCG(seed, 7692)).IntN(5) > 0 {
		return yaml
	}
	return strings.Replace(yaml, "target:\n", "target:\n  compression: true\n", 1)
}
