package campaign

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// more draws the rest of the language, from a stream of its own: rights and
// tokens, offences, clients that say nothing, who else publishes, and what may be
// expected of heartbeats and closes.
type more struct {
	*rand.Rand
	on     bool
	rights bool
	beat   time.Duration // of the gateway, when it says how often it pings
	reap   time.Duration
	abuses bool
	mutes  bool
	bans   *rand.Rand // a stream of its own, so that older seeds stay what they are
}

func drawMore(seed uint64) more {
	m := more{Rand: rand.New(rand.NewPCG(seed, 0x303e)), bans: rand.New(rand.NewPCG(seed, 0xba2))}
	m.on = m.chance(0.6)
	m.rights = m.on && m.chance(0.25)
	return m
}

func (m *more) chance(p float64) bool      { return m.Float64() < p }
func (m *more) pick(from ...string) string { return from[m.IntN(len(from))] }
func (m *more) millis(lo, hi int) string   { return fmt.Sprintf("%dms", lo+m.IntN(hi-lo+1)) }
func (m *more) oneOf(from []string) string { return from[m.IntN(len(from))] }

// moreTarget is drawn at the end of the gateway's configuration.
func (c *chaos) moreTarget() {
	if c.more.rights {
		c.line("    auth: {jwt-key: of-this-chaos-only%s}", c.more.pick("", ", anonymous: true"))
		c.line("    roles:")
		c.line("      - {role: all, channels: [\"**\"]}")
		c.line("      - {role: guest, channels: [hall, \"room.*\", \"own.{user}.*\"]}")
	}
}

// morePromises is drawn where no promise is lowered.
func (c *chaos) morePromises() {
	m := &c.more
	if !m.on || c.strict || !m.chance(0.4) {
		return
	}
	c.line("  promises: {%s}", m.pick("foreign-traffic: false", "foreign-traffic: true", "copies: one", "copies: either", "copies: one, foreign-traffic: false"))
}

// moreGroup is drawn in every group.
func (c *chaos) moreGroup(name string, user bool) {
	if !c.more.rights {
		return
	}
	if !user {
		c.line("    user: \"%s-{i}\"", name)
	}
	c.line("    role: all")
	c.line("    token: \"{jwt({'sub': user, 'role': role, 'exp': '2h'})}\"")
}

// moreClients are those with few rights, or none.
func (c *chaos) moreClients() {
	m := &c.more
	if !m.rights {
		return
	}
	c.line("  guests:")
	c.line("    count: %d", 1+m.IntN(6))
	c.line("    user: \"guest-{i}\"")
	c.line("    token: \"{jwt({'sub': user, 'role': 'guest', 'exp': '2h'})}\"")
	c.line("    reconnect: {first: %s, max: 500ms}", m.millis(10, 300))
	c.line("    subscribe:")
	c.line("      - {channel: %s}", m.pick("hall", "room.0", "\"room.{i % 3}\"", "\"own.guest-{i}.0\""))
	c.line("      - {%s, refused: true}", m.pick("channel: lobby", "pattern: \"**\"", "pattern: \"own.**\"", "channel: own.readers0.1", "pattern: \"*\"", "pattern: \"room.**\""))
	if m.chance(0.5) {
		c.line("      - {%s}", m.pick("pattern: \"room.*\"", "pattern: \"own.{user}.*\""))
	}
	c.groups = append(c.groups, "guests")
	if m.chance(0.5) {
		c.line("  strangers: {count: %d, user: \"s{i}\", token: \"{jwt({'sub': user, 'role': 'all', 'exp': '%s'})}%s\", refused: true}", 1+m.IntN(4), "-1m", m.pick("", "x"))
	}
}

// moreMoments are drawn at the end of the timeline.
func (c *chaos) moreMoments() {
	m := &c.more
	if !m.on {
		return
	}
	all := append(c.everybody(), c.groups...)
	who := func() string {
		w := "who: " + m.oneOf(all) + ", "
		if m.chance(0.7) {
			w += fmt.Sprintf("share: %d%%, ", 5+m.IntN(96))
		}
		return w
	}
	at := func() string {
		switch m.IntN(5) {
		case 0:
			return "every: " + m.millis(300, 300+int(c.active/time.Millisecond)/2)
		case 1:
			return fmt.Sprintf("when: {who: %s, sees: %s, nth: %d}", m.oneOf(all), m.pick("connected", "subscribed", "message", "ping", "replay"), 1+m.IntN(6))
		}
		return "at: " + m.millis(0, int(c.active/time.Millisecond)-1)
	}
	for range m.IntN(4) {
		at, who := at(), who()
		if strings.HasPrefix(at, "when") {
			who = ""
		}
		switch m.IntN(3) {
		case 0:
			m.mutes = true
			c.line("  - {%s, mute: {%swhat: %s, for: %s}}", at, who, m.pick("pings", "pongs", "pongs"), m.pick("500ms", "2s", "5s", "20s"))
		case 1:
			m.abuses = true
			c.line("  - {%s, abuse: {%swhat: %s}}", at, who, m.pick("unmasked", "reserved-bit", "reserved-opcode", "bad-utf8", "long-control", "oversize", "bad-json", "unknown-command", "duplicate-subscribe", "second-connect"))
		case 2:
			c.line("  - {%s, disconnect: {%show: %s, away: %s}}", at, who, m.pick("reset", "vanish", "freeze", "fin"), m.pick("100ms..1s", "2s..4s", "8s"))
		}
	}
	for range c.bansDrawn() {
		c.line("  - {at: %dms, revoke: {who: %s, share: %d%%}}", m.bans.IntN(int(c.active/time.Millisecond)), all[m.bans.IntN(len(all))], 5+m.bans.IntN(60))
	}
}

// bansDrawn is how often rights are taken away, where there are any.
func (c *chaos) bansDrawn() int {
	if !c.more.rights {
		return 0
	}
	return c.more.bans.IntN(3)
}

// moreExpect are expectations that a correct gateway can't but keep.
func (c *chaos) moreExpect() {
	m := &c.more
	if !m.on {
		return
	}
	if m.beat > 0 && !c.paced {
		c.line("  - {heartbeat: {server-every: %v, reaps-silent-within: %v}}", m.beat+2*time.Second, m.beat+m.reap+3*time.Second) // the networks are slow, and sometimes full
	}
	if m.abuses {
		c.line("  - {close: {when: abuse}}")
	}
	if m.chance(0.3) && !c.paced {
		c.line("  - {reconnect: {p99: 20m}}")
	}
	if m.chance(0.3) {
		c.line("  - {latency: {of: %s, max: 10m}}", m.pick("connect", "subscribe", "publish-ack", "catch-up", "resync", "pong"))
	}
}
