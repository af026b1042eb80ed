package scenario

import (
	"math"
	"reflect"
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestValues(t *testing.T) {
	rows := []struct {
		into scalar
		text string
		want any // nil: not such a value
	}{
		{&Duration{}, "250ms", Duration{250 * time.Millisecond, true}},
		{&Duration{}, "1m30s", Duration{90 * time.Second, true}},
		{&Duration{}, "0s", Duration{0, true}},
		{&Duration{}, "1.5s", Duration{1500 * time.Millisecond, true}},
		{&Duration{}, "250", nil},   // no unit
		{&Duration{}, "0", nil},     // no unit either, though package time takes it
		{&Duration{}, "-1s", nil},   // time goes one way
		{&Duration{}, "1d", nil},    // days differ
		{&Duration{}, "9999h", nil}, // more than anybody waits
		{&Size{}, "512B", Size{512, true}},
		{&Size{}, "16KiB", Size{16384, true}},
		{&Size{}, "1.5KiB", Size{1536, true}},
		{&Size{}, "2MB", Size{2000000, true}},
		{&Size{}, "512", nil},
		{&Size{}, "0.3B", nil},   // no half bytes
		{&Size{}, "9999PB", nil}, // no such unit
		{&Rate{}, "20/s", Rate{20, true}},
		{&Rate{}, "300/min", Rate{5, true}},
		{&Rate{}, "0.5/s", Rate{0.5, true}},
		{&Rate{}, "20", nil},
		{&Rate{}, "20/fortnight", nil},
		{&Rate{}, "inf/s", nil},
		{&Rate{}, "-1/s", nil},
		{&ByteRate{}, "64KiB/s", ByteRate{65536, true}},
		{&ByteRate{}, "64/s", nil},
		{&Draw{}, "2s..8s", Draw{2 * time.Second, 8 * time.Second, true, "2s..8s"}},
		{&Draw{}, "2s", Draw{2 * time.Second, 2 * time.Second, true, "2s"}},
		{&Draw{}, "8s..2s", nil}, // backwards
		{&Draw{}, "1..50", nil},
		{&DrawSize{}, "100B..1KiB", DrawSize{100, 1024, true, "100B..1KiB"}},
		{&Share{}, "40%", Share{Part: 0.4, Given: true, Text: "40%"}},
		{&Share{}, "all", Share{Part: 1, Given: true, Text: "all"}},
		{&Share{}, "200", Share{Count: 200, Whole: true, Given: true, Text: "200"}},
		{&Share{}, "101%", nil},
		{&Share{}, "some", nil},
		{&TimeLimit{}, "250ms", TimeLimit{Limit{"<=", 0.25, 0, "250ms"}}},
		{&TimeLimit{}, "< 250ms", TimeLimit{Limit{"<", 0.25, 0, "< 250ms"}}},
		{&TimeLimit{}, ">=1s", TimeLimit{Limit{">=", 1, 0, ">=1s"}}},
		{&TimeLimit{}, "1s..2s", TimeLimit{Limit{"..", 1, 2, "1s..2s"}}},
		{&TimeLimit{}, "2s..1s", nil},
		{&TimeLimit{}, "5", nil},
		{&TimeLimit{}, "= 5s", nil},
		{&ShareLimit{}, "100%", ShareLimit{Limit{">=", 1, 0, "100%"}}}, // a bare share is at least
		{&ShareLimit{}, "< 5%", ShareLimit{Limit{"<", 0.05, 0, "< 5%"}}},
		{&ShareLimit{}, "1", nil},
		{&CountLimit{}, "0", CountLimit{Limit{"<=", 0, 0, "0"}}},
		{&CountLimit{}, "2..5", CountLimit{Limit{"..", 2, 5, "2..5"}}},
		{&CountLimit{}, "1%", nil},
		{&RateLimit{}, "500/s", RateLimit{Limit{"<=", 500, 0, "500/s"}}},
		{&AnyLimit{}, "> 5%", AnyLimit{Limit{">", 0.05, 0, "> 5%"}}},
		{&AnyLimit{}, "3", AnyLimit{Limit{"<=", 3, 0, "3"}}},
	}
	for _, row := range rows {
		err := row.into.scan(row.text)
		got := reflect.ValueOf(row.into).Elem().Interface()
		name := reflect.TypeOf(got).Name()
		if row.want == nil {
			if err == nil {
				t.Errorf("%s %q: got %+v, want an error", name, row.text, got)
			}
			continue
		}
		if err != nil || got != row.want {
			t.Errorf("%s %q: got %+v, %v, want %+v", name, row.text, got, err, row.want)
		}
		if !regexp.MustCompile("^(" + row.into.pattern() + ")$").MatchString(row.text) {
			t.Errorf("%s %q: the schema's pattern %s refuses it", name, row.text, row.into.pattern())
		}
	}
}

// TestShareOf: half rounded up, at least 1 if above 0, never more than there are.
func TestShareOf(t *testing.T) {
	rows := []struct {
		text    string
		n, want int
	}{
		{"40%", 2000, 800},
		{"50%", 5, 3},   // half rounded up
		{"0.1%", 10, 1}, // at least one
		{"0%", 10, 0},   // but none of nothing
		{"12.5%", 1000, 125},
		{"12.5%", 100, 13}, // half rounded up
		{"all", 7, 7},
		{"3", 7, 3},
		{"9", 7, 7},
		{"40%", 0, 0},
	}
	for _, row := range rows {
		var s Share
		if err := s.scan(row.text); err != nil {
			t.Fatal(err)
		}
		if got := s.Of(row.n); got != row.want {
			t.Errorf("%s of %d: got %d, want %d", row.text, row.n, got, row.want)
		}
	}
	if got := (Share{}).Of(7); got != 7 {
		t.Errorf("got %d of 7 for a share that was left out, want all", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 100000).Draw(t, "n")
		tenths := rapid.IntRange(0, 1000).Draw(t, "tenths of a percent")
		s := Share{Part: float64(tenths) / 1000, Given: true}
		// The naive twin works in whole numbers.
		want := (2*n*tenths + 1000) / 2000
		if want == 0 && tenths > 0 && n > 0 {
			want = 1
		}
		if got := s.Of(n); got != want {
			t.Fatalf("%d ‰ of %d: got %d, want %d", tenths, n, got, want)
		}
	})
}

// TestChoose: exactly k of n, and each as likely as the other.
func TestChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 500).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		got := 0
		for _, in := range choose(Rand(rapid.Uint64().Draw(t, "seed"), "x", 0, 0), k, n) {
			if in {
				got++
			}
		}
		if got != k {
			t.Fatalf("got %d, want %d of %d", got, k, n)
		}
	})
	const n, k, rounds = 20, 5, 20000
	var times [n]int
	for i := range rounds {
		for j, in := range choose(Rand(1, "fair", i, 0), k, n) {
			if in {
				times[j]++
			}
		}
	}
	for j, got := range times {
		// Five standard deviations of a binomial distribution.
		if want := rounds * k / n; math.Abs(float64(got-want)) > 5*math.Sqrt(float64(want)*0.75) {
			t.Errorf("number %d: got chosen %d times, want about %d", j, got, want)
		}
	}
}

// TestRandStreams: a stream depends on all of its names, and on nothing else.
func TestRandStreams(t *testing.T) {
	seen := make(map[uint64]string)
	for _, purpose := range []string{"a", "b", "ab", ""} {
		for seed := range uint64(3) {
			for client := range 20 {
				for attempt := range 20 {
					got := Rand(seed, purpose, client, attempt).Uint64()
					name := purpose + " " + itoa(int(seed)) + " " + itoa(client) + " " + itoa(attempt)
					if other := seen[got]; other != "" {
						t.Fatalf("the streams %s and %s begin alike", name, other)
					}
					seen[got] = name
					if Rand(seed, purpose, client, attempt).Uint64() != got {
						t.Fatalf("the stream %s begins differently the second time", name)
					}
				}
			}
		}
	}
}

func TestDistance(t *testing.T) {
	rows := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"count", "cuont", 1}, {"kitten", "sitting", 3}, {"é", "e", 1}, {"abc", "cba", 2},
	}
	for _, row := range rows {
		if got := distance(row.a, row.b); got != row.want {
			t.Errorf("%q to %q: got %d, want %d", row.a, row.b, got, row.want)
		}
	}
}
