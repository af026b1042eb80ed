package report

import "squall/assert"

// Exit is the exit code of a run that led to r: 1 if an expectation failed, else
// 4 if the target or the environment was lost, else 3 unless everything passed.
// (2, bad usage or a bad scenario, is known before there is a Result.)
func (r *Result) Exit() int {
	switch {
	case r.State == assert.Fail:
		return 1
	case r.Lost != "":
		return 4
	case r.State != assert.Pass || r.Interrupted:
		return 3
	}
	return 0
}

// headline is the verdict of the whole run in one word.
func (r *Result) headline() (string, colour) {
	switch r.Exit() {
	case 0:
		return "PASS", green
	case 1:
		return "FAIL", red
	}
	return "INCONCLUSIVE", yellow
}

// closing tells what the exit code means and what to do next.
func (r *Result) closing() string {
	switch r.Exit() {
	case 0:
		return "exit 0: everything expected was seen to hold"
	case 1:
		n := 0
		for i := range r.Verdicts {
			if r.Verdicts[i].State == assert.Fail {
				n++
			}
		}
		return "exit 1: " + many(n, "expectation", "expectations") + " failed"
	case 4:
		return "exit 4: the target or the environment could not be used to the end"
	}
	switch {
	case r.Stopped != "":
		return "exit 3: stopped early, so nothing is proven"
	case r.Interrupted:
		return "exit 3: interrupted, so nothing is proven"
	case len(r.Verdicts) == 0:
		return "exit 3: nothing was expected, so nothing is proven"
	}
	for i := range r.Verdicts {
		if r.Verdicts[i].State != assert.NotApplicable {
			return "exit 3: not settled; the reasons above name what would settle it"
		}
	}
	return "exit 3: no expectation applies to this target, so nothing is proven"
}
