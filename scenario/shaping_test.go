package scenario

import (
	"strings"
	"testing"
	"time"
)

// TestShapes: what is configured or promised is what is claimed, and expected.
func TestShaping(t *testing.T) {
	for _, row := range []struct {
		comment, target, channel string
		want                     string // the shape; "" for none
		expect                   string // names of what expect: promises makes of it
	}{
		{"nothing", "embedded", "c.1", "", ""},
		{"a throttle", `{gateway: {throttle: {channel: "c.*", every: 200ms}}}`, "c.1", "c.*: throttled, 1 per 200ms, keep last", "throttle, channel c.*: at most 1 per 200ms"},
		{"that keeps the first", `{gateway: {throttle: {channel: "c.*", every: 1s, keep: first}}}`, "c.1", "c.*: throttled, 1 per 1s, keep first", "throttle, channel c.*: at most 1 per 1s"},
		{"of others", `{gateway: {throttle: {channel: "d.*", every: 200ms}}}`, "c.1", "", "throttle, channel d.*: at most 1 per 200ms"},
		{"a debounce", `{gateway: {debounce: [{channel: c.0, quiet: 1s}, {channel: c.1, quiet: 300ms}]}}`, "c.1", "c.1: debounced, quiet 300ms", "debounce, channel c.0: quiet 1s; debounce, channel c.1: quiet 300ms"},
		{"sums", `{gateway: {aggregate: {channel: "c.*", every: 500ms, sum: weight, by: option}}}`, "c.1", "c.*: the sum of weight by option, every 500ms", "aggregate, channel c.*: conserves weight by option, value sum"},
		{"sums elsewhere", `{url: "ws://x", promises: {channels: [{match: "c.*", aggregate: {every: 1s, sum: weight, by: option}}]}}`, "c.1", "c.*: the sum of weight by option, every 1s", "aggregate, channel c.*: conserves weight by option, value sum"},
		{"elsewhere", `{url: "ws://x", promises: {channels: [{match: "c.*", throttle: {every: 200ms}}]}}`, "c.1", "c.*: throttled, 1 per 200ms, keep last", "throttle, channel c.*: at most 1 per 200ms"},
		{"the first match wins", `{url: "ws://x", promises: {channels: [{match: "c.1", order: none}, {match: "c.*", debounce: {quiet: 1s}}]}}`, "c.1", "", "debounce, channel c.*: quiet 1s"},
		{"beside other promises", `{gateway: {throttle: {channel: "c.*", every: 200ms}}, promises: {channels: [{match: "c.1", order: none}]}}`, "c.1", "c.*: throttled, 1 per 200ms, keep last", "throttle, channel c.*: at most 1 per 200ms"},
	} {
		t.Run(row.comment, func(t *testing.T) {
			p := plan(t, votes("target: "+row.target), options())
			got := ""
			if s := p.Promises.Shape(row.channel); s != nil {
				got = s.String()
			}
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			var names []string
			for _, e := range p.Expect {
				if e.Rule == Throttle || e.Rule == Debounce || e.Rule == Aggregate {
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

func TestShapingProblems(t *testing.T) {
	shaped := func(key, list string) string { return "target: {gateway: {" + key + ": " + list + "}}" }
	for _, row := range []struct{ line, want string }{
		{shaped("throttle", `{every: 1s}`), `x.yaml:7:30: found no channel, expected one, as in {channel: "tally.*", every: 200ms}`},
		{shaped("throttle", `{channel: "c.*"}`), `x.yaml:7:30: found no every, expected one, as in every: 200ms`},
		{shaped("throttle", `{channel: "c.*", every: 0s}`), `x.yaml:7:54: found 0s, expected 1ms or more`},
		{shaped("throttle", `{channel: "c.*", every: 1s, quiet: 1s}`), `x.yaml:7:65: found quiet with throttle, expected channel, every or keep only`},
		{shaped("throttle", `{channel: "c.*", every: 1s, keep: both}`), `x.yaml:7:64: found "both", expected last or first`},
		{shaped("throttle", `{channel: "c*", every: 1s}`), "x.yaml:7:40: found the pattern \"c*\", expected * or ** as a whole segment"},
		{shaped("throttle", `[]`), `x.yaml:7:30: found an empty list, expected a shape, as in {channel: "tally.*", every: 200ms}`},
		{shaped("debounce", `{channel: "c.*"}`), `x.yaml:7:30: found no quiet, expected one, as in quiet: 300ms`},
		{shaped("throttle", `[{channel: "c.*", every: 1s}, {channel: c.1, every: 2s}]`), `x.yaml:7:70: found throttle for "c.1", expected other channels than those of throttle, which has "c.*"`},
		{shaped("throttle", `{channel: "c.*", every: 1s}, debounce: {channel: "**", quiet: 1s}`), `x.yaml:7:79: found debounce for "**", expected other channels than those of throttle, which has "c.*"`},
		{`target: {url: "ws://x", promises: {channels: [{match: "c.*", throttle: {every: 1s}, debounce: {quiet: 1s}}]}}`, `x.yaml:7:95: found throttle and debounce for "c.*", expected one of them`},
		{`target: {url: "ws://x", promises: {channels: [{match: "c.*", throttle: {channel: a, every: 1s}}]}}`, `x.yaml:7:82: found channel with throttle, expected every or keep only`},
		{`target: {promises: {channels: [{match: "c.*", throttle: {every: 1s}}]}}`, `x.yaml:7:57: found throttle promised of the embedded gateway, expected it where the gateway is configured: target.gateway.throttle`},
		{`expect: [{throttle: {at-most: 1 per 1s}}]`, `x.yaml:7:21: found no channel, expected one or a pattern, as in channel: "tally.*"`},
		{`expect: [{throttle: {channel: "c.*"}}]`, `x.yaml:7:21: found no limit, expected one, as in at-most: 1 per 200ms`},
		{`expect: [{throttle: {channel: "c.*", at-most: 1/s}}]`, `x.yaml:7:47: found "1/s", expected a number of messages in a time, such as 1 per 200ms`},
		{`expect: [{throttle: {channel: "c.*", at-most: 0 per 1s}}]`, `x.yaml:7:47: found "0 per 1s", expected a number of messages in a time, such as 1 per 200ms`},
		{`expect: [{throttle: {channel: "c.*", at-most: 1 per 1s, settles-within: ">= 1s"}}]`, `x.yaml:7:73: found >= 1s, expected a time at most, as in 1s`},
		{`expect: [{throttle: {channel: "c.*", at-most: 1 per 1s}, channel: "c.*"}]`, `x.yaml:7:31: found channel twice in one expectation, expected it once`},
		{`expect: [{debounce: {channel: "c.*"}}]`, `x.yaml:7:21: found no quiet time, expected one, as in quiet: 300ms`},
		{`expect: [{debounce: {channel: "c.*", quiet: 1s, at-most: 1 per 1s}}]`, `x.yaml:7:58: found at-most with debounce, expected channel, quiet or settles-within only`},
		{`expect: [{state: {channel: "c.*", equals: published}}]`, `x.yaml:7:18: found no fold, expected how messages make a state, as in fold: last`},
		{`expect: [{state: {channel: "c.*", fold: last}}]`, `x.yaml:7:18: found nothing that the state is to equal, expected equals: published`},
		{shaped("throttle", `{channel: "c.*", every: 1s, keep: first}`) + "\n" + `expect: [{throttle: {channel: c.1, at-most: 1 per 1s, settles-within: 1s}}]`, `x.yaml:8:71: found settles-within for "c.1", expected none: what is throttled with keep: first need not come to its last value`},
	} {
		if _, problems := Load("x.yaml", []byte(small(row.line)), options()); problems.Error() != row.want {
			t.Errorf("%s\ngot  %v\nwant %s", row.line, problems.Error(), row.want)
		}
	}
}

// votes is small whose publications can be added up.
func votes(line string) string {
	return strings.Replace(small(line), "rate: 10/s", "rate: 10/s, payload: {option: a, weight: 1.5}", 1)
}

func TestAggregateProblems(t *testing.T) {
	shaped := func(list string) string { return "target: {gateway: {aggregate: " + list + "}}" }
	wanted := func(want string) string {
		return shaped(`{channel: "c.*", every: 1s, sum: weight, by: option}`) + "\nexpect: [{aggregate: " + want + "}]"
	}
	for _, row := range []struct{ line, want string }{
		{shaped(`{every: 1s, sum: weight, by: option}`), `x.yaml:7:31: found no channel, expected one, as in {channel: "tally.*", every: 500ms, sum: weight, by: option}`},
		{shaped(`{channel: "c.*", sum: weight, by: option}`), `x.yaml:7:31: found no every, expected one, as in every: 500ms, sum: weight, by: option`},
		{shaped(`{channel: "c.*", every: 1s, by: option}`), `x.yaml:7:31: found no sum, expected the field, as in every: 500ms, sum: weight, by: option`},
		{shaped(`{channel: "c.*", every: 1s, sum: weight}`), `x.yaml:7:31: found no by, expected the field, as in every: 500ms, sum: weight, by: option`},
		{shaped(`{channel: "c.*", every: 1s, sum: weight, by: weight}`), `x.yaml:7:76: found "weight" as sum and as by, expected two fields`},
		{shaped(`{channel: "c.*", every: 1s, sum: weight, by: count}`), `x.yaml:7:76: found the field "count", which holds what was added up, expected another`},
		{shaped(`{channel: "c.*", every: 1s, sum: a.b, by: option}`), `x.yaml:7:64: found the field "a.b", expected a name without dots: sums are made of fields of the message itself`},
		{shaped(`{channel: "c.*", every: 1s, sum: _squall, by: option}`), `x.yaml:7:64: found the field "_squall", which carries the stamp, expected another`},
		{shaped(`{channel: "c.*", every: 1s, sum: weight, by: option, keep: last}`), `x.yaml:7:90: found keep with aggregate, expected channel, every, sum or by only`},
		{shaped(`{channel: "c.*", every: 1s, sum: weight, by: option}, throttle: {channel: c.1, every: 1s}`), `x.yaml:7:41: found aggregate for "c.*", expected other channels than those of throttle, which has "c.1"`},
		{shaped(`{channel: "c.*", every: 1s, sum: weight, by: option}, transform: {channel: c.1, payload: {}}`), `x.yaml:7:41: found aggregate for "c.*", expected other channels than those of transform, which has "c.1"`},
		{`target: {url: "ws://x", promises: {channels: [{match: "c.*", throttle: {every: 1s}, aggregate: {every: 1s, sum: weight, by: option}}]}}`, `x.yaml:7:96: found throttle and aggregate for "c.*", expected one of them`},
		{wanted(`{conserves: weight, by: option}`), `x.yaml:8:22: found no channel, expected one or a pattern, as in channel: "tally.*"`},
		{wanted(`{channel: "c.*", by: option}`), `x.yaml:8:22: found no field that it conserves, expected one, as in conserves: weight`},
		{wanted(`{channel: "c.*", conserves: weight}`), `x.yaml:8:22: found no field that it is added up by, expected one, as in by: option`},
		{wanted(`{channel: "c.*", conserves: weight, by: option, value: option}`), `x.yaml:8:77: found "option" as by and as value, expected two fields`},
		{wanted(`{channel: "c.*", conserves: mass, by: option}`), `x.yaml:8:50: found conserves: mass for "c.*", expected weight, which the target adds up there`},
		{wanted(`{channel: "c.*", conserves: weight, by: kind}`), `x.yaml:8:62: found by: kind for "c.*", expected option, by which the target adds up there`},
		{wanted(`{channel: c.1, conserves: weight, by: option, value: total}}, {aggregate: {channel: "c.*", conserves: weight, by: option}`), `x.yaml:8:96: found another expectation for "c.1" that reads sums from total by option, expected one way for a channel`},
		{wanted(`{channel: "c.*", conserves: weight, by: option}`), ""},
	} {
		_, problems := Load("x.yaml", []byte(votes(row.line)), options())
		got := ""
		if len(problems) > 0 {
			got = problems.Error()
		}
		if got != row.want {
			t.Errorf("%s\ngot  %v\nwant %s", row.line, got, row.want)
		}
	}
}

// TestThrottledPeaks: what a throttle lets through is what the plan expects.
func TestThrottledPeaks(t *testing.T) {
	full, thin := plan(t, small(), options()), plan(t, small(`target: {gateway: {throttle: {channel: "c.*", every: 500ms}}}`), options())
	if full.Peaks.Published != thin.Peaks.Published || full.Peaks.Delivered != 5*thin.Peaks.Delivered {
		t.Errorf("got %v and %v delivered a second, want a fifth of that with a throttle of 2/s for 10/s", full.Peaks.Delivered, thin.Peaks.Delivered)
	}
}

func TestQuota(t *testing.T) {
	var q Quota
	if err := q.scan("3 per 1m30s"); err != nil || q.Count != 3 || q.Per != 90*time.Second {
		t.Errorf("got %+v, %v", q, err)
	}
	for _, bad := range []string{"", "1", "per 1s", "1 per", "-1 per 1s", "1 per 0s", "5000 per 1s", "1 per s"} {
		if err := q.scan(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
