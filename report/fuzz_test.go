package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"squall/assert"
)

// Whatever a target says and however a scenario is named, the summary stays text
// of its width and the JSON stays JSON.
func FuzzReport(f *testing.F) {
	f.Add("storm", "ack", "recovered=true\x1b[2J", "squall run 'a b' --set 'x=it'\\''s'", int64(12041e6), 80, false)
	f.Add("", "", "", "", int64(-1), 0, true)
	f.Add("日本語", "\xff", strings.Repeat("long", 60), "\\", int64(1)<<62, 41, false)
	f.Fuzz(func(t *testing.T, name, what, text, command string, at int64, width int, ascii bool) {
		d := time.Duration(at)
		r := &Result{
			Scenario: name, About: text, Command: command, File: name, State: assert.Fail, Took: d, Active: d, Lost: what, Notes: []string{text},
			Verdicts: []assert.Verdict{{Name: name, Line: 3, State: assert.Fail, Reason: text, Counts: []assert.Count{{Name: what, N: at}},
				Findings: []assert.Finding{{Anomaly: name, Promise: text, Fault: what, FaultAgo: d, Phase: name, Missing: text, Unexcused: []string{text, what},
					Witness: []assert.Line{{At: d, Actor: name, What: what, Text: text}, {At: -d, Actor: what, What: text, Text: name}}}}}},
			Errors:  []ErrorKind{{What: what, N: at, Example: text}},
			Returns: Returns{Lost: 5, Back: int(at), Curve: []ReturnPoint{{After: d, Back: int(at)}}},
		}
		s := Style{Width: width % 200, ASCII: ascii}
		var b bytes.Buffer
		if err := Text(&b, r, s); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(b.String(), "\n") {
			if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
				t.Fatalf("a control character is at %d of %q", i, line)
			}
			longest := 0
			for _, w := range append(strings.Fields(line), shellWords(line)...) {
				longest = max(longest, columns(w))
			}
			if columns(line) > s.width() && longest < s.width()/4 {
				t.Fatalf("%d columns instead of %d: %q", columns(line), s.width(), line)
			}
		}
		b.Reset()
		if err := JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b.Bytes()) {
			t.Fatalf("no JSON: %s", b.String())
		}
	})
}
