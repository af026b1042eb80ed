package scenario

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

func itoa(i int) string { return strconv.Itoa(i) }

// Defaults of a backoff.
const (
	defaultFirst  = 200 * time.Millisecond
	defaultMax    = 10 * time.Second
	defaultFactor = 2
)

// groups numbers the clients, lets them arrive and evaluates what they are
// called and subscribe to.
func (c *compiler) groups() {
	p := c.plan
	for _, name := range c.s.keys("clients") {
		g := c.s.Clients[name]
		p.Groups = append(p.Groups, Group{
			Name: name, First: len(p.Clients), Count: c.s.members(name), Initial: g.Count, Role: string(g.Role),
			Reconnect: backoff(g.Reconnect), Session: churn(g.Session), Heartbeat: c.pings(g.Heartbeat),
			Outbox: outbox(g.Outbox), Refused: g.Refused, Renew: g.Renew, Fallback: c.detours(name, &g),
		})
		c.limits(&p.Groups[len(p.Groups)-1], &g)
		c.group(len(p.Groups)-1, name, &g)
	}
	for i := range p.Clients {
		p.Arrivals = max(p.Arrivals, p.Clients[i].Arrive)
	}
}

func backoff(r *ReconnectSpec) Reconnect {
	b := Reconnect{First: defaultFirst, Max: defaultMax, Factor: defaultFactor, Jitter: "full", Node: "any"}
	if r == nil {
		return b
	}
	b.Never = r.Word == "never"
	b.First = r.First.or(b.First)
	b.Max = max(r.Max.or(b.Max), b.First)
	if r.Factor > 0 {
		b.Factor = r.Factor
	}
	b.Jitter, b.Attempts, b.Node = or(r.Jitter, b.Jitter), r.Attempts, or(r.Node, b.Node)
	return b
}

func (c *compiler) pings(h *HeartbeatSpec) Heartbeat {
	p := Heartbeat{Every: c.dialect.Heartbeat}
	if h != nil {
		p.Every, p.Timeout = h.Every.or(p.Every), h.Timeout.Duration
	}
	return p
}

// arrivals are the times at which n clients of a group arrive, ascending.
func arrivals(a *ArriveSpec, n int, seed uint64, group int) []time.Duration {
	var spec ArriveSpec
	if a != nil {
		spec = *a
	}
	over := spec.Over.or(time.Duration(float64(n) / arrivalsPerSecond * float64(time.Second)))
	if spec.Rate.Given {
		over = time.Duration(float64(n) / spec.Rate.PerSecond * float64(time.Second))
	}
	times := make([]time.Duration, n)
	switch spec.Curve {
	case "at-once":
	case "poisson":
		// Given their number, the arrivals of a Poisson process are uniform.
		r := Rand(seed, "arrive", group, 0)
		for i := range times {
			times[i] = time.Duration(r.Float64() * float64(over))
		}
		slices.Sort(times)
	default:
		for i := range times {
			times[i] = time.Duration(float64(i) / float64(n) * float64(over))
		}
	}
	for i := range times {
		times[i] += spec.At.Duration
	}
	return times
}

// clientTemplates are the compiled templates of one group.
type clientTemplates struct {
	vars     []string
	values   [][]*template
	user     *template
	role     *template
	token    *template
	headers  []headerTemplate
	channels []*template
	filters  []*template
	will     *willTemplate // nil: none
}

func (c *compiler) compileGroup(path string, g *GroupSpec) clientTemplates {
	var t clientTemplates
	for _, k := range c.s.keys(join(path, "vars")) {
		var values []*template
		for i, v := range g.Vars[k] {
			values = append(values, c.template(join(path, "vars."+k+"."+itoa(i)), v, g.of(namesOfVars), t.vars))
		}
		t.vars, t.values = append(t.vars, k), append(t.values, values)
	}
	t.user = c.template(join(path, "user"), g.User, g.of(namesOfUser), t.vars)
	t.role = c.template(join(path, "role"), g.Role, g.of(namesOfRole), t.vars)
	t.token = c.template(join(path, "token"), g.Token, g.of(namesOfToken), t.vars)
	t.headers = c.headers(path, g, t.vars)
	t.will = c.will(path, g, t.vars)
	for i, s := range g.Subscribe {
		at := join(path, "subscribe."+itoa(i))
		key, text := topic(s.Channel, s.Pattern)
		t.channels = append(t.channels, c.template(join(at, key), text, g.of(namesOfClient), t.vars))
		t.filters = append(t.filters, c.template(join(at, "filter"), s.Filter, g.of(namesOfClient), t.vars))
	}
	return t
}

func (c *compiler) group(index int, name string, g *GroupSpec) {
	path := join("clients", name)
	data := c.data(path, index, g)
	t := c.compileGroup(path, g)
	entries := c.entries(path, name, g, t.vars)
	p := c.plan
	subs := c.subscriptions(path, index, g, p.Groups[index].Count)
	if c.failed() {
		return
	}
	times := arrivals(g.Arrive, g.Count, p.Seed, index)
	for i := range p.Groups[index].Count {
		n := len(p.Clients)
		s := &scope{
			I: i, N: n, Group: name, Seed: p.Seed, Run: c.o.Run, env: c.env, jwt: c.claim, Row: data.row(i),
			rng: Rand(p.Seed, "client", n, 0),
		}
		client := Client{Group: index, Arrive: -1}
		if i < g.Count {
			client.Arrive = times[i]
		}
		c.link(&client, n, g)
		if err := c.client(s, &t, path, &client, subs); err != nil {
			c.problems = append(c.problems, *err)
			return
		}
		for _, e := range entries {
			client.Pubs = append(client.Pubs, len(p.Publishers))
			if err := c.publisher(e, s, n); err != nil {
				c.problems = append(c.problems, *err)
				return
			}
		}
		c.scopes = append(c.scopes, s)
		p.Clients = append(p.Clients, client)
	}
}

// client evaluates what one client is called and subscribes to.
func (c *compiler) client(s *scope, t *clientTemplates, path string, client *Client, subs []wantedSub) *Problem {
	bad := func(at string, err error) *Problem {
		p := c.s.where(join(path, at)).problem(c.s.file, fmt.Sprintf("for client %d of the group: %v", s.I, err))
		return &p
	}
	if len(t.vars) > 0 {
		s.Vars = make(map[string]any, len(t.vars))
	}
	for k, name := range t.vars {
		values := t.values[k]
		v, err := values[s.I%len(values)].value(s)
		if err != nil {
			return bad("vars."+name, err)
		}
		s.Vars[name] = v
	}
	var err error
	if s.User, err = t.user.text(s); err != nil {
		return bad("user", err)
	}
	if s.Role, err = t.role.text(s); err != nil {
		return bad("role", err)
	}
	client.User = s.User
	if client.Token, err = t.token.text(s); err != nil {
		return bad("token", err)
	}
	if err = c.credentials(s, t, client); err != nil {
		return bad("headers", err)
	}
	if most := c.dialect.LongestText; most > 0 && len(client.User) > most {
		return bad("user", fmt.Errorf("found a user of %d bytes, expected at most %d in the dialect %s", len(client.User), most, c.dialect.Name))
	} else if most > 0 && len(client.Token) > most {
		return bad("token", fmt.Errorf("found a token of %d bytes, expected at most %d in the dialect %s", len(client.Token), most, c.dialect.Name))
	}
	if client.Will, err = c.willOf(t.will, s); err != nil {
		return bad("will", err)
	}
	seen := make([]int32, 0, len(t.channels))
	for k, channel := range t.channels {
		want := &subs[k]
		if want.skip || want.in != nil && !want.in[s.I] {
			continue
		}
		at := "subscribe." + itoa(k) + "." + want.key
		name, err := channel.text(s)
		if err == nil {
			err = want.check(name)
		}
		if err != nil {
			return bad(at, err)
		}
		sub := c.sub(want, c.channel(name), name)
		if slices.Contains(seen, sub.Channel) {
			return bad(at, fmt.Errorf("found the %s %s twice, expected one subscription to it", want.key, quote(name)))
		}
		seen = append(seen, sub.Channel)
		if sub.Rows {
			c.hasRows(join(path, "subscribe."+itoa(k)+".snapshot"), name)
			c.unkept(join(path, "subscribe."+itoa(k)+".snapshot"), name)
		}
		at = "subscribe." + itoa(k) + ".filter"
		if sub.Filter, err = c.filtered(join(path, at), t.filters[k], name, s); err != nil {
			return bad(at, err)
		}
		client.Subs = append(client.Subs, sub)
	}
	return nil
}

// checkChannel refuses what is no channel, or none of the dialect's.
func (c *compiler) checkChannel(name string) error {
	if err := checkChannel(name); err != nil || c.dialect.Refuses == nil {
		return err
	}
	return c.dialect.Refuses(name)
}

// checkPattern is the same for a pattern.
func (c *compiler) checkPattern(name string) error {
	if err := checkPattern(name); err != nil || c.dialect.Refuses == nil {
		return err
	}
	return c.dialect.Refuses(name)
}

func checkChannel(name string) error {
	if name == "" {
		return fmt.Errorf("found an empty channel, expected a name")
	}
	for _, r := range name {
		if r <= ' ' || r == '*' || r == 0x7f {
			return fmt.Errorf("found the channel %s, expected no space, control character or *", quote(name))
		}
	}
	return nil
}

// recovers tells what a subscription says about asking for what it missed; nil
// leaves it to the promises of its channel.
func (c *compiler) recovers(path string, s *SubscribeSpec) *bool {
	if s.Recover == nil || !*s.Recover || c.dialect.Recover || c.dialect.Sessions {
		return s.Recover
	}
	if !s.Optional {
		c.fail(join(path, "recover"), "found recover: true, expected none: the dialect %s can't ask for what was missed; optional: true leaves it out", c.dialect.Name)
	}
	return new(bool)
}

// sub is one subscription: whether it asks for what it missed, and whether its
// client's session is to keep its backlog.
func (c *compiler) sub(w *wantedSub, id int32, channel string) Sub {
	s := w.sub
	s.Channel = id
	if s.Pattern || s.Refused { // it has no position, and no session keeps it
		return s
	}
	q := c.plan.Promises.Of(channel)
	asks, keeps := q.Recovery, true
	if w.asks != nil {
		asks, keeps = *w.asks, *w.asks
	}
	s.Recover, s.Kept = asks && c.dialect.Recover, keeps && q.Queue.Size > 0 && c.dialect.Sessions
	return s
}

// entries compiles the publish entries of a group.
func (c *compiler) entries(path, group string, g *GroupSpec, vars []string) []*entry {
	var all []*entry
	for i, spec := range g.Publish {
		at := join(path, "publish."+itoa(i))
		e := &entry{
			group: group, name: entryName(spec, i), path: at, spec: &g.Publish[i], size: spec.Size, clients: c.s.members(group),
			channel: c.template(join(at, "channel"), spec.Channel, g.of(namesOfStream), vars),
			payload: payload(spec.Payload.node, join(at, "payload"), g.of(namesOfStream), vars, func(path, text string) { c.fail(path, "%s", text) }),
		}
		each := uses(0)
		for _, p := range e.payload {
			if p.template != nil {
				c.needs(join(at, "payload"), p.template)
				each |= p.template.uses | usesClient
			}
		}
		if each == 0 {
			e.static, _ = appendPieces([]byte{}, e.payload, nil)
		}
		e.http = c.overHTTP(at, &g.Publish[i])
		e.ack = c.dialect.Ack || e.http
		if spec.Ack != nil {
			if *spec.Ack && !e.ack {
				c.fail(join(at, "ack"), "found ack: true, expected false: the dialect %s has no acknowledgements", c.dialect.Name)
			}
			if d := c.plan.Promises.most(); !*spec.Ack && c.dialect.Quality && d != "at-most-once" {
				c.fail(join(at, "ack"), "found ack: false, expected true: in the dialect %s that is delivered at most once, and %s is promised; or write delivery: at-most-once under target.promises", c.dialect.Name, d)
			}
			e.ack = *spec.Ack
		}
		e.key = c.key(at, &spec, g.of(namesOfStream), vars)
		c.retain(at, &spec)
		e.priority = c.prioritized(at, &spec)
		all = append(all, e)
	}
	return all
}

// publisher makes the publisher of one entry and one client.
func (c *compiler) publisher(e *entry, s *scope, client int) *Problem {
	p := c.plan
	index := len(p.Publishers)
	pub := Publisher{
		Client: client, Name: e.name, Ack: e.ack, HTTP: e.http, Retain: e.spec.Retain, Together: e.spec.Start != "at-once",
		Rate: e.spec.Rate.PerSecond, Poisson: e.spec.Arrivals == "poisson",
		Phase:    Rand(p.Seed, "phase", index, 0).Float64(),
		Priority: e.priority, index: index, entry: e, self: s,
	}
	if e.channel.uses&usesEach == 0 {
		name, err := e.channel.text(s)
		if err == nil {
			err = c.checkChannel(name)
		}
		if err != nil {
			q := c.s.where(join(e.path, "channel")).problem(c.s.file, fmt.Sprintf("for client %d of the group: %v", s.I, err))
			return &q
		}
		pub.channel = name
	}
	p.Publishers = append(p.Publishers, pub)
	return nil
}

// sampled bounds how many publications are composed while planning.
const sampled = 20_000

// publications lays out the rates of all entries and finds the channels that
// will be published to, as far as they can be known.
func (c *compiler) publications() {
	if c.failed() {
		return
	}
	p := c.plan
	done := make(map[*entry]bool)
	for i := range p.Publishers {
		if e := p.Publishers[i].entry; !done[e] {
			done[e] = true
			e.segments = segments(e.spec.Rate.PerSecond, c.changes(e), p.Duration)
		}
	}
	each := int64(1)
	if len(p.Publishers) > 0 {
		each = max(sampled/int64(len(p.Publishers)), 1)
	}
	left := sampled
	for i := range p.Publishers {
		pub := &p.Publishers[i]
		if pub.channel != "" {
			c.channel(pub.channel)
		}
		expected := min(int64(math.Ceil(total(pub.entry.segments))), each)
		if pub.channel != "" && pub.entry.static == nil {
			expected = 1 // to see that its payload can be made
		}
		if pub.channel != "" && pub.entry.static != nil {
			continue
		}
		for k := int64(0); k < max(expected, 1) && left > 0; k++ {
			left--
			m, err := pub.Compose(k, 0, c.o.Run)
			if err == nil {
				err = c.checkChannel(m.Channel)
			}
			if err != nil {
				c.fail(pub.entry.path, "publication %d of client %d: %v", k+1, pub.self.I, err)
				return
			}
			c.channel(m.Channel)
		}
	}
}
