package main

import (
	"net/url"
	"slices"
	"strings"
)

// quote writes word so that a POSIX shell reads it back as it is.
func quote(word string) string {
	if word != "" && strings.IndexFunc(word, special) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func special(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("@%+=:,./_-", r))
}

// hidden stands for a secret in a printed command.
const hidden = "***"

// withoutUser takes user, password and query out of a URL, since the command is
// printed and reported, and all three may hold a credential.
func withoutUser(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	if u.RawQuery != "" {
		u.RawQuery = hidden
	}
	if u.User == nil {
		return u.String()
	}
	u.User = nil
	return strings.Replace(u.String(), "://", "://"+hidden+"@", 1)
}

// withoutSecret hides the value of a change at a place that holds a secret: a
// token, a header, or a URL with a user.
func withoutSecret(set string) string {
	path, value, ok := strings.Cut(set, "=")
	if !ok {
		return set
	}
	parts := strings.Split(path, ".")
	if slices.Contains(parts, "headers") || parts[len(parts)-1] == "token" {
		return path + "=" + hidden
	}
	if parts[len(parts)-1] == "url" {
		return path + "=" + withoutUser(value)
	}
	return set
}
