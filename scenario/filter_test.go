package scenario

import (
	"fmt"
	"strings"
	"testing"
)

// filtered is a small scenario whose subscribers have a filter.
func filtered(filter string, more ...string) string {
	return `squall: 1
name: small
duration: 10s
target: {gateway: {filter: true}}
clients:
  a: {count: 4, user: "u{i}", vars: {region: [eu, us]}, subscribe: [{channel: c, filter: ` + fmt.Sprintf("%q", filter) + `}]}
  p: {count: 2, publish: [{name: x, channel: c, rate: 10/s}]}
` + strings.Join(more, "\n") + "\n"
}

func TestFilterProblems(t *testing.T) {
	for _, row := range []struct{ filter, want string }{
		{"msg.kind ==", "found the end of the expression, expected more"},
		{"kind == 'a'", `found the unknown name "kind"; a field of the message is msg.kind`},
		{"n > 1", `"n" has no value here; a field of the message is msg.n`},
		{"mgs.kind == 'a'", `found the unknown name "mgs"; did you mean "msg"?`},
		{"3", "found a filter whose value is int, expected one that is true or false"},
		{"true", "found a filter that doesn't look at the message"},
		{"msg", "msg needs the name of a field"},
		{"msg[msg.a] == 1", "msg needs the name of a field"},
		{"'a' in msg", "msg needs the name of a field"},
		{"msg._squall == 1", "msg._squall is not part of the message"},
		{"msg.a == now()", "now() has a value only in publications"},
		{"msg.a == pick(1..2)", "found a filter that depends on more than the message"},
		{"msg.a == env.TOKEN", "found a filter that depends on more"},
		{"msg.a == user", `"user" has no value here`},
		{"msg.a + 1", "found a filter that computes a value"},
		{"msg.a ? 1 : 2", "found a filter whose value is int, expected one that is true or false"},
		{"keys(msg.a)[0] == 'x'", "keys"},
		{"$env.msg.a == 1", "$env"},
		{"msg.a == '{nobody}'", `found the unknown name "nobody"`},
	} {
		_, problems := Load("x.yaml", []byte(filtered(row.filter)), options())
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) || problems[0].Line != 6 || problems[0].Column < 80 {
			t.Errorf("%s: got %v, want %s at its place", row.filter, problems, row.want)
		}
	}
}

func TestFilterPlaces(t *testing.T) {
	for _, row := range []struct{ src, want string }{
		{strings.Replace(filtered("msg.a == 1"), "filter: true", "filter: false", 1), "x.yaml:6:90: found a filter, expected a gateway that has them: write filter: true under target.gateway"},
		{strings.Replace(filtered("msg.a == 1"), "{gateway: {filter: true}}", "{url: ws://x, dialect: centrifugo}", 1), "the dialect centrifugo has no filters; optional: true leaves the subscription out"},
		{strings.Replace(filtered("msg.a == 1"), "filter: \"", "observe: true, filter: \"", 1), "found a filter with observe: true"},
		{strings.Replace(filtered("msg.a == 1"), "filter: \"", "refused: true, filter: \"", 1), "found a filter with refused"},
		{filtered("msg.a == 1", "timeline: [{at: 1s, unsubscribe: {who: a, channel: c, filter: msg.a == 1}}]"), "found filter with unsubscribe"},
		{filtered("msg.a == 1", "timeline: [{at: 1s, subscribe: {who: a, pattern: \"*\"}}]"), `found a filter on "c", expected no other subscription that brings the same`},
		{filtered("msg.a == 1", "timeline: [{at: 1s, subscribe: {who: a, channel: c, filter: msg.a == now()}}]"), "now()"},
		{filtered("msg.a == ''"), ""},
		{strings.Replace(filtered("x"), `"x"`, `""`, 1), "found an empty filter"},
	} {
		_, problems := Load("x.yaml", []byte(row.src), options())
		got := problems.Error()
		if len(problems) == 0 {
			got = ""
		}
		if (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
			t.Errorf("got %s, want %s, in\n%s", got, row.want, row.src)
		}
	}
	many := strings.Replace(filtered("msg.a == '{user}'"), "count: 4", "count: 65", 1)
	if _, problems := Load("x.yaml", []byte(many), options()); !strings.Contains(problems.Error(), "more than 64 different filters") {
		t.Errorf("got %v, want that there are too many", problems)
	}
}

// TestFiltersOfPlan: the text is made for each client, each different one is kept once,
// and the moment's is another.
func TestFiltersOfPlan(t *testing.T) {
	p := plan(t, filtered("msg.region == '{region}' && msg.n > 1",
		"timeline: [{at: 1s, unsubscribe: {who: a, channel: c}}, {at: 2s, subscribe: {who: a, share: 1, channel: c}}]"), options())
	var texts []string
	for i := range p.Filters {
		texts = append(texts, p.Filters[i].Shown())
	}
	if got, want := strings.Join(texts, "; "), "msg.region == 'eu' && msg.n > 1; msg.region == 'us' && msg.n > 1; none"; got != want {
		t.Errorf("got the filters %s, want %s", got, want)
	}
	if a, b := p.Clients[0].Subs[0].Filter, p.Clients[3].Subs[0].Filter; a != 1 || b != 2 {
		t.Errorf("got the numbers %d and %d, want 1 and 2", a, b)
	}
	if n := p.Moments[1].Victims[0].Sub.Filter; n != 3 {
		t.Errorf("got the number %d for no filter, want 3", n)
	}
	if got := p.FiltersOf("c"); got != 7 {
		t.Errorf("got the filters %b for c, want all", got)
	}
	if got := p.FiltersOf("d"); got != 0 {
		t.Errorf("got the filters %b for d, want none", got)
	}
	for _, row := range []struct {
		payload string
		want    uint64
	}{
		{`{"region":"eu","n":2}`, 5}, {`{"region":"us","n":2.5}`, 6}, {`{"region":"us","n":1}`, 4}, {`{"region":"us"}`, 4}, {`{"region":"us","n":"2"}`, 4}, {`[]`, 4}, {`{`, 4},
	} {
		if got := p.Passes([]byte(row.payload), 7); got != row.want {
			t.Errorf("%s passes %b, want %b", row.payload, got, row.want)
		}
	}
	secret := plan(t, filtered("msg.key == '{env.TOKEN}'"), options())
	var b strings.Builder
	if err := secret.Print(&b); err != nil || strings.Contains(b.String(), "s3cret") || secret.Filters[0].Shown() != "***" {
		t.Errorf("a secret shows: %v\n%s", err, b.String())
	}
}

func TestCompileFilter(t *testing.T) {
	for _, row := range []struct {
		filter  string
		yes, no string
	}{
		{"msg.a == 1", `{"a":1}|{"a":1.0}|{"a":1,"_squall":{}}`, `{"a":2}|{}|{"a":"1"}|null`},
		{"msg.a?.b in ['x', 'y']", `{"a":{"b":"x"}}`, `{"a":{}}|{}|{"a":1}`},
		{"any(msg.tags, # == 'x')", `{"tags":["y","x"]}`, `{"tags":[]}|{}|{"tags":"x"}`},
		{"msg.name matches '^a'", `{"name":"ab"}`, `{"name":"ba"}|{"name":3}`},
		{"int(msg.n) % 2 == 0", `{"n":4}`, `{"n":3}|{"n":null}`},
		{"not (msg.a == 1)", `{}|{"a":2}`, `{"a":1}|[1]`},
		{"msg.yes", `{"yes":true}`, `{"yes":1}|{"yes":false}|{}`},
	} {
		pass, err := CompileFilter(row.filter)
		if err != nil {
			t.Errorf("%s: %v", row.filter, err)
			continue
		}
		for _, data := range strings.Split(row.yes, "|") {
			if !pass([]byte(data)) {
				t.Errorf("%s keeps %s back", row.filter, data)
			}
		}
		for _, data := range strings.Split(row.no, "|") {
			if pass([]byte(data)) {
				t.Errorf("%s lets %s through", row.filter, data)
			}
		}
	}
}

func TestOverlap(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a.*", "a.b", true}, {"a.*", "a", false}, {"a.**", "a", false}, {"a.**", "a.b.c", true},
		{"*.b", "a.*", true}, {"*.b", "a.c", false}, {"**", "x", true}, {"a.*.c", "a.**", true}, {"a.*.c", "a.b.d", false},
	} {
		if Overlap(row.a, row.b) != row.want || Overlap(row.b, row.a) != row.want {
			t.Errorf("%s and %s: want %v", row.a, row.b, row.want)
		}
	}
}
