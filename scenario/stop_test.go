package scenario

import (
	"strings"
	"testing"
)

func TestStopWhen(t *testing.T) {
	for _, row := range []struct {
		spec          string
		errors, asked int64
		want          string // "" goes on
	}{
		{`{errors: "> 5%"}`, 0, 0, ""},
		{`{errors: "> 5%"}`, 99, 99, ""}, // of too few
		{`{errors: "> 5%"}`, 5, 100, ""},
		{`{errors: "> 5%"}`, 6, 100, "6 errors in 100 attempts and publications (6.0 %), and stop-when says errors > 5%"},
		{`{errors: ">= 5%"}`, 5, 100, "errors >= 5%"},
		{`{errors: 5%}`, 5, 100, ""},
		{`{errors: 5%}`, 1006, 20000, "1,006 errors in 20,000 attempts"},
		{`{errors: 10}`, 10, 10, ""},
		{`{errors: 10}`, 11, 11, "11 errors, and stop-when says errors > 10"},
		{`{errors: ">= 10"}`, 10, 1, "errors >= 10"},
		{`{errors: "> 0"}`, 1, 1, "errors > 0"},
	} {
		p, problems := Load("x.yaml", []byte(small("stop-when: "+row.spec)), options())
		if len(problems) > 0 {
			t.Errorf("%s: %v", row.spec, problems)
			continue
		}
		if got := p.Stop.Why(row.errors, row.asked); (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s at %d of %d: got %q, want %q", row.spec, row.errors, row.asked, got, row.want)
		}
		var text strings.Builder
		if err := p.Print(&text); err != nil || !strings.Contains(text.String(), p.Stop.Text+"\n") {
			t.Errorf("%s: the plan does not tell %q: %v", row.spec, p.Stop.Text, err)
		}
	}
	var never StopPlan
	if got := never.Why(1e9, 1e9); got != "" {
		t.Errorf("without a limit: %q", got)
	}
	for spec, want := range map[string]string{
		`{errors: "< 5%"}`: "expected from where on the run stops", `{errors: 1..5}`: "expected from where on the run stops",
		`{}`: "found nothing that would stop the run", `{errors: many}`: "expected a limit", `{error: 5}`: `did you mean "errors"?`,
	} {
		if _, problems := Load("x.yaml", []byte(small("stop-when: "+spec)), options()); len(problems) == 0 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: got %v, want %q", spec, problems, want)
		}
	}
}
