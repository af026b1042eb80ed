package main

import (
	"errors"
	"strings"
)

// split takes a command line apart as a POSIX shell would, as far as words go:
// blanks part them; within '…' everything stands for itself, within "…" all but \"
// and \\; a backslash elsewhere takes the meaning from the next character. Nothing
// is replaced: no variables, no patterns, no pipes.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inside, begun := rune(0), false
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			if inside == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && inside != '\'':
			escaped, begun = true, true
		case inside != 0 && r == inside:
			inside = 0
		case inside != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			inside, begun = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	switch {
	case inside != 0:
		return nil, errors.New("a quote " + string(inside) + " stays open")
	case escaped:
		return nil, errors.New("a backslash stands at the end")
	case len(words) == 0 || words[0] == "":
		return nil, errors.New("no command is named")
	}
	return words, nil
}
