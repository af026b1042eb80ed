package scenario

import (
	"fmt"
	"strings"
	"testing"
)

// TestNodeProblems holds what people get wrong about nodes, and what they are told.
func TestNodeProblems(t *testing.T) {
	two := "target: {gateway: {nodes: 2}}"
	for _, row := range []struct{ lines, want string }{
		{two + "\ntimeline: [{at: 1s, gateway: {drain: 2}}]", `found "2", expected all, each, or the number of a node: 0 to 1`},
		{"timeline: [{at: 1s, gateway: {drain: 1}}]", `found "1", expected all, each, or the number of a node: 0`},
		{two + "\ntimeline: [{at: 1s, gateway: {kill: -1}}]", `found "-1", expected all`},
		{two + "\ntimeline: [{at: 1s, gateway: {kill: both}}]", `found "both", expected all`},
		{two + "\ntimeline: [{at: 1s, gateway: {}}]", "found no verb, expected one verb: restart, drain, kill, pause, forget-history, new-epoch or maintenance"},
		{two + "\ntimeline: [{at: 1s, gateway: {drain: 0, kill: 1}}]", "found drain and kill, expected one verb"},
		{two + "\ntimeline: [{at: 1s, gateway: {drain: all, apart: 2s}}]", "found apart with drain: all, expected it with each"},
		{two + "\ntimeline: [{at: 1s, gateway: {pause: 0, down: 2s}}]", "found down with pause"},
		{two + "\ntimeline: [{at: 1s, gateway: {drain: 0, for: 2s}}]", "found for with drain, expected it with pause"},
		{two + "\ntimeline: [{at: 1s, gateway: {drain: each}}]", "found the last of 2 nodes at 11s, expected a time before the end of the active part at 10s; apart sets the time between two"},
		{"target: {url: ws://a}\ntimeline: [{at: 1s, gateway: {drain: 0}}]", "found drain for a target that is only an address, expected the embedded gateway, which squall can reach"},
		{"target: {gateway: {nodes: 0}}", `found "0", expected a whole number of at least 1`},
		{"expect: [{close: {codes: 1001}}]", `found no "when" in expect.0.close`},
		{"expect: [{close: {when: drain, codes: []}}]", "found an empty list, expected close codes such as [1001, 1012]"},
		{"expect: [{close: {when: drain, codes: [1001, 1006]}}]", "found 1006, expected a close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999"},
		{"expect: [{close: {when: lunch, codes: 1001}}]", `found "lunch", expected drain, restart or abuse`},
	} {
		_, problems := Load("x.yaml", []byte(small(row.lines)), options())
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) || problems[0].Line == 0 {
			t.Errorf("%s\ngot  %v\nwant %s", row.lines, problems, row.want)
		}
	}
	o := options()
	o.Target = "ws://elsewhere"
	if _, problems := Load("x.yaml", []byte(small("timeline: [{at: 1s, gateway: {drain: all}}]")), o); len(problems) != 1 || !strings.Contains(problems[0].Text, "only an address") {
		t.Errorf("--target: got %v", problems)
	}
}

// TestVerbsBecomeMoments: each is one moment a node, and what the plan prints
// says what will be lost.
func TestVerbsBecomeMoments(t *testing.T) {
	for _, row := range []struct{ nodes, verb, want string }{
		{"2", "{drain: each, apart: 12s, down: 2s}", "2s 0 2s gateway drain 0, down 2s|14s 1 2s gateway drain 1, down 2s"},
		{"2", "{kill: all}", "2s -1 1s gateway kill all, down 1s; no node may be left, so the histories may be lost"},
		{"1", "{restart: 0}", "2s 0 1s gateway restart 0, down 1s; no node may be left, so the histories may be lost"},
		{"3", "{drain: each, apart: 1s}", "2s 0 1s gateway drain 0, down 1s; no node may be left, so the histories may be lost|3s 1 1s gateway drain 1, down 1s; no node may be left, so the histories may be lost|4s 2 1s gateway drain 2, down 1s; no node may be left, so the histories may be lost"},
		{"2", "{pause: 1}", "2s 1 0s gateway pause 1 for 5s"},
		{"2", "{pause: 1, for: 40s}", "2s 1 0s gateway pause 1 for 28s"},
		{"2", "{new-epoch: all}", "2s -1 0s gateway new-epoch all"},
	} {
		p := plan(t, strings.Replace(small("target: {gateway: {nodes: "+row.nodes+"}}", "timeline: [{at: 2s, gateway: "+row.verb+"}]"), "duration: 10s", "duration: 30s", 1), options())
		var got []string
		for _, m := range p.Moments {
			got = append(got, fmt.Sprintf("%v %d %v %s", m.At, m.Node, m.Down, m.Summary))
		}
		if s := strings.Join(got, "|"); s != row.want {
			t.Errorf("%s\ngot  %s\nwant %s", row.verb, s, row.want)
		}
	}
}

// TestNodesAreDrawn: any is drawn for each attempt, same stays, next goes round,
// and both begin where any would; the same seed gives the same nodes.
func TestNodesAreDrawn(t *testing.T) {
	at := func(node string, seed uint64) *Plan {
		o := options()
		o.Seed = &seed
		src := strings.Replace(small("target: {url: [ws://a, ws://b, ws://c]}"), "count: 10,", "count: 300, reconnect: {node: "+node+"},", 1)
		return plan(t, src, o)
	}
	anyway, same, next := at("any", 1), at("same", 1), at("next", 1)
	counts := [3][3]int{}
	moved := 0
	for c := range 300 {
		first := anyway.Node(c, 1)
		for life := 1; life <= 3; life++ {
			n := anyway.Node(c, life)
			counts[life-1][n]++
			if n != first {
				moved++
			}
			if n != anyway.Node(c, life) {
				t.Fatal("the same question gave another answer")
			}
			if got := same.Node(c, life); got != first {
				t.Errorf("same: client %d goes to %d, then to %d", c, first, got)
			}
			if got := next.Node(c, life); got != (first+life-1)%3 {
				t.Errorf("next: attempt %d of client %d goes to %d, from %d", life, c, got, first)
			}
		}
	}
	for life, n := range counts {
		for node, k := range n {
			if k < 70 || k > 130 {
				t.Errorf("attempt %d: %d of 300 clients at node %d", life+1, k, node)
			}
		}
	}
	if moved < 300 {
		t.Errorf("any: only %d of 600 returns went elsewhere", moved)
	}
	if one := plan(t, small(), options()); one.Nodes() != 1 || one.Node(3, 7) != 0 {
		t.Error("one node is not node 0")
	}
}

func TestClosesAndPeaksArePlanned(t *testing.T) {
	p := plan(t, small("expect: [{close: {when: drain, codes: [1001, 1012]}}, {reconnect: {peak: 500/s}}]"), options())
	if e := p.Expect[0]; e.Rule != "close" || e.Name != "close: drain" || e.limits() != "codes 1001, 1012" {
		t.Errorf("got %+v, %s", e, e.limits())
	}
	if e := p.Expect[1]; e.Peak.A != 500 || e.limits() != "peak <= 500/s" {
		t.Errorf("got %+v, %s", e, e.limits())
	}
}
