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

// observed lists the channels on which some client observes what is not ours.
func observed(plan *scenario.Plan) (list []int32) {
	add := func(s *scenario.Sub) {
		if s.Observe && !slices.Contains(list, s.Channel) {
			list = append(list, s.Channel)
		}
	}
	for i := range plan.Clients {
		for k := range plan.Clients[i].Subs {
			add(&plan.Clients[i].Subs[k])
		}
	}
	for i := range plan.Moments {
		for k := range plan.Moments[i].Victims {
			add(&plan.Moments[i].Victims[k].Sub)
		}
	}
	slices.Sort(list)
	return list
}
