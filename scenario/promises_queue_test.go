package scenario

import (
	"strings"
	"testing"
)

func TestKeptSubscriptions(t *testing.T) {
	for _, row := range []struct {
		comment, target, subscribe string
		kept, session              bool
	}{
		{"no queue is promised", "embedded", `{channel: a}`, false, false},
		{"the gateway keeps one", "{gateway: {queue: {size: 10}}}", `{channel: a}`, true, true},
		{"but not for this", "{gateway: {queue: {size: 10}}}", `{channel: a, recover: false}`, false, false},
		{"a promise may lower it", "{gateway: {queue: {size: 10}}, promises: {queue: none}}", `{channel: a}`, false, false},
		{"for some channels", "{gateway: {queue: {size: 10}}, promises: {channels: [{match: \"b\", queue: none}]}}", `{channel: a}`, true, true},
		{"and not for others", "{gateway: {queue: {size: 10}}, promises: {channels: [{match: \"a\", queue: none}]}}", `{channel: a}`, false, false},
		{"the first match wins", "{gateway: {queue: {size: 10}}, promises: {channels: [{match: \"*\"}, {match: \"a\", queue: none}]}}", `{channel: a}`, true, true},
		{"elsewhere", "{url: \"ws://x\", promises: {queue: {size: 5, ttl: 1m}}}", `{channel: a}`, true, true},
	} {
		t.Run(row.comment, func(t *testing.T) {
			src := "squall: 1\nname: small\nduration: 10s\ntarget: " + row.target + "\nclients: {a: {count: 2, subscribe: " + row.subscribe + "}}\n"
			p, problems := Load("x.yaml", []byte(src), options())
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			c := p.Clients[1]
			if c.Subs[0].Kept != row.kept || c.Session != row.session {
				t.Errorf("got kept %v, session %v, want %v, %v", c.Subs[0].Kept, c.Session, row.kept, row.session)
			}
		})
	}
}

// TestSessionsThatLeaveConnectionsBehind: a client that vanishes names its
// session where the target promises what becomes of the older connection.
func TestSessionsThatLeaveConnectionsBehind(t *testing.T) {
	for target, want := range map[string]bool{
		"embedded": true, "{promises: {takeover: keeps-both}}": true, "{url: \"ws://x\", dialect: centrifugo}": false,
	} {
		p, problems := Load("x.yaml", []byte(small("target: "+target, "timeline: [{at: 1s, disconnect: {who: a, share: 10%, how: vanish, away: 1s}}]")), options())
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := p.Clients[0].Session; got != want {
			t.Errorf("%s: got session %v, want %v", target, got, want)
		}
	}
}

func TestPromisesOfAChannel(t *testing.T) {
	p, problems := Load("x.yaml", []byte(small(`target: {promises: {channels: [{match: "c.1", delivery: at-most-once, history: none}, {match: "c.*", order: per-publisher}]}}`)), options())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	one, two, other := p.Promises.Of("c.1"), p.Promises.Of("c.2"), p.Promises.Of("d")
	if one.Delivery != "at-most-once" || one.Recovery || one.History.Size != 0 || one.Order != "per-channel" {
		t.Errorf("got %+v for c.1", one)
	}
	if two.Delivery != "exactly-once" || !two.Recovery || two.Order != "per-publisher" {
		t.Errorf("got %+v for c.2", two)
	}
	if other.Order != "per-channel" || !p.Promises.Rules("c.2") || p.Promises.Rules("d") {
		t.Errorf("got %+v for d", other)
	}
	if sub := p.Clients[1].Subs[0]; p.Channels[sub.Channel] != "c.1" || sub.Recover {
		t.Errorf("got %+v on %s, want no recovery", sub, p.Channels[sub.Channel])
	}
}

func TestProblemsWithQueues(t *testing.T) {
	for _, row := range []struct{ lines, want string }{
		{`target: {promises: {queue: {size: 5}}}`, "x.yaml:7:28: found more than the embedded gateway keeps (0 messages of a session), expected no more; configure target.gateway instead"},
		{`target: {url: "ws://x", dialect: centrifugo, promises: {queue: {size: 5}}}`, "x.yaml:7:64: found a queue promised, expected none: the dialect centrifugo has no sessions that a server keeps"},
		{`target: {url: "ws://x", dialect: centrifugo, promises: {takeover: closes-old}}`, "x.yaml:7:67: found takeover promised, expected none: the dialect centrifugo has no sessions"},
		{`target: {url: "ws://x", dialect: centrifugo, promises: {idempotency: true}}`, "x.yaml:7:70: found idempotency promised, expected none: publications of the dialect centrifugo carry no key"},
		{`target: {promises: {channels: [{delivery: at-most-once}]}}`, `x.yaml:7:32: found no pattern, expected one, as in match: "presence.**"`},
		{`target: {promises: {channels: [{match: a, history: {size: 5000}}]}}`, "x.yaml:7:52: found more than the embedded gateway keeps (1000 messages, 5m0s), expected no more; configure target.gateway instead"},
	} {
		_, problems := Load("x.yaml", []byte(small(row.lines)), options())
		if got := problems.Error(); got != row.want {
			t.Errorf("%s\n got %s\nwant %s", row.lines, got, row.want)
		}
	}
}

func TestOutboxAndKeys(t *testing.T) {
	src := func(group string) []byte {
		return []byte("squall: 1\nname: small\nduration: 10s\nclients:\n  w: " + group + "\n")
	}
	p, problems := Load("x.yaml", src(`{count: 2, user: "u-{i}", publish: {channel: c, rate: 1/s, key: "{user}-{seq}"}, outbox: {ttl: 3s}}`), options())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, want := p.Groups[0].Outbox.String(), "1,000 messages, drop-oldest, for 3s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for k, want := range []string{"u-1-1", "u-1-2"} {
		if m, err := p.Publishers[1].Compose(int64(k), 0, "run"); err != nil || m.Key != want {
			t.Errorf("publication %d: got the key %q, %v, want %q", k, m.Key, err, want)
		}
	}
	var b strings.Builder
	if p.Print(&b); !strings.Contains(b.String(), "outbox") || !strings.Contains(b.String(), "key {user}-{seq}") {
		t.Errorf("the plan says nothing of outbox or key:\n%s", b.String())
	}
	for _, row := range []struct{ group, want string }{
		{`{count: 1, subscribe: {channel: c}, outbox: {limit: 5}}`, "x.yaml:5:50: found an outbox in a group that publishes nothing, expected a `publish` entry"},
		{`{count: 1, publish: {channel: c, rate: 1/s}, outbox: {ttl: 0s}}`, "x.yaml:5:65: found 0s, expected a ttl above 0"},
		{`{count: 1, publish: {channel: c, rate: 1/s, key: "{nobody}"}}`, ""},
	} {
		_, problems := Load("x.yaml", src(row.group), options())
		if got := problems.Error(); row.want != "" && got != row.want || row.want == "" && !strings.HasPrefix(got, "x.yaml:5:55: in {nobody}") {
			t.Errorf("%s\n got %s\nwant %s", row.group, got, row.want)
		}
	}
}
