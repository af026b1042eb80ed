package report

import (
	"io"
	"strings"
	"testing"

	"squall/assert"
)

// Whatever anybody adds fits into 80 columns, and into 40.
func TestExplainShape(t *testing.T) {
	golden(t, "explain.txt", render(t, func(w io.Writer) error { return Explain(w, assert.RecoveredFlagLie, Style{}) }))
	for _, a := range assert.Anomalies() {
		for _, style := range []Style{{}, {Width: 60, ASCII: true}} {
			text := string(render(t, func(w io.Writer) error { return Explain(w, a, style) }))
			for _, part := range append(a.Explain().Issues, a.String(), a.Define().Owner) {
				if !strings.Contains(text, part) {
					t.Errorf("%s at %d lacks %q", a, style.width(), part)
				}
			}
			shape(t, a.String(), text, style)
		}
	}
}

func TestListShape(t *testing.T) {
	lists := []Words{
		{"rules", "what expect may name", [][2]string{{"delivery", "Loss and repeats."}, {"recovery", strings.Repeat("word ", 40)}}},
		{"long", "", [][2]string{{strings.Repeat("n", 45), "Its text stands below it."}}},
	}
	golden(t, "list.txt", render(t, func(w io.Writer) error { return List(w, lists, Style{}) }))
	shape(t, "list", string(render(t, func(w io.Writer) error { return List(w, lists, Style{Width: 60}) })), Style{Width: 60})
}

// shape is what every page keeps to: its width and no blanks at the end of lines.
func shape(t *testing.T, name, text string, style Style) {
	t.Helper()
	for n, line := range strings.Split(text, "\n") {
		if columns(line) > style.width() || strings.TrimRight(line, " ") != line {
			t.Errorf("%s at %d: line %d is too wide or ends in blanks: %q", name, style.width(), n+1, line)
		}
	}
}
