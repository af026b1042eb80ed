package scenario

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
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

// KeepFor is how long a session is promised to be kept, for any channel; 0: for
// as long as you like.
func (p *Promises) KeepFor() time.Duration {
	longest := p.Queue.TTL
	for _, c := range p.Channels {
		longest = max(longest, c.Queue.TTL)
	}
	return longest
}

// chosen checks what a dialect whose clients choose how often a message arrives
// makes of sessions: they keep what is promised at least once, for all of their
// subscriptions.
func (c *compiler) chosen() {
	if !c.dialect.Quality || c.failed() {
		return
	}
	p := c.plan
	refuse := func(path string, delivery string, q History) {
		if q.Size > 0 && delivery == "at-most-once" {
			c.fail(path, "found a queue promised with at-most-once, expected at-least-once or exactly-once: in the dialect %s nothing else is kept", c.dialect.Name)
		}
	}
	refuse("target.promises.queue", p.Promises.Delivery, p.Promises.Queue)
	for i, q := range p.Promises.Channels {
		refuse("target.promises.channels."+itoa(i), q.Delivery, q.Queue)
	}
	for i := range p.Clients {
		kept, pattern := false, false
		for _, s := range p.Clients[i].Subs {
			kept, pattern = kept || s.Kept, pattern || s.Pattern
		}
		if kept && pattern {
			name := p.Groups[p.Clients[i].Group].Name
			c.fail(join("clients", name+".subscribe"), "found a pattern beside a channel whose backlog the session keeps, expected one of them: in the dialect %s a session keeps all its subscriptions, and a pattern's backlog is not judged; use two groups, or recover: false", c.dialect.Name)
			return
		}
	}
	if !c.dialect.Sticky {
		return
	}
	left := make(map[int]bool)
	for i := range p.Moments {
		m := &p.Moments[i]
		for _, v := range m.Victims {
			again := m.Do == "scale" && left[v.Client]
			left[v.Client] = left[v.Client] || m.Do == "scale" && m.How == "out"
			if (again || m.Do == "disconnect" && m.Fresh) && slices.ContainsFunc(p.Clients[v.Client].Subs, func(s Sub) bool { return s.Kept }) {
				c.fail("timeline", "found fresh: true, or a scale that lets clients come again, where sessions are kept, expected neither: in the dialect %s a session can't be begun anew and kept again", c.dialect.Name)
				return
			}
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
	if p.Expiry > 0 {
		words = append(words, "expiry "+short(p.Expiry))
	}
	words = append(words, p.trafficWords()...)
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
