package scenario

import "strconv"

// Priority: an urgent message overtakes what waits for a subscriber on other channels.
// Inside one channel order wins.

// defaultAllow is how many bytes of what it overtakes may come before an urgent
// message: they were in the buffers of the sockets already.
const defaultAllow = 512 << 10

func allowed(s Size) int {
	if s.Given {
		return s.Bytes
	}
	return defaultAllow
}

// prioritized is the priority of a `publish` entry; "" is normal, which needs nothing
// of anybody.
func (c *compiler) prioritized(path string, s *PublishSpec) string {
	if s.Priority == "" || s.Priority == "normal" {
		return ""
	}
	switch {
	case !c.dialect.Priority:
		c.fail(join(path, "priority"), "found the priority %s, expected none: the dialect %s has no priorities", s.Priority, c.dialect.Name)
	case c.plan.Target.Embedded && !c.plan.Target.Gateway.Priority:
		c.fail(join(path, "priority"), "found the priority %s, expected a gateway that has them: write priority: true under target.gateway", s.Priority)
	}
	return s.Priority
}

// urgencies refuses what can't be kept, or judged.
func (c *compiler) urgencies() {
	urgent := false
	for i := range c.plan.Publishers {
		urgent = urgent || c.plan.Publishers[i].Priority == "urgent"
	}
	for i := range c.s.Expect {
		e, path := &c.s.Expect[i], join("expect", strconv.Itoa(i))
		switch {
		case e.Priority != nil && !urgent:
			c.fail(join(path, "priority"), "found priority expected although nothing urgent is published, expected a publish entry with priority: urgent")
		case e.Priority != nil && c.plan.Promises.Queue.Size > 0:
			c.fail(join(path, "priority"), "found priority expected where the target keeps sessions, whose messages keep their places, expected one or the other")
		case e.Order == "causal" && urgent && c.plan.Target.Embedded:
			c.fail(join(path, "order"), "found causal order expected where urgent messages overtake what they may answer, expected one or the other")
		}
	}
}
