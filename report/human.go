package report

import (
	"math"
	"strconv"
	"time"
)

// span writes a duration with three significant digits: 812ns, 12.3µs, 1.20ms,
// 250ms, 12.3s; from a minute on 1m30s, from an hour on 2h05m.
func (s Style) span(d time.Duration) string {
	if d < 0 {
		if d == math.MinInt64 {
			d++
		}
		return "-" + s.span(-d)
	}
	units := [...]struct {
		size time.Duration
		name string
		max  float64 // where the next unit takes over
	}{
		{time.Nanosecond, "ns", 1000},
		{time.Microsecond, s.either("µs", "us"), 1000},
		{time.Millisecond, "ms", 1000},
		{time.Second, "s", 60},
	}
	if d == 0 {
		return "0s"
	}
	for _, u := range units {
		n := float64(d) / float64(u.size)
		// 999.6µs has three digits only as 1.00ms, 59.96s only as 1m00s.
		if text := digits(n, u.size == time.Nanosecond); n < u.max && parse(text) < u.max {
			return text + u.name
		}
	}
	if d < time.Hour-time.Second/2 {
		sec := int64(d.Round(time.Second) / time.Second)
		return strconv.FormatInt(sec/60, 10) + "m" + two(sec%60) + "s"
	}
	m := int64(d.Round(time.Minute) / time.Minute)
	return strconv.FormatInt(m/60, 10) + "h" + two(m%60) + "m"
}

func digits(n float64, whole bool) string {
	decimals := 2
	switch {
	case whole || n >= 99.95:
		decimals = 0
	case n >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(n, 'f', decimals, 64)
}

func parse(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64) // text comes from digits
	return n
}

func two(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// clock writes a time of the run in seconds with milliseconds: 12.041.
func clock(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
}

// count writes 1234567 as 1,234,567.
func count[N int | int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// short writes a count in at most seven columns: 99,999, then 100k, 1.23M, 45.6G.
func short[N int | int64](n N) string {
	if n < 100_000 {
		return count(n)
	}
	v := float64(n)
	for _, unit := range [...]string{"k", "M", "G", "T"} {
		v /= 1000
		if v < 999.5 {
			return digits(v, false) + unit
		}
	}
	return digits(v/1000, false) + "P"
}

// size writes bytes: 812 B, 12.3 KiB, 1.20 MiB.
func size(n int64) string {
	if n < 1024 {
		return count(n) + " B"
	}
	v := float64(n)
	for _, unit := range [...]string{" KiB", " MiB", " GiB"} {
		v /= 1024
		if v < 999.5 {
			return digits(v, false) + unit
		}
	}
	return digits(v/1024, false) + " TiB"
}

// share writes a share of 1 in percent: 34%; a bit short of all is never 100%.
func share(part float64) string {
	switch {
	case math.IsNaN(part) || part < 0:
		part = 0
	case part > 0.999 && part < 1:
		return "99.9%"
	}
	if part > 0 && part < 0.0995 {
		return strconv.FormatFloat(math.Max(part*100, 0.1), 'f', 1, 64) + "%"
	}
	if part > 0.99 && part < 1 {
		return strconv.FormatFloat(math.Floor(part*1000)/10, 'f', 1, 64) + "%"
	}
	return strconv.FormatFloat(part*100, 'f', 0, 64) + "%"
}

// many chooses the word for a number: 1 client, 2 clients.
func many[N int | int64](n N, one, more string) string {
	if n == 1 {
		return count(n) + " " + one
	}
	return count(n) + " " + more
}
