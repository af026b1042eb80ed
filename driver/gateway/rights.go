package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Identity is who a client is.
type Identity struct {
	User    string
	Role    string
	Expires time.Time // when this ends to be true; zero: never
}

// What may be wrong with a token that says who its bearer is all the same.
var (
	ErrExpired = errors.New("the token has expired")
	ErrForged  = errors.New("the token's signature is wrong")
)

// Role is what clients of one role may do.
type Role struct {
	Name     string
	Channels []string // and patterns of channels; {user} stands for the user
}

// right is one entry of a role, taken apart, for one user. What came in place of
// {user} is no pattern, whatever it looks like.
type right []segment

type segment struct {
	text string
	star string // "", * or **
}

func checkRoles(all []Role) error {
	for i, r := range all {
		if slices.ContainsFunc(all[:i], func(o Role) bool { return o.Name == r.Name }) {
			return fmt.Errorf("the role %q is there twice", r.Name)
		}
		for _, name := range r.Channels {
			if _, err := segmentsOf(strings.ReplaceAll(name, "{user}", "user")); err != nil {
				return fmt.Errorf("the role %q: %w", r.Name, err)
			}
		}
	}
	return nil
}

// rightsOf makes the rights of a connection that has told who it is.
func (g *Gateway) rightsOf(c *conn) (all []right) {
	for _, r := range g.cfg.Roles {
		if r.Name != c.role {
			continue
		}
		for _, name := range r.Channels {
			all = append(all, rightFor(name, c.user))
		}
	}
	return all
}

func rightFor(name, user string) (r right) {
	for s := range strings.SplitSeq(name, ".") {
		switch {
		case s == "*" || s == "**":
			r = append(r, segment{star: s})
		case !strings.Contains(s, "{user}"):
			r = append(r, segment{text: s})
		default: // a name with dots is several segments
			for part := range strings.SplitSeq(strings.ReplaceAll(s, "{user}", user), ".") {
				r = append(r, segment{text: part})
			}
		}
	}
	return r
}

// covers reports whether everything that a channel or a pattern stands for is
// within the right. A channel's segments stand for themselves.
func (r right) covers(segments []string, pattern bool) bool {
	for i, s := range r {
		if s.star == "**" {
			return len(segments) > i && strings.Join(segments[i:], ".") != ""
		}
		if i >= len(segments) {
			return false
		}
		wide := pattern && segments[i] == "*"
		switch {
		case segments[i] == "" || pattern && segments[i] == "**":
			return false
		case s.star == "*":
		case wide || s.text != segments[i]:
			return false
		}
	}
	return len(r) == len(segments)
}

func (c *conn) allowed(segments []string, pattern bool) bool {
	if len(c.gateway.cfg.Roles) == 0 {
		return true
	}
	return slices.ContainsFunc(c.rights, func(r right) bool { return r.covers(segments, pattern) })
}

// may reports whether the client may use a channel; mayAll, every channel that a
// pattern matches.
func (c *conn) may(channel string) bool       { return c.allowed(strings.Split(channel, "."), false) }
func (c *conn) mayAll(segments []string) bool { return c.allowed(segments, true) }

func forbidden() *refusal {
	return refuse(403, "forbidden", "your role may not do this")
}
