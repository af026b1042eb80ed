package campaign

import (
	"maps"
	"slices"
	"strings"

	"squall/scenario"
)

// personal lists the channels that belong to one user: his name is a segment of
// theirs, and nobody else is to subscribe to them, or must be refused. Only the rule isolation asks.
func personal(plan *scenario.Plan) []int32 {
	if !slices.ContainsFunc(plan.Expect, func(e scenario.Expectation) bool { return e.Rule == "isolation" }) {
		return nil
	}
	owner := make(map[int32]string)
	for i := range plan.Clients {
		user := plan.Clients[i].User
		for _, s := range plan.Clients[i].Subs {
			if s.Pattern || s.Refused {
				continue
			}
			of, met := owner[s.Channel]
			if met && of != user || user == "" || !slices.Contains(strings.Split(plan.Channels[s.Channel], "."), user) {
				owner[s.Channel] = ""
			} else {
				owner[s.Channel] = user
			}
		}
	}
	maps.DeleteFunc(owner, func(_ int32, user string) bool { return user == "" })
	return slices.Sorted(maps.Keys(owner))
}
