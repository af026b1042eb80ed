package scenario

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEnter(t *testing.T) {
	const payload = `{"_squall":"s","account":"café","n":7,"yes":true,"amount":12.5,"by":{"key":"x","n":-0.000001},"list":[1],"none":null,"long":"` + "LONG" + `","text":"1"}`
	for _, row := range []struct {
		book Book
		want Entry
		err  string
	}{
		{Book{Key: "account", Value: "amount"}, Entry{Key: "café", Amount: 12_500_000}, ""},
		{Book{Key: "by.key", Value: "by.n"}, Entry{Key: "x", Amount: -1}, ""},
		{Book{Key: "n"}, Entry{Key: "7"}, ""},
		{Book{Key: "yes", Tombstone: "yes"}, Entry{Key: "true", Gone: true}, ""},
		{Book{Value: "n", Tombstone: "missing"}, Entry{Amount: 7_000_000}, ""},
		{Book{Value: "n", Tombstone: "none"}, Entry{Amount: 7_000_000}, ""},
		{Book{Key: "missing"}, Entry{}, "the field missing is missing"},
		{Book{Key: "none"}, Entry{}, "the field none is missing"},
		{Book{Key: "account.x"}, Entry{}, "the field account.x is missing"},
		{Book{Key: "list"}, Entry{}, "the field list is no text, which a key has to be"},
		{Book{Key: "long"}, Entry{}, "the field long is longer than the 200 bytes of a key"},
		{Book{Value: "text"}, Entry{}, "the field text is no number"},
		{Book{Value: "missing"}, Entry{}, "the field missing is missing"},
		{Book{Tombstone: "n"}, Entry{}, "the field n is neither true nor false"},
	} {
		got, err := row.book.Enter([]byte(strings.Replace(payload, "LONG", strings.Repeat("x", 201), 1)))
		switch {
		case row.err != "" && (err == nil || err.Error() != row.err):
			t.Errorf("%+v: got the error %v, want %s", row.book, err, row.err)
		case row.err == "" && (err != nil || got != row.want):
			t.Errorf("%+v: got %+v %v, want %+v", row.book, got, err, row.want)
		}
	}
	if _, err := (&Book{}).Enter([]byte(`[1]`)); err == nil {
		t.Error("a list can be entered")
	}
}

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]Amount{
		"0": 0, "-0": 0, "0.0000000000": 0, "0e999999999": 0, "1": 1_000_000, "-1.5": -1_500_000, "1e3": 1_000_000_000, "25E-1": 2_500_000, "0.000001": 1, "1.0000000": 1_000_000,
		"0.1": 100_000, "123456789.123456": 123_456_789_123_456, "1000000000": 1_000_000_000_000_000, "-1e9": -1_000_000_000_000_000,
	} {
		if got, err := ParseAmount(text); err != nil || got != want {
			t.Errorf("%s: got %d %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"1000000000.000001": "is beyond ±1000000000", "-1000000001": "is beyond", "1e400": "is beyond", "1e999999999": "is beyond", "0.0000001": "more than six decimals", "1e-400": "more than six decimals",
		"1e-999999999": "more than six decimals", "1.0000001": "more than six decimals", "1." + strings.Repeat("0", 60) + "1": "more than six decimals",
	} {
		if got, err := ParseAmount(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %d %v, want an error: %s", text, got, err, want)
		}
	}
}

// TestAmountsAreExact: what is read is what was written, and sums are those of the
// written numbers.
func TestAmountsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Custom(func(t *rapid.T) Amount {
			return Amount(rapid.Int64Range(-mostAmount*unit, mostAmount*unit).Draw(t, "millionths"))
		})
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		text, err := json.Marshal(json.Number(a.String()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseAmount(string(text)); err != nil || got != a {
			t.Fatalf("%s is read as %d, %v, want %d", text, got, err, a)
		}
		sum, ok := a.Plus(b)
		x, _ := new(big.Rat).SetString(a.String())
		y, _ := new(big.Rat).SetString(b.String())
		if want := new(big.Rat).SetFrac64(int64(sum), unit); !ok || x.Add(x, y).Cmp(want) != 0 {
			t.Fatalf("%s + %s = %s", a, b, sum)
		}
	})
	const most = Amount(1<<63 - 1)
	for _, x := range [][2]Amount{{most, 1}, {-most, -2}, {most, most}} {
		if _, ok := x[0].Plus(x[1]); ok {
			t.Errorf("%d + %d does not overflow", x[0], x[1])
		}
	}
	if sum, ok := most.Plus(0); !ok || sum != most {
		t.Error("nothing more overflows")
	}
}

func TestBooksOfChannels(t *testing.T) {
	p := &Plan{Books: []Book{{Channel: "a.*"}, {}, {Channel: "a.b"}}}
	for channel, want := range map[string][]int{"a.b": {1, 2, 3}, "a.c": {1, 2}, "x": {2}} {
		if got := p.BooksOf(channel); len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s is entered in %v, want %v", channel, got, want)
		}
	}
}
