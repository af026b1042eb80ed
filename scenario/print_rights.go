package scenario

// writtenRights is what a group says of who its clients are, as it was written.
func (c *compiler) writtenRights(spec *GroupSpec, g *Group) (list [][2]string) {
	for _, h := range c.s.keys(join(join("clients", g.Name), "headers")) {
		list = append(list, [2]string{"header", h + ": ***"})
	}
	if d := spec.Data; d != nil {
		list = append(list, [2]string{"data", d.File + ", " + or(d.Pick, "in-order")})
	}
	if g.Renew {
		list = append(list, [2]string{"renew", "a token of its own for each connection"})
	}
	if g.Refused {
		list = append(list, [2]string{"refused", "the target must not let them in"})
	}
	return list
}

// writtenRoles is who may do what at the embedded gateway, as it was written.
func (c *compiler) writtenRoles() (lines []string) {
	if !c.plan.Target.Gateway.Auth.On || !c.plan.Target.Embedded {
		return nil
	}
	lines = append(lines, "auth: clients need a token")
	if c.plan.Target.Gateway.Auth.Anonymous {
		lines[0] = "auth: clients with a token, and anonymous ones"
	}
	for _, r := range c.s.Target.Gateway.Roles {
		line := "role " + r.Role + ":"
		for i, ch := range r.Channels {
			if i > 0 {
				line += ","
			}
			line += " " + string(ch)
		}
		lines = append(lines, line)
	}
	return lines
}
