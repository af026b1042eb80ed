package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxVictims bounds the clients of all moments together.
const maxVictims = 5_000_000

// moments expands the timeline and draws who is struck, and when exactly.
func (c *compiler) moments() {
	if c.failed() {
		return
	}
	drawn := 0
	for i := range c.s.Timeline {
		m, others := c.s.Timeline[i].inherited()
		line := c.s.where(join("timeline", itoa(i))).line
		for k, at := range times(m, c.plan.Duration) {
			if m.Gateway != nil {
				c.verbs(i, m.Gateway, at, line)
				continue
			}
			if c.now = at; m.When != nil {
				c.now = -1
			}
			moment := c.moment(i, k, m)
			moment.At, moment.Line = at, line
			if m.When != nil {
				c.triggered(&moment, i, m.When, others)
			}
			if drawn += len(moment.Victims); drawn > maxVictims {
				c.fail(join("timeline", itoa(i)), "found more than %s victims up to here, expected fewer", grouped(maxVictims))
				return
			}
			if moment.For > 0 || lasts(moment.Do) {
				rest := c.plan.Duration - at
				if moment.For == 0 || moment.For > rest {
					moment.For = rest
				}
			}
			c.plan.Moments = append(c.plan.Moments, moment)
		}
	}
	c.losses()
	slices.SortStableFunc(c.plan.Moments, func(a, b Moment) int { return int(a.At - b.At) })
}

// times are when a moment happens: once, or again and again before the end.
func times(m *MomentSpec, end time.Duration) []time.Duration {
	if m.At.Given || m.When != nil {
		return []time.Duration{m.At.Duration}
	}
	var all []time.Duration
	for at := m.Every.Duration; at < end && (m.Times == 0 || len(all) < m.Times); at += m.Every.Duration {
		all = append(all, at)
	}
	return all
}

// moment makes the k-th repetition of entry i of the timeline.
func (c *compiler) moment(i, k int, m *MomentSpec) Moment {
	path := join("timeline", itoa(i))
	switch {
	case m.Disconnect != nil:
		d := m.Disconnect
		x := Moment{
			Do: "disconnect", How: or(d.How, "reset"), Code: uint16(d.Code), Reason: d.Reason, After: d.After.Bytes, Fresh: d.Fresh,
			Victims: c.victims(i, k, d.Who, d.Share, d.Over.Duration, d.Away, false),
		}
		if x.How == "close" && x.Code == 0 {
			x.Code = 1000
		}
		x.Summary = fmt.Sprintf("disconnect %s %s%s, away %s", c.crowd(d.Who, d.Share), x.How, within(d.Over), or(d.Away.Text, "0s"))
		if x.How == "close" {
			x.Summary += fmt.Sprintf(", code %d", x.Code)
		}
		if x.Fresh {
			x.Summary += ", fresh"
		}
		return x
	case m.Slow != nil:
		d := m.Slow
		x := Moment{Do: "slow", Bytes: d.Rate.PerSecond, For: d.For.Duration, Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, false)}
		for _, v := range x.Victims {
			c.plan.Clients[v.Client].Slowed = true
		}
		x.Summary = fmt.Sprintf("slow %s to %s", c.crowd(d.Who, d.Share), bytesPerSecond(d.Rate.PerSecond))
		x.Summary += d.For.lasting()
		return x
	case m.Subscribe != nil:
		return c.topicMoment(i, k, path, "subscribe", m.Subscribe, m.Optional)
	case m.Unsubscribe != nil:
		return c.topicMoment(i, k, path, "unsubscribe", m.Unsubscribe, m.Optional)
	case m.Exec != nil:
		return execMoment(m.Exec)
	case m.Block != nil:
		return c.block(i, k, m.Block)
	case m.Mute != nil:
		return c.mute(i, k, m.Mute, m.Optional)
	case m.Abuse != nil:
		return c.abuse(i, k, path, m.Abuse, m.Optional)
	case m.Degrade != nil:
		return c.degrade(i, k, m.Degrade)
	case m.Scale != nil:
		return c.scale(i, k, m.Scale)
	case m.Revoke != nil:
		return c.revoke(i, k, m.Revoke, m.Optional)
	case m.Publish != nil:
		d := m.Publish
		x := Moment{
			Do: "publish", Publisher: d.Publisher, Count: max(d.Count, 1), Rate: d.Rate.PerSecond,
			Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, true),
		}
		x.Summary = fmt.Sprintf("publish %s %d each", c.crowd(d.Who, d.Share), x.Count)
		if d.Channel != "" {
			x.Channel = c.text(join(path, "publish.channel"), d.Channel, namesOfTarget)
			if err := c.checkChannel(x.Channel); err != nil && !c.failed() {
				c.fail(join(path, "publish.channel"), "%v", err)
			}
			c.channel(x.Channel)
			x.Summary += " to " + string(d.Channel)
		}
		if d.Rate.Given {
			x.Summary += " at " + perSecond(d.Rate.PerSecond)
		}
		return x
	case m.Rate != nil:
		d := m.Rate
		x := Moment{
			Do: "rate", Publisher: d.Publisher, Rate: d.To.PerSecond, Over: d.Over.Duration,
			Victims: c.victims(i, k, d.Who, Share{}, 0, Draw{}, true),
		}
		x.Summary = fmt.Sprintf("rate %s %sto %s each%s", c.crowd(d.Who, Share{}), spaced(d.Publisher), perSecond(d.To.PerSecond), within(d.Over))
		return x
	}
	text := ""
	if m.Say != nil {
		text = *m.Say
	}
	return Moment{Do: "say", Text: text, Summary: "say " + quote(text)}
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return s + " "
}

func within(d Duration) string {
	if d.Duration == 0 {
		return ""
	}
	return " within " + d.String()
}

// crowd is who a moment concerns, for people.
func (c *compiler) crowd(who []string, share Share) string {
	name := "all"
	if len(who) > 0 {
		name = strings.Join(who, "+")
	}
	if share.Given && share.Text != "all" {
		name += " " + share.Text
	}
	return name
}

// victims draws a share of the groups together, as they are scaled by then, in
// ascending order of number.
// With publishing, groups without a publish entry are left out when none is
// named.
func (c *compiler) victims(i, k int, who []string, share Share, over time.Duration, away Draw, publishing bool) []Victim {
	var pool []int
	for g := range c.plan.Groups {
		group := &c.plan.Groups[g]
		if len(who) > 0 && !slices.Contains(who, group.Name) {
			continue
		}
		if publishing && len(c.s.Clients[group.Name].Publish) == 0 {
			continue
		}
		there := group.Count
		if c.now >= 0 {
			there = c.size(group.Name, c.now)
		}
		for n := range there {
			pool = append(pool, group.First+n)
		}
	}
	n := share.Of(len(pool))
	in := choose(Rand(c.plan.Seed, "share", i, k), n, len(pool))
	victims := make([]Victim, 0, n)
	purpose := fmt.Sprintf("victim %d", i)
	for j, client := range pool {
		if !in[j] {
			continue
		}
		v := Victim{Client: client, Away: away.Lo}
		if over > 0 || away.Hi > away.Lo {
			r := Rand(c.plan.Seed, purpose, client, k)
			if over > 0 {
				v.Delay = time.Duration(r.Float64() * float64(over))
			}
			if away.Hi > away.Lo {
				v.Away += time.Duration(r.Float64() * float64(away.Hi-away.Lo))
			}
		}
		victims = append(victims, v)
	}
	return victims
}

// changes are the `rate` moments that concern an entry, in order.
func (c *compiler) changes(e *entry) []rateChange {
	var all []rateChange
	for i := range c.s.Timeline {
		m := &c.s.Timeline[i]
		r := m.Rate
		if r == nil || len(r.Who) > 0 && !slices.Contains(r.Who, e.group) || r.Publisher != "" && r.Publisher != e.name {
			continue
		}
		for _, at := range times(m, c.plan.Duration) {
			all = append(all, rateChange{at: at, over: r.Over.Duration, to: r.To.PerSecond})
		}
	}
	slices.SortStableFunc(all, func(a, b rateChange) int { return int(a.at - b.at) })
	return all
}
