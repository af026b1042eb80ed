package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// oneOf is a flag that takes one of a few words.
type oneOf struct {
	value string
	words []string
}

func (o *oneOf) String() string { return o.value }
func (o *oneOf) Type() string   { return "NAME" }

func (o *oneOf) Set(text string) error {
	for _, w := range o.words {
		if text == w {
			o.value = text
			return nil
		}
	}
	return errors.New("one of " + strings.Join(o.words, ", "))
}

// amount is a flag that takes a size: 512MiB. 0 means that none was given.
type amount int64

func (b *amount) Type() string { return "SIZE" }

func (b *amount) String() string {
	if *b == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*b), 10) + "B"
}

func (b *amount) Set(text string) error {
	wrong := errors.New("a size, such as 512MiB or 2GiB")
	for _, unit := range [...]struct {
		name string
		size float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}} {
		number, ok := strings.CutSuffix(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n > 0) || n*unit.size > math.MaxInt64/2 {
			return wrong
		}
		*b = amount(n * unit.size)
		return nil
	}
	return wrong
}

// texts is a flag that may be given more than once; commas mean nothing to it.
type texts struct {
	values *[]string
	name   string
}

func (t texts) String() string { return "" }
func (t texts) Type() string   { return t.name }
func (t texts) Set(text string) error {
	if !strings.Contains(text, "=") || strings.HasPrefix(text, "=") {
		return errors.New("a change of the form PATH=VALUE, such as clients.voters.count=200")
	}
	*t.values = append(*t.values, text)
	return nil
}

// word is a flag that takes any text; name says in the help what it is.
type word struct {
	value *string
	name  string
}

func (w word) String() string { return "" }
func (w word) Type() string   { return w.name }
func (w word) Set(text string) error {
	if text == "" {
		return errors.New("anything; leave the flag out instead")
	}
	*w.value = text
	return nil
}

// number is a flag that takes a whole number from 0 on and knows whether it was given.
type number struct {
	value uint64
	given bool
}

func (n *number) Type() string { return "N" }

func (n *number) String() string {
	if !n.given {
		return ""
	}
	return strconv.FormatUint(n.value, 10)
}

func (n *number) Set(text string) error {
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return err
	}
	n.value, n.given = v, true
	return nil
}

// span is a flag that takes a duration: 250ms, 1m30s. Where zero means never it
// is kept as -1, since the zero value means the default.
type span struct {
	value *time.Duration
	zero  bool
}

func (s span) String() string { return "" }
func (s span) Type() string   { return "DURATION" }

func (s span) Set(text string) error {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d < 0:
		return errors.New("a duration, such as 250ms or 1m30s")
	case d == 0 && !s.zero:
		return errors.New("a duration above 0, such as 250ms or 1m30s")
	case d == 0:
		d = -1
	}
	*s.value = d
	return nil
}

// names is a flag that takes a word or a list with commas, and may be repeated.
type names []string

func (n *names) String() string { return "" }
func (n *names) Type() string   { return "NAME" }

func (n *names) Set(text string) error {
	*n = append(*n, strings.Split(text, ",")...)
	return nil
}
