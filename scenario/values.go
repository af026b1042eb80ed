package scenario

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// scalar is a value that is written as one text. scan returns what was expected
// if the text is not such a value. pattern is a regular expression for the JSON
// Schema: it accepts all that scan accepts, and little else.
type scalar interface {
	scan(text string) error
	pattern() string
}

const (
	durationPattern = `([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+`
	sizePattern     = `[0-9]+(\.[0-9]+)?(B|KiB|MiB|GiB|kB|KB|MB|GB)`
	numberPattern   = `[0-9]+(\.[0-9]+)?`
	comparePattern  = `(<=|>=|<|>)? *`
)

// Duration is a length of time with its unit: 250ms, 1m30s. Given tells it from
// one that was left out.
type Duration struct {
	time.Duration
	Given bool
}

var errDuration = errors.New("a duration with its unit, such as 250ms or 1m30s")

func (d *Duration) scan(text string) error {
	v, err := parseDuration(text)
	if err != nil {
		return err
	}
	*d = Duration{v, true}
	return nil
}

func (d *Duration) pattern() string { return durationPattern }

// or returns d, or other if it was left out.
func (d Duration) or(other time.Duration) time.Duration {
	if d.Given {
		return d.Duration
	}
	return other
}

func parseDuration(text string) (time.Duration, error) {
	v, err := time.ParseDuration(text)
	if err != nil || !digit(text) || !letter(text) || v > 1000*time.Hour {
		return 0, errDuration
	}
	return v, nil
}

func digit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// letter tells whether s ends with a unit; "0" is a duration for package time
// and a bare number for us.
func letter(s string) bool { c := s[len(s)-1]; return c >= 'a' && c <= 'z' }

// Size is a number of bytes with its unit: 512B, 16KiB.
type Size struct {
	Bytes int
	Given bool
}

var errSize = errors.New("a size with its unit, such as 512B or 16KiB")

func (s *Size) scan(text string) error {
	n, err := parseSize(text)
	if err != nil {
		return err
	}
	*s = Size{n, true}
	return nil
}

func (s *Size) pattern() string { return sizePattern }

func parseSize(text string) (int, error) {
	i := strings.IndexFunc(text, func(r rune) bool { return r >= 'A' })
	if i < 1 || !digit(text) {
		return 0, errSize
	}
	unit := map[string]float64{
		"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9,
	}[text[i:]]
	v, err := strconv.ParseFloat(text[:i], 64)
	if err != nil || unit == 0 || v*unit > 1<<40 || v*unit != math.Trunc(v*unit) {
		return 0, errSize
	}
	return int(v * unit), nil
}

// Rate is a number of events in a time, per second.
type Rate struct {
	PerSecond float64
	Given     bool
}

var (
	errRate     = errors.New("a rate such as 20/s or 300/min")
	errByteRate = errors.New("a rate of bytes such as 64KiB/s")
)

func (r *Rate) scan(text string) error {
	v, err := parseRate(text)
	if err != nil {
		return err
	}
	*r = Rate{v, true}
	return nil
}

func (r *Rate) pattern() string { return numberPattern + `/(ms|s|min|h)` }

func parseRate(text string) (float64, error) {
	n, unit, ok := strings.Cut(text, "/")
	v, err := strconv.ParseFloat(n, 64)
	per := map[string]float64{"ms": 0.001, "s": 1, "min": 60, "h": 3600}[unit]
	if !ok || err != nil || per == 0 || !digit(n) || v > 1e9 {
		return 0, errRate
	}
	return v / per, nil
}

// ByteRate is a number of bytes in a time, per second.
type ByteRate struct {
	PerSecond float64
	Given     bool
}

func (r *ByteRate) scan(text string) error {
	n, unit, ok := strings.Cut(text, "/")
	v, err := parseSize(n)
	per := map[string]float64{"s": 1, "min": 60}[unit]
	if !ok || err != nil || per == 0 {
		return errByteRate
	}
	*r = ByteRate{float64(v) / per, true}
	return nil
}

func (r *ByteRate) pattern() string { return sizePattern + `/(s|min)` }

// Draw is a length of time drawn between two, or one that is fixed.
type Draw struct {
	Lo, Hi time.Duration
	Given  bool
	Text   string
}

var errDraw = errors.New("a duration such as 2s, or a draw such as 2s..8s")

func (d *Draw) scan(text string) error {
	a, b, two := strings.Cut(text, "..")
	lo, err := parseDuration(a)
	hi := lo
	if two && err == nil {
		hi, err = parseDuration(b)
	}
	if err != nil || hi < lo {
		return errDraw
	}
	*d = Draw{lo, hi, true, text}
	return nil
}

func (d *Draw) pattern() string { return durationPattern + `(\.\.` + durationPattern + `)?` }

// DrawSize is a number of bytes drawn between two, or one that is fixed.
type DrawSize struct {
	Lo, Hi int
	Given  bool
	Text   string
}

var errDrawSize = errors.New("a size such as 200B, or a draw such as 100B..2KiB")

func (d *DrawSize) scan(text string) error {
	a, b, two := strings.Cut(text, "..")
	lo, err := parseSize(a)
	hi := lo
	if two && err == nil {
		hi, err = parseSize(b)
	}
	if err != nil || hi < lo {
		return errDrawSize
	}
	*d = DrawSize{lo, hi, true, text}
	return nil
}

func (d *DrawSize) pattern() string { return sizePattern + `(\.\.` + sizePattern + `)?` }

// Share is a part of a group: a percentage, all, or a number of clients.
type Share struct {
	Part  float64 // of 1, if Whole is false
	Count int     // if Whole is true
	Whole bool
	Given bool
	Text  string
}

var errShare = errors.New("a share such as 40%, all or 200")

func (s *Share) scan(text string) error {
	if text == "all" {
		*s = Share{Part: 1, Given: true, Text: text}
		return nil
	}
	if n, ok := strings.CutSuffix(text, "%"); ok {
		v, err := strconv.ParseFloat(n, 64)
		if err != nil || !digit(n) || v > 100 {
			return errShare
		}
		*s = Share{Part: v / 100, Given: true, Text: text}
		return nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || !digit(text) {
		return errShare
	}
	*s = Share{Count: v, Whole: true, Given: true, Text: text}
	return nil
}

func (s *Share) pattern() string { return `all|[0-9]+(\.[0-9]+)?%|[0-9]+` }

// Of is how many of n the share is: half rounded up, at least 1 if it is above
// 0, at most n. A share that was left out is all.
func (s Share) Of(n int) int {
	switch {
	case !s.Given:
		return n
	case s.Whole:
		return min(s.Count, n)
	case s.Part == 0 || n == 0:
		return 0
	}
	// The small addend keeps 12.5 % of 1,000 from becoming 124.999….
	return min(max(int(math.Floor(s.Part*float64(n)+0.5+1e-9)), 1), n)
}

// Template is a text with {expressions}; compiled later, when the names that it
// may use are known.
type Template string

var limitText = regexp.MustCompile(`^(<=|>=|<|>)? *(.+)$`)

// scanLimit reads a limit whose numbers one reads; bare is the comparison of a
// bare value.
func scanLimit(text, bare string, one func(string) (float64, error), want error) (Limit, error) {
	l := Limit{Text: text}
	var err error
	if a, b, two := strings.Cut(text, ".."); two {
		l.Op = ".."
		if l.A, err = one(a); err == nil {
			l.B, err = one(b)
		}
		if err != nil || l.B < l.A {
			return Limit{}, want
		}
		return l, nil
	}
	m := limitText.FindStringSubmatch(text)
	if m == nil {
		return Limit{}, want
	}
	if l.Op = m[1]; l.Op == "" {
		l.Op = bare
	}
	if l.A, err = one(m[2]); err != nil {
		return Limit{}, want
	}
	return l, nil
}

func parseSeconds(text string) (float64, error) {
	d, err := parseDuration(text)
	return d.Seconds(), err
}

func parsePart(text string) (float64, error) {
	n, ok := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(n, 64)
	if !ok || err != nil || !digit(n) || v > 100 {
		return 0, errShare
	}
	return v / 100, nil
}

func parseCount(text string) (float64, error) {
	v, err := strconv.Atoi(text)
	if err != nil || !digit(text) {
		return 0, errShare
	}
	return float64(v), nil
}

func limitPattern(one string) string {
	return `(` + comparePattern + `)?` + one + `|` + one + `\.\.` + one
}

// TimeLimit is a limit of a time, in seconds; a bare value means at most.
type TimeLimit struct{ Limit }

func (l *TimeLimit) scan(text string) (err error) {
	l.Limit, err = scanLimit(text, "<=", parseSeconds, errors.New(`a limit of a time such as 250ms, "< 1s" or 2s..5s`))
	return err
}

func (l *TimeLimit) pattern() string { return limitPattern(durationPattern) }

// ShareLimit is a limit of a share of 1; a bare value means at least.
type ShareLimit struct{ Limit }

func (l *ShareLimit) scan(text string) (err error) {
	l.Limit, err = scanLimit(text, ">=", parsePart, errors.New(`a limit of a share such as 100% or ">= 99%"`))
	return err
}

func (l *ShareLimit) pattern() string { return limitPattern(numberPattern + `%`) }

// CountLimit is a limit of a count; a bare value means at most.
type CountLimit struct{ Limit }

func (l *CountLimit) scan(text string) (err error) {
	l.Limit, err = scanLimit(text, "<=", parseCount, errors.New(`a limit of a count such as 0, "< 5" or 2..5`))
	return err
}

func (l *CountLimit) pattern() string { return limitPattern(`[0-9]+`) }

// RateLimit is a limit of a rate per second; a bare value means at most.
type RateLimit struct{ Limit }

func (l *RateLimit) scan(text string) (err error) {
	l.Limit, err = scanLimit(text, "<=", parseRate, errors.New(`a limit of a rate such as 500/s`))
	return err
}

func (l *RateLimit) pattern() string { return limitPattern(numberPattern + `/(ms|s|min|h)`) }

// AnyLimit is a limit of a share or a count; a bare value means at most.
type AnyLimit struct{ Limit }

func (l *AnyLimit) scan(text string) (err error) {
	one := parseCount
	if strings.HasSuffix(text, "%") {
		one = parsePart
	}
	l.Limit, err = scanLimit(text, "<=", one, errors.New(`a limit such as "> 5%" or 100`))
	return err
}

func (l *AnyLimit) pattern() string { return limitPattern(numberPattern + `%?`) }
