package assert

import (
	"regexp"
	"strings"
	"testing"
)

var issue = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+#[0-9]+$`)

// Whoever meets an anomaly can ask what it is: each has a text of its own, in
// plain sentences that `squall explain` can set in 80 columns.
func TestEveryAnomalyIsExplained(t *testing.T) {
	seen := map[string]Anomaly{}
	for _, a := range Anomalies() {
		e := a.Explain()
		if e.Wire == "" || len(e.Causes) == 0 || e.Look == "" {
			t.Errorf("%s is not explained: fill in Wire, Causes and Look in assert/explanation.go", a)
			continue
		}
		for _, i := range e.Issues {
			if !issue.MatchString(i) {
				t.Errorf("%s names %q, want owner/repo#number", a, i)
			}
		}
		for _, text := range append([]string{e.Wire, e.Look}, e.Causes...) {
			if other, twice := seen[text]; twice {
				t.Errorf("%s and %s share the text %q", a, other, text)
			}
			seen[text] = a
			if len(text) < 20 || strings.HasSuffix(text, ".") || strings.ContainsAny(text, "\n\t") {
				t.Errorf("%s: %q is no line of the page: a sentence without line ends and without the last full stop", a, text)
			}
		}
	}
	if e := anomalies.Explain(); e.Wire != "" {
		t.Errorf("what is no anomaly is explained as %+v", e)
	}
}
