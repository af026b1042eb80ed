package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestCommands: every output tells how a command ended, and what one wrote that
// failed.
func TestCommands(t *testing.T) {
	r := samples()["pass"]
	r.Commands = []Command{
		{Line: 7, At: 2 * time.Second, Command: "ctl stop", Took: 1200 * time.Millisecond, Output: []string{"fine <so far>"}},
		{Line: 8, At: 5 * time.Second, Command: "ctl start", Took: 10 * time.Millisecond, Code: 3, Failed: "exit status 3", Output: []string{"no such \x1b[31munit ]]>"}},
		{Line: 9, At: 6 * time.Second, Command: "none", Code: -1, Failed: "not found"},
	}
	const well, failed = "at 2.000s, ctl stop: exit code 0, after 1.2s", "at 5.000s, ctl start: failed: exit status 3, after 10ms"
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return Text(b, r, Style{Width: 100}) },
		"junit":    func(b *bytes.Buffer) error { return JUnit(b, []*Result{r}) },
		"markdown": func(b *bytes.Buffer) error { return Markdown(b, []*Result{r}) },
		"json":     func(b *bytes.Buffer) error { return JSON(b, r) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		want := []string{failed, "no such"}
		switch name {
		case "text":
			want = append(want, well, "it wrote nothing")
		case "junit":
			want = append(want, well, "fine <so far>")
		case "json":
			want = []string{`"command": "ctl stop"`, `"code": 3`, `"failed": "exit status 3"`, `"output": []`, `"at_ns": 5000000000`}
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s lacks %q\n%s", name, w, out)
			}
		}
		if strings.Contains(out, "\x1b[31m") || name == "text" && strings.Contains(out, "fine") {
			t.Errorf("%s holds what it should not\n%q", name, out)
		}
	}
}
