package scenario

import (
	"slices"
	"strings"
	"testing"
)

// TestExecMoments: how a command is written, and what is refused.
func TestExecMoments(t *testing.T) {
	for _, row := range []struct{ timeline, want string }{
		{`[{at: 1s, exec: []}]`, `x.yaml:7:27: found an empty list, expected a program and its arguments, as in exec: [systemctl, restart, gateway]`},
		{`[{at: 1s, exec: ["", a]}]`, `x.yaml:7:28: found no program, expected its name or path`},
		{`[{at: 1s, exec: [a, "b\0"]}]`, `x.yaml:7:31: found a zero byte, expected text that a command can be given`},
		{`[{at: 1s, exec: systemctl restart}]`, `x.yaml:7:27: found "systemctl restart", expected a list, as in [systemctl, restart]`},
		{`[{at: 1s, exec: [a], say: b}]`, `x.yaml:7:12: found say and exec, expected one action`},
		{`[{when: {who: a, sees: message}, exec: [a]}]`, `found when with exec, expected an action on the client that sees it`},
	} {
		_, problems := Load("x.yaml", []byte(small("timeline: "+row.timeline)), options())
		if len(problems) != 1 || !strings.Contains(problems.Error(), row.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", row.timeline, problems, row.want)
		}
	}
	p, problems := Load("x.yaml", []byte(small(`timeline: [{every: 2s, times: 2, exec: [sleep, 5, "{i}", "a b", ""]}]`)), options())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var at []string
	for _, m := range p.Moments {
		at = append(at, m.At.String()+" "+m.Summary)
		if m.Do != "exec" || !slices.Equal(m.Args, []string{"sleep", "5", "{i}", "a b", ""}) {
			t.Errorf("got %+v", m)
		}
	}
	if want := []string{`2s exec sleep 5 {i} "a b" ""`, `4s exec sleep 5 {i} "a b" ""`}; !slices.Equal(at, want) {
		t.Errorf("got %q, want %q", at, want)
	}
}
