package campaign

import (
	"fmt"
	"strings"
	"testing"

	"squall/assert"
	"squall/driver/gateway"
)

// TestVotesAddUpBesideRestarts: the sums of weighted-votes hold each vote once when one of
// the nodes ends, too, however it does, with its open windows and the votes on the way to
// it; and a gateway that adds up wrongly is still blamed for that, and nothing else. The
// scenario itself has no such moment, so that it can be run against a target that is only
// an address.
func TestVotesAddUpBesideRestarts(t *testing.T) {
	const file = "weighted-votes.yaml"
	anomaly := map[string]string{"": ""}
	for _, d := range gateway.Defects() {
		anomaly[d.Name] = d.Anomaly
	}
	for _, end := range []string{"restart", "drain", "kill"} {
		src := strings.Replace(string(source(t, file)), "\ntimeline:\n", fmt.Sprintf("\ntimeline:\n  - {at: 5s, gateway: {%s: 1, down: 500ms}}\n", end), 1)
		for _, d := range append(failsWith(t, file), "") {
			set := smallForm(t, file)
			if d != "" {
				set = append(set, "target.gateway.defects=["+d+"]")
			}
			t.Run(end+"/"+d, func(t *testing.T) {
				t.Parallel()
				for seed := uint64(1); seed <= seeds(2); seed++ {
					r := bubble(t, compile(t, file, []byte(src), seed, set...))
					if d == "" && r.State != assert.Pass {
						t.Errorf("seed %d: a correct gateway did not pass:\n%s", seed, tell(r))
					}
					if calm := plan(t, file, seed, set...); d == "" && r.Returns.Lost <= bubble(t, calm).Returns.Lost {
						t.Errorf("seed %d: nobody lost a connection by that: nothing is proven", seed)
					}
					if err := FoundByName(r, anomaly[d]); d != "" && err != nil {
						t.Errorf("seed %d: %v:\n%s", seed, err, tell(r))
					}
				}
			})
		}
	}
}
