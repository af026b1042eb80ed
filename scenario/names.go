package scenario

import "slices"

// Names that templates of each place may use, beside the group's vars and pick.
var (
	namesOfTarget = []string{"seed", "run", "env"}
	namesOfVars   = []string{"i", "n", "group", "seed", "run", "env"}
	namesOfUser   = namesOfVars
	namesOfRole   = append(slices.Clone(namesOfVars), "user")
	namesOfClient = append(slices.Clone(namesOfRole), "role")
	namesOfTopic  = append(slices.Clone(namesOfVars), "user", "role")
	namesOfToken  = append(slices.Clone(namesOfClient), "jwt")
	namesOfStream = append(slices.Clone(namesOfClient), "seq") // and now()
)

// of leaves out of names what a group doesn't say, and adds its rows.
func (g *GroupSpec) of(names []string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return n == "user" && g.User == "" || n == "role" && g.Role == ""
	})
	if g.Data != nil {
		names = append(names, "row")
	}
	return names
}
