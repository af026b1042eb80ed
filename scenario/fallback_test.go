package scenario

import (
	"strings"
	"testing"
	"time"
)

// TestFallback: a plan knows which transports a group has and whose upgrades are refused,
// and prints both.
func TestFallback(t *testing.T) {
	src := strings.Replace(small("timeline: [{at: 1s, block: {who: a, share: 40%, for: 3s}}, {every: 4s, block: {who: p}}]"), "{count: 10,", "{count: 10, fallback: [sse, long-poll],", 1)
	p := plan(t, src, options())
	if got := strings.Join(p.Groups[0].Fallback, " "); got != "sse long-poll" || len(p.Groups[1].Fallback) != 0 {
		t.Errorf("transports %q and %q, want those of a alone", got, p.Groups[1].Fallback)
	}
	m := &p.Moments[0]
	if m.Do != "block" || len(m.Victims) != 4 || m.For != 3*time.Second {
		t.Errorf("got %+v, want a block of 4 clients for 3s", m)
	}
	if m := &p.Moments[2]; m.For != 2*time.Second {
		t.Errorf("a block without an end lasts %v from 8s of 10s, want until the drain", m.For)
	}
	if p.Detours() != 10 || !p.Blocked() {
		t.Errorf("%d clients have a fallback, blocked %v, want 10 and true", p.Detours(), p.Blocked())
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fallback    sse, then long-poll", "block a 40% for 3s", "block p until the drain"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, b.String())
		}
	}
	if plan(t, small("timeline: [{at: 1s, block: {who: p}}]"), options()).Blocked() {
		t.Error("a block of clients without a fallback makes somebody need one")
	}
}

// TestNoSuchFallback: what is wrong is named, with what is right.
func TestNoSuchFallback(t *testing.T) {
	with := func(list, more string) string {
		return strings.Replace(small(more), "{count: 10,", "{count: 10, fallback: "+list+",", 1)
	}
	for name, c := range map[string]struct{ src, want string }{
		"unknown":  {with("[sse, longpoll]", ""), `found "longpoll", expected sse or long-poll; did you mean "long-poll"?`},
		"twice":    {with("[sse, sse]", ""), `found sse twice, expected it once`},
		"empty":    {with("[]", ""), `found an empty list, expected sse, long-poll or both`},
		"dialect":  {with("sse", "target: {url: ws://x/, dialect: centrifugo}"), `with the dialect centrifugo there is nothing but WebSocket`},
		"no time":  {small("timeline: [{at: 1s, block: {for: 0s}}]"), `found 0s, expected more`},
		"no group": {small("timeline: [{at: 1s, block: {who: q}}]"), `found the unknown group "q"`},
	} {
		_, problems := Load("x.yaml", []byte(c.src), options())
		if !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, problems, c.want)
		}
	}
}
