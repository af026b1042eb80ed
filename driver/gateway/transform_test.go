package gateway

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

// publicly is a transformation for tests: of what is published it keeps the stamp, a,
// and b.
func publicly(data []byte) []byte {
	kept := slices.DeleteFunc(members(data), func(m member) bool { return !m.own() && !slices.Contains([]string{"a", "b"}, string(m.key)) })
	return object(kept)
}

func transforming(d ...Defect) Config {
	c := filtering(d...)
	c.Transforms = []Transform{{Channel: "c", Make: publicly}, {Channel: "*.*", Make: func([]byte) []byte { return []byte("{\n}") }}}
	return c
}

// ballot is what somebody says.
func ballot(a, b string) string {
	return say(`{"_s":"x","a":` + a + `,"who":"ada","b":` + b + `}`)
}

func TestTransforms(t *testing.T) {
	const made = `{"_s":"x","a":1,"b":2}`
	const said = `{"_s":"x","a":1,"who":"ada","b":2}`
	plain := `{"id":1,"type":"connect","user":"u"}` + "\n" + listen
	for _, row := range []struct {
		comment string
		cfg     Config
		visits  []visit
	}{
		{"live, in a replay and by a pattern", transforming(), []visit{
			{who: "a", says: plain, want: "connected id=1, subscribed id=2 c @0"},
			{who: "w", says: `{"id":1,"type":"connect"}` + "\n" + `{"id":2,"type":"subscribe","pattern":"*"}`, want: "connected id=1, subscribed id=2"},
			{who: "p", says: enterP + "\n" + ballot("1", "2"), want: "connected id=1"},
			{who: "a", want: "event c @1 " + made},
			{who: "w", want: "event c @1 " + made},
			{who: "b", says: strings.ReplaceAll(plain, `"c"}`, `"c","recover":{"epoch":"`+epochOfC+`","offset":0}}`), want: "connected id=1, subscribed id=2 c @1 recovered=true, event c @1 replay " + made}}},
		{"the first that matches, others not at all", transforming(), []visit{
			{who: "a", says: `{"id":1,"type":"connect"}` + "\n" + `{"id":2,"type":"subscribe","channel":"x.y"}` + "\n" + `{"id":3,"type":"subscribe","channel":"d"}`, want: "connected id=1, subscribed id=2 x.y @0, subscribed id=3 d @0"},
			{who: "p", says: enterP + "\n" + `{"type":"publish","channel":"x.y","data":{"a":1}}` + "\n" + `{"type":"publish","channel":"d","data":{"who":1}}`, want: "connected id=1"},
			{who: "a", want: `event x.y @1 { }, event d @1 {"who":1}`}}},
		{"a filter sees what was published", transforming(), []visit{
			{who: "a", says: `{"id":1,"type":"connect"}` + "\n" + strings.Replace(listen, `"c"`, `"c","filter":"ada"`, 1), want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + ballot("1", "2") + "\n" + say(`{"a":3}`), want: "connected id=1"},
			{who: "a", want: "event c @1 " + made}}},
		{"a kept session", transforming(), []visit{
			{who: "a", says: hello + "\n" + listen, want: "connected id=1, subscribed id=2 c @0"},
			{who: "a", says: "drop"},
			{who: "p", says: enterP + "\n" + ballot("1", "2"), want: "connected id=1"},
			{who: "b", says: again("0"), want: "connected id=1 resumed, event c @1 replay " + made}}},

		{"transform-skipped", transforming(Defect{Name: "transform-skipped", Every: 2}), []visit{
			{who: "a", says: plain, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + ballot("1", "2") + "\n" + ballot("1", "2") + "\n" + ballot("1", "2"), want: "connected id=1"},
			{who: "a", want: "event c @1 " + made + ", event c @2 " + said + ", event c @3 " + made}}},
		{"untransformed-replay", transforming(Defect{Name: "untransformed-replay", Every: 2}), []visit{
			{who: "a", says: plain, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + ballot("1", "2") + "\n" + ballot("1", "2") + "\n" + ballot("1", "2"), want: "connected id=1"},
			{who: "a", want: "event c @1 " + made + ", event c @2 " + made + ", event c @3 " + made},
			{who: "b", says: strings.ReplaceAll(plain, `"c"}`, `"c","recover":{"epoch":"`+epochOfC+`","offset":0}}`),
				want: "connected id=1, subscribed id=2 c @3 recovered=true, event c @1 replay " + made + ", event c @2 replay " + said + ", event c @3 replay " + made}}},
		{"transform-merged", transforming(Defect{Name: "transform-merged"}), []visit{
			{who: "a", says: plain, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + ballot("1", "2"), want: "connected id=1"},
			{who: "a", want: `event c @1 {"who":"ada","_s":"x","a":1,"b":2}`}}},
		{"transform-field-lost", transforming(Defect{Name: "transform-field-lost", Every: 2}), []visit{
			{who: "a", says: plain, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + ballot("1", "2") + "\n" + say(`{"_s":"x"}`) + "\n" + ballot("1", "2"), want: "connected id=1"},
			{who: "a", want: "event c @1 " + made + `, event c @2 {"_s":"x"}, event c @3 {"_s":"x","a":1}`}}},
		{"transform-state-shared", transforming(Defect{Name: "transform-state-shared", Every: 2}), []visit{
			{who: "a", says: plain, want: "connected id=1, subscribed id=2 c @0"},
			{who: "p", says: enterP + "\n" + ballot("1", "2") + "\n" + ballot("1", "2") + "\n" + ballot("3", "2") + "\n" + ballot("3", "4") + "\n" + ballot("5", "6"), want: "connected id=1"},
			{who: "a", want: "event c @1 " + made + ", event c @2 " + made + `, event c @3 {"_s":"x","a":3,"b":2}, event c @4 {"_s":"x","a":3,"b":2}, event c @5 {"_s":"x","a":5,"b":6}`}}},
	} {
		t.Run(row.comment, func(t *testing.T) { converse(t, row.cfg, row.visits) })
	}
}

func TestTransformsAreChecked(t *testing.T) {
	for _, bad := range []Transform{{Channel: "", Make: publicly}, {Channel: "a.**.b", Make: publicly}, {Channel: "a"}} {
		if _, err := New(Config{Transforms: []Transform{bad}}); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// TestTransformedDataIsKept: what a transformation was given is not changed by what
// comes later in the same buffer.
func TestTransformedDataIsKept(t *testing.T) {
	bubble(t, transforming(Defect{Name: "untransformed-replay", Every: 1}), func(t *testing.T, s *site) {
		p, a := s.client("p"), s.client("a")
		epoch := string(a.subscribe("c").Epoch)
		for _, who := range []string{"ada", "bob", "eve"} {
			p.publish("c", `{"who":"`+who+`"}`)
		}
		b := s.client("b")
		b.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c", Recover: true, Epoch: epoch})
		b.want(dialect.Subscribed)
		got := strings.Join(b.drainFor(time.Second), " ")
		if !strings.Contains(got, "ada") || !strings.Contains(got, "bob") || !strings.Contains(got, "eve") {
			t.Errorf("got %s", got)
		}
		if !bytes.Equal(publicly([]byte(`{"who":1}`)), []byte("{}")) {
			t.Error("the test's transformation is another")
		}
	})
}
