package scenario

import (
	"reflect"
	"slices"
)

// Word is a word of the language with a sentence about it.
type Word struct{ Name, About string }

// Rules lists what `expect` may name today.
func Rules() []Word {
	return available(reflect.TypeFor[ExpectSpec](), func(f field) bool { return f.rule })
}

// Actions lists what `timeline` may do today.
func Actions() []Word {
	return available(reflect.TypeFor[MomentSpec](), func(f field) bool { return f.action })
}

// available lists the keys of t that are wanted and not refused.
func available(t reflect.Type, wanted func(field) bool) (words []Word) {
	fields, _ := fieldsOf(t)
	for _, f := range fields {
		if wanted(f) && !slices.Contains(f.later, "*") {
			words = append(words, Word{f.key, f.about})
		}
	}
	return words
}
