package gateway

import (
	"bytes"
	"time"
)

// What becomes on purpose of messages that somebody adds up, or keeps the last of by key.

// hasty is how soon after an event of a channel update-swallowed takes another one for the
// same change.
const hasty = 60 * time.Millisecond

// withholds reports whether an event goes no further: with update-swallowed, if it comes
// right behind another one of its channel; with tombstone-lost, if it takes something
// away. Under the stream's lock.
func (w *wrong) withholds(s *stream, data []byte, now time.Time) bool {
	if w.updateSwallowed != nil {
		if now.Sub(s.said) < hasty && w.updateSwallowed.fires() {
			return true
		}
		s.said = now
	}
	return w.tombstoneLost != nil && bytes.Contains(data, []byte(":true")) && w.tombstoneLost.fires()
}

// round is delta-rounded: the decimals of the last number that has any are lost. Under the
// stream's lock.
func (w *wrong) round(data []byte) []byte {
	if w.deltaRounded == nil {
		return data
	}
	all := members(data)
	for i := len(all) - 1; i >= 0; i-- {
		m := &all[i]
		dot := bytes.IndexByte(m.value, '.')
		if m.own() || dot < 1 || len(bytes.Trim(m.value, "-.0123456789")) > 0 {
			continue
		}
		if !w.deltaRounded.fires() {
			return data
		}
		m.value = bytes.Clone(m.value[:dot])
		return object(all)
	}
	return data
}
