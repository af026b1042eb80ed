package scenario

// Retained messages: of what is published with `retain: true` the target keeps the
// latest one of each channel, and gives it to whoever subscribes from then on, marked
// as what it is.

// retain refuses a publication that is to be kept where nobody can ask for that.
func (c *compiler) retain(path string, p *PublishSpec) {
	if p.Retain && !c.dialect.Retain {
		c.fail(join(path, "retain"), "found retain: true, expected none: the dialect %s has no messages that a channel keeps", c.dialect.Name)
	}
}

// retains reports whether anything is published that the target is to keep, and says
// that it has: what is not acknowledged may be given up at any time, or never come.
func (c *compiler) retains() bool {
	for i := range c.plan.Publishers {
		if p := &c.plan.Publishers[i]; p.Retain && p.Ack {
			return true
		}
	}
	return false
}

// retained refuses an expectation that nothing can exercise.
func (v *validator) retained(path string) {
	for _, g := range v.s.Clients {
		for i := range g.Publish {
			if g.Publish[i].Retain {
				return
			}
		}
	}
	v.fail(path, "found retained expected and nothing published with retain: true, expected both")
}
