package scenario

import (
	"strings"
	"testing"
)

// TestAbuseProblems holds what people get wrong about offences, and what they are told.
func TestAbuseProblems(t *testing.T) {
	for _, row := range []struct{ lines, want string }{
		{"timeline: [{at: 1s, abuse: {who: a}}]", `found no "what" in timeline.0.abuse`},
		{"timeline: [{at: 1s, abuse: {who: a, what: rudeness}}]", `found "rudeness", expected unmasked, reserved-bit, reserved-opcode, bad-utf8, long-control, oversize, bad-json, unknown-command, duplicate-subscribe`},
		{"timeline: [{at: 1s, abuse: {who: b, what: oversize}}]", `found the unknown group "b"`},
		{"timeline: [{at: 1s, abuse: {who: a, share: 11, what: oversize}}]", "found 11, expected at most 10"},
		{"expect: [{close: {when: abuse}}]", "found when: abuse and no abuse in the timeline, expected both"},
		{"timeline: [{at: 1s, abuse: {who: a, what: oversize}}]\nexpect: [{close: {when: abuse, codes: 1009}}]", "found codes with when: abuse, expected none: RFC 6455 names those of each offence"},
		{"expect: [{close: {when: drain}}]", "found no codes, expected those with which the target may close for a drain, such as codes: [1001, 1012]"},
		{"timeline: [{when: {who: a, sees: closed}, abuse: {what: oversize}}]", "found sees: closed with abuse, which needs a connection"},
		{"target: {url: ws://a, dialect: plain}\ntimeline: [{at: 1s, abuse: {who: a, what: bad-json}}]", "found bad-json, expected another offence: with the dialect plain, what its servers must refuse is not known; optional: true leaves it out"},
		{"target: {url: ws://a, dialect: plain}\ntimeline: [{at: 1s, abuse: {who: a, what: stale-epoch}}]", "found stale-epoch, expected another offence: with the dialect plain, there are no epochs and offsets to resume from; optional: true leaves it out"},
		{"target: {url: ws://a, dialect: named}\ntimeline: [{at: 1s, abuse: {who: a, what: future-offset}}]", "found future-offset, expected another offence: with the dialect named, no recovery is promised or expected"},
		{"target: {url: ws://a, dialect: plain}\ntimeline: [{at: 1s, abuse: {who: a, what: other-session}}]", "found other-session, expected another offence: with the dialect plain, a client has no session that it could name"},
		{"target: {url: ws://a, dialect: named}\ntimeline: [{at: 1s, abuse: {who: a, what: other-session}}]", "found other-session, expected another offence: with the dialect named, a session is served to whoever names it"},
		{"timeline: [{at: 1s, abuse: {who: a, what: other-session}}]", "found other-session and no session that is kept and surely another user's"},
		{"timeline: [{at: 1s, abuse: {who: a, what: expired-token}}]", "found expired-token and no auth under target.gateway, expected both"},
		{"target: {gateway: {auth: {jwt-key: k, anonymous: true}}}\ntimeline: [{at: 1s, abuse: {who: a, what: expired-token}}]", "found expired-token by clients of a, whose token is not made by jwt()"},
		{"target: {url: ws://a, dialect: bits}\ntimeline: [{at: 1s, abuse: {who: a, what: bad-utf8}}]", "found bad-utf8, expected another offence: with the dialect bits, its messages are binary; optional: true leaves it out"},
	} {
		o := options()
		o.Dialects = append(o.Dialects, DialectInfo{Name: "bits", Binary: true}, DialectInfo{Name: "named", Sessions: true, Recover: true, Offsets: true})
		_, problems := Load("x.yaml", []byte(small(row.lines)), o)
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) || problems[0].Line == 0 {
			t.Errorf("%s\ngot  %v\nwant %s", row.lines, problems, row.want)
		}
	}
}

// TestAbuseMoments: every offence of the language becomes a moment whose line
// says what the target has to do about it.
func TestAbuseMoments(t *testing.T) {
	o := options()
	for _, x := range Offences() {
		p := plan(t, small("target: {gateway: {queue: {size: 10}, auth: {jwt-key: k}}}\ntimeline: [{at: 1s, abuse: {who: a, share: 3, what: "+x.Name+"}}]"), o,
			`clients.a.token="{jwt({'sub': user, 'exp': '1h'})}"`, "clients.a.user=u-{i}")
		m := p.Moments[0]
		if m.Do != "abuse" || m.How != x.Name || len(m.Victims) != 3 {
			t.Errorf("%s becomes %+v", x.Name, m)
		}
		if want := "abuse a 3 " + x.Name + ", which " + x.Must(); m.Summary != want {
			t.Errorf("got %q, want %q", m.Summary, want)
		}
		if (len(x.Codes) == 0) != x.Words || x.About == "" {
			t.Errorf("%s: what must come of it is not said: %+v", x.Name, x)
		}
	}
	p := plan(t, small("target: {url: ws://a, dialect: plain}\ntimeline: [{at: 1s, optional: true, abuse: {who: a, what: second-connect}}]"), o)
	if m := p.Moments[0]; m.Do != "say" || !strings.HasPrefix(m.Summary, "left out: abuse a second-connect") {
		t.Errorf("optional becomes %+v", m)
	}
	if _, ok := OffenceOf("rudeness"); ok {
		t.Error("rudeness is an offence")
	}
}
