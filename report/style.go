package report

import "squall/assert"

// Style says how Text and Live may draw. The caller decides: colour belongs on
// terminals without NO_COLOR, ASCII where the locale is not UTF-8.
type Style struct {
	Width  int  // columns; 0: 80. Only a word without a break may be wider
	Colour bool // ANSI colours
	ASCII  bool // nothing outside ASCII
}

func (s Style) width() int {
	if s.Width <= 0 {
		return 80
	}
	return max(s.Width, 40) // below this no table has a shape
}

// colour is the body of an SGR escape sequence.
type colour string

const (
	plain  colour = ""
	bold   colour = "1"
	dim    colour = "2"
	red    colour = "1;31"
	green  colour = "32"
	yellow colour = "33"
)

func (s Style) paint(c colour, text string) string {
	if !s.Colour || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// mark is the sign in front of an expectation, with its colour.
func (s Style) mark(state assert.State) (string, colour) {
	switch state {
	case assert.Pass:
		return s.either("✓", "+"), green
	case assert.Fail:
		return s.either("✗", "x"), red
	case assert.NotApplicable:
		return s.either("–", "-"), dim
	default:
		return "?", yellow
	}
}

func (s Style) dot() string { return s.either(" · ", " | ") }

func (s Style) either(unicode, ascii string) string {
	if s.ASCII {
		return ascii
	}
	return unicode
}
