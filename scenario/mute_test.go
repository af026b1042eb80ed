package scenario

import (
	"strings"
	"testing"
	"time"
)

// TestMuteAcks: acknowledgements can be muted where there are some, and as long as the
// promised queue has room for what is not acknowledged, twice over.
func TestMuteAcks(t *testing.T) {
	const moment = "timeline: [{at: 1s, mute: {who: a, share: 50%, what: acks, for: 5s}}]"
	for _, row := range []struct{ target, line, want string }{
		{"", moment, "found acks, expected pings or pongs: with the dialect events, deliveries are not acknowledged; optional: true leaves it out"},
		{"dialect: levels, promises: {delivery: at-most-once}", moment, "with the dialect levels, what is promised at most once is not acknowledged"},
		{"dialect: levels", moment, "may be sent 50 messages, expected half of the promised queue at most, which holds 0"},
		{"dialect: levels, promises: {queue: {size: 99, ttl: 1m}}", moment, "found acks for 5s, in which a client may be sent 50 messages, expected half of the promised queue at most, which holds 99"},
		{"dialect: levels, promises: {queue: {size: 100, ttl: 1m}}", moment, ""},
		{"dialect: levels, promises: {queue: {size: 100, ttl: 1m}}", strings.Replace(moment, ", for: 5s", "", 1), "found acks for 9s, in which a client may be sent 90 messages"},
		{"dialect: levels, promises: {queue: {size: 100, ttl: 1m}}", strings.TrimSuffix(moment, "]") + ", {at: 2s, publish: {who: p, count: 10}}]", "may be sent 150 messages"},
		{"", strings.Replace(moment, "{at: 1s", "{at: 1s, optional: true", 1), ""},
	} {
		o := options()
		o.Dialects = append(o.Dialects, DialectInfo{Name: "levels", Quality: true, Ack: true, Sessions: true, Binary: true, Promises: Promises{Delivery: "at-least-once", Order: "per-publisher"}})
		line := row.line
		if row.target != "" {
			line += "\ntarget: {url: ws://h, " + row.target + "}"
		}
		p, problems := Load("x.yaml", []byte(small(line)), o)
		switch {
		case row.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) || problems[0].Line != 7):
			t.Errorf("%s\ngot  %v\nwant %s", line, problems, row.want)
		case row.want == "" && len(problems) > 0:
			t.Errorf("%s\ngot %v", line, problems)
		case row.want == "" && row.target != "":
			if m := p.Moments[0]; m.Do != "mute" || m.How != "acks" || m.For != 5*time.Second || len(m.Victims) != 5 {
				t.Errorf("%s becomes %+v", line, m)
			}
		case row.want == "":
			if m := p.Moments[0]; m.Do != "say" || !strings.HasPrefix(m.Text, "left out: mute acks of a") {
				t.Errorf("%s becomes %+v", line, m)
			}
		}
	}
}
