package scenario

import "slices"

const raise = "found more than the embedded gateway keeps (%s), expected no more; configure target.gateway instead"

// promises decides what the target claims: what its kind documents, changed by
// the configuration of the embedded gateway, then by target.promises.
func (c *compiler) promises(t TargetSpec) {
	p := c.dialect.Promises
	if c.plan.Target.Embedded {
		p = Embedded()
		c.plan.Target.Gateway.Nodes = 1
		if t.Gateway != nil {
			c.gateway(t.Gateway)
		}
		c.configured(&p, t.Gateway)
		c.shaped(&p, t.Gateway)
		c.batched(&p, t.Gateway)
		c.keepsRows(&p, t.Gateway)
	}
	if t.Promises != nil {
		c.claimed(&p, t.Promises)
	}
	c.plan.Promises = p
}

// gateway takes over the configuration of the embedded gateway.
func (c *compiler) gateway(g *GatewaySpec) {
	p := &c.plan.Target.Gateway
	p.Slow, p.Defects, p.Nodes = g.Slow, g.Defects, max(g.Nodes, 1)
	if l := g.Limits; l != nil {
		p.Limits = Limits{Connections: l.Connections, Deliveries: l.Deliveries.PerSecond, Message: l.Message.Bytes, Backlog: l.Backlog.Bytes}
	}
	p.Filter = g.Filter
	c.gatewayTransforms(g)
	p.Priority = g.Priority
	c.auth(g)
	for i, d := range g.Defects {
		if c.o.Defects != nil && !slices.Contains(c.o.Defects, d) {
			c.fail(join("target.gateway.defects", itoa(i)), "found the unknown defect %s%s", quote(d), or(nearest(d, c.o.Defects), "; squall list defects tells of all"))
		}
	}
	if n := p.Limits.Connections; n > 0 && n < c.clients() {
		c.fail("target.gateway.limits.connections", "found %d, expected at least the %d clients of this scenario", n, c.clients())
	}
}

func (c *compiler) clients() int {
	n := 0
	for name := range c.s.Clients {
		n += c.s.members(name)
	}
	return n
}

// configured applies history and heartbeat of the gateway to its promises, and
// the promises to the gateway's plan, so that both say the same.
func (c *compiler) configured(p *Promises, g *GatewaySpec) {
	if g != nil {
		p.change(g.History, g.Queue, g.Heartbeat)
		if p.History.Size == 0 {
			p.Recovery = false
		}
	}
	if g != nil && g.Auth != nil {
		p.Expiry = defaultExpiry
	}
	c.plan.Target.Gateway.History, c.plan.Target.Gateway.Heartbeat = p.History, p.Heartbeat
	c.plan.Target.Gateway.Queue = p.Queue
}

func (p *Promises) change(h, queue *HistorySpec, b *HeartbeatSpec) {
	p.History.change(h)
	p.Queue.change(queue)
	if b != nil {
		p.Heartbeat.Every = b.Every.or(p.Heartbeat.Every)
		p.Heartbeat.Timeout = b.Timeout.or(p.Heartbeat.Timeout)
	}
}

func (h *History) change(s *HistorySpec) {
	if s == nil {
		return
	}
	if s.Word == "none" {
		*h = History{}
	}
	if s.Size != nil {
		h.Size = *s.Size
	}
	h.TTL = s.TTL.or(h.TTL)
}

// claimed applies target.promises. Beside the embedded gateway it may lower what
// is promised, not raise it.
func (c *compiler) claimed(p *Promises, s *PromisesSpec) {
	real := *p
	p.Delivery, p.Order = or(s.Delivery, p.Delivery), or(s.Order, p.Order)
	p.change(s.History, s.Queue, s.Heartbeat)
	if p.History.Size == 0 {
		p.Recovery = false
	}
	if s.Recovery != nil {
		p.Recovery = *s.Recovery
	}
	p.Expiry = s.Expiry.or(p.Expiry)
	p.Takeover = or(s.Takeover, p.Takeover)
	if s.Idempotency != nil {
		p.Idempotency = *s.Idempotency
	}
	const path = "target.promises"
	c.kept(p, &real, s)
	c.traffic(p, &real, s)
	if p.Recovery && !c.dialect.Recover {
		c.fail(path+".recovery", "found recovery promised, expected none: the dialect %s can't ask for what was missed", c.dialect.Name)
	}
	if p.Recovery && p.History.Size == 0 {
		c.fail(path+".recovery", "found recovery promised without a history, expected one, as in history: {size: 300, ttl: 5m}")
	}
	p.Channels = c.channelPromises(*p, s.Channels)
	c.expiry(s)
	if !c.plan.Target.Embedded {
		return
	}
	if p.History.Size > real.History.Size {
		c.fail(path+".history.size", raise, itoa(real.History.Size)+" messages")
	}
	if p.History.TTL > real.History.TTL {
		c.fail(path+".history.ttl", raise, real.History.TTL.String())
	}
	if p.Recovery && !real.Recovery {
		c.fail(path+".recovery", raise, "no history")
	}
}
