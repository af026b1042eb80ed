package scenario

import (
	"strings"
	"testing"
)

func TestPriority(t *testing.T) {
	const urgent = `target: {gateway: {priority: true}}
clients:
  a: {count: 2, subscribe: [{channel: x}]}
  p: {count: 1, publish: [{channel: x, rate: 1/s, priority: urgent}, {channel: y, rate: 1/s, priority: normal}, {channel: z, rate: 1/s, priority: low}, {channel: z, rate: 1/s}]}
`
	load := func(more string, d DialectInfo) (*Plan, Problems) {
		return Load("x.yaml", []byte("squall: 1\nname: x\nduration: 5s\n"+more), Options{Dialects: []DialectInfo{d}})
	}
	events := DialectInfo{Name: "events", Priority: true}
	p, problems := load(urgent+"expect: [{priority: {}}, {priority: {urgent-before: low, allow: 1KiB}, to: a, channel: x}, {priority: {allow: 0B}}]", events)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for i, want := range []string{"urgent", "", "low", ""} {
		if p.Publishers[i].Priority != want {
			t.Errorf("publisher %d has the priority %q, want %q", i, p.Publishers[i].Priority, want)
		}
	}
	for i, want := range []Expectation{{Name: "priority: normal", Want: "normal", Allow: 512 << 10}, {Name: "priority: low, to a, channel x", Want: "low", Allow: 1 << 10}, {Name: "priority: normal (2)", Want: "normal"}} {
		if e := p.Expect[i]; e.Rule != "priority" || e.Name != want.Name || e.Want != want.Want || e.Allow != want.Allow {
			t.Errorf("got %+v, want %+v", e, want)
		}
	}
	if !p.Target.Gateway.Priority {
		t.Error("the gateway has no priorities")
	}
	for _, row := range []struct {
		more string
		d    DialectInfo
		want string
	}{
		{strings.Replace(urgent, "target: {gateway: {priority: true}}", "", 1), events, `found the priority urgent, expected a gateway that has them: write priority: true under target.gateway`},
		{strings.Replace(urgent, "target: {gateway: {priority: true}}", "target: {url: ws://a.test}", 1), DialectInfo{Name: "events"}, `x.yaml:7:61: found the priority urgent, expected none: the dialect events has no priorities`},
		{strings.Replace(urgent, "urgent", "low", 1) + "expect: [{priority: {}}]", events, `x.yaml:8:21: found priority expected although nothing urgent is published, expected a publish entry with priority: urgent`},
		{urgent + "expect: [{order: causal}]", events, `found causal order expected where urgent messages overtake what they may answer, expected one or the other`},
		{strings.Replace(urgent, "priority: true", "priority: true, queue: {size: 10, ttl: 1m}", 1) + "expect: [{priority: {}}]", dialects()[0], `found priority expected where the target keeps sessions, whose messages keep their places, expected one or the other`},
		{urgent + "expect: [{priority: {urgent-before: urgent}}]", events, `expected normal or low`},
		{strings.Replace(urgent, "urgent", "high", 1), events, `expected urgent, normal or low`},
	} {
		if _, problems := load(row.more, row.d); !strings.Contains(problems.Error(), row.want) {
			t.Errorf("%s\ngot  %v\nwant %s", row.more, problems, row.want)
		}
	}
	if _, problems := load(strings.Replace(urgent, "target: {gateway: {priority: true}}", "target: {url: ws://a.test}", 1), events); len(problems) > 0 {
		t.Errorf("another gateway may have priorities: %v", problems)
	}
}
