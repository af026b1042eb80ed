package scenario

import (
	"fmt"
)

// wantedSub is one `subscribe` entry of a group, as far as it is the same for
// all its clients.
type wantedSub struct {
	key   string // channel or pattern
	check func(string) error
	sub   Sub
	asks  *bool  // recover, as written
	in    []bool // who of the group subscribes; nil: all
	skip  bool   // optional, and the target can't do it
}

// subscriptions decides what each entry of a group means, and draws who has a
// part in it.
func (c *compiler) subscriptions(path string, group int, g *GroupSpec, count int) []wantedSub {
	all := make([]wantedSub, len(g.Subscribe))
	for i := range g.Subscribe {
		s, at := &g.Subscribe[i], join(path, "subscribe."+itoa(i))
		w := &all[i]
		w.key, _ = topic(s.Channel, s.Pattern)
		w.check, w.sub.Entry = c.checkChannel, int32(i)
		if s.Pattern != "" {
			w.check, w.sub.Pattern = c.checkPattern, true
			if w.skip = s.Optional && !c.dialect.Patterns; !w.skip {
				c.canPattern(join(at, "pattern"), s.Optional)
			}
		} else {
			w.asks = c.recovers(at, s)
		}
		if s.Filter != "" && !w.skip {
			w.skip = !c.canFilter(join(at, "filter"), s.Optional)
		}
		if s.Presence && !w.skip {
			w.skip, w.sub.Watch = !c.canWatch(join(at, "presence"), s.Optional), true
		}
		if s.Snapshot && !w.skip {
			w.skip, w.sub.Rows = !c.canSnapshot(join(at, snapshotWord), s.Optional), true
		}
		w.sub.Refused = s.Refused
		if w.sub.Observe = s.Observe; s.Observe && (!c.dialect.Offsets || c.plan.Promises.History.Size == 0) {
			c.fail(join(at, "observe"), "found observe: true, expected a target with offsets and a history, by which to judge what is not ours")
		}
		if s.Share.Given && s.Share.Text != "all" {
			if s.Share.Whole && s.Share.Count > count {
				c.fail(join(at, "share"), "found %d, expected at most %d, which is all of the group", s.Share.Count, count)
				continue
			}
			w.in = choose(Rand(c.plan.Seed, fmt.Sprintf("subscribe %d", i), group, 0), s.Share.Of(count), count)
		}
	}
	return all
}

// canPattern refuses patterns that the dialect can't say.
func (c *compiler) canPattern(path string, optional bool) bool {
	if c.dialect.Patterns {
		return true
	}
	if !optional {
		c.fail(path, "found a pattern, expected a channel: the dialect %s has no patterns; optional: true leaves it out", c.dialect.Name)
	}
	return false
}

// topicMoment makes a moment that changes subscriptions.
func (c *compiler) topicMoment(i, k int, path, do string, d *TopicSpec, optional bool) Moment {
	x := Moment{Do: do}
	at := join(path, do)
	key, text := topic(d.Channel, d.Pattern)
	x.Summary = fmt.Sprintf("%s %s %s %s", do, c.crowd(d.Who, d.Share), map[string]string{"subscribe": "to", "unsubscribe": "from"}[do], string(text))
	w := &wantedSub{sub: Sub{Pattern: d.Pattern != "", Entry: -1}}
	sub := w.sub
	switch {
	case sub.Pattern && !c.canPattern(join(at, key), optional):
		return Moment{Do: "say", Text: "left out: " + x.Summary, Summary: "left out: " + x.Summary}
	case !c.dialect.Unsubscribe && do == "unsubscribe":
		if !optional {
			c.fail(at, "found unsubscribe, expected none: the dialect %s can't unsubscribe; optional: true leaves it out", c.dialect.Name)
		}
		return Moment{Do: "say", Text: "left out: " + x.Summary, Summary: "left out: " + x.Summary}
	case !sub.Pattern:
		w.asks = c.recovers(at, &SubscribeSpec{Recover: d.Recover, Optional: optional})
	}
	if d.Filter != "" {
		if !c.canFilter(join(at, "filter"), optional) {
			return Moment{Do: "say", Text: "left out: " + x.Summary, Summary: "left out: " + x.Summary}
		}
		x.Summary += ", filter " + string(d.Filter)
	}
	t := c.template(join(at, key), text, namesOfTopic, nil)
	f := c.template(join(at, "filter"), d.Filter, namesOfTopic, nil)
	x.Victims = c.victims(i, k, d.Who, d.Share, 0, Draw{}, false)
	for v := range x.Victims {
		name, err := t.text(c.scopes[x.Victims[v].Client])
		if err == nil && sub.Pattern {
			err = c.checkPattern(name)
		} else if err == nil {
			err = c.checkChannel(name)
		}
		if err != nil {
			c.fail(join(at, key), "for client %d of the run: %v", x.Victims[v].Client, err)
			break
		}
		x.Victims[v].Sub = c.sub(w, c.channel(name), name)
		if x.Victims[v].Sub.Filter, err = c.filtered(join(at, "filter"), f, name, c.scopes[x.Victims[v].Client]); err != nil {
			c.fail(join(at, "filter"), "for client %d of the run: %v", x.Victims[v].Client, err)
			break
		}
		for _, sub := range c.plan.Clients[x.Victims[v].Client].Subs {
			if sub.Refused && sub.Channel == x.Victims[v].Sub.Channel && !c.failed() {
				c.fail(join(at, key), "found %s, expected another topic: the group says that its subscription there is to be refused", quote(name))
			}
		}
	}
	return x
}

// subscribers counts, for each channel, who will receive what is published there
// at the start, and the subscriptions of all clients. Each client counts for as
// much as there says; nil: 1.
func (c *compiler) subscribers(there []float64) (byChannel []float64, subs int) {
	p := c.plan
	byChannel = make([]float64, len(p.Channels))
	patterns := make(map[int32]float64)
	for i := range p.Clients {
		weight := 1.0
		if there != nil {
			weight = there[i]
		}
		for _, s := range p.Clients[i].Subs {
			if s.Refused {
				continue
			}
			subs++
			if s.Pattern {
				patterns[s.Channel] += weight
			} else {
				byChannel[s.Channel] += weight
			}
		}
	}
	for pattern, n := range patterns {
		for id, name := range p.Channels {
			if Match(p.Channels[pattern], name) && checkChannel(name) == nil {
				byChannel[id] += n
			}
		}
	}
	return byChannel, subs
}

// writtenPosition says what becomes of a subscription's position, by the first
// client that has it.
func (c *compiler) writtenPosition(g *Group, i int) string {
	for n := g.First; n < g.First+g.Count; n++ {
		for _, s := range c.plan.Clients[n].Subs {
			switch {
			case s.Entry != int32(i):
			case s.Recover && s.Kept:
				return ", recover, kept by the session"
			case s.Recover:
				return ", recover"
			case s.Kept:
				return ", kept by the session"
			default:
				return ""
			}
		}
	}
	return ""
}

// writtenSub is one subscription as it was written.
func (c *compiler) writtenSub(g *Group, i int, s *SubscribeSpec) string {
	key, text := topic(s.Channel, s.Pattern)
	line := string(text)
	if key == "pattern" {
		line = "pattern " + line
	}
	if s.Share.Given && s.Share.Text != "all" {
		line += ", share " + s.Share.Text
	}
	if key == "channel" {
		line += c.writtenPosition(g, i)
	}
	if s.Filter != "" {
		line += ", filter " + string(s.Filter)
	}
	if s.Presence {
		line += ", presence"
	}
	if s.Observe {
		line += ", observe"
	}
	if s.Refused {
		line += ", to be refused"
	}
	if s.Snapshot {
		line += ", snapshot"
	}
	if s.Optional && (key == "pattern" && !c.dialect.Patterns || s.Filter != "" && !c.dialect.Filters || s.Presence && !c.dialect.Presence || s.Snapshot && !c.dialect.Snapshot) {
		line += ", left out"
	}
	return line
}
