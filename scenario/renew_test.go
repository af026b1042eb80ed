package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const renewing = "clients.a.token=\"{jwt({'sub': 'u' + string(i), 'exp': '5s'})}\""

func renewed(more ...string) string {
	return small(append([]string{"target: {gateway: {auth: {jwt-key: k}}}", "expect: [{isolation: strict}]"}, more...)...)
}

// TestRenew: each connection has a token of its own, whose times count from then;
// the plan is signed once all the same.
func TestRenew(t *testing.T) {
	p := plan(t, renewed(), options(), "clients.a.user=u{i}", renewing, "clients.a.renew=true")
	if p.Promises.Expiry != time.Second || !p.Groups[0].Renew {
		t.Errorf("promised %v, %+v", p.Promises.Expiry, p.Groups[0])
	}
	sign := func(claims map[string]any) (string, error) { return fmt.Sprint(claims), nil }
	signed, err := p.Signed(time.Unix(1000, 0), sign)
	if err != nil || signed.Clients[3].Token != "" {
		t.Fatalf("%v, %q", err, signed.Clients[3].Token)
	}
	if again, err := signed.Signed(time.Unix(2000, 0), nil); err != nil || again != signed {
		t.Errorf("was signed again: %v", err)
	}
	for _, at := range []int64{1000, 1007} {
		token, ends, err := signed.Renewed(3, time.Unix(at, 999), sign)
		if want := fmt.Sprintf("map[exp:%d sub:u3]", at+5); err != nil || token != want || ends != time.Unix(at+5, 0) {
			t.Errorf("got %q until %v, %v, want %q", token, ends, err, want)
		}
	}
	var b strings.Builder
	if err := p.Print(&b); err != nil || !strings.Contains(b.String(), "a token of its own for each connection") || !strings.Contains(b.String(), "expiry 1s") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestRenewProblems holds what people get wrong about it.
func TestRenewProblems(t *testing.T) {
	for _, row := range []struct {
		src, want string
		set       []string
	}{
		{renewed(), "found renew with a token that is not made by jwt()", []string{"clients.a.renew=true"}},
		{renewed(), "found renew with a token that is not made by jwt()", []string{"clients.a.renew=true", "clients.a.token=\"{jwt({'exp': '5s'})}x\""}},
		{renewed(), "found renew with a token that has no exp", []string{"clients.a.renew=true", "clients.a.token=\"{jwt({'sub': 'x'})}\""}},
		{renewed(), "found a token for 1s, expected one for 2s at least", []string{"clients.a.renew=true", "clients.a.token=\"{jwt({'exp': '1s'})}\""}},
		{renewed(), "found a token for 5s in a run of up to", []string{renewing}},
		{small("target: {promises: {expiry: 5s}}"), "found expiry and no auth under target.gateway, expected both", nil},
		{small("target: {gateway: {auth: {jwt-key: k}}, promises: {expiry: 500ms}}"), "found less than the embedded gateway keeps (1s)", nil},
		{small("target: {url: ws://a, promises: {expiry: 0s}}"), "found 0s, expected more", nil},
	} {
		o := options()
		_, problems := Load("x.yaml", []byte(row.src), o, row.set...)
		if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) {
			t.Errorf("%s %v\ngot  %v\nwant %s", row.src, row.set, problems, row.want)
		}
	}
}
