package scenario

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Defaults of the gateway's verbs.
const (
	defaultApart = 10 * time.Second
	defaultDown  = time.Second
	defaultPause = 5 * time.Second
)

// AllNodes is the Node of a moment that concerns every node.
const AllNodes = -1

// Nodes is how many nodes the target has, each at its own address.
func (p *Plan) Nodes() int {
	if p.Target.Embedded {
		return max(p.Target.Gateway.Nodes, 1)
	}
	return max(len(p.Target.URLs), 1)
}

// Node is the node to which a client goes with its attempt number life, from 1.
func (p *Plan) Node(client, life int) int {
	n := p.Nodes()
	if n == 1 {
		return 0
	}
	draw := func(attempt int) int { return Rand(p.Seed, "node", client, attempt).IntN(n) }
	switch p.Groups[p.Clients[client].Group].Reconnect.Node {
	case "same":
		return draw(1)
	case "next":
		return (draw(1) + life - 1) % n
	}
	return draw(life)
}

// verb is the one verb of a moment about the gateway, and whom it names.
func (v *VerbSpec) verb() (name, who string) {
	for _, x := range []struct{ name, who string }{
		{"restart", v.Restart}, {"drain", v.Drain}, {"kill", v.Kill}, {"pause", v.Pause},
		{"forget-history", v.Forget}, {"new-epoch", v.Epoch}, {"maintenance", v.Maintenance},
	} {
		if x.who != "" {
			return x.name, x.who
		}
	}
	return "", ""
}

// downs reports whether a verb takes a node out of service for a time.
func downs(verb string) bool {
	return slices.Contains([]string{"restart", "drain", "kill", "maintenance"}, verb)
}

// verb refuses moments about the gateway that can't be.
func (v *validator) verb(i int, path string, m *MomentSpec) {
	g := m.Gateway
	given, all := v.choices(path, reflect.TypeFor[VerbSpec](), func(f field) bool { return f.verb })
	if len(given) != 1 {
		v.fail(path, "found %s, expected one verb: %s", counted(given, "no verb"), words(all))
		return
	}
	name, who := g.verb()
	at := join(path, name)
	nodes, url := v.nodes()
	if url {
		v.fail(path, "found %s for a target that is only an address, expected the embedded gateway, which squall can reach; an exec moment may restart yours", name)
		return
	}
	n, err := strconv.Atoi(who)
	if who != "all" && who != "each" && (err != nil || n < 0 || n >= nodes || strconv.Itoa(n) != who) {
		v.fail(at, "found %s, expected all, each, or the number of a node: 0%s", quote(who), upTo(nodes))
	}
	if g.Apart.Given && who != "each" {
		v.fail(join(path, "apart"), "found apart with %s: %s, expected it with each", name, who)
	}
	if g.Down.Given && !downs(name) {
		v.fail(join(path, "down"), "found down with %s, expected it with restart, drain, kill or maintenance", name)
	}
	if g.For.Given && name != "pause" {
		v.fail(join(path, "for"), "found for with %s, expected it with pause", name)
	}
	if last := m.At.Duration + time.Duration(nodes-1)*g.Apart.or(defaultApart); who == "each" && m.At.Given && v.s.Duration.Given && last >= v.s.Duration.Duration {
		v.fail(path, "found the last of %d nodes at %v, expected a time before the end of the active part at %v; apart sets the time between two", nodes, last, v.s.Duration)
	}
}

// nodes is how many nodes the file's target has, and whether it is an address.
func (v *validator) nodes() (n int, url bool) {
	t := v.s.Target
	if t == nil {
		return 1, false
	}
	if len(t.URL) > 0 {
		return len(t.URL), true
	}
	if t.Gateway != nil {
		return max(t.Gateway.Nodes, 1), false
	}
	return 1, false
}

func upTo(nodes int) string {
	if nodes == 1 {
		return ""
	}
	return " to " + strconv.Itoa(nodes-1)
}

// verbs adds what happens to the gateway: one moment a node with each.
func (c *compiler) verbs(i int, g *VerbSpec, at time.Duration, line int) {
	name, who := g.verb()
	if !c.plan.Target.Embedded { // --target replaced it
		c.fail(join("timeline", itoa(i)), "found %s for a target that is only an address, expected the embedded gateway, which squall can reach", name)
		return
	}
	m := Moment{At: at, Line: line, Do: "gateway", Verb: name, Node: AllNodes}
	switch {
	case downs(name):
		m.Down = g.Down.or(defaultDown)
	case name == "pause":
		m.For = min(g.For.or(defaultPause), c.plan.Duration-at)
	}
	add := func(node string) {
		m.Summary = fmt.Sprintf("gateway %s %s", name, node)
		if downs(name) {
			m.Summary += ", down " + m.Down.String()
		}
		if name == "pause" {
			m.Summary += " for " + m.For.String()
		}
		c.plan.Moments = append(c.plan.Moments, m)
	}
	switch who {
	case "all":
		add("all")
	case "each":
		for n := range c.plan.Nodes() {
			m.At, m.Node = at+time.Duration(n)*g.Apart.or(defaultApart), n
			if m.At < c.plan.Duration {
				add(itoa(n))
			}
		}
	default:
		m.Node, _ = strconv.Atoi(who)
		add(who)
	}
}

// takesLeave is how long a node may need to take leave, at most.
func takesLeave(verb string) time.Duration {
	switch verb {
	case "kill":
		return time.Second
	case "maintenance":
		return 8 * time.Second
	}
	return 5 * time.Second
}

// losses marks the moments that take the histories away: by their verb, or
// because no node may be left that keeps them.
func (c *compiler) losses() {
	nodes := c.plan.Nodes()
	for i := range c.plan.Moments {
		m := &c.plan.Moments[i]
		if m.Do != "gateway" {
			continue
		}
		m.Loses = m.Verb == "forget-history" || m.Verb == "new-epoch"
		if !downs(m.Verb) {
			continue
		}
		gone := make(map[int]bool) // nodes that may be down while this one is
		for k := range c.plan.Moments {
			o := &c.plan.Moments[k]
			if o.Do != "gateway" || !downs(o.Verb) || o.At > m.At+m.Down+takesLeave(m.Verb) || m.At > o.At+o.Down+takesLeave(o.Verb) {
				continue
			}
			for n := range nodes {
				if o.Node == AllNodes || o.Node == n {
					gone[n] = true
				}
			}
		}
		if len(gone) == nodes {
			m.Loses = true
			m.Summary += "; no node may be left, so the histories may be lost"
		}
	}
}

// codes refuses close codes that nobody may send.
func (v *validator) codes(path string, codes []int) {
	if len(codes) == 0 {
		v.fail(path, "found an empty list, expected close codes such as [1001, 1012]")
	}
	for i, c := range codes {
		if !sendable(c) {
			v.fail(join(path, strconv.Itoa(i)), "found %d, expected a close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999", c)
		}
	}
}

// sendable reports whether a close frame may carry a code (RFC 6455, 7.4).
func sendable(c int) bool {
	return c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c <= 4999
}

// String is the limit for people.
func (c CloseLimit) String() string {
	if c.When == "abuse" {
		return "closed as RFC 6455 says, nobody else"
	}
	var codes []string
	for _, n := range c.Codes {
		codes = append(codes, strconv.Itoa(n))
	}
	return "codes " + strings.Join(codes, ", ")
}

// nodeWord says for people where a lost client goes, if there is a choice.
func (p *Plan) nodeWord(node string) string {
	if p.Nodes() == 1 {
		return ""
	}
	return ", node " + node
}
