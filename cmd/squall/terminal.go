package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"squall/report"
)

// isTerminal tells whether w is a terminal, and how many columns it has (0: it
// doesn't say).
func isTerminal(w io.Writer) (columns int, is bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		columns = 0
	}
	return columns, true
}

// style says how to draw on w: colour on terminals unless NO_COLOR is set or the
// terminal is dumb, ASCII where the locale says so, 80 columns or what there is.
func (t *tool) style(w io.Writer) report.Style {
	columns, terminal := isTerminal(w)
	s := report.Style{Width: 80, ASCII: ascii(t.getenv)}
	if terminal {
		s.Colour = t.getenv("NO_COLOR") == "" && t.getenv("TERM") != "dumb"
		if columns > 0 && columns < s.Width {
			s.Width = columns
		}
	}
	return s
}

// ascii tells whether the locale names another character set than UTF-8. No
// locale at all, as in most containers, says nothing about the reader's terminal.
func ascii(getenv func(string) string) bool {
	for _, name := range [...]string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
