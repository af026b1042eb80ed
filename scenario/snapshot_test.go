package scenario

import (
	"strings"
	"testing"
)

func TestSnapshots(t *testing.T) {
	const publishers = `, publish: [{channel: x.1, rate: 1/s, payload: {by: {n: "{pick(1..3)}"}, gone: false}}]}
`
	const rows = `target: {gateway: {snapshot: {channel: "x.*", key: by.n, tombstone: gone, max: 9}}}
`
	events := DialectInfo{Name: "events", Offsets: true, Recover: true, Patterns: true, Filters: true, Sessions: true, Snapshot: true, Promises: Embedded()}
	load := func(target, sub, expect string, d DialectInfo) (*Plan, Problems) {
		text := "squall: 1\nname: x\nduration: 5s\n" + target + "clients:\n  a: {count: 2, subscribe: [" + sub + "]" + publishers + "expect: [" + expect + "]\n"
		return Load("x.yaml", []byte(text), Options{Dialects: []DialectInfo{d}})
	}
	p, problems := load(rows, `{channel: x.1, snapshot: true}`, `snapshot: {channel: "x.*", key: by.n, tombstone: gone}`, events)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, want := p.Target.Gateway.Rows, (Rows{Match: "x.*", Key: "by.n", Tombstone: "gone", Max: 9}); len(got) != 1 || got[0] != want {
		t.Errorf("the gateway keeps %+v, want %+v", got, want)
	}
	if e, want := p.Expect[0], (Book{Channel: "x.*", Key: "by.n", Tombstone: "gone"}); e.Rule != "snapshot" || e.Number != 1 || *e.Book != want || p.Books[0] != want {
		t.Errorf("expected is %+v by %+v", e, e.Book)
	}
	if !p.Clients[0].Subs[0].Rows || !p.Clients[0].Subs[0].Recover {
		t.Errorf("the subscription is %+v", p.Clients[0].Subs[0])
	}
	for channel, want := range map[string]string{"x.1": `{"by":{"n":"_fence"}}`, "y": `{}`} {
		if got := string(p.FencePayload(channel)); got != want {
			t.Errorf("the fence of %s carries %s, want %s", channel, got, want)
		}
	}

	deaf := events
	deaf.Snapshot = false
	p, problems = load("", `{channel: x.1, snapshot: true, optional: true}, {channel: x.2}`, `errors: 0`, deaf)
	if len(problems) > 0 || len(p.Clients[0].Subs) != 1 {
		t.Errorf("what is optional is not left out: %v", problems)
	}
	const asked, want = `{channel: x.1, snapshot: true}`, `snapshot: {channel: "x.*", key: by.n}`
	for _, row := range []struct {
		target, sub, expect string
		d                   DialectInfo
		want                string
	}{
		{rows, `{pattern: "x.*", snapshot: true}`, want, events, "x.yaml:6:56: found snapshot: true with a pattern, expected it with a channel: rows are at a position of one channel"},
		{rows, `{channel: x.1, snapshot: true, refused: true}`, want, events, "found snapshot: true with refused, expected one of them"},
		{rows, `{channel: x.1, snapshot: true, filter: "msg.gone"}`, want, events, "found snapshot: true with a filter, expected one of them: rows would not follow what the filter keeps back"},
		{rows, `{channel: x.1, snapshot: true, observe: true}`, want, events, "found snapshot: true with observe, expected one of them"},
		{rows, asked, want, deaf, "found snapshot, expected none: the dialect events can't ask for the rows of a channel; optional: true leaves it out"},
		{rows, `{channel: x.1}`, want, events, "found snapshots expected and nobody who asks for one, expected snapshot: true with some subscription"},
		{"", asked, want, events, `found a snapshot of "x.1", of which the gateway keeps no rows, expected them: target.gateway.snapshot: {channel: "x.1", key: …}`},
		{rows, asked, `snapshot: {channel: "x.*"}`, events, "found no key, expected the field of the payload that names the row, as in key: account"},
		{rows, asked, `snapshot: {channel: "x.*", key: by..n}`, events, `found the field "by..n", expected names with dots between them`},
		{rows, asked, `snapshot: {channel: "x.*", key: row}`, events, `of which the field row is missing, expected what can be entered`},
		{"target: {gateway: {snapshot: []}}\n", asked, want, events, "found an empty list, expected channels and their key"},
		{"target: {gateway: {snapshot: {key: by.n}}}\n", asked, want, events, "found no channel, expected the channels that keep rows"},
		{"target: {gateway: {snapshot: {channel: x.1}}}\n", asked, want, events, "found no key, expected the field of the payload"},
		{"target: {gateway: {snapshot: {channel: x.1, key: by.n, max: 100001}}}\n", asked, want, events, "found 100001, expected 1 to 100000"},
		{"target: {gateway: {history: none, snapshot: {channel: x.1, key: by.n}}}\n", asked, want, events, "found rows without a history, expected one"},
		{"target: {gateway: {throttle: {channel: x.1, every: 1s, keep: last}, snapshot: {channel: x.1, key: by.n}}}\n", asked, want, events, `found rows of "x.1", which is thinned out (throttle), expected one of them`},
		{"target: {gateway: {queue: {size: 5, ttl: 1s}, snapshot: {channel: x.1, key: by.n}}}\n", asked, want, events, `found a snapshot of "x.1", of which sessions keep a backlog, expected one of them`},
	} {
		if _, problems := load(row.target, row.sub, row.expect, row.d); !strings.Contains(problems.Error(), row.want) {
			t.Errorf("%s%s %s\ngot  %v\nwant %s", row.target, row.sub, row.expect, problems, row.want)
		}
	}
}
