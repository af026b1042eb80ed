package gateway

import (
	"bytes"
	"slices"

	"squall/driver/dialect"
)

// What becomes of transformations on purpose.

// reshape is the data that an event gets: what the transformation made, unless
// transform-skipped, transform-merged, transform-field-lost or transform-state-shared
// know better. Under the stream's lock.
func (w *wrong) reshape(s *stream, b body) []byte {
	if b.said == nil {
		return b.data
	}
	before := s.made
	if w.transformShared != nil {
		s.made = bytes.Clone(b.data)
	}
	made := members(b.data)
	switch {
	case w.transformSkipped.fires():
		return b.said
	case w.transformMerged.fires():
		return object(append(members(b.said), made...))
	case len(made) > 0 && !made[len(made)-1].own() && w.transformFieldLost.fires():
		made[len(made)-1].lost = true
		return object(made)
	}
	for i := range made {
		if made[i].own() {
			continue
		}
		for _, old := range members(before) {
			if !old.is(made[i].key) || bytes.Equal(old.value, made[i].value) {
				continue
			}
			if !w.transformShared.fires() {
				return b.data
			}
			made[i].value = old.value
			return object(made)
		}
	}
	return b.data
}

// replayed is the data that a replay sends of an event: with untransformed-replay what
// was published. Under the stream's lock.
func (w *wrong) replayed(e *event) []byte {
	if e.said != nil && w.untransformedReplay.fires() {
		return e.said
	}
	return e.data
}

// member is one of an object's, as it stands there.
type member struct {
	key, value []byte
	lost       bool
}

// own reports whether a member is the sender's own, which a transformation carries
// along and puts first.
func (m *member) own() bool { return bytes.HasPrefix(m.key, []byte("_")) }

func (m *member) is(key []byte) bool { return bytes.Equal(m.key, key) }

// members takes an object apart.
func members(data []byte) (all []member) {
	var c dialect.Cursor
	c.Reset(data)
	if !c.Open() {
		return nil
	}
	for key, ok := c.Member(); ok; key, ok = c.Member() {
		all = append(all, member{key: bytes.Clone(key), value: c.Skip()})
	}
	return all
}

// object puts members together; the last of a name counts.
func object(all []member) []byte {
	b := []byte{'{'}
	for i, m := range all {
		if m.lost || slices.ContainsFunc(all[i+1:], func(o member) bool { return o.is(m.key) }) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(dialect.AppendText(b, string(m.key)), ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}
