package report

import (
	"reflect"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, row := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"  blanks   and\tmore ", 40, []string{"blanks and more"}},
		{"a wordthatislonger b", 6, []string{"a", "wordthatislonger", "b"}}, // stands alone, whole
		{"日本 語", 5, []string{"日本", "語"}},                                    // wide characters take two columns
		{"e\u0301 e\u0301", 3, []string{"e\u0301 e\u0301"}},                 // combining ones none
	} {
		if got := wrap(row.text, row.width); !reflect.DeepEqual(got, row.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", row.text, row.width, got, row.want)
		}
	}
}

// A wrapped command is the same command once a shell joins its lines.
func TestWrapCommand(t *testing.T) {
	command := `squall run 'my file.yaml' --set 'clients.a.user=it'\''s  two  blanks' --quiet --seed 7`
	for width := 10; width < 100; width += 7 {
		lines := wrapCommand(command, width)
		if got := strings.ReplaceAll(strings.Join(lines, "\n"), " \\\n", " "); got != command {
			t.Errorf("at %d columns the lines join to\n%s\nnot\n%s", width, got, command)
		}
		for _, l := range lines {
			if strings.HasSuffix(l, "--seed \\") || strings.HasSuffix(l, "--set \\") {
				t.Errorf("at %d columns a flag is torn from its value: %q", width, lines)
			}
		}
	}
}

// What a target says can't reach the terminal as more than text.
func TestClean(t *testing.T) {
	for _, row := range []struct{ text, unicode, ascii string }{
		{"plain", "plain", "plain"},
		{"\x1b[2J\x1b]0;title\x07", "�[2J�]0;title�", "?[2J?]0;title?"}, // escapes
		{"a\r\nb\tc", "a  b c", "a  b c"},
		{"\u202etxt.exe", "�txt.exe", "?txt.exe"}, // right-to-left override
		{"\xff\xfe", "��", "??"},                  // broken UTF-8
		{"12µs – ‘x’ → ≤ …", "12µs – ‘x’ → ≤ …", "12us - 'x' -> <= ..."},
		{"\u00a0\u0085", " �", " ?"},
	} {
		if got := (Style{}).Clean(row.text); got != row.unicode {
			t.Errorf("Clean(%q) = %q, want %q", row.text, got, row.unicode)
		}
		if got := (Style{ASCII: true}).Clean(row.text); got != row.ascii {
			t.Errorf("Clean(%q) in ASCII = %q, want %q", row.text, got, row.ascii)
		}
	}
}
