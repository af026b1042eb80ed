package scenario

import (
	"slices"
	"strings"
	"testing"
)

// TestRevoke: rights are taken from users, so the victims must be users, and theirs
// alone.
func TestRevoke(t *testing.T) {
	const moment = "timeline: [{at: 1s, revoke: {who: a, share: 50%}}]"
	for _, row := range []struct {
		line string
		set  []string
		want string
	}{
		{moment, []string{"clients.a.user=u{i}"}, ""},
		{moment, nil, "found revoke of clients of a, whom the target takes for nobody in particular"},
		{moment, []string{"clients.a.user=u{i % 2}"}, "who is 5 clients, and not all of them are struck"},
		{strings.Replace(moment, "50%", "all", 1), []string{"clients.a.user=u{i % 2}"}, ""},
		{moment + "\ntarget: {gateway: {auth: {jwt-key: k}}}", []string{"clients.a.user=u{i}", "clients.a.token=\"{jwt({'sub': user, 'exp': '1h'})}\""}, ""},
		{moment + "\ntarget: {gateway: {auth: {jwt-key: k}}}", []string{"clients.a.user=u{i}", "clients.a.token=secret"}, "whom the target takes for nobody in particular"},
		{moment + "\ntarget: {url: ws://h}", []string{"clients.a.user=u{i}"}, "found revoke and a target of yours, expected the embedded gateway"},
		{strings.Replace(moment, "{at: 1s", "{at: 1s, optional: true", 1) + "\ntarget: {url: ws://h}", []string{"clients.a.user=u{i}"}, "left out"},
		{"timeline: [{when: {who: a, sees: message}, revoke: {}}]", []string{"clients.a.user=u{i}"}, "found when with revoke"},
	} {
		p, problems := Load("x.yaml", []byte(small(row.line)), options(), row.set...)
		switch {
		case row.want == "left out":
			if len(problems) > 0 || p.Moments[0].Do != "say" || !strings.HasPrefix(p.Moments[0].Text, "left out: revoke a 50%") {
				t.Errorf("%s\ngot %v", row.line, problems)
			}
		case row.want != "":
			if len(problems) != 1 || !strings.Contains(problems[0].Text, row.want) || problems[0].Line != 7 {
				t.Errorf("%s\ngot  %v\nwant %s", row.line, problems, row.want)
			}
		case len(problems) > 0:
			t.Errorf("%s\ngot %v", row.line, problems)
		default:
			m := p.Moments[0]
			users := make([]string, 0, len(m.Victims))
			for _, v := range m.Victims {
				if u := p.Clients[v.Client].User; !slices.Contains(users, u) {
					users = append(users, u)
				}
			}
			if m.Do != "revoke" || len(m.Victims) == 0 || !slices.Equal(m.Users, users) {
				t.Errorf("%s becomes %+v, want the users %v", row.line, m, users)
			}
		}
	}
}
