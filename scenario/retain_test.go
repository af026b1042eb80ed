package scenario

import (
	"slices"
	"strings"
	"testing"
)

// TestRetain: what the target is to keep is in the plan, and promised as soon as it
// is acknowledged.
func TestRetain(t *testing.T) {
	const keep = "clients.p.publish.x.retain=true"
	promised := func(p *Plan) bool {
		return slices.ContainsFunc(p.Expect, func(e Expectation) bool {
			return e.Rule == "retained" && e.Want == "latest" && e.Promised
		})
	}
	p := plan(t, small(), options())
	m, err := p.Publishers[0].Compose(0, 0, "run")
	if err != nil || m.Retain || promised(p) {
		t.Errorf("%+v, %v, %+v", m, err, p.Expect)
	}
	p = plan(t, small(), options(), keep)
	if m, err = p.Publishers[0].Compose(0, 0, "run"); err != nil || !m.Retain || !promised(p) {
		t.Errorf("%+v, %v, %+v", m, err, p.Expect)
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil || !strings.Contains(b.String(), "ack, retain, start together") {
		t.Errorf("%v\n%s", err, b.String())
	}
	if p = plan(t, small(), options(), keep, "clients.p.publish.x.ack=false"); promised(p) {
		t.Error("what is not acknowledged is promised to be kept")
	}
	p = plan(t, small(), options(), keep, "expect=[{retained: latest, to: a}]")
	if e := p.Expect[0]; e.Rule != "retained" || e.Promised || e.Name != "retained: latest, to a" {
		t.Errorf("%+v", e)
	}
}

// TestRetainProblems holds what people get wrong about it.
func TestRetainProblems(t *testing.T) {
	for _, row := range []struct {
		want string
		set  []string
	}{
		{"found retained expected and nothing published with retain: true, expected both", []string{"expect=[{retained: latest}]"}},
		{"found retain: true, expected none: the dialect centrifugo has no messages that a channel keeps", []string{"clients.p.publish.x.retain=true", "target={url: \"ws://a\", dialect: centrifugo}"}},
	} {
		_, problems := Load("x.yaml", []byte(small()), options(), row.set...)
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) {
			t.Errorf("%q: got %v, want %q", row.set, problems, row.want)
		}
	}
}
