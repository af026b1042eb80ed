package scenario

import (
	"reflect"
	"strings"
)

// field is what the tags of one struct field say of a key:
//
//	yaml:"key"        its name; `yaml:",inline"` for the keys of an embedded struct
//	about:"…"         a sentence for people and for the schema
//	need:"true"       it is required
//	enum:"a,b"        the closed list of its values
//	min:"1"           the least number
//	one:"true"        one value may stand for a list of one
//	later:"*"         known, not yet available; or the values that are
//	words:"w"         (of a field Word) the words that may stand for the mapping
//	action:"true"     of a moment: one of these
//	rule:"true"       of an expectation: one of these
//	verb:"true"       of a moment about the gateway: one of these
type field struct {
	key    string
	index  []int
	typ    reflect.Type
	about  string
	need   bool
	enum   []string
	min    string
	one    bool
	later  []string // "*" for the whole key
	action bool
	rule   bool
	verb   bool
}

// fieldsOf lists the keys of a struct of the language, in order, and the words
// that may stand for it.
func fieldsOf(t reflect.Type) (fields []field, words []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if w := f.Tag.Get("words"); w != "" {
			words = strings.Split(w, ",")
			continue
		}
		tag := f.Tag.Get("yaml")
		if tag == ",inline" {
			inner, _ := fieldsOf(f.Type)
			for _, x := range inner {
				x.index = append([]int{i}, x.index...)
				fields = append(fields, x)
			}
			continue
		}
		if tag == "" || tag == "-" {
			continue
		}
		fields = append(fields, field{
			key: tag, index: []int{i}, typ: f.Type, about: f.Tag.Get("about"),
			need: f.Tag.Get("need") != "", enum: list(f.Tag.Get("enum")), min: f.Tag.Get("min"),
			one: f.Tag.Get("one") != "", later: list(f.Tag.Get("later")),
			action: f.Tag.Get("action") != "", rule: f.Tag.Get("rule") != "", verb: f.Tag.Get("verb") != "",
		})
	}
	return fields, words
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}
