package campaign

import (
	"fmt"
	"time"
)

// What the language has beside groups, faults and bursts: nodes and what happens
// to them, sessions that are kept, patterns, changes of subscriptions, churn,
// outboxes, keys, and moments that wait for what a client sees.

// cluster draws how many nodes there are, and whether sessions are kept.
func (c *chaos) cluster() {
	c.nodes = 1
	if c.chance(0.4) {
		c.nodes = 2 + c.IntN(2)
		c.line("    nodes: %d", c.nodes)
	}
	if c.chance(0.35) {
		c.keeps = true
		c.line("    queue: {size: %s, ttl: %s}", c.pick("5", "20", "200", "2000", "2000"), c.pick("1500ms", "4s", "60s", "60s"))
	}
}

// lowered draws what the target claims less of than it keeps.
func (c *chaos) lowered() string {
	s := ""
	if c.chance(0.1) {
		s += ", takeover: keeps-both"
	}
	if c.chance(0.1) {
		s += ", idempotency: false"
	}
	if c.chance(0.2) {
		s += fmt.Sprintf(", channels: [{match: \"%s\", delivery: %s, order: %s}]", c.pick("room.*", "hall", "own.**"),
			c.pick("exactly-once", "at-least-once", "at-most-once"), c.pick("per-channel", "per-publisher"))
	}
	return s
}

// pattern is one that some channels of the scenario match.
func (c *chaos) pattern(group string) string {
	return c.pick("room.*", "room.*", "room.**", "own.*.*", "own.{group}.*", "own."+group+".**", "**", "*")
}

// topic is a channel or a pattern, as it is written.
func (c *chaos) topic(group string) string {
	if c.chance(0.3) {
		return fmt.Sprintf("pattern: \"%s\"", c.pattern(group))
	}
	return fmt.Sprintf("channel: \"%s\"", c.channel(group))
}

// comes draws how a group comes and goes beside its faults.
func (c *chaos) comes(mortal bool) {
	if !mortal && c.chance(0.2) {
		stay := c.pick("300ms..1s", "500ms..2s", "1s..3s")
		c.line("    session: {stay: %s, away: %s}", stay, c.pick("0s", "50ms..500ms", "200ms..800ms"))
	}
}

// says draws what becomes of what a group says offline.
func (c *chaos) says() {
	if c.chance(0.35) {
		c.line("    outbox: {limit: %d, overflow: %s%s}", 1+c.IntN(200), c.pick("drop-oldest", "drop-newest", "reject"), c.pick("", "", ", ttl: 700ms"))
	}
}

// verb draws something that happens to the gateway.
func (c *chaos) verb() {
	verb := c.pick("restart", "drain", "kill", "pause", "forget-history", "new-epoch", "maintenance", "restart", "drain", "kill")
	who := fmt.Sprint(c.IntN(c.nodes))
	options := ""
	at := c.millis(0, int(c.active/time.Millisecond)-1)
	switch c.IntN(4) {
	case 0:
		who = "all"
	case 1:
		who = "each"
		apart := 100 + c.IntN(2500)
		last := int(c.active/time.Millisecond) - (c.nodes-1)*apart
		if last <= 1 {
			apart, last = 1, int(c.active/time.Millisecond)-c.nodes
		}
		options = fmt.Sprintf(", apart: %dms", apart)
		at = c.millis(0, last-1)
	}
	switch verb {
	case "pause":
		options += ", for: " + c.pick("100ms", "700ms", "2s", "5s")
	case "restart", "drain", "kill", "maintenance":
		options += ", down: " + c.pick("50ms", "500ms", "1s", "3s")
	}
	c.verbs = true
	c.line("  - {at: %s, gateway: {%s: %s%s}}", at, verb, who, options)
}

// change draws who subscribes or unsubscribes.
func (c *chaos) change(at string, inherits bool) {
	do := c.pick("subscribe", "unsubscribe", "unsubscribe")
	group := c.subscribers[c.IntN(len(c.subscribers))]
	topic := c.topic(group)
	if do == "unsubscribe" && len(c.topics[group]) > 0 && c.chance(0.8) {
		topic = c.topics[group][c.IntN(len(c.topics[group]))]
	}
	who := ""
	if !inherits {
		who = "who: " + group + ", "
		if c.chance(0.5) {
			who += fmt.Sprintf("share: %d%%, ", 5+c.IntN(96))
		}
	}
	c.line("  - {%s, %s: {%s%s}}", at, do, who, topic)
	if !inherits && do == "unsubscribe" && c.chance(0.6) { // in one breath, or a little later
		if c.chance(0.5) {
			at = c.at()
		}
		c.line("  - {%s, subscribe: {%s%s}}", at, who, topic)
	}
}

// trigger draws a moment that waits for what a client sees.
func (c *chaos) trigger() {
	sees := c.pick("connected", "subscribed", "replay", "message", "acked", "ping", "closed")
	group := c.everybody()[c.IntN(len(c.everybody()))]
	when := fmt.Sprintf("when: {who: %s, sees: %s, nth: %d", group, sees, 1+c.IntN(30))
	if c.chance(0.5) {
		when = fmt.Sprintf("when: {who: %s, sees: %s, nth: %d", group, sees, 1+c.IntN(3))
	}
	if before := c.pick("", "", "message", "replay", "subscribed"); before != "" && before != sees {
		when += ", before: " + before
	}
	if (sees == "message" || sees == "subscribed") && c.chance(0.3) {
		when += ", channel: \"" + c.pick("room.*", "hall", "**") + "\""
	}
	if c.chance(0.5) {
		when += fmt.Sprintf(", share: %d%%", 20+c.IntN(81))
	}
	when += "}"
	burst := func() {
		if e := c.entries[group]; len(e) > 0 {
			c.line("  - {%s, publish: {publisher: %s, count: %d}}", when, e[0], 1+c.IntN(20))
		}
	}
	if sees == "closed" {
		burst()
		return
	}
	switch c.IntN(6) {
	case 0:
		burst()
	case 1:
		c.change(when, true)
	case 2:
		c.line("  - {%s, slow: {rate: %s, for: %s}}", when, c.pick("100B/s", "1KiB/s"), c.pick("300ms", "2s", "6s"))
	default:
		c.line("  - {%s, disconnect: {how: %s, away: %s}}", when, c.pick("close", "fin", "reset", "cut", "vanish"), c.pick("0s", "10ms..300ms", "100ms..2s"))
	}
}

// alsoExpect draws what else a correct gateway can't but keep.
func (c *chaos) alsoExpect() {
	if c.keeps {
		c.line("  - {queue: honest}")
	}
	c.line("  - {isolation: strict}")
	if c.chance(0.2) {
		c.line("  - {order: causal}")
	}
	if c.verbs {
		c.line("  - {close: {when: drain, codes: [1001, 1012]}}")
		c.line("  - {close: {when: restart, codes: [1012]}}")
	}
}
