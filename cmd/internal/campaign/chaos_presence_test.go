package campaign

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"squall/assert"
)

var chaosPresence = flag.Bool("chaos-presence", false, "somebody watches who is there in every random scenario that lets him")

var plainSub = regexp.MustCompile(`(?m)^      - \{channel: ("[^"]*"|[a-z]+)(.*)\}$`)

// withPresence lets some of a random scenario's subscriptions ask who is there, and expects
// that they are told.
func withPresence(yaml string, seed uint64) string {
	c := rand.New(rand.NewPCG(seed, 0x3e5e))
	if c.Float64() > 0.3 && !*chaosPresence {
		return yaml
	}
	share, some := []float64{0.2, 0.5, 1}[c.IntN(3)], false
	yaml = plainSub.ReplaceAllStringFunc(yaml, func(line string) string {
		if strings.Contains(line, "refused") || c.Float64() > share {
			return line
		}
		some = true
		return strings.TrimSuffix(line, "}") + ", presence: true}"
	})
	if !some {
		return yaml
	}
	within := []string{"1s", "1500ms", "4s"}[c.IntN(3)] // longer than the wire may take
	return strings.TrimRight(yaml, "\n") + fmt.Sprintf("\n  - presence: {channel: \"**\", settles-within: %s}\n", within)
}

// inPresence lists the defects that show in who is there as well: they change who is
// subscribed, or to whom a connection belongs.
var inPresence = []string{
	"confirmed-not-subscribed", "membership-lost-silent", "resubscribe-partial", "post-unsubscribe-delivery", "command-inversion", "duplicate-live-session", "connection-id-reuse-leak",
	"zombie-connection", "session-hijack", "delivered-despite-refusal", "right-not-enforced", "expired-token-accepted", "forged-token-accepted", "expired-token-alive", "expired-token-trusted",
	"revocation-ignored", "revoked-readmitted", "recovers-only-once", "resubscribe-obeyed", "subscribe-history-gap",
	"text-not-utf8", // over plain HTTP it may be a name that can't be read
}

func showsInPresence(defect, found string) bool {
	return assert.AnomalyOf(found).Define().Owner == "presence" && slices.Contains(inPresence, defect)
}
