package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"squall/assert"
)

// Annotations writes what did not pass as workflow commands of GitHub Actions,
// which show it beside the line of the scenario that asked for it: errors for
// what failed, warnings for what is not settled. base is the folder of the
// repository, to which the runner's paths are relative; "" leaves them as they are.
func Annotations(w io.Writer, runs []*Result, base string) error {
	var b strings.Builder
	for _, r := range runs {
		before := b.Len()
		for i := range r.Verdicts {
			switch v := &r.Verdicts[i]; v.State {
			case assert.Fail:
				annotate(&b, "error", r, v.Line, base, v.Name+": "+kindOf(v), inOneLine(v)+"\n\n"+evidence(r, v))
			case assert.Inconclusive:
				annotate(&b, "warning", r, v.Line, base, v.Name+": inconclusive", v.Reason)
			}
		}
		switch {
		case r.Exit() == 4:
			annotate(&b, "error", r, 0, base, r.Scenario+": target lost", r.Lost)
		case r.Exit() != 0 && b.Len() == before:
			annotate(&b, "warning", r, 0, base, r.Scenario+": inconclusive", r.closing())
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing annotations: %w", err)
	}
	return nil
}

func annotate(b *strings.Builder, level string, r *Result, line int, base, title, text string) {
	var properties []string
	if file := relative(r.File, base); file != "" {
		properties = append(properties, "file="+property(file))
		if line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", line))
		}
	}
	properties = append(properties, "title="+property(title))
	fmt.Fprintf(b, "::%s %s::%s\n", level, strings.Join(properties, ","), data(text))
}

// relative is file as the repository knows it; "" if it is none of its files.
func relative(file, base string) string {
	if file == "" || file == "stdin" {
		return ""
	}
	if base != "" {
		if full, err := filepath.Abs(file); err == nil {
			if rel, err := filepath.Rel(base, full); err == nil && !strings.HasPrefix(rel, "..") {
				return filepath.ToSlash(rel)
			}
		}
	}
	return filepath.ToSlash(file)
}

// data and property write text so that the runner reads it back: all that could
// end a command or begin another one is escaped.
func data(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.ReplaceAll(Style{}.Clean(lines[i]), "%", "%25")
	}
	return strings.Join(lines, "%0A")
}

func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(text))
}
