package scenario

import (
	"fmt"
	"io"
	"strings"
)

// kept checks what is promised of sessions that a server keeps, and of keys.
func (c *compiler) kept(p, real *Promises, s *PromisesSpec) {
	const path = "target.promises"
	if p.Queue.Size > 0 && !c.dialect.Sessions {
		c.fail(path+".queue", "found a queue promised, expected none: the dialect %s has no sessions that a server keeps", c.dialect.Name)
	}
	if s.Takeover != "" && !c.dialect.Sessions {
		c.fail(path+".takeover", "found takeover promised, expected none: the dialect %s has no sessions", c.dialect.Name)
	}
	if s.Idempotency != nil && *s.Idempotency && !c.dialect.Keys {
		c.fail(path+".idempotency", "found idempotency promised, expected none: publications of the dialect %s carry no key", c.dialect.Name)
	}
	if !c.plan.Target.Embedded {
		return
	}
	if p.Queue.Size > real.Queue.Size {
		c.fail(path+".queue", raise, itoa(real.Queue.Size)+" messages of a session")
	}
	if p.Queue.TTL > real.Queue.TTL && p.Queue.Size > 0 {
		c.fail(path+".queue", raise, "a session for "+real.Queue.TTL.String())
	}
}

// sessions decides which clients name a session: those that rely on one, and
// those that may leave a connection behind which the server has to close.
func (c *compiler) sessions() {
	if !c.dialect.Sessions {
		return
	}
	replaces := false
	for i := range c.plan.Moments {
		m := &c.plan.Moments[i]
		replaces = replaces || m.Do == "disconnect" && m.How == "vanish"
	}
	replaces = replaces && c.plan.Promises.Takeover != ""
	for i := range c.plan.Clients {
		client := &c.plan.Clients[i]
		client.Session = replaces && len(client.Subs) > 0
		for _, s := range client.Subs {
			client.Session = client.Session || s.Kept
		}
	}
}

// printSessions says what is promised of sessions, keys and single channels.
func (p *Promises) printSessions(out io.Writer) {
	if p.Queue.Size > 0 {
		fmt.Fprintf(out, "\tqueue of a session %s messages, %s\n", grouped(int64(p.Queue.Size)), short(p.Queue.TTL))
	}
	var words []string
	if p.Idempotency {
		words = append(words, "idempotency")
	}
	if p.Takeover != "" {
		words = append(words, "takeover "+p.Takeover)
	}
	if len(words) > 0 {
		fmt.Fprintf(out, "\t%s\n", strings.Join(words, ", "))
	}
	for _, c := range p.Channels {
		kept := "no recovery"
		if c.Recovery {
			kept = "recovery"
		}
		if c.Queue.Size > 0 {
			kept += ", queue"
		}
		fmt.Fprintf(out, "\t%s: %s, order %s, %s\n", c.Match, or(c.Delivery, "nothing about delivery"), or(c.Order, "none"), kept)
	}
}
