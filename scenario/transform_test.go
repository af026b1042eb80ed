package scenario

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// transforming is a plan that expects one transformation.
func transforming(t testing.TB, payload string) *Plan {
	t.Helper()
	p, problems := Load("x.yaml", []byte(small("expect: [{transform: {channel: a, payload: "+payload+"}}]")), Options{Dialects: []DialectInfo{{Name: "events"}}})
	if len(problems) > 0 {
		t.Fatalf("%s: %v", payload, problems)
	}
	return p
}

func TestCompare(t *testing.T) {
	const ballot = `{"voter":"ada","option":"yes","shares":150,"tags":["a","b"],"of":{"x":1,"y":null}}`
	for _, row := range []struct {
		payload, published, delivered string
		want                          Fit
		wrong                         string
	}{
		{`{option: "{msg.option}"}`, ballot, `{"option":"yes"}`, Fits, ""},
		{`{option: "{msg.option}"}`, ballot, "\n{ \"_squall\":\"x\", \"\\u006fption\" : \"\\u0079es\", \"_fill\":\"y\" }", Fits, ""},
		{`{option: "{msg.option}"}`, ballot, ballot, Raw, "the field of is one too many"},
		{`{option: "{msg.option}"}`, ballot, `{"of":{"x":1},"tags":["a","b"],"shares":150.0,"option":"yes","voter":"ada"}`, Raw, "the field of is one too many"},
		{`{option: "{msg.option}"}`, ballot, `{}`, Misfit, "the field option is missing"},
		{`{option: "{msg.option}"}`, ballot, `{"option":"no"}`, Misfit, "the field option has another value"},
		{`{option: "{msg.option}"}`, ballot, `{"option":"yes","voter":"ada"}`, Misfit, "the field voter is one too many"},
		{`{option: "{msg.option}"}`, ballot, `["yes"]`, Misfit, "the payload is no object"},
		{`{option: "{msg.option}"}`, ballot, `{"option":`, Misfit, "the payload is no object"},
		{`{}`, ballot, `{}`, Fits, ""},
		{`{}`, ballot, `{"a":null}`, Fits, ""},
		{`{a: 1, b: text, c: [1, "{msg.option}"]}`, ballot, `{"c":[1e0,"yes"],"b":"text","a":1.0}`, Fits, ""},
		{`{a: 1, b: text, c: [1, "{msg.option}"]}`, ballot, `{"c":["yes",1],"b":"text","a":1}`, Misfit, "the field c.0 has another value"},
		{`{a: 1, b: text, c: [1, "{msg.option}"]}`, ballot, `{"c":[1],"b":"text","a":1}`, Misfit, "the field c has another value"},
		{`{a: "1"}`, ballot, `{"a":1}`, Misfit, "the field a has another value"},
		{`{a: true}`, ballot, `{"a":"true"}`, Misfit, "the field a has another value"},
		{`{weight: "{msg.shares / 100}"}`, ballot, `{"weight":1.5}`, Fits, ""},
		{`{third: "{msg.shares / 90}"}`, ballot, `{"third":1.6666666666666667}`, Fits, ""},
		{`{third: "{msg.shares / 90}"}`, ballot, `{"third":1.66666666666667}`, Fits, ""},
		{`{third: "{msg.shares / 90}"}`, ballot, `{"third":1.6667}`, Misfit, "the field third has another value"},
		{`{text: "{msg.shares} for {msg.option}"}`, ballot, `{"text":"150 for yes"}`, Fits, ""},
		{`{text: "{msg.shares}"}`, `{"shares":1000000}`, `{"text":1000000}`, Fits, ""},
		{`{text: "{msg.shares} of them"}`, `{"shares":12000000}`, `{"text":"12000000 of them"}`, Fits, ""},
		{`{of: "{msg.of}"}`, ballot, `{"of":{"x":1}}`, Fits, ""},
		{`{of: "{msg.of}"}`, ballot, `{"of":{"x":1,"y":2}}`, Misfit, "the field of.y has another value"},
		{`{tags: "{msg.tags}"}`, ballot, `{"tags":["a","b"]}`, Fits, ""},
		{`{tags: "{msg.tags}"}`, ballot, `{"tags":{"0":"a"}}`, Misfit, "the field tags has another value"},
		{`{no: "{msg.no}"}`, ballot, `{}`, Fits, ""},
		{`{no: "{msg.no}"}`, ballot, `{"no":null}`, Fits, ""},
		{`{no: "{msg.no}"}`, ballot, `{"no":0}`, Misfit, "the field no has another value"},
		{`{no: "{msg.no ?? 'none'}"}`, ballot, `{"no":"none"}`, Fits, ""},
		{`{no: "{msg.no} it is"}`, ballot, `{"no":"it is"}`, Vague, ""},
		{`{no: "{msg.no * 2}"}`, ballot, `{"no":0}`, Vague, ""},
		{`{no: "{msg.shares / 0}"}`, ballot, `{"no":0}`, Vague, ""},
		{`{voter: "{msg.voter}", option: "{msg.option}"}`, `{"voter":"ada","option":"yes"}`, `{"option":"yes","voter":"ada"}`, Fits, ""}, // takes nothing away
	} {
		fit, wrong := transforming(t, row.payload).Compare(1, []byte(row.published), []byte(row.delivered))
		if fit != row.want || wrong != row.wrong {
			t.Errorf("%s of %s, %s: got %d %q, want %d %q", row.payload, row.published, row.delivered, fit, wrong, row.want, row.wrong)
		}
	}
}

// TestMakeCarriesTheStamp: what a gateway makes is what is expected, with the stamp, the
// filler and nothing else of the published payload.
func TestMakeCarriesTheStamp(t *testing.T) {
	for _, row := range []struct{ payload, published, want string }{
		{`{option: "{msg.option}"}`, `{"_squall":"s.1","_fill":"Az-_","option":"yes","voter":"ada"}`, `{"_squall":"s.1","_fill":"Az-_","option":"yes"}`},
		{`{option: "{msg.option}"}`, `{"option":"<&>"}`, `{"option":"<&>"}`},
		{`{}`, `{"voter":"ada","_squall":"s.1"}`, `{"_squall":"s.1"}`},
		{`{}`, `{"voter":"ada"}`, `{}`},
		{`{a: {b: ["{msg.x}", 1]}}`, `{"x":{"y":2}}`, `{"a":{"b":[{"y":2},1]}}`},
		{`{a: "{msg.x}!"}`, `{"_squall":"s.1"}`, `{"_squall":"s.1","a":null}`},
		{`{a: "{msg.x}"}`, `"no object"`, `{"a":null}`},
	} {
		x, err := ParseTransform("a.*", row.payload)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(x.Make([]byte(row.published))); got != row.want {
			t.Errorf("%s of %s: got %s, want %s", row.payload, row.published, got, row.want)
		}
		again, err := ParseTransform("a.*", x.Payload) // as a child process is told
		if err != nil {
			t.Fatalf("%s: %v", x.Payload, err)
		}
		if got := string(again.Make([]byte(row.published))); got != row.want || again.Payload != x.Payload {
			t.Errorf("%s of %s: got %s, want %s", x.Payload, row.published, got, row.want)
		}
	}
	for _, row := range []struct{ channel, payload, want string }{
		{"", "{}", "found no channel"},
		{"a.**.b", "{}", "expected ** at its end only"},
		{"a", "", "expected a mapping"},
		{"a", "{", "expected a mapping"},
		{"a", "text", `found "text", expected a mapping`},
		{"a", `{a: "{i}"}`, `"i"`},
	} {
		if _, err := ParseTransform(row.channel, row.payload); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s=%s: got %v, want %q", row.channel, row.payload, err, row.want)
		}
	}
}

// value draws a value of JSON as it is decoded.
func value(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		most := 5
		if depth == 0 {
			most = 3
		}
		switch rapid.IntRange(0, most).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]float64{0, 1, -3, 2.5, 1e21, 1e-9, 9007199254740993}).Draw(t, "number")
		case 1:
			return rapid.SampledFrom([]string{"", "a", "1", "null", "<b> & ü\n\"", "{msg.a}"}).Draw(t, "text")
		case 2:
			return rapid.Bool().Draw(t, "bool")
		case 3:
			return nil
		case 4:
			return anyList(rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "list"))
		}
		return object(depth-1).Draw(t, "object")
	})
}

func anyList(l []any) []any { return append([]any{}, l...) }

func object(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "ä\"", "A"}), value(max(depth, 0)), 0, 5)
}

// TestCompareIsSound is the rule's twin and its opposite: of any payload a
// transformation that keeps some fields under new names fits however it is printed, and
// nothing else does that differs in one place.
func TestCompareIsSound(t *testing.T) {
	plan := transforming(t, `{x: "{msg.a}", y: {z: ["{msg.b}", 7]}, k: "{msg.c ?? 'none'}"}`)
	changed, raw := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		msg := object(2).Draw(t, "published")
		c := msg["c"]
		if c == nil {
			c = "none"
		}
		want := map[string]any{"x": msg["a"], "y": map[string]any{"z": []any{msg["b"], 7.0}}, "k": c} // the twin
		published := printed(t, msg)
		if fit, wrong := plan.Compare(1, published, printed(t, withStamp(want))); fit != Fits {
			t.Fatalf("%s: what is right is %d, %s", published, fit, wrong)
		}
		for _, key := range sortedKeys(want) { // null and missing are one
			if want[key] == nil {
				less := copied(want)
				delete(less, key)
				if fit, wrong := plan.Compare(1, published, printed(t, less)); fit != Fits {
					t.Fatalf("%s: without a field that is null it is %d, %s", published, fit, wrong)
				}
			}
		}
		other := copied(want)
		key := rapid.SampledFrom([]string{"x", "k", "more", "voter"}).Draw(t, "key")
		other[key] = value(1).Draw(t, "other")
		if rapid.Bool().Draw(t, "drop") {
			delete(other, key)
		}
		if same(want[key], other[key]) {
			return
		}
		changed++
		if fit, wrong := plan.Compare(1, published, printed(t, other)); fit == Fits || fit == Vague || !strings.Contains(wrong, key) && fit != Raw {
			t.Fatalf("%s: %v for %v is %d, %q", published, other, want, fit, wrong)
		}
		fit, _ := plan.Compare(1, published, printed(t, withStamp(msg)))
		if raw++; fit != Raw {
			t.Fatalf("%s as it was published is %d", published, fit)
		}
	})
	if changed == 0 || raw == 0 {
		t.Fatal("nothing was changed")
	}
}

func copied(m map[string]any) map[string]any {
	c := make(map[string]any, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// same compares as the rule is meant to, in another way: null fields are taken out and
// the rest is printed.
func same(a, b any) bool { return reflect.DeepEqual(withoutNulls(a), withoutNulls(b)) }

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any)
		for k, x := range v {
			if x != nil {
				out[k] = withoutNulls(x)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, x := range v {
			out = append(out, withoutNulls(x))
		}
		return out
	}
	return v
}

func withStamp(m map[string]any) map[string]any {
	c := copied(m)
	c["_squall"], c["_fill"] = "s.1", "Az"
	return c
}

// printed prints an object as some server might: in any order, with spaces and escapes.
func printed(t *rapid.T, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		keys := rapid.Permutation(sortedKeys(v)).Draw(t, "order")
		var parts []string
		for _, k := range keys {
			parts = append(parts, string(printed(t, k))+rapid.SampledFrom([]string{":", " : "}).Draw(t, "colon")+string(printed(t, v[k])))
		}
		return []byte("{" + strings.Join(parts, rapid.SampledFrom([]string{",", ",\n "}).Draw(t, "comma")) + "}")
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, string(printed(t, x)))
		}
		return []byte("[" + strings.Join(parts, ",") + "]")
	case float64:
		return []byte(fmt.Sprintf(rapid.SampledFrom([]string{"%.17g", "%.17e"}).Draw(t, "form"), v))
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTransformOf(t *testing.T) {
	p := Plan{Transforms: []Transform{{Channel: "vote.*"}, {Channel: "room"}, {Channel: "all.**"}}}
	for channel, want := range map[string]int{"vote.1": 1, "vote": 0, "vote.1.2": 0, "room": 2, "all.x.y": 3, "": 0} {
		if got := p.TransformOf(channel); got != want {
			t.Errorf("%s: got %d, want %d", channel, got, want)
		}
	}
	p.Transforms = []Transform{{}}
	if p.TransformOf("any") != 1 {
		t.Error("without a channel it is for all")
	}
}

func TestTransformProblems(t *testing.T) {
	for _, row := range []struct{ more, want string }{
		{`expect: [{transform: {channel: a}}]`, `x.yaml:7:22: found a transform without a payload, expected the new one, as in payload: {option: "{msg.option}"}`},
		{`expect: [{transform: {channel: a, quiet: 1s, payload: {}}}]`, `found quiet, expected nothing but channel and payload`},
		{`expect: [{transform: {channel: a, payload: {x: "{i}"}}}]`, `x.yaml:7:48: in {i}: "i" has no value here; a field of the message is msg.i`},
		{`expect: [{transform: {channel: a, payload: {x: "{pick(1..3)}"}}}]`, `found a value that depends on more than the message, expected a function of msg alone`},
		{`expect: [{transform: {channel: a, payload: {x: "{env.HOME}"}}}]`, `found a value that depends on more than the message`},
		{`expect: [{transform: {channel: a, payload: {x: "{msg}"}}}]`, `msg needs the name of a field, as in msg.kind`},
		{`expect: [{transform: {channel: a, payload: {x: "{msg._squall}"}}}]`, `msg._squall is not part of the message`},
		{`expect: [{transform: {channel: a, payload: {x: "{keys(msg.x)}"}}}]`, `keys`},
		{`expect: [{transform: {channel: a, payload: {_squall: 1}}}]`, `found the key "_squall", which carries the stamp, expected another`},
		{`expect: [{transform: {channel: a, payload: [1]}}]`, `found a list, expected a mapping: payloads are JSON objects`},
		{`expect: [{channel: a, transform: {channel: a, payload: {}}}]`, `found channel twice, expected it within transform only`},
		{`expect: [{transform: {channel: "a.**.b", payload: {}}}]`, `expected ** at its end only`},
		{`expect: [{transform: {channel: "a.*", payload: {}}}, {transform: {channel: a.b, payload: {}}}]`, `x.yaml:7:66: found two expected transforms that may concern one channel, "a.*" and "a.b", expected at most one for each`},
		{`expect: [{transform: {payload: {}}}, {transform: {channel: a.b, payload: {}}}]`, `found two expected transforms`},
		{`target: {gateway: {transform: {payload: {}}}}`, `found a transform without a channel`},
		{`target: {gateway: {transform: {channel: a}}}`, `found a transform without a payload`},
		{`target: {gateway: {transform: {channel: a, payload: {}, sum: x}}}`, `found sum, expected nothing but channel and payload`},
		{`target: {gateway: {transform: [{channel: "**", payload: {}}, {channel: a, payload: {}}]}}`, `found two transforms that may concern one channel, "**" and "a"`},
		{`target: {gateway: {transform: [{channel: a, payload: {x: "{nope}"}}]}}`, `nope`},
	} {
		_, problems := Load("x.yaml", []byte(small(row.more)), Options{Dialects: []DialectInfo{{Name: "events"}}})
		if !strings.Contains(problems.Error(), row.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", row.more, problems, row.want)
		}
	}
}

// TestTransformsOfTheGatewayArePromised: without a word about it in the file, what the
// gateway makes is what is expected.
func TestTransformsOfTheGatewayArePromised(t *testing.T) {
	const gateway = `target: {gateway: {transform: [{channel: "a.*", payload: {x: "{msg.x}"}}, {channel: b, payload: {}}]}}`
	rules := func(more string, o Options) (names []string) {
		o.Dialects = []DialectInfo{{Name: "events"}}
		p, problems := Load("x.yaml", []byte(small(gateway+"\n"+more)), o)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, e := range p.Expect {
			if e.Rule == "transform" {
				names = append(names, fmt.Sprintf("%s %s %v", e.Name, e.Payload, e.Promised))
			}
		}
		if len(p.Transforms) != len(names) {
			t.Errorf("%s: %d transformations for %v", more, len(p.Transforms), names)
		}
		return names
	}
	for _, row := range []struct {
		more string
		o    Options
		want []string
	}{
		{"", Options{}, []string{`transform, channel a.* {"x": "{msg.x}"} true`, "transform, channel b {} true"}},
		{"", Options{Target: "ws://a.test"}, nil},
		{"expect: [{errors: 0}]", Options{}, nil},
		{"expect: [promises, {name: mine, channel: b, transform: {payload: {y: 1}}}]", Options{}, []string{`mine {"y": 1} false`}},
	} {
		if got := rules(row.more, row.o); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.more, got, row.want)
		}
	}
}
