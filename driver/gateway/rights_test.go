package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

// TestRights: a channel or a pattern is within a right if all that it stands for
// matches it.
func TestRights(t *testing.T) {
	for _, row := range []struct {
		right, user, topic string
		want               bool
	}{
		{"admin.audit", "", "admin.audit", true},
		{"admin.audit", "", "admin", false},
		{"admin.audit", "", "admin.audit.x", false},
		{"admin.audit", "", "admin.*", false},
		{"admin.*", "", "admin.audit", true},
		{"admin.*", "", "admin.", false},
		{"admin.*", "", "admin.a.b", false},
		{"admin.*", "", "admin.*", true},
		{"admin.*", "", "*.*", false},
		{"admin.*", "", "admin.**", false},
		{"admin.**", "", "admin.a.b", true},
		{"admin.**", "", "admin.*", true},
		{"admin.**", "", "admin.*.b", true},
		{"admin.**", "", "admin.**", true},
		{"admin.**", "", "admin", false},
		{"admin.**", "", "admin.", false},
		{"admin.**", "", "**", false},
		{"**", "", "**", true},
		{"*.a", "", "*.a", true},
		{"*.a", "", "x.*", false},
		{"user.{user}", "ann", "user.ann", true},
		{"user.{user}", "ann", "user.bob", false},
		{"user.{user}", "ann", "user.*", false},
		{"user.{user}", "*", "user.bob", false},
		{"user.{user}", "*", "user.*", false},
		{"user.{user}", "**", "user.**", false},
		{"user.{user}", "a.b", "user.a.b", true},
		{"user.{user}", "a.b", "user.a", false},
		{"user.{user}", "", "user.", false},
		{"user.{user}.x", "", "user..x", false},
		{"room-{user}", "ann", "room-ann", true},
	} {
		r := rightFor(row.right, row.user)
		if got := r.covers(strings.Split(row.topic, "."), strings.Contains(row.topic, "*")); got != row.want {
			t.Errorf("%s of %q covers %s: %v", row.right, row.user, row.topic, got)
		}
	}
	for _, bad := range []Config{
		{Roles: []Role{{Name: "a"}, {Name: "a"}}},
		{Roles: []Role{{Name: "a", Channels: []string{"x.**.y"}}}},
	} {
		if _, err := New(bad); err == nil {
			t.Errorf("accepts %+v", bad.Roles)
		}
	}
}

// believer takes tokens "ROLE USER FLAW".
func believer(token, _ string) (Identity, error) {
	words := strings.Fields(token)
	if len(words) < 2 {
		return Identity{}, errors.New("no token")
	}
	var err error
	switch {
	case len(words) < 3:
	case words[2] == "expired":
		err = fmt.Errorf("checking: %w", ErrExpired)
	case words[2] == "forged":
		err = ErrForged
	}
	return Identity{User: words[1], Role: words[0]}, err
}

func (s *site) bearer(token string) (*client, error) {
	s.t.Helper()
	c := s.raw()
	c.command(&dialect.Command{Verb: dialect.Connect, Token: token, User: "somebody else"})
	switch m, err := c.next(); {
	case err != nil:
		return nil, err
	case m.Kind == dialect.Error:
		c.wantClose(CloseUnauthorized)
		return nil, fmt.Errorf("%d %s", m.Code, m.Reason)
	}
	return c, nil
}

// asks subscribes or publishes, and reports whether that was allowed.
func (c *client) asks(verb dialect.Verb, topic string) bool {
	c.t.Helper()
	c.command(&dialect.Command{Verb: verb, Channel: topic, Pattern: verb == dialect.Subscribe && strings.Contains(topic, "*"), Payload: []byte("1")})
	for {
		m, err := c.next()
		switch {
		case err != nil:
			c.t.Fatal(err)
		case m.Kind == dialect.Delivered:
		case m.Kind == dialect.Error && m.Code != 403:
			c.t.Fatalf("%s: refused with %d %s", topic, m.Code, m.Reason)
		default:
			return m.Kind != dialect.Error
		}
	}
}

var testRoles = []Role{{"admin", []string{"**"}}, {"member", []string{"room.*", "user.{user}"}}}

func TestRoles(t *testing.T) {
	bubble(t, Config{Authenticate: believer, Roles: testRoles}, func(t *testing.T, s *site) {
		member, err := s.bearer("member ann")
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			verb  dialect.Verb
			topic string
			want  bool
		}{
			{dialect.Subscribe, "room.1", true}, {dialect.Subscribe, "room.*", true}, {dialect.Subscribe, "user.ann", true},
			{dialect.Subscribe, "user.bob", false}, {dialect.Subscribe, "admin.1", false}, {dialect.Subscribe, "admin.*", false}, {dialect.Subscribe, "**", false},
			{dialect.Publish, "room.1", true}, {dialect.Publish, "admin.1", false},
		} {
			if got := member.asks(row.verb, row.topic); got != row.want {
				t.Errorf("verb %d of %s: allowed %v", row.verb, row.topic, got)
			}
		}
		admin, err := s.bearer("admin eve")
		if err != nil || !admin.asks(dialect.Subscribe, "**") || !admin.asks(dialect.Publish, "admin.1") {
			t.Errorf("an admin may not do everything: %v", err)
		}
		if m := member.drainFor(time.Second); len(m) > 0 {
			t.Errorf("the member got %d messages of what it was refused", len(m))
		}
		guest, err := s.bearer("guest gus")
		if err != nil || guest.asks(dialect.Subscribe, "room.1") {
			t.Errorf("a role that is not listed may subscribe, or can't connect: %v", err)
		}
		for _, token := range []string{"", "member ann expired", "admin eve forged"} {
			if _, err := s.bearer(token); err == nil {
				t.Errorf("%q was let in", token)
			}
		}
	})
}

// TestRightsDefects: who is let through, and who is turned away, wrongly.
func TestRightsDefects(t *testing.T) {
	run := func(name string, every int, f func(t *testing.T, s *site)) {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{Authenticate: believer, Roles: testRoles, Defects: []Defect{{Name: name, Every: every}}}, f)
		})
	}
	crowd := func(s *site, topic string) (allowed []int, got int) {
		var all []*client
		for i := range 4 {
			c, err := s.bearer(fmt.Sprintf("member m%d", i))
			if err != nil {
				s.t.Fatal(err)
			}
			if c.asks(dialect.Subscribe, topic) {
				allowed = append(allowed, i)
			}
			all = append(all, c)
		}
		time.Sleep(time.Millisecond) // what is wrong with a refusal may be done behind it
		admin, _ := s.bearer("admin eve")
		admin.asks(dialect.Publish, topic)
		for _, c := range all {
			got += len(c.drainFor(time.Second))
		}
		return allowed, got
	}
	run("right-not-enforced", 2, func(t *testing.T, s *site) {
		if allowed, got := crowd(s, "admin.1"); fmt.Sprint(allowed) != "[1 3]" || got != 2 {
			t.Errorf("%v were let through and got %d", allowed, got)
		}
	})
	run("delivered-despite-refusal", 2, func(t *testing.T, s *site) {
		if allowed, got := crowd(s, "admin.1"); len(allowed) != 0 || got != 2 {
			t.Errorf("%v were let through and got %d", allowed, got)
		}
	})
	run("wrongly-refused", 2, func(t *testing.T, s *site) {
		if allowed, got := crowd(s, "room.1"); fmt.Sprint(allowed) != "[0 2]" || got != 2 {
			t.Errorf("%v were let through and got %d", allowed, got)
		}
	})
	for _, flaw := range []string{"expired", "forged"} {
		run(flaw+"-token-accepted", 1, func(t *testing.T, s *site) {
			if _, err := s.bearer("member ann " + flaw); err != nil {
				t.Errorf("not let in: %v", err)
			}
			for _, token := range []string{"", "member ann " + map[string]string{"expired": "forged", "forged": "expired"}[flaw]} {
				if _, err := s.bearer(token); err == nil {
					t.Errorf("%q was let in, too", token)
				}
			}
		})
	}
}
