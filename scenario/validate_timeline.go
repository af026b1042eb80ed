package scenario

import (
	"reflect"
	"slices"
	"strconv"
)

// choices lists which of the fields that pick accepts are given at path.
func (v *validator) choices(path string, t reflect.Type, pick func(field) bool) (given, all []string) {
	fields, _ := fieldsOf(t)
	for _, f := range fields {
		if !pick(f) {
			continue
		}
		if !slices.Contains(f.later, "*") {
			all = append(all, f.key)
		}
		if v.s.key[join(path, f.key)] != (place{}) {
			given = append(given, f.key)
		}
	}
	return given, all
}

func (v *validator) moment(i int) {
	m, path := &v.s.Timeline[i], join("timeline", strconv.Itoa(i))
	triggers, _ := v.choices(path, reflect.TypeFor[MomentSpec](), func(f field) bool {
		return f.key == "at" || f.key == "every" || f.key == "when"
	})
	actions, all := v.choices(path, reflect.TypeFor[MomentSpec](), func(f field) bool { return f.action })
	odd := v.s.odd[path] // it is probably the one that is missing
	if len(triggers) != 1 && !(odd && len(triggers) == 0) {
		v.fail(path, "found %s, expected one trigger: at, every or when", counted(triggers, "no trigger"))
	}
	if len(actions) != 1 && !(odd && len(actions) == 0) {
		v.fail(path, "found %s, expected one action: %s", counted(actions, "no action"), words(all))
	}
	end := v.s.Duration
	if m.At.Given && end.Given && m.At.Duration >= end.Duration {
		v.fail(join(path, "at"), "found %v, expected a time before the end of the active part at %v", m.At, end)
	}
	if m.Every.Given && m.Every.Duration <= 0 {
		v.fail(join(path, "every"), "found 0s, expected more")
	}
	if m.Every.Given && end.Given && m.Every.Duration >= end.Duration {
		v.fail(join(path, "every"), "found %v, expected less than the duration of %v", m.Every, end)
	}
	if m.Every.Duration > 0 && m.Times == 0 && end.Duration/m.Every.Duration > maxMoments || m.Times > maxMoments {
		v.fail(path, "found a moment that happens more than %s times, expected fewer", grouped(maxMoments))
	}
	if m.Times > 0 && !m.Every.Given {
		v.fail(join(path, "times"), "found times without every, expected both")
	}
	if m.When != nil {
		v.when(path, m, actions)
	}
	if m.Disconnect != nil {
		v.disconnect(join(path, "disconnect"), m.Disconnect)
	}
	if m.Block != nil {
		v.block(join(path, "block"), m.Block)
	}
	if m.Slow != nil {
		at := join(path, "slow")
		v.who(at, m.Slow.Who, m.Slow.Share)
		if m.Slow.Rate.Given && m.Slow.Rate.PerSecond < 1 {
			v.fail(join(at, "rate"), "found less than 1B/s, expected more; a disconnect with how: freeze reads nothing")
		}
	}
	if m.Mute != nil {
		v.who(join(path, "mute"), m.Mute.Who, m.Mute.Share)
	}
	if m.Degrade != nil {
		at, d := join(path, "degrade"), m.Degrade
		v.who(at, d.Who, d.Share)
		v.link(at, &LinkSpec{Delay: d.Delay, Jitter: d.Jitter, Rate: d.Rate})
	}
	if m.Revoke != nil {
		v.who(join(path, "revoke"), m.Revoke.Who, m.Revoke.Share)
	}
	if m.Scale != nil {
		v.scale(join(path, "scale"), m.Scale)
	}
	if m.Publish != nil {
		at := join(path, "publish")
		v.who(at, m.Publish.Who, m.Publish.Share)
		v.publishers(at, m.Publish.Who, m.Publish.Publisher)
		v.template(join(at, "channel"), m.Publish.Channel, namesOfTarget, nil)
		v.channel(join(at, "channel"), m.Publish.Channel)
	}
	v.topics(path, m)
	if m.Abuse != nil {
		v.abuse(join(path, "abuse"), m.Abuse)
	}
	if m.Gateway != nil {
		v.verb(i, join(path, "gateway"), m)
	}
	if v.s.given(join(path, "exec")) {
		v.exec(join(path, "exec"), m.Exec)
	}
	if m.Rate != nil {
		at := join(path, "rate")
		v.who(at, m.Rate.Who, Share{})
		v.publishers(at, m.Rate.Who, m.Rate.Publisher)
	}
}

func counted(keys []string, none string) string {
	if len(keys) == 0 {
		return none
	}
	if len(keys) == 1 {
		return keys[0]
	}
	return words(keys[:len(keys)-1]) + " and " + keys[len(keys)-1]
}

func (v *validator) disconnect(path string, d *DisconnectSpec) {
	v.who(path, d.Who, d.Share)
	has := func(key string) bool { return v.s.given(join(path, key)) }
	if has("code") {
		switch c := d.Code; {
		case d.How != "close":
			v.fail(join(path, "code"), "found a code with how: %s, expected it with how: close", or(d.How, "reset"))
		case !sendable(c):
			v.fail(join(path, "code"), "found %d, expected a close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999", c)
		}
	}
	if has("reason") && d.How != "close" {
		v.fail(join(path, "reason"), "found a reason with how: %s, expected it with how: close", or(d.How, "reset"))
	}
	if len(d.Reason) > 123 {
		v.fail(join(path, "reason"), "found %d bytes, expected at most 123 (RFC 6455, 5.5)", len(d.Reason))
	}
	if has("after") && d.How != "cut" {
		v.fail(join(path, "after"), "found after with how: %s, expected it with how: cut", or(d.How, "reset"))
	}
	if d.How == "freeze" && d.Away.Lo <= 0 {
		v.fail(path, "found a freeze without an away time above 0, expected how long it lasts")
	}
	if d.How == "freeze" && d.Fresh {
		v.fail(join(path, "fresh"), "found fresh with how: freeze, expected another way: a frozen client goes on with the same connection")
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// who checks that groups exist and that a share can be had of them.
func (v *validator) who(path string, who []string, share Share) {
	known := v.s.keys("clients")
	n := 0
	if len(who) == 0 {
		if v.s.given(join(path, "who")) {
			v.fail(join(path, "who"), "found an empty list, expected a group")
		}
		for _, g := range known {
			n += v.s.members(g)
		}
	}
	v.groups(join(path, "who"), who)
	for _, g := range who {
		if slices.Contains(known, g) {
			n += v.s.members(g)
		}
	}
	if share.Whole && share.Count > n && n > 0 {
		v.fail(join(path, "share"), "found %d, expected at most %d, which is all of them", share.Count, n)
	}
}

// groups checks that each name at path, one or a list, is a group.
func (v *validator) groups(path string, names []string) {
	known := v.s.keys("clients")
	seen := make(map[string]bool)
	for i, g := range names {
		at := join(path, strconv.Itoa(i))
		if !slices.Contains(known, g) {
			v.fail(at, "found the unknown group %s, expected %s%s", quote(g), words(known), nearest(g, known))
		}
		if seen[g] {
			v.fail(at, "found the group %s twice, expected it once", quote(g))
		}
		seen[g] = true
	}
}

// publishers checks that a moment about publications can mean some.
func (v *validator) publishers(path string, who []string, name string) {
	if len(who) == 0 {
		who = v.s.keys("clients")
	}
	var known []string
	for _, g := range who {
		for i, p := range v.s.Clients[g].Publish {
			if name == "" || entryName(p, i) == name {
				return
			}
			known = append(known, entryName(p, i))
		}
	}
	switch {
	case len(known) == 0:
		v.fail(path, "found clients without a publish entry, expected a group that publishes")
	default:
		v.fail(join(path, "publisher"), "found the unknown publisher %s, expected %s%s", quote(name), words(known), nearest(name, known))
	}
}

// entryName is what a publish entry is called: its name, or its index.
func entryName(p PublishSpec, i int) string { return or(p.Name, strconv.Itoa(i)) }
