package scenario

import (
	"fmt"
	"slices"
	"strconv"
)

// Transports that a client may fall back to.
const (
	ServerSentEvents = "sse"
	LongPolling      = "long-poll"
)

// fallback refuses a fallback that can't be.
func (v *validator) fallback(path string, g *GroupSpec) {
	at := join(path, "fallback")
	if v.s.given(at) && len(g.Fallback) == 0 {
		v.fail(at, "found an empty list, expected sse, long-poll or both")
	}
	known := []string{ServerSentEvents, LongPolling}
	for i, name := range g.Fallback {
		switch here := join(at, strconv.Itoa(i)); {
		case !slices.Contains(known, name):
			v.fail(here, "found %s, expected %s%s", quote(name), words(known), nearest(name, known))
		case slices.Contains(g.Fallback[:i], name):
			v.fail(here, "found %s twice, expected it once", name)
		}
	}
}

// block checks a block.
func (v *validator) block(path string, d *BlockSpec) {
	v.who(path, d.Who, d.Share)
	if d.For.Given && d.For.Duration <= 0 {
		v.fail(join(path, "for"), "found 0s, expected more")
	}
}

// detours are the transports of a group, where the dialect has them.
func (c *compiler) detours(name string, g *GroupSpec) []string {
	if len(g.Fallback) > 0 && !c.dialect.Fallback {
		c.fail(join(join("clients", name), "fallback"), "found a fallback, expected none: with the dialect %s there is nothing but WebSocket", c.dialect.Name)
	}
	return g.Fallback
}

// block makes the moment at which upgrades begin to be refused.
func (c *compiler) block(i, k int, d *BlockSpec) Moment {
	x := Moment{Do: "block", For: d.For.Duration, Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, false)}
	x.Summary = fmt.Sprintf("block %s%s", c.crowd(d.Who, d.Share), d.For.lasting())
	return x
}

// Detours is how many clients have a fallback.
func (p *Plan) Detours() (n int) {
	for i := range p.Groups {
		if len(p.Groups[i].Fallback) > 0 {
			n += p.Groups[i].Count
		}
	}
	return n
}

// Blocked reports whether some client with a fallback will need it.
func (p *Plan) Blocked() bool {
	return slices.ContainsFunc(p.Moments, func(m Moment) bool {
		return m.Do == "block" && slices.ContainsFunc(m.Victims, func(v Victim) bool {
			return len(p.Groups[p.Clients[v.Client].Group].Fallback) > 0
		})
	})
}
