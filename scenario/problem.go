package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a scenario, and where.
type Problem struct {
	File   string
	Line   int    // from 1; 0 if the value came from --set or a flag
	Column int    // from 1, in characters
	Origin string // instead of a place: `--set path=value`, `--target`, …
	Text   string // what was found, what was expected, the nearest right word
}

func (p Problem) String() string {
	if p.Origin != "" {
		return p.Origin + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems are all that is wrong, in the order of their places.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err is ps as an error, nil if there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// sorted orders problems by place, flags last, and drops repeats.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Origin, b.Origin),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return slices.Compact(ps)
}

// place is where a value or key stands.
type place struct {
	line, column int
	origin       string
}

func (p place) problem(file, text string) Problem {
	return Problem{File: file, Line: p.line, Column: p.column, Origin: p.origin, Text: text}
}

// nearest returns ` (did you mean "x"?)` for the word of known that is nearest
// to got, or nothing if none is near.
func nearest(got string, known []string) string {
	best, at := "", len([]rune(got))/3+2
	for _, k := range known {
		if d := distance(strings.ToLower(got), k); d < at {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that make b from a (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 64
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// words joins names for people: "a, b or c".
func words(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// quote shortens a found text for a message.
func quote(text string) string {
	if r := []rune(text); len(r) > 60 {
		text = string(r[:57]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
