package scenario

import (
	"strings"
	"testing"
)

func TestStateByKey(t *testing.T) {
	const clients = `clients:
  a: {count: 2, subscribe: [{channel: x.1}]}
  p: {count: 2, publish: [{channel: x.1, rate: 1/s, payload: {row: "{pick(['a','b'])}", by: {n: 1}, amount: "{i / 4}", gone: false}}]}
`
	events := DialectInfo{Name: "events", Offsets: true}
	load := func(more string, d DialectInfo) (*Plan, Problems) {
		return Load("x.yaml", []byte("squall: 1\nname: x\nduration: 5s\n"+more), Options{Dialects: []DialectInfo{d}})
	}
	p, problems := load(clients+`expect: [{state: {channel: "x.*", fold: merge, key: row, tombstone: gone, equals: published}}, {state: {channel: "x.*", fold: sum, key: by.n, value: amount, equals: published}}, {state: {channel: "x.*", fold: sum, key: by.n, value: amount, equals: published}, to: a}, {state: {channel: x.1, fold: last, equals: published}}]`, events)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	merge, sum := Book{Channel: "x.*", Key: "row", Tombstone: "gone"}, Book{Channel: "x.*", Key: "by.n", Value: "amount"}
	if len(p.Books) != 2 || p.Books[0] != merge || p.Books[1] != sum {
		t.Errorf("books: %+v", p.Books)
	}
	for i, want := range []Expectation{{Want: "merge", Number: 1, Book: &merge}, {Want: "sum", Number: 2, Book: &sum}, {Want: "sum", Number: 2, Book: &sum}, {Want: "last"}} {
		e := p.Expect[i]
		if e.Rule != "state" || e.Want != want.Want || e.Number != want.Number || (e.Book == nil) != (want.Book == nil) || e.Book != nil && *e.Book != *want.Book {
			t.Errorf("expectation %d: got %+v", i, e)
		}
	}
	if !p.Weighs("x.1") || p.Weighs("y") || !p.Compares() {
		t.Error("what is delivered is not compared with what was published")
	}
	for _, row := range []struct {
		more string
		d    DialectInfo
		want string
	}{
		{`expect: [{state: {channel: "x.*", fold: merge, equals: published}}]`, events, "found fold: merge without key, expected the field of the payload, as in key: account"},
		{`expect: [{state: {channel: "x.*", fold: sum, key: row, equals: published}}]`, events, "found fold: sum without value, expected the field of the payload, as in value: account"},
		{`expect: [{state: {channel: "x.*", fold: last, key: row, equals: published}}]`, events, "x.yaml:7:52: found key with fold: last, expected it with merge or sum only"},
		{`expect: [{state: {channel: "x.*", fold: merge, key: row, value: amount, equals: published}}]`, events, "found value with fold: merge, expected it with sum only"},
		{`expect: [{state: {channel: "x.*", fold: sum, key: row, value: amount, tombstone: gone, equals: published}}]`, events, "found tombstone with fold: sum, expected it with merge only"},
		{`expect: [{state: {channel: "x.*", fold: merge, key: by..n, equals: published}}]`, events, `found the field "by..n", expected names with dots between them, as in by.account`},
		{`expect: [{state: {channel: "x.*", fold: merge, key: _squall, equals: published}}]`, events, `found the field "_squall", which carries the stamp, expected another`},
		{`expect: [{state: {channel: "x.*", fold: merge, key: user, equals: published}}]`, events, `x.yaml:6:62: found a publication on "x.1" of which the field user is missing, expected what can be entered: an expectation adds up the messages of this channel`},
		{`expect: [{state: {channel: "x.*", fold: sum, key: row, value: row, equals: published}}]`, events, `of which the field row is no number`},
		{`expect: [{state: {channel: "x.*", fold: merge, key: by.n, equals: published}}]`, DialectInfo{Name: "events"}, `found a second publisher of the key "1" on "x.1", expected one: the dialect events has no offsets, so nobody can say which of their messages is the last`},
		{`target: {gateway: {throttle: {channel: "x.1", every: 1s, keep: last}}}` + "\n" + `expect: [{state: {channel: "x.*", fold: merge, key: row, equals: published}}]`, events, `found fold: merge of "x.*", which is thinned out (throttle), expected fold: last`},
	} {
		if _, problems := load(clients+row.more, row.d); !strings.Contains(problems.Error(), row.want) {
			t.Errorf("%s\ngot  %v\nwant %s", row.more, problems, row.want)
		}
	}
}

func TestDiffers(t *testing.T) {
	p := &Plan{Books: []Book{{Channel: "x", Key: "row", Value: "amount"}}}
	const published = `{"row":"a","amount":123456789.123456,"of":{"n":1}}`
	for delivered, want := range map[string]string{
		`{"_squall":"s","of":{"n":1.0},"amount":1.23456789123456e8,"row":"a"}`: "",
		`{"row":"a","amount":123456789.123456,"of":{"n":1},"at":7}`:            "", // a target may add what it likes
		`{"row":"a","amount":123456789.123457,"of":{"n":1}}`:                   "the field amount has another value",
		`{"row":"a","amount":123456789,"of":{"n":1}}`:                          "the field amount has another value",
		`{"row":"b","amount":123456789.123456,"of":{"n":1}}`:                   "the field row has another value",
		`{"row":"a","amount":123456789.123456}`:                                "the field of is missing",
		`{"row":"a","amount":123456789.123456,"of":{"n":2}}`:                   "the field of.n has another value",
		`[]`: "the payload is no object",
	} {
		if got := p.Differs("x", []byte(published), []byte(delivered)); got != want {
			t.Errorf("%s: got %q, want %q", delivered, got, want)
		}
	}
}
