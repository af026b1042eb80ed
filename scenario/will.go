package scenario

import "fmt"

// A will is a message that a client hands over when it connects. The target publishes
// it if that connection ends without a goodbye, and forgets it at a goodbye.

// willTemplate is a group's will, before it is that of a client.
type willTemplate struct {
	channel *template
	payload []piece
}

// will compiles a group's will; nil if it has none.
func (c *compiler) will(path string, g *GroupSpec, vars []string) *willTemplate {
	if g.Will == nil {
		return nil
	}
	path = join(path, "will")
	if !c.dialect.Wills {
		c.fail(path, "found a will, expected none: the dialect %s has no wills", c.dialect.Name)
	}
	t := &willTemplate{
		channel: c.template(join(path, "channel"), g.Will.Channel, g.of(namesOfClient), vars),
		payload: payload(g.Will.Payload.node, join(path, "payload"), g.of(namesOfClient), vars, func(path, text string) { c.fail(path, "%s", text) }),
	}
	for _, p := range t.payload {
		if p.template != nil {
			c.needs(join(path, "payload"), p.template)
		}
	}
	return t
}

// willOf makes the will of one client.
func (c *compiler) willOf(t *willTemplate, s *scope) (*Will, error) {
	if t == nil {
		return nil, nil
	}
	name, err := t.channel.text(s)
	if err == nil {
		err = c.checkChannel(name)
	}
	if err != nil {
		return nil, err
	}
	body, err := appendPieces(nil, t.payload, s)
	if err != nil {
		return nil, err
	}
	const most = 60_000 // and a stamp: what MQTT has room for
	if len(body) > most {
		return nil, fmt.Errorf("found a payload of %d bytes, expected at most %d", len(body), most)
	}
	return &Will{Channel: c.channel(name), Payload: body}, nil
}

// wills gives them the numbers behind those of the publishers, from 1 at least.
func (c *compiler) wills() {
	n := max(int32(len(c.plan.Publishers)), 1)
	for i := range c.plan.Clients {
		if w := c.plan.Clients[i].Will; w != nil {
			w.Publisher = n
			n++
		}
	}
}

// leavesWills reports whether any client has a will.
func (c *compiler) leavesWills() bool {
	for i := range c.plan.Clients {
		if c.plan.Clients[i].Will != nil {
			return true
		}
	}
	return false
}

// will checks the will of a group.
func (v *validator) will(path string, g *GroupSpec, vars []string) {
	if g.Will == nil {
		return
	}
	v.channel(join(path, "channel"), g.Will.Channel)
	v.template(join(path, "channel"), g.Will.Channel, g.of(namesOfClient), vars)
	if g.Will.Payload.Given() {
		payload(g.Will.Payload.node, join(path, "payload"), g.of(namesOfClient), vars, func(path, text string) { v.fail(path, "%s", text) })
	}
	if g.Refused {
		v.fail(path, "found a will of clients that must be refused, expected none")
	}
}

// willWanted refuses an expectation that nothing can exercise.
func (v *validator) willWanted(path string) {
	for _, g := range v.s.Clients {
		if g.Will != nil {
			return
		}
	}
	v.fail(path, "found will expected and no group with a will, expected both")
}
