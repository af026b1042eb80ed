package scenario

import (
	"fmt"
	"strings"
)

// A topic is what a subscription is to: a channel, or a pattern of channels, in
// which * stands for one segment and ** for the rest, one segment or more.

// topic returns the key under which a topic is written, and its text.
func topic(channel, pattern Template) (key string, text Template) {
	if pattern != "" {
		return "pattern", pattern
	}
	return "channel", channel
}

// Match reports whether a channel matches a pattern: * is one segment, ** the
// rest (one or more), dots part the segments.
func Match(pattern, channel string) bool {
	for {
		p, restP, moreP := strings.Cut(pattern, ".")
		c, restC, moreC := strings.Cut(channel, ".")
		switch {
		case p == "**" && !moreP:
			return true
		case p != "*" && p != c:
			return false
		case !moreP || !moreC:
			return moreP == moreC
		}
		pattern, channel = restP, restC
	}
}

func checkPattern(name string) error {
	if name == "" {
		return fmt.Errorf("found an empty pattern, expected one such as notice.*")
	}
	segments := strings.Split(name, ".")
	stars := false
	for i, s := range segments {
		switch {
		case s == "*", s == "**" && i == len(segments)-1:
			stars = true
		case s == "**":
			return fmt.Errorf("found the pattern %s, expected ** at its end only", quote(name))
		case s == "":
			return fmt.Errorf("found the pattern %s, expected no empty segment", quote(name))
		case strings.Contains(s, "*"):
			return fmt.Errorf("found the pattern %s, expected * or ** as a whole segment", quote(name))
		default:
			if err := checkChannel(s); err != nil {
				return err
			}
		}
	}
	if !stars {
		return fmt.Errorf("found the pattern %s without * or **, expected one; the name of a channel stands under channel", quote(name))
	}
	return nil
}

// topic checks that there is one topic, and what can be seen of it without
// evaluating it.
func (v *validator) topic(path string, channel, pattern Template, names, vars []string) {
	switch {
	case channel == "" && pattern == "":
		v.fail(path, "found a subscription without a channel, expected a channel or a pattern")
	case channel != "" && pattern != "":
		v.fail(join(path, "pattern"), "found channel and pattern, expected one of them")
	}
	v.channel(join(path, "channel"), channel)
	v.template(join(path, "channel"), channel, names, vars)
	v.template(join(path, "pattern"), pattern, names, vars)
	if pattern != "" && !strings.ContainsAny(string(pattern), "{}") {
		if err := checkPattern(string(pattern)); err != nil {
			v.fail(join(path, "pattern"), "%v", err)
		}
	}
}

// subscription refuses what a planned subscription can't be.
func (v *validator) subscription(path string, s *SubscribeSpec) {
	if s.Pattern != "" && s.Recover != nil && *s.Recover {
		v.fail(join(path, "recover"), "found recover: true with a pattern, expected none: a pattern has no position")
	}
	if s.Refused && s.Recover != nil && *s.Recover {
		v.fail(join(path, "recover"), "found recover: true with refused, expected none: what is refused has no position")
	}
	switch at := join(path, snapshotWord); {
	case s.Snapshot && s.Pattern != "":
		v.fail(at, "found snapshot: true with a pattern, expected it with a channel: rows are at a position of one channel")
	case s.Snapshot && s.Refused:
		v.fail(at, "found snapshot: true with refused, expected one of them")
	case s.Snapshot && s.Filter != "":
		v.fail(at, "found snapshot: true with a filter, expected one of them: rows would not follow what the filter keeps back")
	case s.Snapshot && s.Observe:
		v.fail(at, "found snapshot: true with observe, expected one of them: of what is not ours nobody knows what the rows should be")
	}
	if s.Refused && s.Observe {
		v.fail(join(path, "observe"), "found observe with refused, expected one of them")
	}
	if s.Refused && s.Filter != "" {
		v.fail(join(path, "filter"), "found a filter with refused, expected one of them: nothing is to come anyway")
	}
	if s.Presence && s.Pattern != "" {
		v.fail(join(path, "presence"), "found presence with a pattern, expected it with a channel: nobody is in a pattern")
	}
	if s.Presence && s.Refused {
		v.fail(join(path, "presence"), "found presence with refused, expected one of them")
	}
	if s.Observe && s.Pattern != "" {
		v.fail(join(path, "observe"), "found observe with a pattern, expected it with a channel: what is not ours is judged by the offsets of one channel")
	}
}

// topics checks the moments that change subscriptions.
func (v *validator) topics(path string, m *MomentSpec) {
	for _, x := range []struct {
		key  string
		spec *TopicSpec
	}{{"subscribe", m.Subscribe}, {"unsubscribe", m.Unsubscribe}} {
		if x.spec == nil {
			continue
		}
		at := join(path, x.key)
		v.who(at, x.spec.Who, x.spec.Share)
		v.topic(at, x.spec.Channel, x.spec.Pattern, namesOfTopic, nil)
		if x.spec.Filter != "" && x.key == "unsubscribe" {
			v.fail(join(at, "filter"), "found filter with unsubscribe, expected it with subscribe")
		}
		v.filter(join(at, "filter"), x.spec.Filter, namesOfTopic, nil)
		if x.spec.Recover != nil && x.key == "unsubscribe" {
			v.fail(join(at, "recover"), "found recover with unsubscribe, expected it with subscribe")
		}
		if x.spec.Pattern != "" && x.spec.Recover != nil && *x.spec.Recover {
			v.fail(join(at, "recover"), "found recover: true with a pattern, expected none: a pattern has no position")
		}
	}
}
