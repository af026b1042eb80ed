package main

import (
	"errors"
	"strings"

	"squall/driver/gateway"
	"squall/scenario"
)

// transforms is a flag that takes CHANNEL=PAYLOAD, and may be repeated.
type transforms struct{ values *[]gateway.Transform }

func (t transforms) String() string { return "" }
func (t transforms) Type() string   { return "CHANNEL=PAYLOAD" }

func (t transforms) Set(text string) error {
	channel, payload, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New(`a channel and its payload, such as "vote.*={option: '{msg.option}'}"`)
	}
	x, err := scenario.ParseTransform(channel, payload)
	if err != nil {
		return err
	}
	*t.values = append(*t.values, gateway.Transform{Channel: channel, Make: x.Make})
	return nil
}
