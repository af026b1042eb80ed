package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata")

// golden compares got with testdata/name, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./report -update makes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./report -update rewrites it, then read the diff)\n--- got\n%s\n--- want\n%s", name, got, want)
	}
}

func render(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGoldens(t *testing.T) {
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", render(t, func(w io.Writer) error { return Text(w, r, Style{}) }))
			golden(t, name+".json", render(t, func(w io.Writer) error { return JSON(w, r) }))
		})
	}
	golden(t, "fail-ascii.txt", render(t, func(w io.Writer) error { return Text(w, failed(), Style{ASCII: true}) }))
	golden(t, "fail-colour.txt", render(t, func(w io.Writer) error { return Text(w, failed(), Style{Colour: true}) }))
	golden(t, "fail-60.txt", render(t, func(w io.Writer) error { return Text(w, failed(), Style{Width: 60}) }))
}

// No line is wider than asked, none ends in blanks, and ASCII is ASCII.
func TestTextShape(t *testing.T) {
	for name, r := range samples() {
		for _, style := range []Style{{}, {Width: 60}, {Width: 50}, {Width: 132}, {ASCII: true}} {
			text := string(render(t, func(w io.Writer) error { return Text(w, r, style) }))
			for n, line := range strings.Split(text, "\n") {
				longest := 0
				for _, w := range shellWords(line) {
					longest = max(longest, columns(w))
				}
				if columns(line) > style.width() && longest < style.width()-30 {
					t.Errorf("%s at %d: line %d has %d columns: %q", name, style.width(), n+1, columns(line), line)
				}
				if strings.TrimRight(line, " \t") != line {
					t.Errorf("%s at %d: line %d ends in blanks: %q", name, style.width(), n+1, line)
				}
				if style.ASCII && strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
					t.Errorf("%s: line %d is not ASCII: %q", name, n+1, line)
				}
			}
		}
	}
}

// Colour changes nothing but colour.
func TestColourIsPaint(t *testing.T) {
	for name, r := range samples() {
		plain := render(t, func(w io.Writer) error { return Text(w, r, Style{}) })
		coloured := string(render(t, func(w io.Writer) error { return Text(w, r, Style{Colour: true}) }))
		var bare strings.Builder
		for coloured != "" {
			before, after, found := strings.Cut(coloured, "\x1b[")
			bare.WriteString(before)
			if !found {
				break
			}
			_, coloured, _ = strings.Cut(after, "m")
		}
		if bare.String() != string(plain) {
			t.Errorf("%s: without its colours the text is\n%s\nnot\n%s", name, bare.String(), plain)
		}
	}
}
