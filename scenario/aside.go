package scenario

import "slices"

// Some offences are done beside a client's own connection, on another one: a
// resume from a position that can't be, and a connect as somebody else. The client's
// own subscriptions, and what it is owed, stay what they are.

// nosy is a moment about the sessions of other users; whether there are any is
// known when all clients are.
type nosy struct {
	path    string
	victims []Victim
}

// expired is how long ago the token of an offender ran out.
const expired = "-1h"

// aside prepares an offence of that kind; it says why the target can't meet it.
func (c *compiler) aside(path string, x *Moment) (why string) {
	switch x.How {
	case "stale-epoch", "future-offset":
		switch {
		case !c.dialect.Recover || !c.dialect.Offsets:
			return "there are no epochs and offsets to resume from"
		case !c.recoverable():
			return "no recovery is promised or expected, so what its servers must refuse is not known"
		}
	case "other-session":
		switch {
		case !c.dialect.Sessions:
			return "a client has no session that it could name"
		case !c.dialect.Owned:
			return "a session is served to whoever names it"
		}
		c.nosy = append(c.nosy, nosy{path, x.Victims})
	case "expired-token":
		if c.plan.Target.Embedded && !c.plan.Target.Gateway.Auth.On {
			c.fail(path, "found expired-token and no auth under target.gateway, expected both: the embedded gateway asks for no tokens")
			return ""
		}
		for _, v := range x.Victims {
			c.outdate(path, &c.plan.Clients[v.Client])
		}
	}
	return ""
}

// recoverable reports whether the target promises recovery, or the scenario
// expects it: elsewhere a position may mean something else than that.
func (c *compiler) recoverable() bool {
	return c.plan.Promises.any(func(q Promises) bool { return q.Recovery }) ||
		slices.ContainsFunc(c.s.Expect, func(e ExpectSpec) bool { return e.Recovery != "" })
}

// outdate gives a client a token that is like its own and has expired.
func (c *compiler) outdate(path string, client *Client) {
	if client.Stale != "" || c.failed() {
		return
	}
	n, ok := marked(client.Token)
	if !ok || n >= len(c.plan.claims) {
		c.fail(path, "found expired-token by clients of %s, whose token is not made by jwt(), expected token: \"{jwt({…})}\": only then can one be made that has expired", c.plan.Groups[client.Group].Name)
		return
	}
	claims := map[string]any{"exp": expired}
	for name, v := range c.plan.claims[n] {
		if !slices.Contains(moments, name) {
			claims[name] = v
		}
	}
	token, err := c.claim(claims)
	if err != nil {
		c.fail(path, "%v", err)
		return
	}
	client.Stale = token
}

// Owns reports whether a client has a session that its server keeps, and that
// another user must not have.
func (c *Client) Owns(other *Client) bool {
	return c.Session && c.Arrive >= 0 && c.who != "" && other.who != "" && c.who != other.who &&
		slices.ContainsFunc(c.Subs, func(s Sub) bool { return s.Kept })
}

// identity is who the target takes a client for; empty where that is its own
// business: a user without a token is only a word there.
func (c *compiler) identity(client *Client) string {
	if all := c.plan.claimsIn([]string{client.Token}); len(all) == 1 {
		sub, _ := all[0]["sub"].(string)
		return sub
	}
	if c.plan.Target.Embedded && !c.plan.Target.Gateway.Auth.On && client.Token == "" {
		return client.User
	}
	return ""
}

// impostors refuses an offence against sessions where nobody has one.
func (c *compiler) impostors() {
	if len(c.nosy) == 0 || c.failed() {
		return
	}
	for i := range c.plan.Clients {
		c.plan.Clients[i].who = c.identity(&c.plan.Clients[i])
	}
	for _, x := range c.nosy {
		for _, v := range x.victims {
			me := &c.plan.Clients[v.Client]
			if !slices.ContainsFunc(c.plan.Clients, func(o Client) bool { return o.Owns(me) }) {
				c.fail(x.path, "found other-session and no session that is kept and surely another user's, expected clients with a user of their own, by a token of jwt() with sub where the target asks for tokens, and a queue under target.gateway or target.promises")
				return
			}
		}
	}
}
