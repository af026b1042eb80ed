package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Auth says who may connect to the embedded gateway.
type Auth struct {
	On        bool // clients need a token
	Anonymous bool // but those without one may connect, too
}

// Role is what the users of a role may do: channels and patterns of channels, in
// which {user} stands for the user.
type Role struct {
	Name     string
	Channels []string
}

// auth takes over who may connect to the embedded gateway, and what they may do.
func (c *compiler) auth(g *GatewaySpec) {
	p := &c.plan.Target.Gateway
	const path = "target.gateway.roles"
	if g.Auth != nil {
		p.Auth = Auth{On: true, Anonymous: g.Auth.Anonymous}
	}
	if len(g.Roles) > 0 && g.Auth == nil {
		c.fail(path, "found roles without auth, expected both: a role is a claim of a token")
	}
	seen := make(map[string]bool)
	for i, r := range g.Roles {
		at := join(path, itoa(i))
		if seen[r.Role] {
			c.fail(join(at, "role"), "found the role %s twice, expected it once", quote(r.Role))
		}
		seen[r.Role] = true
		role := Role{Name: r.Role}
		for k, ch := range r.Channels {
			role.Channels = append(role.Channels, c.right(join(at, "channels"), k, ch))
		}
		p.Roles = append(p.Roles, role)
	}
}

// right is one channel, or pattern of channels, of a role. {user} is the
// gateway's to fill in, for each connection.
func (c *compiler) right(path string, k int, text Template) string {
	at := join(path, itoa(k))
	if !c.s.given(at) {
		at = path
	}
	name := c.text(at, Template(strings.ReplaceAll(string(text), "{user}", "{{user}}")), namesOfTarget)
	check := checkChannel
	if strings.Contains(name, "*") {
		check = checkPattern
	}
	if strings.Contains(name, ",") && !c.failed() {
		c.fail(at, "found a comma in the channel, expected none, or a list of channels")
	}
	if err := check(strings.ReplaceAll(name, "{user}", "user")); err != nil && !c.failed() {
		c.fail(at, "%v", err)
	}
	return name
}

// signing decides what tokens are signed with.
func (c *compiler) signing(g *GatewaySpec) {
	p := c.plan
	if g != nil && g.Auth != nil && p.Target.Embedded {
		p.Key = c.text("target.gateway.auth.jwt-key", g.Auth.Key, namesOfTarget)
	}
	p.Key = or(c.o.Key, p.Key)
	c.secret(p.Key)
}

// keyed refuses what can't be run without a key. To look at a plan none is needed.
func (c *compiler) keyed() {
	c.judgedRefusals()
	c.renewing()
	c.lasting()
	if c.o.Run == placeholderRun || c.plan.Key != "" {
		return
	}
	if c.plan.Target.Embedded && c.plan.Target.Gateway.Auth.On {
		c.fail("target.gateway.auth", "found no jwt-key, expected one, or --jwt-key FILE or env:NAME")
	}
	for i := range c.plan.Groups {
		if g := &c.plan.Groups[i]; c.plan.signs(g) {
			c.fail(join(join("clients", g.Name), "token"), "found jwt() without a key to sign with, expected --jwt-key FILE or env:NAME")
		}
	}
}

// judgedRefusals refuses a refusal that nothing judges.
func (c *compiler) judgedRefusals() {
	if slices.ContainsFunc(c.plan.Expect, func(e Expectation) bool { return e.Rule == "isolation" }) {
		return
	}
	for _, name := range c.s.keys("clients") {
		g, path := c.s.Clients[name], join("clients", name)
		const text = "found refused: true, expected isolation: strict under expect, the rule that judges it"
		if g.Refused {
			c.fail(join(path, "refused"), text)
		}
		for i, s := range g.Subscribe {
			if s.Refused {
				c.fail(join(path, "subscribe."+itoa(i)+".refused"), text)
			}
		}
	}
}

// lasting refuses tokens that are not good for the whole run of clients that have
// a right: a target that refused them then would not be wrong.
func (c *compiler) lasting() {
	p := c.plan
	whole := p.Arrivals + p.Duration + p.Drain.Most()
	for i := range p.Groups {
		g := &p.Groups[i]
		if g.Refused {
			continue
		}
		for n := g.First; n < g.First+g.Count && n < len(p.Clients); n++ {
			texts := []string{p.Clients[n].Token}
			if g.Renew {
				texts[0] = ""
			}
			for _, h := range p.Clients[n].Headers {
				texts = append(texts, h.Value)
			}
			for _, claims := range p.claimsIn(texts) {
				if d, ok := span(claims["exp"]); ok && d < whole {
					c.fail(join(join("clients", g.Name), "token"), "found a token for %v in a run of up to %v, expected one that lasts, or refused: true", d, whole.Round(time.Second))
					return
				}
				if d, ok := span(claims["nbf"]); ok && d > 0 {
					c.fail(join(join("clients", g.Name), "token"), "found a token that is not valid before %v, expected one that is, or refused: true", d)
					return
				}
			}
		}
	}
}

// span is a claim that is a duration.
func span(claim any) (time.Duration, bool) {
	text, ok := claim.(string)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// claimsIn lists the claims of the tokens in some texts.
func (p *Plan) claimsIn(texts []string) (all []map[string]any) {
	for _, text := range texts {
		for i, part := range strings.Split(text, edge) {
			if n, err := strconv.Atoi(part); i%2 == 1 && err == nil && n < len(p.claims) {
				all = append(all, p.claims[n])
			}
		}
	}
	return all
}

// NeedsKey reports whether a run needs a key that the file doesn't hold.
func (p *Plan) NeedsKey() bool {
	return p.Key == "" && (len(p.claims) > 0 || p.Target.Embedded && p.Target.Gateway.Auth.On)
}

// secret notes a value that must not be shown.
func (c *compiler) secret(v string) {
	if v != "" {
		c.plan.Secrets = append(c.plan.Secrets, v)
	}
}

// claim stands for a token until the plan is signed.
func (c *compiler) claim(claims map[string]any) (string, error) {
	for _, name := range moments {
		switch v := claims[name].(type) {
		case nil, int, float64:
		case string:
			if _, err := time.ParseDuration(v); err != nil {
				return "", fmt.Errorf("found %s: %s in jwt(), expected a duration from the start of the run, such as '10m' or '-1m', or a number of seconds since 1970", name, quote(v))
			}
		default:
			return "", fmt.Errorf("found %s: %v in jwt(), expected a duration or a number", name, v)
		}
	}
	c.plan.claims = append(c.plan.claims, claims)
	return mark(len(c.plan.claims) - 1), nil
}

// moments are the claims that are times.
var moments = []string{"exp", "nbf", "iat"}

const edge = "\x00"

func mark(n int) string { return edge + strconv.Itoa(n) + edge }

// signs reports whether clients of a group carry tokens of jwt().
func (p *Plan) signs(g *Group) bool {
	for i := g.First; i < g.First+g.Count && i < len(p.Clients); i++ {
		c := &p.Clients[i]
		if strings.Contains(c.Token, edge) || slices.ContainsFunc(c.Headers, func(h HeaderPlan) bool { return strings.Contains(h.Value, edge) }) {
			return true
		}
	}
	return false
}

// Signed is the plan with the tokens that jwt() stands for, as sign makes them of
// their claims. Times that are given as durations count from now. The tokens are
// among the secrets.
func (p *Plan) Signed(now time.Time, sign func(claims map[string]any) (string, error)) (*Plan, error) {
	if len(p.claims) == 0 {
		return p, nil
	}
	var pairs []string
	q := *p
	q.claims, q.renewals = nil, p.claims
	q.Secrets = slices.Clone(p.Secrets)
	for n, claims := range p.claims {
		token, err := sign(since(now, claims))
		if err != nil {
			return nil, fmt.Errorf("signing a token: %w", err)
		}
		pairs = append(pairs, mark(n), token)
		q.Secrets = append(q.Secrets, token)
	}
	fill := strings.NewReplacer(pairs...)
	q.Clients = slices.Clone(p.Clients)
	for i := range q.Clients {
		c := &q.Clients[i]
		if c.Renewal = 0; p.Groups[c.Group].Renew {
			n, _ := marked(c.Token)
			c.Renewal, c.Token = 1+n, ""
		}
		c.Token, c.Stale, c.Headers = fill.Replace(c.Token), fill.Replace(c.Stale), slices.Clone(c.Headers)
		for k := range c.Headers {
			c.Headers[k].Value = fill.Replace(c.Headers[k].Value)
		}
	}
	return &q, nil
}

// since is a token's claims whose durations count from now.
func since(now time.Time, claims map[string]any) map[string]any {
	claims = maps.Clone(claims)
	for _, name := range moments {
		if text, ok := claims[name].(string); ok {
			d, _ := time.ParseDuration(text)
			claims[name] = now.Add(d).Unix()
		}
	}
	return claims
}
