package scenario

import (
	"strings"
	"testing"
)

// TestTrafficPromises: what is promised of copies and of others, by default and by
// the file, and what can't be.
func TestTrafficPromises(t *testing.T) {
	of := func(target string) (*Plan, Problems) {
		return Load("x.yaml", []byte(small("target: "+target)), options())
	}
	for _, row := range []struct {
		target, copies string
		strangers      bool
		alone          bool
	}{
		{"embedded", "one", false, false},
		{"{gateway: {nodes: 1}, promises: {copies: either, foreign-traffic: true}}", "either", true, false},
		{"{gateway: {nodes: 1}, promises: {foreign-traffic: false}}", "one", false, true},
		{"{url: \"ws://a/\", promises: {copies: per-subscription}}", "per-subscription", false, false},
	} {
		p, problems := of(row.target)
		if len(problems) > 0 {
			t.Errorf("%s: %v", row.target, problems)
			continue
		}
		if q := &p.Promises; q.Copies != row.copies || q.Strangers() != row.strangers || q.Alone() != row.alone || q.Loose() != (row.copies != "one") {
			t.Errorf("%s: %+v", row.target, q)
		}
	}
	for _, row := range []struct{ target, want string }{
		{"{gateway: {nodes: 1}, promises: {copies: per-subscription}}", "found per-subscription, expected one or either: the embedded gateway sends one copy"},
		{"{url: \"ws://a/\", dialect: centrifugo, promises: {copies: either}}", "found copies: either, expected one: in the dialect centrifugo no two subscriptions"},
		{"{url: \"ws://a/\", promises: {copies: two}}", `found "two", expected one, per-subscription or either`},
		{"{url: \"ws://a/\", promises: {foreign-traffic: maybe}}", `found "maybe", expected true or false`},
	} {
		if _, problems := of(row.target); len(problems) != 1 || !strings.Contains(problems.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.target, problems, row.want)
		}
	}
}
