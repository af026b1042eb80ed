package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	kebab     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	groupName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	varName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Validate judges what a scenario says, as far as the file alone can tell. It
// says nothing about places where Parse found a problem.
func Validate(s *Scenario) Problems {
	v := &validator{s: s}
	v.available()
	v.header()
	v.stop()
	v.target()
	v.shapes()
	v.transforms()
	for _, g := range s.keys("clients") {
		v.group(g)
	}
	v.size()
	for i := range s.Timeline {
		v.moment(i)
	}
	v.expectations()
	return v.problems.sorted()
}

// Bounds of a plan that one process can hold.
const (
	maxClients = 1_000_000
	maxMoments = 10_000
)

func (v *validator) size() {
	n := 0
	for _, name := range v.s.keys("clients") {
		n += v.s.members(name)
		if n > maxClients {
			v.fail(join("clients", name), "found more than %s clients up to here, expected fewer", grouped(maxClients))
			return
		}
	}
}

type validator struct {
	s        *Scenario
	problems Problems
}

// fail notes a problem at a path, unless something at or around it is wrong
// already.
func (v *validator) fail(path, format string, args ...any) {
	if v.s.broken(path) {
		return
	}
	v.problems = append(v.problems, v.s.where(path).problem(v.s.file, fmt.Sprintf(format, args...)))
}

// sound tells whether Parse found no problem below path.
func (v *validator) sound(path string) bool {
	for bad := range v.s.bad {
		if strings.HasPrefix(bad, path+".") {
			return false
		}
	}
	return true
}

// template compiles text to find what is wrong with it.
func (v *validator) template(path string, text Template, names, vars []string) {
	if text == "" {
		return
	}
	if _, err := compileTemplate(string(text), names, vars); err != nil {
		v.fail(path, "%v", err)
	}
}

// available refuses what is known and not built yet.
func (v *validator) available() {
	for _, path := range v.s.later {
		if v.within(path) {
			continue
		}
		what, at := path[strings.LastIndex(path, ".")+1:], v.s.key[path]
		if text := v.s.laterText[path]; text != "" {
			what, at = what+": "+text, v.s.pos[path]
		}
		v.problems = append(v.problems, at.problem(v.s.file, fmt.Sprintf("%q is known, not yet available", what)))
	}
}

// within tells whether path lies inside another that isn't available.
func (v *validator) within(path string) bool {
	for p := parent(path); p != ""; p = parent(p) {
		if slices.Contains(v.s.later, p) {
			return true
		}
	}
	return false
}

func (v *validator) header() {
	s := v.s
	if s.Name != "" && !kebab.MatchString(s.Name) {
		v.fail("name", "found %s, expected kebab-case: lower-case letters, digits and single hyphens", quote(s.Name))
	}
	if s.Duration.Given && s.Duration.Duration <= 0 {
		v.fail("duration", "found 0s, expected a duration above 0")
	}
	if s.Warmup.Given && s.Duration.Given && s.Warmup.Duration >= s.Duration.Duration {
		v.fail("warmup", "found %v, expected less than the duration of %v", s.Warmup, s.Duration)
	}
	if s.given("clients") && len(s.Clients) == 0 {
		v.fail("clients", "found no group, expected at least one")
	}
}

func (v *validator) target() {
	t := v.s.Target
	if t == nil {
		return
	}
	if t.Gateway != nil && v.s.given("target.url") {
		v.fail("target.gateway", "found url and gateway, expected one of them")
	}
	if v.s.given("target.url") && len(t.URL) == 0 {
		v.fail("target.url", "found an empty list, expected an address")
	}
	for i, u := range t.URL {
		path := "target.url"
		if at := join(path, strconv.Itoa(i)); v.s.given(at) {
			path = at
		}
		v.template(path, u, namesOfTarget, nil)
	}
	for _, h := range v.s.keys("target.headers") {
		v.template(join("target.headers", h), t.Headers[h], namesOfTarget, nil)
		if strings.ContainsAny(h, " :\r\n") || h == "" {
			v.fail(join("target.headers", h), "found %s, expected the name of a header", quote(h))
		}
	}
	v.http()
	if t.TLS != nil && (t.TLS.Cert == "") != (t.TLS.Key == "") {
		v.fail("target.tls", "found only one of cert and key, expected both or none")
	}
	if len(t.URL) == 0 && t.TLS != nil {
		v.fail("target.tls", "found tls without a url, expected it with a wss:// address")
	}
}

func (v *validator) group(name string) {
	s, path := v.s, join("clients", name)
	g := s.Clients[name]
	if !groupName.MatchString(name) {
		v.fail(path, "found the group %s, expected letters, digits, _ and -, beginning with a letter", quote(name))
	}
	if a := g.Arrive; a != nil {
		if a.Over.Given && a.Rate.Given {
			v.fail(join(path, "arrive.rate"), "found over and rate, expected one of them")
		}
		if a.Rate.Given && a.Rate.PerSecond <= 0 {
			v.fail(join(path, "arrive.rate"), "found a rate of 0, expected more")
		}
		if a.Curve == "at-once" && (a.Over.Given || a.Rate.Given) {
			v.fail(join(path, "arrive.curve"), "found at-once with over or rate, expected neither")
		}
	}
	var vars []string
	for _, k := range s.keys(join(path, "vars")) {
		at := join(path, "vars."+k)
		if !varName.MatchString(k) || slices.Contains(namesOfStream, k) || slices.Contains(callNames, k) || slices.Contains(placeNames, k) {
			v.fail(at, "found the name %s, expected letters, digits and _, and no name of the language", quote(k))
			continue
		}
		if s.given(at) && len(g.Vars[k]) == 0 {
			v.fail(at, "found an empty list, expected values")
		}
		for i, t := range g.Vars[k] {
			v.template(join(at, strconv.Itoa(i)), t, g.of(namesOfVars), vars)
		}
		vars = append(vars, k)
	}
	v.template(join(path, "user"), g.User, g.of(namesOfUser), vars)
	v.template(join(path, "role"), g.Role, g.of(namesOfRole), vars)
	v.template(join(path, "token"), g.Token, g.of(namesOfToken), vars)
	v.rights(path, &g, vars)
	for i, sub := range g.Subscribe {
		at := join(path, "subscribe."+strconv.Itoa(i))
		v.topic(at, sub.Channel, sub.Pattern, g.of(namesOfClient), vars)
		v.subscription(at, &sub)
		v.filter(join(at, "filter"), sub.Filter, g.of(namesOfClient), vars)
	}
	v.publish(path, g, vars)
	v.will(join(path, "will"), &g, vars)
	if r := g.Reconnect; r != nil && r.First.Given && r.Max.Given && r.Max.Duration < r.First.Duration {
		v.fail(join(path, "reconnect.max"), "found %v, expected at least first, which is %v", r.Max, r.First)
	}
	v.beat(join(path, "heartbeat"), g.Heartbeat)
	v.outbox(path, &g)
	v.session(path, &g)
	v.limits(path, &g)
	v.fallback(path, &g)
}

// beat refuses heartbeats that can't be.
func (v *validator) beat(path string, h *HeartbeatSpec) {
	if h != nil && h.Timeout.Given && h.Timeout.Duration <= 0 {
		v.fail(join(path, "timeout"), "found 0s, expected a timeout above 0")
	}
}

func (v *validator) channel(path string, c Template) {
	if strings.Contains(string(c), "*") && !strings.Contains(string(c), "{") {
		v.fail(path, "found the pattern %s, expected the name of a channel; patterns stand under pattern", quote(string(c)))
	}
}

func (v *validator) publish(path string, g GroupSpec, vars []string) {
	seen := make(map[string]bool)
	for i, p := range g.Publish {
		at := join(path, "publish."+strconv.Itoa(i))
		if p.Name != "" && seen[p.Name] {
			v.fail(join(at, "name"), "found the name %s twice in the group, expected it once", quote(p.Name))
		}
		seen[p.Name] = true
		v.channel(join(at, "channel"), p.Channel)
		v.template(join(at, "channel"), p.Channel, g.of(namesOfStream), vars)
		v.template(join(at, "key"), p.Key, g.of(namesOfStream), vars)
		if p.Payload.Given() {
			payload(p.Payload.node, join(at, "payload"), g.of(namesOfStream), vars, func(path, text string) { v.fail(path, "%s", text) })
		}
		if p.Rate.Given && p.Rate.PerSecond <= 0 {
			v.fail(join(at, "rate"), "found a rate of 0, expected more")
		}
		if p.Size.Hi > 16<<20 {
			v.fail(join(at, "size"), "found %s, expected at most 16MiB", p.Size.Text)
		}
	}
}
