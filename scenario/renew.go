package scenario

import (
	"strconv"
	"strings"
	"time"
)

// defaultExpiry is how long the embedded gateway may go on after a token's end.
const defaultExpiry = time.Second

// shortest is the shortest time that a token may be good for: its end is told in
// whole seconds, and the connect has to be there before.
const shortest = 2 * time.Second

// marked returns which claims a text stands for, if it is a token of jwt() and
// nothing else.
func marked(text string) (n int, ok bool) {
	text, begins := strings.CutPrefix(text, edge)
	text, ends := strings.CutSuffix(text, edge)
	n, err := strconv.Atoi(text)
	return n, begins && ends && err == nil
}

// renewing checks the clients that have a new token for each connection.
func (c *compiler) renewing() {
	for i := range c.plan.Groups {
		g := &c.plan.Groups[i]
		path := join(join("clients", g.Name), "renew")
		for k := g.First; g.Renew && k < g.First+g.Count && k < len(c.plan.Clients) && !c.failed(); k++ {
			n, ok := marked(c.plan.Clients[k].Token)
			if !ok || n >= len(c.plan.claims) {
				c.fail(path, "found renew with a token that is not made by jwt(), expected token: \"{jwt({…})}\"")
				return
			}
			if d, ok := span(c.plan.claims[n]["exp"]); !ok {
				c.fail(path, "found renew with a token that has no exp, or not as a duration, expected one such as 'exp': '5s'")
			} else if d < shortest && !g.Refused {
				c.fail(path, "found a token for %v, expected one for %v at least: its end is told in whole seconds", d, shortest)
			}
		}
	}
}

// expiry checks what is promised of the end of tokens.
func (c *compiler) expiry(s *PromisesSpec) {
	const path = "target.promises.expiry"
	switch g := c.plan.Target.Gateway; {
	case !s.Expiry.Given:
	case s.Expiry.Duration <= 0:
		c.fail(path, "found %v, expected more, such as 5s: what was sent before is still on its way", s.Expiry)
	case c.plan.Target.Embedded && !g.Auth.On:
		c.fail(path, "found expiry and no auth under target.gateway, expected both: the embedded gateway asks for no tokens")
	case c.plan.Target.Embedded && s.Expiry.Duration < defaultExpiry:
		c.fail(path, "found less than the embedded gateway keeps (%v), expected no less", defaultExpiry)
	}
}

// Renewed is a token for the connection of a client that begins now, and when it
// expires.
func (p *Plan) Renewed(client int, now time.Time, sign func(claims map[string]any) (string, error)) (token string, ends time.Time, err error) {
	claims := since(now, p.renewals[p.Clients[client].Renewal-1])
	token, err = sign(claims)
	return token, time.Unix(claims["exp"].(int64), 0), err
}
