package scenario

import "fmt"

// defaultOutbox is how many messages an outbox keeps unless it says otherwise.
const defaultOutbox = 1000

func outbox(s *OutboxSpec) Outbox {
	if s == nil {
		return Outbox{}
	}
	o := Outbox{Limit: s.Limit, Overflow: or(s.Overflow, "drop-oldest"), TTL: s.TTL.Duration}
	if o.Limit == 0 {
		o.Limit = defaultOutbox
	}
	return o
}

// outbox refuses an outbox that keeps nothing.
func (v *validator) outbox(path string, g *GroupSpec) {
	if g.Outbox == nil {
		return
	}
	at := join(path, "outbox")
	if len(g.Publish) == 0 {
		v.fail(at, "found an outbox in a group that publishes nothing, expected a `publish` entry")
	}
	if g.Outbox.TTL.Given && g.Outbox.TTL.Duration <= 0 {
		v.fail(join(at, "ttl"), "found 0s, expected a ttl above 0")
	}
}

// String says what an outbox does, for people.
func (o Outbox) String() string {
	s := fmt.Sprintf("%s, %s", plural(o.Limit, "message"), o.Overflow)
	if o.TTL > 0 {
		s += ", for " + short(o.TTL)
	}
	return s
}

// key compiles the idempotency key of a publish entry.
func (c *compiler) key(path string, s *PublishSpec, names, vars []string) *template {
	if s.Key == "" {
		return nil
	}
	if !c.dialect.Keys {
		c.fail(join(path, "key"), "found a key, expected none: publications of the dialect %s carry none", c.dialect.Name)
		return nil
	}
	return c.template(join(path, "key"), s.Key, names, vars)
}
