package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// watching is small with group a asking who is there.
func watching(more ...string) string {
	return strings.Replace(small(more...), `{i % 2}"}`, `{i % 2}", presence: true}`, 1)
}

// TestPresence: who asks, how long it may take, and who is who.
func TestPresence(t *testing.T) {
	for _, row := range []struct {
		comment, src string
		within       time.Duration
		unsure       bool
		members      string // of the first two clients, where anything is expected
	}{
		{"nothing expected", watching(), 0, false, ""},
		{"the default", strings.Replace(watching(`expect: [{presence: {channel: "c.*"}}]`), "count: 10", `count: 10, user: "u{i}"`, 1), 5 * time.Second, false, "u0,u1"},
		{"as written", watching(`expect: [{presence: {channel: "c.*", settles-within: 1s}}, {presence: {channel: c.1, settles-within: 250ms}}]`), time.Second, false, ","},
		{"tokens tell", strings.Replace(watching(`target: {gateway: {auth: {jwt-key: k, anonymous: true}}}`, `expect: [{presence: {channel: "c.*"}}]`), "count: 10", `count: 10, user: "u{i}", token: "{jwt({'sub': 'one'})}"`, 1), 5 * time.Second, true, "one,one"},
		{"a target that asks for tokens, and none", strings.Replace(watching(`target: {gateway: {auth: {jwt-key: k, anonymous: true}}}`, `expect: [{presence: {channel: "c.*"}}]`), "count: 10", `count: 10, user: "u{i}"`, 1), 5 * time.Second, true, ","},
		{"a token of another's making", strings.Replace(watching(`target: {url: "ws://x"}`, `expect: [{presence: {channel: "c.*"}}]`), "count: 10", `count: 10, user: "u{i}", token: t`, 1), 5 * time.Second, true, ","},
		{"a secret", strings.Replace(watching(`expect: [{presence: {channel: "c.*"}}]`), "count: 10", `count: 10, user: "{env.TOKEN}{i}"`, 1), 5 * time.Second, true, ","},
		{"another's server", strings.Replace(watching(`target: {url: "ws://x"}`, `expect: [{presence: {channel: "c.*"}}]`), "count: 10", `count: 10, user: "u{i}"`, 1), 5 * time.Second, false, "u0,u1"},
	} {
		t.Run(row.comment, func(t *testing.T) {
			p := plan(t, row.src, options())
			if !p.Watches() || !p.Clients[3].Subs[0].Watch {
				t.Error("nobody asks")
			}
			if got := p.Settles(); got != row.within {
				t.Errorf("got %v, want %v", got, row.within)
			}
			m, unsure := p.Members()
			if unsure != row.unsure {
				t.Errorf("unsure %v", unsure)
			}
			if got := strings.Join(m[:min(2, len(m))], ","); got != row.members {
				t.Errorf("got %q, want %q", got, row.members)
			}
		})
	}
	p := plan(t, watching(`expect: [{to: a, presence: {channel: "c.*", settles-within: 2s}}]`), options())
	if got := p.Expect[0].Name + ": " + p.Expect[0].limits(); got != "presence, to a, channel c.*: settles within 2s" {
		t.Errorf("got %s", got)
	}
}

// TestPresenceIsLeftOut: where the dialect can't, optional leaves the subscription out.
func TestPresenceIsLeftOut(t *testing.T) {
	o := options()
	o.Dialects = slices.Clone(o.Dialects)
	for i := range o.Dialects {
		o.Dialects[i].Presence = false
	}
	src := strings.Replace(watching(), "presence: true", "presence: true, optional: true", 1)
	if p := plan(t, src, o); len(p.Clients[0].Subs) > 0 {
		t.Errorf("got %v, want no subscription", p.Clients[0].Subs)
	}
	_, problems := Load("x.yaml", []byte(watching()), o)
	if got, want := problems.Error(), `x.yaml:5:63: found presence, expected none: the dialect events can't say who is there; optional: true leaves it out`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestPresenceProblems: what can't be.
func TestPresenceProblems(t *testing.T) {
	for _, row := range []struct{ src, want string }{
		{small(`expect: [{presence: {channel: "c.*"}}]`), `x.yaml:7:21: found presence expected and nobody who asks for it, expected presence: true with some subscription`},
		{watching(`expect: [{presence: {settles-within: 1s}}]`), `x.yaml:7:21: found no channel, expected one or a pattern, as in channel: "tally.*"`},
		{watching(`expect: [{presence: {channel: "c.*", settles-within: 0s}}]`), `x.yaml:7:54: found 0s, expected a time above 0: a target learns that somebody has gone a moment later`},
		{watching(`expect: [{presence: {channel: "c.*", settles-within: "> 1s"}}]`), `x.yaml:7:54: found > 1s, expected a time at most, as in 5s`},
		{watching(`expect: [{presence: {channel: "c.*", quiet: 1s}}]`), `x.yaml:7:45: found quiet with presence, expected channel or settles-within only`},
		{strings.Replace(watching(), "channel:", "pattern:", 1), ""},
		{strings.Replace(watching(), "presence: true", "presence: true, refused: true", 1), ""},
	} {
		_, problems := Load("x.yaml", []byte(row.src), options())
		if got := problems.Error(); got != row.want && (row.want != "" || !strings.Contains(got, "found presence with ")) {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
}
