package scenario

import (
	"strings"
	"testing"
	"time"
)

// TestBatches: what is configured or promised is what is claimed, and expected.
func TestBatches(t *testing.T) {
	for _, row := range []struct {
		comment, target, channel string
		want                     string // the batch; "" for none
		expect                   string // names of what expect: promises makes of it
	}{
		{"nothing", "embedded", "c.1", "", ""},
		{"of the gateway", `{gateway: {batch: {channel: "c.*", max: 50, wait: 100ms}}}`, "c.1", "c.*: in batches of at most 50, after 100ms at the latest", "batch, channel c.*: at most 50 in one, within 1.1s"},
		{"of others", `{gateway: {batch: {channel: "d.*", max: 50, wait: 100ms}}}`, "c.1", "", "batch, channel d.*: at most 50 in one, within 1.1s"},
		{"several", `{gateway: {batch: [{channel: c.0, max: 2, wait: 1s}, {channel: c.1, max: 3, wait: 1ms}]}}`, "c.1", "c.1: in batches of at most 3, after 1ms at the latest", "batch, channel c.0: at most 2 in one, within 2s; batch, channel c.1: at most 3 in one, within 1.001s"},
		{"elsewhere", `{url: "ws://x", promises: {channels: [{match: "c.*", batch: {max: 7, wait: 1s}}]}}`, "c.1", "c.*: in batches of at most 7, after 1s at the latest", "batch, channel c.*: at most 7 in one, within 2s"},
		{"the first match wins", `{url: "ws://x", promises: {channels: [{match: "c.1", order: none}, {match: "c.*", batch: {max: 7, wait: 1s}}]}}`, "c.1", "", "batch, channel c.*: at most 7 in one, within 2s"},
		{"beside other promises", `{gateway: {batch: {channel: "c.*", max: 50, wait: 100ms}}, promises: {channels: [{match: "c.1", order: none}]}}`, "c.1", "c.*: in batches of at most 50, after 100ms at the latest", "batch, channel c.*: at most 50 in one, within 1.1s"},
	} {
		t.Run(row.comment, func(t *testing.T) {
			p := plan(t, small("target: "+row.target), options())
			got := ""
			if b := p.Promises.Batch(row.channel); b != nil {
				got = b.String()
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if p.Promises.Shape(row.channel) != nil {
				t.Error("a channel with batches is taken for one that is thinned out")
			}
			var names []string
			for _, e := range p.Expect {
				if e.Rule == "batch" {
					names = append(names, e.Name+": "+e.limits())
					if !e.Promised {
						t.Errorf("%s is not promised", e.Name)
					}
				}
			}
			if got := strings.Join(names, "; "); got != row.expect {
				t.Errorf("got the expectations %q, want %q", got, row.expect)
			}
			var out strings.Builder
			if p.Print(&out); row.want != "" && !strings.Contains(out.String(), row.want) {
				t.Errorf("the plan doesn't say %q:\n%s", row.want, out.String())
			}
		})
	}
}

func TestBatchExpectation(t *testing.T) {
	p := plan(t, small(`target: {gateway: {batch: {channel: "c.*", max: 50, wait: 100ms}}}`, `expect: [{batch: {channel: "c.*", max: 50, wait: 200ms}}]`), options())
	if e := p.Expect[0]; e.Rule != "batch" || e.Channel != "c.*" || e.Batch != (BatchLimit{Max: 50, Wait: 200 * time.Millisecond}) || e.Name != "batch, channel c.*" {
		t.Errorf("got %+v", e)
	}
	if g := p.Target.Gateway.Batches; len(g) != 1 || g[0] != (Batch{Match: "c.*", Max: 50, Wait: 100 * time.Millisecond}) {
		t.Errorf("the gateway has %+v", g)
	}
}

func TestBatchProblems(t *testing.T) {
	batch := func(list string) string { return "target: {gateway: {batch: " + list + "}}" }
	for _, row := range []struct{ line, want string }{
		{batch(`{max: 50, wait: 1s}`), `x.yaml:7:27: found no channel, expected one, as in {channel: "activity.*", max: 50, wait: 100ms}`},
		{batch(`{channel: "c.*", wait: 1s}`), `x.yaml:7:27: found no max, expected the most messages of a batch, as in max: 50`},
		{batch(`{channel: "c.*", max: 50}`), `x.yaml:7:27: found no wait, expected how long a batch may wait, as in wait: 100ms`},
		{batch(`{channel: "c.*", max: 5000, wait: 1s}`), `x.yaml:7:49: found 5000, expected 1 to 1000`},
		{batch(`{channel: "c.*", max: 50, wait: 0s}`), `x.yaml:7:59: found 0s, expected 1ms or more`},
		{batch(`{channel: "c.*", max: 50, wait: 1s, every: 1s}`), `x.yaml:7:70: found every with batch, expected channel, max or wait only`},
		{batch(`{channel: "c*", max: 50, wait: 1s}`), "x.yaml:7:37: found the pattern \"c*\", expected * or ** as a whole segment"},
		{batch(`[]`), `x.yaml:7:27: found an empty list, expected a batch, as in {channel: "activity.*", max: 50, wait: 100ms}`},
		{batch(`{channel: "c.*", max: 50, wait: 1s}, throttle: {channel: c.1, every: 1s}`), `x.yaml:7:37: found batch for "c.*", expected other channels than those of throttle, which has "c.1"`},
		{batch(`[{channel: "c.*", max: 50, wait: 1s}, {channel: c.1, max: 50, wait: 1s}]`), `x.yaml:7:75: found batch for "c.1", expected other channels than those of batch, which has "c.*"`},
		{batch(`{channel: "c.*", max: 50, wait: 20s}`), `x.yaml:7:27: found a batch that may wait 20s, expected half of drain.timeout at most, 7.5s: the run can't tell what is lost from what waits`},
		{batch(`{channel: "c.*", max: 50, wait: 1s}`) + "\nexpect: [{order: causal}]", `x.yaml:8:18: found causal order expected where messages wait in batches while others answer them, expected one or the other`},
		{`target: {url: "ws://x", promises: {channels: [{match: "c.*", throttle: {every: 1s}, batch: {max: 1, wait: 1s}}]}}`, `x.yaml:7:92: found batch beside throttle or debounce for "c.*", expected one of them`},
		{`target: {url: "ws://x", promises: {channels: [{match: "c.*", batch: {channel: a, max: 1, wait: 1s}}]}}`, `x.yaml:7:79: found channel with batch, expected max or wait only`},
		{`target: {promises: {channels: [{match: "c.*", batch: {max: 1, wait: 1s}}]}}`, `x.yaml:7:54: found batch promised of the embedded gateway, expected it where the gateway is configured: target.gateway.batch`},
		{`expect: [{batch: {max: 1, wait: 1s}}]`, `x.yaml:7:18: found no channel, expected one or a pattern, as in channel: "tally.*"`},
		{`expect: [{batch: {channel: "c.*", wait: 1s}}]`, `x.yaml:7:18: found no max, expected the most messages of a batch, as in max: 50`},
		{`expect: [{batch: {channel: "c.*", max: 1}}]`, `x.yaml:7:18: found no wait, expected how long a batch may wait, as in wait: 100ms`},
		{`expect: [{batch: {channel: "c.*", max: 1, wait: 1s, quiet: 1s}}]`, `x.yaml:7:60: found quiet with batch, expected channel, max or wait only`},
	} {
		if _, problems := Load("x.yaml", []byte(small(row.line)), options()); problems.Error() != row.want {
			t.Errorf("%s\ngot  %v\nwant %s", row.line, problems.Error(), row.want)
		}
	}
}
