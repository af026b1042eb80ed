package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes foreign text fit to be shown: it may come from the target, so
// control characters (and with them terminal escapes), bidirectional marks and
// broken UTF-8 become visible and harmless, and line ends become spaces.
func (s Style) Clean(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case r < 0x7f && r >= ' ':
			b.WriteRune(r)
		case r == utf8.RuneError || !unicode.IsGraphic(r):
			b.WriteString(s.either("�", "?"))
		case !s.ASCII:
			b.WriteRune(r)
		default:
			b.WriteString(plainer(r))
		}
	}
	return b.String()
}

// plainer replaces what squall itself likes to write; the rest is a question mark.
func plainer(r rune) string {
	switch r {
	case 'µ', 'μ':
		return "u"
	case '…':
		return "..."
	case '–', '—', '−':
		return "-"
	case '·', '•':
		return "|"
	case '×':
		return "x"
	case '→':
		return "->"
	case '≤':
		return "<="
	case '≥':
		return ">="
	case '‘', '’':
		return "'"
	case '“', '”':
		return `"`
	}
	return "?"
}

// columns is how many terminal columns text takes: marks that combine take
// none, East Asian wide characters and emoji two.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case r < 0x300:
			n++
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
			r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
			r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wrap breaks text at blanks into lines of at most width columns. A word that is
// longer stands alone. The result has at least one line.
func wrap(text string, width int) []string {
	return pack(strings.Fields(text), width, " ", "")
}

// wrapCommand breaks a shell command between its words, with a backslash at the
// end of each line but the last: what is printed can be pasted. A flag stays
// with its value.
func wrapCommand(command string, width int) []string {
	var words []string
	for _, w := range shellWords(command) {
		if n := len(words); n > 0 && strings.HasPrefix(words[n-1], "--") && !strings.Contains(words[n-1], " ") && !strings.HasPrefix(w, "-") {
			words[n-1] += " " + w
			continue
		}
		words = append(words, w)
	}
	return pack(words, width-2, " ", ` \`)
}

// pack puts words into lines, joined by sep; all lines but the last get end.
func pack(words []string, width int, sep, end string) []string {
	lines := []string{""}
	for i, w := range words {
		last := &lines[len(lines)-1]
		switch {
		case i == 0:
			*last = w
		case columns(*last)+columns(sep)+columns(w) <= width:
			*last += sep + w
		default:
			*last = strings.TrimRight(*last+end, " ")
			lines = append(lines, w)
		}
	}
	return lines
}

// shellWords splits at blanks that stand outside single quotes.
func shellWords(command string) []string {
	var words []string
	quoted := false
	start := 0
	for i := 0; i < len(command); i++ {
		switch {
		case command[i] == '\'':
			quoted = !quoted
		case command[i] == '\\' && !quoted:
			i++ // the next one stands for itself
		case command[i] == ' ' && !quoted:
			if i > start {
				words = append(words, command[start:i])
			}
			start = i + 1
		}
	}
	if start < len(command) {
		words = append(words, command[start:])
	}
	return words
}

// pad fills text with blanks on the right up to width columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// padLeft fills text with blanks on the left up to width columns.
func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(0, width-columns(text))) + text
}
