package report

import (
	"bytes"
	"strings"
	"testing"

	"squall/assert"
)

// Who asked for what failed: a line of the scenario, or nobody.
func TestAsked(t *testing.T) {
	for _, row := range []struct {
		verdict assert.Verdict
		want    string
	}{
		{assert.Verdict{Line: 12}, "asked      a.yaml:12\n"},
		{assert.Verdict{Line: 12, Promised: true}, "asked      a.yaml:12\n"}, // the word promises stands there
		{assert.Verdict{Line: 1, Promised: true}, "asked      by nobody: "},
		{assert.Verdict{}, ""},
	} {
		row.verdict.State = assert.Fail
		var out bytes.Buffer
		if err := Text(&out, &Result{File: "a.yaml", State: assert.Fail, Verdicts: []assert.Verdict{row.verdict}}, Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, row.want) || row.want == "" && strings.Contains(got, "asked") {
			t.Errorf("%+v: want %q in\n%s", row.verdict, row.want, got)
		}
	}
}
