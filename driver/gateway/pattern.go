package gateway

import (
	"errors"
	"slices"
	"strings"
)

// pattern is one connection's interest in every channel that a pattern matches,
// those to come included.
type pattern struct {
	conn     *conn
	name     string
	segments []string
	filter   *filter  // nil: none
	session  *session // that counts what is sent; nil: none

	members map[*stream]*subscription // under the hub's lock
}

// segmentsOf takes a pattern apart; * is one segment, ** as the last one the rest.
func segmentsOf(name string) ([]string, error) {
	segments := strings.Split(name, ".")
	for i, s := range segments {
		switch {
		case s == "":
			return nil, errors.New("a segment of the pattern is empty")
		case s == "**" && i < len(segments)-1:
			return nil, errors.New("** stands at the end of a pattern only")
		case s != "*" && s != "**" && strings.Contains(s, "*"):
			return nil, errors.New("* and ** are whole segments")
		}
	}
	return segments, nil
}

// matches reports whether a channel's name is one that the segments stand for.
func matches(segments []string, channel string) bool {
	for i, s := range segments {
		if s == "**" && i == len(segments)-1 {
			return channel != ""
		}
		head, rest, more := strings.Cut(channel, ".")
		if s != "*" && s != head || more != (i < len(segments)-1) {
			return false
		}
		channel = rest
	}
	return true
}

// subscribePattern answers a subscribe command with a pattern. The answer is
// queued before the pattern is in force, and both happen before any other stream
// can be looked up: whoever publishes because somebody has seen the answer is
// too late to be missed.
func (c *conn) subscribePattern(m *command, f *filter) *refusal {
	name := string(m.pattern)
	segments, err := segmentsOf(name)
	switch {
	case err != nil:
		return refuse(400, "bad-request", err.Error())
	case m.channel != nil || m.recover || m.presence || m.snapshot:
		return refuse(400, "bad-request", "a pattern goes without channel, recover, presence and snapshot")
	case !c.mayAll(segments):
		return forbidden()
	case c.pattern(name) != nil:
		return refuse(409, "already-subscribed", "already subscribed to "+name)
	}
	p := &pattern{conn: c, name: name, segments: segments, filter: f, members: make(map[*stream]*subscription)}
	if c.keeps() {
		p.session = c.session
	}
	c.ghosts.layOne(name)
	h := c.gateway.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	c.send(item{frame: sayPattern(m.id, "subscribed", name)})
	given := 0
	for _, s := range h.streams {
		if c.gateway.wrong.matches(p, s.name) {
			s.mu.Lock()
			p.attach(s, c.member(s))
			if s.kept != nil && !c.gateway.wrong.stopsAt(given) && c.give(s, s.kept, f) {
				given++
			}
			s.mu.Unlock()
		}
	}
	h.patterns = append(h.patterns, p)
	c.patterns = append(c.patterns, p)
	return nil
}

func (c *conn) pattern(name string) *pattern {
	for _, p := range c.patterns {
		if p.name == name {
			return p
		}
	}
	return nil
}

// member finds what the connection has in a stream already. Under the locks of
// hub and stream; called by the connection's own reader.
func (c *conn) member(s *stream) *subscription {
	if sub := c.subs[s.name]; sub != nil && sub.stream == s && sub.index >= 0 {
		return sub
	}
	for _, p := range c.patterns {
		if sub := p.members[s]; sub != nil {
			return sub.latest()
		}
	}
	return nil
}

// latest is what has taken the subscription's place. Under the stream's lock.
func (sub *subscription) latest() *subscription {
	for sub.heir != nil {
		sub = sub.heir
	}
	return sub
}

// attach makes the pattern a claim on a stream, beside what its connection has
// there already. Under the locks of hub and stream.
func (p *pattern) attach(s *stream, sub *subscription) {
	if sub == nil {
		sub = &subscription{conn: p.conn, stream: s, session: p.session}
		s.add(sub)
	} else {
		s.batcher.serve(sub) // as it was until now
	}
	if len(sub.claims) == 0 {
		s.wide++
	}
	sub.claims = append(sub.claims, p)
	p.members[s] = sub
}

// attachAll gives a new stream the patterns that match it. Under the hub's lock;
// nobody else knows the stream yet.
func (h *hub) attachAll(s *stream) {
	mine := make(map[*conn]*subscription)
	for _, p := range h.patterns {
		if p.conn.gateway.wrong.matches(p, s.name) {
			p.attach(s, mine[p.conn])
			mine[p.conn] = p.members[s]
		}
	}
}

// removePattern ends a pattern and what only it has claimed.
func (h *hub) removePattern(p *pattern) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.patterns, p); i >= 0 {
		h.patterns = slices.Delete(h.patterns, i, i+1)
	}
	for s, sub := range p.members {
		s.mu.Lock()
		sub = sub.latest()
		s.batcher.serve(sub)
		if i := slices.Index(sub.claims, p); i >= 0 {
			sub.claims = slices.Delete(sub.claims, i, i+1)
			if len(sub.claims) == 0 && sub.index >= 0 {
				s.wide--
			}
		}
		bare := len(sub.claims) == 0 && !sub.exact
		s.mu.Unlock()
		if bare {
			s.remove(sub)
		}
	}
	p.members = nil
}

// unsubscribePattern answers an unsubscribe command with a pattern.
func (c *conn) unsubscribePattern(m *command) *refusal {
	name := string(m.pattern)
	p := c.pattern(name)
	if p == nil {
		return refuse(404, "not-subscribed", "not subscribed to "+name)
	}
	c.patterns = slices.DeleteFunc(c.patterns, func(o *pattern) bool { return o == p })
	if h := c.gateway.hub; !c.gateway.wrong.keepsAfter(c, name, func() { h.removePattern(p) }) {
		h.removePattern(p)
	}
	c.send(item{frame: sayPattern(m.id, "unsubscribed", name)})
	return nil
}

// replace lets a subscription to the channel take the place of what patterns
// have brought its connection; false if they have brought nothing. Under the
// stream's lock; the patterns of a connection change in its reader only.
func (s *stream) replace(sub *subscription) bool {
	if s.wide == 0 || len(sub.conn.patterns) == 0 {
		return false
	}
	for _, old := range s.subs {
		if old.conn != sub.conn || len(old.claims) == 0 {
			continue
		}
		s.batcher.serve(old)
		sub.index, sub.claims, sub.since = old.index, old.claims, s.batcher.since()
		s.subs[old.index] = sub
		old.index, old.claims, old.heir = -1, nil, sub
		s.enters(sub)
		return true
	}
	return false
}

// release ends a connection's own subscription to the channel; what patterns
// claim goes on.
func (s *stream) release(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batcher.serve(sub)
	if len(sub.claims) == 0 {
		s.drop(sub)
	} else if sub.exact {
		s.leaves(sub)
	}
	sub.exact, sub.filter = false, nil
}

// wants reports whether something that the connection asked for lets an event
// through. Under the stream's lock.
func (sub *subscription) wants(e *event) bool {
	if sub.exact && sub.filter.passes(e) {
		return true
	}
	for _, p := range sub.claims {
		if p.filter.passes(e) {
			return true
		}
	}
	return false
}
