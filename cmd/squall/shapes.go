package main

import (
	"errors"
	"strings"
	"time"

	"squall/driver/gateway"
)

// shapes is a flag that says how channels are thinned out: CHANNEL=TIME, and for a
// throttle ,first. It may be repeated.
type shapes struct {
	quiet bool // it is about debounces
	all   []gateway.Shape
}

func (s *shapes) String() string { return "" }
func (s *shapes) Type() string   { return "CHANNEL=TIME" }

func (s *shapes) Set(text string) error {
	wrong := errors.New("channels and a time, such as tally.*=200ms")
	channel, value, ok := strings.Cut(text, "=")
	value, first := strings.CutSuffix(value, ",first")
	d, err := time.ParseDuration(value)
	if !ok || channel == "" || err != nil || d <= 0 || first && s.quiet {
		return wrong
	}
	x := gateway.Shape{Channel: channel, Throttle: d, First: first}
	if s.quiet {
		x.Throttle, x.Debounce = 0, d
	}
	s.all = append(s.all, x)
	return nil
}

// aggregates is a flag that says where sums are sent: CHANNEL=TIME,SUM,BY. It may be
// repeated.
type aggregates struct{ all []gateway.Shape }

func (s *aggregates) String() string { return "" }
func (s *aggregates) Type() string   { return "CHANNEL=SUMS" }

func (s *aggregates) Set(text string) error {
	wrong := errors.New("channels, a time, the field that is added up, and the one by which, such as votes.*=500ms,weight,option")
	channel, value, ok := strings.Cut(text, "=")
	parts := strings.Split(value, ",")
	if !ok || channel == "" || len(parts) != 3 {
		return wrong
	}
	d, err := time.ParseDuration(parts[0])
	if err != nil || d <= 0 {
		return wrong
	}
	s.all = append(s.all, gateway.Shape{Channel: channel, Aggregate: d, Sum: parts[1], By: parts[2]})
	return nil
}
