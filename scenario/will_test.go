package scenario

import (
	"slices"
	"strings"
	"testing"
)

// TestWill: each client of the group has a will of its own, numbered behind the
// publishers, and the target has promised what becomes of it.
func TestWill(t *testing.T) {
	promised := func(p *Plan) bool {
		return slices.ContainsFunc(p.Expect, func(e Expectation) bool { return e.Rule == "will" && e.Want == "when-lost" && e.Promised })
	}
	if p := plan(t, small(), options()); promised(p) || p.Clients[3].Will != nil {
		t.Errorf("%+v", p.Expect)
	}
	p := plan(t, small(), options(), `clients.a.will={channel: "left.{i % 2}", payload: {who: "{i}", n: 1}}`)
	w := p.Clients[3].Will
	if w == nil || w.Publisher != int32(len(p.Publishers))+3 || p.Channels[w.Channel] != "left.1" || string(w.Payload) != `{"who":3,"n":1}` || p.Clients[10].Will != nil || !promised(p) {
		t.Errorf("%+v, %+v", w, p.Expect)
	}
	alone, problems := Load("x.yaml", []byte("squall: 1\nname: alone\nduration: 1s\nclients: {a: {count: 2, will: {channel: left}}}\n"), options())
	if len(problems) > 0 || alone.Clients[0].Will.Publisher != 1 || string(alone.Clients[1].Will.Payload) != "{}" {
		t.Errorf("%v, %+v", problems, alone)
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil || !strings.Contains(b.String(), "to left.{i % 2}") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestWillProblems holds what people get wrong about it.
func TestWillProblems(t *testing.T) {
	const will = `clients.a.will={channel: left}`
	for _, row := range []struct {
		want string
		set  []string
	}{
		{"found will expected and no group with a will, expected both", []string{"expect=[{will: when-lost}]"}},
		{"found a will, expected none: the dialect centrifugo has no wills", []string{will, "target={url: \"ws://a\", dialect: centrifugo}"}},
		{"found a will of clients that must be refused, expected none", []string{"clients.z={count: 1, refused: true, will: {channel: left}}"}},
		{"found the pattern \"left.*\"", []string{`clients.a.will={channel: "left.*"}`}},
		{"found an empty channel", []string{`clients.a.will={channel: "{i == 0 ? '' : 'x'}"}`}},
		{"which carries the stamp", []string{`clients.a.will={channel: left, payload: {_squall: 1}}`}},
	} {
		_, problems := Load("x.yaml", []byte(small()), options(), row.set...)
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) {
			t.Errorf("%q: got %v, want %q", row.set, problems, row.want)
		}
	}
}
