package report

import (
	"testing"

	"squall/assert"
)

// The precedence of exit codes: 1 if anything failed; else 4 if the target was
// lost; else 3; else 0.
func TestExit(t *testing.T) {
	for _, row := range []struct {
		r    Result
		want int
		word string
	}{
		{Result{}, 3, "INCONCLUSIVE"}, // nothing is known
		{Result{State: assert.Pass}, 0, "PASS"},
		{Result{State: assert.Fail}, 1, "FAIL"},
		{Result{State: assert.Fail, Lost: "gone", Interrupted: true}, 1, "FAIL"}, // a failure that was seen stays
		{Result{State: assert.Pass, Lost: "gone"}, 4, "INCONCLUSIVE"},
		{Result{State: assert.Inconclusive, Lost: "gone"}, 4, "INCONCLUSIVE"},
		{Result{State: assert.Pass, Interrupted: true}, 3, "INCONCLUSIVE"},
		{Result{State: assert.NotApplicable}, 3, "INCONCLUSIVE"}, // nothing was proven
	} {
		if got := row.r.Exit(); got != row.want {
			t.Errorf("%v, lost %q, interrupted %v: exit %d, want %d", row.r.State, row.r.Lost, row.r.Interrupted, got, row.want)
		}
		if got, _ := row.r.headline(); got != row.word {
			t.Errorf("%v, lost %q, interrupted %v: %s, want %s", row.r.State, row.r.Lost, row.r.Interrupted, got, row.word)
		}
	}
}
