package scenario

import (
	"reflect"
	"strings"
	"time"
)

// Presence: who asks for it with a subscription is told who else is subscribed to the
// channel, and from then on who comes and who goes.
const presenceWord = "presence"

// presenceSettles is how long it may take until everybody is told who is there, where
// nobody says how long.
const presenceSettles = 5 * time.Second

// canWatch refuses presence where the target can't be asked for it.
func (c *compiler) canWatch(path string, optional bool) bool {
	if c.dialect.Presence {
		return true
	}
	if !optional {
		c.fail(path, "found presence, expected none: the dialect %s can't say who is there; optional: true leaves it out", c.dialect.Name)
	}
	return false
}

// presenceWant checks the body of an expectation about presence.
func (v *validator) presenceWant(path string, e *ExpectSpec, w *ShapeWant) {
	v.onlyKeys(path, presenceWord, reflect.TypeFor[ShapeWant](), []string{"channel", "settles-within"})
	v.channelWant(path, e, w.Channel)
	switch l := w.Settles.Limit; {
	case l.Op == "":
	case upper(l) < 0:
		v.fail(join(path, "settles-within"), "found %s, expected a time at most, as in 5s", l.Text)
	case upper(l) == 0:
		v.fail(join(path, "settles-within"), "found %s, expected a time above 0: a target learns that somebody has gone a moment later", l.Text)
	}
}

// expectPresence takes over an expectation about presence.
func (c *compiler) expectPresence(e *Expectation, w *ShapeWant, path string) {
	e.Rule, e.Channel, e.Within = presenceWord, w.Channel, presenceSettles
	if l := w.Settles.Limit; l.Op != "" {
		e.Within = time.Duration(upper(l) * float64(time.Second))
	}
	if !c.plan.Watches() && c.dialect.Presence && !c.failed() {
		c.fail(path, "found presence expected and nobody who asks for it, expected presence: true with some subscription")
	}
}

// Watches reports whether some client asks who is there.
func (p *Plan) Watches() bool {
	for i := range p.Clients {
		for _, s := range p.Clients[i].Subs {
			if s.Watch {
				return true
			}
		}
	}
	return false
}

// Settles is how long the target may take, at the most that is expected, until everybody
// is told who is there; 0: nothing is expected.
func (p *Plan) Settles() (longest time.Duration) {
	for i := range p.Expect {
		if e := &p.Expect[i]; e.Rule == presenceWord {
			longest = max(longest, e.Within)
		}
	}
	return longest
}

// Members lists, by client, whom the target takes each for, where presence is expected;
// nil otherwise. "": nobody, or, if it is unsure, nobody can say of some of them. A name
// with a secret in it is left out, and so unsure.
func (p *Plan) Members() (all []string, unsure bool) { return p.members, p.strangers }

// members notes them, while tokens still show whose they are.
func (c *compiler) members() {
	p := c.plan
	if p.Settles() == 0 {
		return
	}
	p.members = make([]string, len(p.Clients))
	for i := range p.Clients {
		x := &p.Clients[i]
		claims := p.claimsIn([]string{x.Token})
		switch auth := p.Target.Gateway.Auth.On; {
		case c.dialect.Connections && x.Token == "": // nobody's
		case p.Target.Embedded && !auth, !p.Target.Embedded && x.Token == "":
			p.members[i] = x.User
		case len(claims) == 1:
			p.members[i], _ = claims[0]["sub"].(string)
			p.strangers = p.strangers || p.members[i] == ""
		default:
			p.strangers = true
		}
		for _, s := range p.Secrets {
			if s != "" && strings.Contains(p.members[i], s) {
				p.members[i], p.strangers = "", true
			}
		}
	}
}
