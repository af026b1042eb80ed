package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A transformation makes another payload of a published one. It is a payload whose
// templates see the message, msg, and nothing else, so it is a pure function: the
// target evaluates it, to make what it delivers; the driver does, to know what is
// right. The members that carry the stamp are not part of it and come along.
//
// A value that can't be computed of a message (a text with a field that is missing,
// say) is null. Of such a message nobody can say what is right: it isn't judged.

// Transform is one of the transformations of a plan.
type Transform struct {
	Channel string // pattern; "" for all
	Payload string // as in the file, in JSON

	pieces []piece
}

// ParseTransform makes a transformation of a channel or pattern and of a payload with
// templates.
func ParseTransform(channel, payload string) (t Transform, err error) {
	if channel == "" {
		return t, errors.New("found no channel, expected the channel or pattern that it is for")
	}
	if strings.Contains(channel, "*") {
		if err := checkPattern(channel); err != nil {
			return t, err
		}
	}
	var doc yaml.Node
	if yaml.Unmarshal([]byte(payload), &doc) != nil || len(doc.Content) != 1 {
		return t, fmt.Errorf("found the payload %s, expected a mapping, as in {option: \"{msg.option}\"}", quote(payload))
	}
	t = newTransform(channel, doc.Content[0], "", func(_, text string) {
		if err == nil {
			err = errors.New(text)
		}
	})
	return t, err
}

func newTransform(channel string, n *yaml.Node, path string, fail func(path, text string)) Transform {
	return Transform{Channel: channel, Payload: treeText(n), pieces: transformed(n, path, fail)}
}

// Make applies t to a payload.
func (t *Transform) Make(payload []byte) []byte {
	msg := decodeMessage(payload)
	rest, _ := evaluate(t.pieces, msg)
	return carry(msg, rest)
}

// transformed compiles the payload of a transformation.
func transformed(n *yaml.Node, path string, fail func(path, text string)) []piece {
	return compilePayload(n, path, &payloadCompiler{names: []string{"msg"}, pure: true, fail: fail})
}

// evaluate makes the payload, without the stamp. whole is false if some value could
// not be computed.
func evaluate(pieces []piece, msg map[string]any) (payload []byte, whole bool) {
	s := &scope{Msg: msg}
	whole = true
	for _, p := range pieces {
		if p.template == nil {
			payload = append(payload, p.raw...)
			continue
		}
		v, err := p.template.value(s)
		var text []byte
		if err == nil {
			text, err = marshal(v)
		}
		if err != nil {
			text, whole = []byte("null"), false
		}
		payload = append(payload, text...)
	}
	return payload, whole
}

// carry puts the stamp of a message in front of its new payload, an object.
func carry(msg map[string]any, payload []byte) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, key := range reserved {
		v, ok := msg[key]
		if !ok {
			continue
		}
		text, err := marshal(v)
		if err != nil { // it was decoded from JSON
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", key, text)
	}
	if b.Len() > 1 && len(payload) > len("{}") {
		b.WriteByte(',')
	}
	b.Write(payload[1:])
	return b.Bytes()
}

// TransformOf is the number of the transformation that is expected of a channel,
// from 1; 0: none is.
func (p *Plan) TransformOf(channel string) int {
	for i := range p.Transforms {
		if t := &p.Transforms[i]; t.Channel == "" || Match(t.Channel, channel) {
			return i + 1
		}
	}
	return 0
}

// Fit says what a delivered payload is beside what it should be.
type Fit uint8

// The fits.
const (
	Fits   Fit = iota // equal, by value
	Raw               // as it was published, which is something else
	Misfit            // neither
	Vague             // nobody can say: the transformation has no value for this message
)

// Compare says whether a delivered payload is what transformation number makes of a
// published one, field by field and by value, and where it isn't what is wrong with
// the first field. The members that carry the stamp are left out. A field whose value
// is null may be missing.
func (p *Plan) Compare(number int, published, delivered []byte) (fit Fit, wrong string) {
	msg := decodeMessage(published)
	made, whole := evaluate(p.Transforms[number-1].pieces, msg)
	if !whole || msg == nil {
		return Vague, ""
	}
	want, got := decodeMessage(made), decodeMessage(delivered)
	if got == nil {
		return Misfit, "the payload is no object"
	}
	for _, key := range reserved {
		delete(got, key)
	}
	if wrong = difference(want, got, ""); wrong == "" {
		return Fits, ""
	}
	if difference(msg, got, "") == "" {
		return Raw, wrong
	}
	return Misfit, wrong
}

// difference describes the first field, by name, in which got is not want; "" if
// there is none. It tells no value: that may be a secret.
func difference(want, got any, path string) string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return other(path)
		}
		for _, key := range sortedKeys(want) {
			v, has := got[key]
			switch {
			case has:
				if d := difference(want[key], v, join(path, key)); d != "" {
					return d
				}
			case want[key] != nil:
				return "the field " + shownField(join(path, key)) + " is missing"
			}
		}
		for _, key := range sortedKeys(got) {
			if _, has := want[key]; !has && got[key] != nil {
				return "the field " + shownField(join(path, key)) + " is one too many"
			}
		}
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return other(path)
		}
		for i := range want {
			if d := difference(want[i], got[i], join(path, strconv.Itoa(i))); d != "" {
				return d
			}
		}
	case float64:
		if got, ok := got.(float64); !ok || !alike(want, got) {
			return other(path)
		}
	default:
		if want != got {
			return other(path)
		}
	}
	return ""
}

// alike reports whether two numbers are the same up to what binary fractions and
// decimal ones make of each other.
func alike(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-12*max(math.Abs(a), math.Abs(b))
}

func other(path string) string { return "the field " + shownField(path) + " has another value" }

// shownField is the name of a field, which a target may have invented.
func shownField(path string) string {
	const most = 60
	path = strings.ToValidUTF8(path, "?")
	if len(path) > most {
		path = strings.ToValidUTF8(path[:most], "") + "…"
	}
	return path
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
