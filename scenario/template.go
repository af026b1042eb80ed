package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
)

// template is a compiled Template: texts and expressions in turn. It is
// immutable and may be evaluated concurrently.
type template struct {
	source string
	parts  []part
	uses   uses
	needs  []string

	columns []string // of the group's data
}

// part is a text, or an expression.
type part struct {
	text string
	expr *Expr
}

// compileTemplate compiles text; names and vars are the names that its
// expressions may use; more options may narrow what is allowed.
func compileTemplate(text string, names, vars []string, more ...expr.Option) (*template, error) {
	t := &template{source: text}
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			t.parts = append(t.parts, part{text: plain.String()})
			plain.Reset()
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case (c == '{' || c == '}') && i+1 < len(text) && text[i+1] == c:
			plain.WriteByte(c)
			i += 2
		case c == '}':
			return nil, fmt.Errorf("found a } without its { in %s, expected }} for a brace", quote(text))
		case c == '{':
			end := closing(text[i+1:])
			if end < 0 {
				return nil, fmt.Errorf("found a { without its } in %s, expected {{ for a brace", quote(text))
			}
			source := text[i+1 : i+1+end]
			if strings.TrimSpace(source) == "" {
				return nil, fmt.Errorf("found an empty {} in %s, expected an expression; {{}} are braces", quote(text))
			}
			flush()
			e, err := compileExpr(source, names, vars, more...)
			if err != nil {
				return nil, fmt.Errorf("in {%s}: %w", source, err)
			}
			t.parts = append(t.parts, part{expr: e})
			t.uses |= e.uses
			t.needs = append(t.needs, e.needs...)
			t.columns = append(t.columns, e.columns...)
			i += end + 2
		default:
			plain.WriteByte(c)
			i++
		}
	}
	flush()
	return t, nil
}

// closing finds the brace that ends an expression, past nested braces and
// quoted texts; -1 if there is none.
func closing(s string) int {
	depth := 0
	var quoted byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quoted != 0:
			if c == '\\' && quoted != '`' {
				i++
			} else if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quoted = c
		case c == '{':
			depth++
		case c == '}':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}

// single tells whether t is one single {expression}, whose type it keeps.
func (t *template) single() bool { return len(t.parts) == 1 && t.parts[0].expr != nil }

// value evaluates t: the expression's value if it is single, else a text.
func (t *template) value(s *scope) (any, error) {
	if t.single() {
		v, err := t.parts[0].expr.eval(s)
		if err != nil {
			return nil, fmt.Errorf("in %s: %w", t.source, err)
		}
		return v, nil
	}
	return t.text(s)
}

// text evaluates t to a text.
func (t *template) text(s *scope) (string, error) {
	if len(t.parts) == 1 && t.parts[0].expr == nil {
		return t.parts[0].text, nil
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.expr.eval(s)
		if err == nil {
			err = appendText(&b, v)
		}
		if err != nil {
			return "", fmt.Errorf("in %s: %w", t.source, err)
		}
	}
	return b.String(), nil
}

func appendText(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		return errors.New("found nothing, expected a value")
	case string:
		b.WriteString(v)
	case int:
		b.WriteString(strconv.Itoa(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("found a value that is no text: %w", err)
		}
		b.Write(text)
	}
	return nil
}
