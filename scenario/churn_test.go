package scenario

import (
	"strings"
	"testing"
	"time"
)

func TestTurnsAreDrawn(t *testing.T) {
	src := strings.Replace(small(), "count: 10,", "count: 400, session: {stay: 2s..4s, away: 1s..3s},", 1)
	p := plan(t, src, options())
	var first, later, away time.Duration
	for c := range 400 {
		stay, gone, ok := p.Turn(c, 0)
		if !ok || stay < 0 || stay > 4*time.Second || gone < time.Second || gone > 3*time.Second {
			t.Fatalf("client %d: %v, %v, %v", c, stay, gone, ok)
		}
		first += stay
		away += gone
		stay, _, _ = p.Turn(c, 1)
		if stay < 2*time.Second || stay > 4*time.Second {
			t.Fatalf("client %d stays %v in its second turn", c, stay)
		}
		later += stay
		if again, _, _ := p.Turn(c, 1); again != stay {
			t.Fatal("the same question gave another answer")
		}
	}
	for _, x := range []struct {
		what       string
		mean, want time.Duration
	}{{"first turn", first / 400, 1500 * time.Millisecond}, {"second turn", later / 400, 3 * time.Second}, {"away", away / 400, 2 * time.Second}} {
		if d := x.mean - x.want; d < -200*time.Millisecond || d > 200*time.Millisecond {
			t.Errorf("%s: %v in the mean, want about %v", x.what, x.mean, x.want)
		}
	}
	if _, _, ok := p.Turn(401, 0); ok {
		t.Error("a group without a session has turns")
	}
	for _, row := range []struct{ group, want string }{
		{"session: {stay: 0s}", "found 0s, expected more"},
		{"session: {away: 1s}", `found no "stay" in clients.a.session`},
		{"session: {stay: 2s}, reconnect: never", "found a session for clients that never reconnect"},
		{"session: {stay: 8s, away: 2s}", "found a turn of at least 10s, expected less than the duration of 10s"},
	} {
		_, problems := Load("x.yaml", []byte(strings.Replace(small(), "count: 10,", "count: 10, "+row.group+",", 1)), options())
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) {
			t.Errorf("%s\ngot  %v\nwant %s", row.group, problems, row.want)
		}
	}
}
