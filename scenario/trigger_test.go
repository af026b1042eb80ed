package scenario

import (
	"strings"
	"testing"
)

func TestTriggers(t *testing.T) {
	p := plan(t, small("timeline:",
		"  - {at: 1s, say: first}",
		"  - {when: {who: a, sees: message, nth: 3, before: replay, channel: \"x.*\", share: 30%}, disconnect: {how: cut, away: 1s}}",
		"  - {when: {sees: ping}, slow: {rate: 1KiB/s}}",
		"  - {when: {who: p, sees: closed}, publish: {count: 2}}",
	), options())
	if len(p.Moments) != 4 || p.Moments[3].Do != "say" {
		t.Fatalf("got %+v, want three that wait and one with a time", p.Moments)
	}
	m := p.Moments[0]
	if *m.When != (Trigger{Sees: "message", Nth: 3, Before: "replay", Channel: "x.*"}) {
		t.Errorf("got %+v", *m.When)
	}
	if len(m.Victims) != 3 {
		t.Errorf("got %d victims, want the 3 of the trigger's share", len(m.Victims))
	}
	if want := "a 30% see message no. 3 on x.* before replay: disconnect a 30% cut, away 1s"; m.Summary != want {
		t.Errorf("got %q, want %q", m.Summary, want)
	}
	if got := len(p.Moments[1].Victims); got != 12 {
		t.Errorf("got %d victims, want all 12", got)
	}
	if m := p.Moments[2]; len(m.Victims) != 2 || m.When.Nth != 1 {
		t.Errorf("got %+v, want both publishers at the first", m)
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil || !strings.Contains(b.String(), "      when  a 30% see message") {
		t.Errorf("got %v and\n%s", err, b.String())
	}
}

// TestTriggersForOthers: an action that names its own clients strikes those, all of them
// if it does not say how many.
func TestTriggersForOthers(t *testing.T) {
	p := plan(t, small("timeline:",
		"  - {when: {who: p, sees: acked, nth: 5, share: 1}, disconnect: {who: a, how: cut}}",
		"  - {when: {who: a, sees: closed}, disconnect: {share: 50%, how: fin}}",
		"  - {when: {who: a, sees: ping, share: 20%}, disconnect: {how: fin}}",
	), options())
	for i, want := range []struct {
		seers, victims int
		summary        string
	}{
		{1, 10, "the first of p 1 sees acked no. 5: disconnect a cut, away 0s"},
		{10, 5, "the first of a sees closed: disconnect a 50% fin, away 0s"},
		{-1, 2, "a 20% see ping: disconnect a 20% fin, away 0s"},
	} {
		m := p.Moments[i]
		seers := len(m.Seers)
		if m.Seers == nil {
			seers = -1
		}
		if seers != want.seers || len(m.Victims) != want.victims || m.Summary != want.summary {
			t.Errorf("got %d seers, %d victims, %q; want %+v", seers, len(m.Victims), m.Summary, want)
		}
	}
}

func TestTriggersThatCantBe(t *testing.T) {
	for _, row := range []struct{ moment, want string }{
		{"{when: {sees: message, before: message}, disconnect: {how: fin}}", "found before: message with sees: message, expected something else"},
		{"{when: {sees: ping, channel: a}, disconnect: {how: fin}}", "found a channel with sees: ping, which has none; expected it with subscribed, replay, message or acked"},
		{"{when: {sees: ping}, say: hello}", "found when with say, expected an action on the client that sees it, or on others: "},
		{"{when: {sees: closed}, disconnect: {how: fin}}", "found sees: closed with disconnect, which needs a connection; expected publish, or others to do it to: who beside sees is who sees it, and within disconnect who is struck"},
		{"{when: {sees: ping}, disconnect: {who: x, how: fin}}", `found the unknown group "x", expected a or p`},
		{"{when: {sees: ping, who: x}, disconnect: {how: fin}}", `found the unknown group "x", expected a or p`},
		{"{when: {who: a}, disconnect: {how: fin}}", "sees"},
		{"{at: 1s, when: {sees: ping}, disconnect: {how: fin}}", "found at and when, expected one trigger: at, every or when"},
	} {
		s, problems := Parse("x.yaml", []byte(small("timeline: ["+row.moment+"]")))
		got := append(problems, Validate(s)...).Error()
		if !strings.Contains(got, row.want) || !strings.HasPrefix(got, "x.yaml:7:") {
			t.Errorf("%s: got\n%s\nwant\n%s", row.moment, got, row.want)
		}
	}
}
