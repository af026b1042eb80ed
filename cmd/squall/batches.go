package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"squall/driver/gateway"
)

// batches is a flag that says which channels are sent in batches: CHANNEL=MAX,TIME. It
// may be repeated.
type batches []gateway.Batch

func (b *batches) String() string { return "" }
func (b *batches) Type() string   { return "CHANNEL=MAX,TIME" }

func (b *batches) Set(text string) error {
	channel, value, ok := strings.Cut(text, "=")
	most, wait, both := strings.Cut(value, ",")
	n, err := strconv.Atoi(most)
	d, wrong := time.ParseDuration(wait)
	if !ok || !both || channel == "" || err != nil || wrong != nil || n < 1 || d <= 0 {
		return errors.New("channels, a number and a time, such as activity.*=50,100ms")
	}
	*b = append(*b, gateway.Batch{Channel: channel, Max: n, Wait: d})
	return nil
}
