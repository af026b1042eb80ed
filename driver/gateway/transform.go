package gateway

import (
	"bytes"
	"errors"
	"fmt"
)

// Transform rewrites the data of events on some channels.
type Transform struct {
	Channel string                   // or a pattern of channels
	Make    func(data []byte) []byte // must not keep or change data
}

func checkTransforms(all []Transform) error {
	for _, t := range all {
		if _, err := segmentsOf(t.Channel); err != nil {
			return fmt.Errorf("the transform of %q: %w", t.Channel, err)
		}
		if t.Make == nil {
			return errors.New("a transform does nothing")
		}
	}
	return nil
}

// body is the data of a publication: as it is to be delivered, and as it was said if
// that was another.
type body struct {
	data, said []byte
	retain     bool
	level      level
}

// transform rewrites what is published, once for everybody and for all time: what the
// history keeps is the result.
func (g *Gateway) transform(channel string, data []byte) body {
	for i := range g.cfg.Transforms {
		t := &g.cfg.Transforms[i]
		if segments, err := segmentsOf(t.Channel); err == nil && matches(segments, channel) {
			return body{data: oneLine(t.Make(data)), said: bytes.Clone(data)}
		}
	}
	return body{data: data}
}

// published is the data of an event as it was published.
func (e *event) published() []byte {
	if e.said != nil {
		return e.said
	}
	return e.data
}
