package scenario

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// chosen is a dialect whose clients choose how often a message arrives.
func chosen() Options {
	o := options()
	o.Dialects = append(o.Dialects, DialectInfo{
		Name: "chosen", Ack: true, ClientPing: true, Quality: true, Heartbeat: 30 * time.Second, LongestText: 8,
		Promises: Promises{Delivery: "at-least-once", Order: "per-publisher"},
		Refuses: func(channel string) error {
			if strings.Contains(channel, "/") {
				return errors.New("found a slash")
			}
			return nil
		},
	})
	return o
}

// TestDialectsWithQuality: what such a dialect can't name, carry or promise is
// refused in the plan; its clients ping without being told to.
func TestDialectsWithQuality(t *testing.T) {
	for _, row := range []struct{ comment, target, group, want string }{
		{"as it is", "", "", ""},
		{"ack: false where more is promised", "", "publish: [{channel: c, ack: false}]", "found ack: false, expected true"},
		{"ack: false where no more is promised", "promises: {delivery: at-most-once}", "publish: [{channel: c, ack: false}]", ""},
		{"a channel that it can't name, to subscribe", "", "subscribe: [{channel: 'a/{i}'}]", "found a slash"},
		{"a channel that it can't name, to publish", "", "publish: [{channel: 'a/b', rate: 1/s}]", "found a slash"},
		{"a channel that it can't name, of chance", "", "publish: [{channel: \"{pick(['a/b'])}\", rate: 1/s}]", "found a slash"},
		{"a user too long", "", "user: 'user-{i + 1000}'", "found a user of 9 bytes, expected at most 8"},
		{"a token too long", "", "token: 'tok-{i + 10000}'", "found a token of 9 bytes, expected at most 8"},
	} {
		src := "squall: 1\nname: q\nduration: 5s\ntarget: {url: 'ws://h', dialect: chosen" + map[bool]string{true: ", "}[row.target != ""] + row.target + "}\nclients:\n  a:\n    count: 2\n"
		if row.group != "" {
			src += "    " + row.group + "\n"
		}
		p, problems := Load("q.yaml", []byte(src), chosen())
		switch {
		case row.want == "" && len(problems) > 0:
			t.Errorf("%s: %v", row.comment, problems)
		case row.want == "" && p.Groups[0].Heartbeat.Every != 30*time.Second:
			t.Errorf("%s: pings every %v", row.comment, p.Groups[0].Heartbeat.Every)
		case row.want != "" && (len(problems) == 0 || !strings.Contains(problems[0].String(), row.want)):
			t.Errorf("%s: %v, want %q", row.comment, problems, row.want)
		}
	}
	p, problems := Load("q.yaml", []byte("squall: 1\nname: q\nduration: 5s\ntarget: {url: 'ws://h', dialect: chosen}\nclients: {a: {count: 1, heartbeat: {every: 7s, timeout: 2s}}}\n"), chosen())
	if len(problems) > 0 || p.Groups[0].Heartbeat != (Heartbeat{Every: 7 * time.Second, Timeout: 2 * time.Second}) {
		t.Errorf("written pings: %v", problems)
	}
}
