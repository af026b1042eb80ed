package scenario

import (
	"fmt"
	"slices"
)

// revoke makes the moment at which the target takes the rights of clients away. It
// knows them as users: whose they are is known when all clients are.
func (c *compiler) revoke(i, k int, d *RevokeSpec, optional bool) Moment {
	path := join(join("timeline", itoa(i)), "revoke")
	x := Moment{Do: "revoke", Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, false), path: path}
	x.Summary = "revoke " + c.crowd(d.Who, d.Share)
	if c.plan.Target.Embedded {
		return x
	}
	if !optional {
		c.fail(path, "found revoke and a target of yours, expected the embedded gateway: how another one takes rights away is its own business, which an exec may know; optional: true leaves it out")
	}
	return Moment{Do: "say", Text: "left out: " + x.Summary, Summary: "left out: " + x.Summary}
}

// revocations names the users of the victims, who must be nobody else's: the target
// takes the rights of a user away, not those of a connection.
func (c *compiler) revocations() {
	if c.failed() || !slices.ContainsFunc(c.plan.Moments, func(m Moment) bool { return m.Do == "revoke" }) {
		return
	}
	clients := make(map[string][]int)
	for i := range c.plan.Clients {
		who := c.identity(&c.plan.Clients[i])
		clients[who] = append(clients[who], i)
	}
	for i := range c.plan.Moments {
		m := &c.plan.Moments[i]
		if m.Do != "revoke" {
			continue
		}
		if err := m.revoked(c, clients); err != nil {
			c.fail(m.path, "%v", err)
			return
		}
	}
}

func (m *Moment) revoked(c *compiler, clients map[string][]int) error {
	struck := func(client int) bool {
		return slices.ContainsFunc(m.Victims, func(v Victim) bool { return v.Client == client })
	}
	seen := make(map[string]bool)
	for _, v := range m.Victims {
		victim := &c.plan.Clients[v.Client]
		who, group := c.identity(victim), c.plan.Groups[victim.Group].Name
		if who == "" {
			return fmt.Errorf("found revoke of clients of %s, whom the target takes for nobody in particular, expected a user, and where it asks for tokens one of jwt() with sub", group)
		}
		if seen[who] {
			continue
		}
		seen[who] = true
		for _, other := range clients[who] {
			if !struck(other) {
				return fmt.Errorf("found revoke of the user %s, who is %d clients, and not all of them are struck; expected users of their own, or share: all", quote(who), len(clients[who]))
			}
		}
		m.Users = append(m.Users, who)
	}
	return nil
}
