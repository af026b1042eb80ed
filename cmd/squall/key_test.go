package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJWTKey: where the key comes from, and that it is told nowhere.
func TestJWTKey(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	scenario := file("x.yaml", `squall: 1
name: keyed
duration: 1s
target: {url: "ws://a.test"}
clients: {members: {count: 1, user: m, token: "{jwt({'sub': user})}", data: {file: rows.csv}, headers: {X: "{row.x}"}}}
`)
	file("rows.csv", "x\nr0w-s3cret\n")
	b := newBench()
	b.env["KEY"] = "s3cret-of-env"
	for _, row := range []struct {
		key  string
		want string // in stderr; "" for a run
	}{
		{file("key", "s3cret-of-file\n"), ""},
		{"env:KEY", ""},
		{"", "found jwt() without a key to sign with, expected --jwt-key FILE or env:NAME"},
		{"env:NONE", "--jwt-key: the variable NONE is not set; set it to the key"},
		{filepath.Join(dir, "absent"), "no such file or directory; give the file of a key, or env:NAME"},
		{file("empty", "\n"), "is empty"},
		{file("pem", "-----BEGIN PRIVATE KEY-----\n"), "holds a PEM key; tokens are signed with HS256"},
		{file("large", strings.Repeat("x", maxKey+1)), "more than 65536 bytes"},
	} {
		args := []string{"run", scenario}
		if row.key != "" {
			args = append(args, "--jwt-key", row.key)
		}
		code := b.squall(args...)
		told := b.out.String() + b.err.String() + b.options.Command
		switch {
		case row.want == "" && (code != 0 || !strings.HasPrefix(b.plan.Key, "s3cret-of-") || strings.ContainsAny(b.plan.Key, "\n")):
			t.Errorf("%s: ended with %d: %s", row.key, code, b.err.String())
		case row.want == "" && !strings.Contains(b.options.Command, "--jwt-key "+row.key):
			t.Errorf("%s: the command that repeats the run is %s", row.key, b.options.Command)
		case row.want != "" && (code != exitUsage || !strings.Contains(told, row.want)):
			t.Errorf("%s: ended with %d: %s", row.key, code, told)
		}
		if strings.Contains(told, "s3cret") {
			t.Errorf("%s: a secret is told: %s", row.key, told)
		}
	}
	if code := b.squall("plan", scenario); code != 0 || !strings.Contains(b.out.String(), "--jwt-key FILE") || strings.Contains(b.out.String(), "s3cret") {
		t.Errorf("the plan ended with %d and says\n%s%s", code, b.out.String(), b.err.String())
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"--role", "member=vote.*"}, "--role: a role is a claim of a token; give --jwt-key, too"},
		{[]string{"--anonymous"}, "--anonymous: without --jwt-key nobody is asked for a token"},
		{[]string{"--jwt-key", "env:KEY", "--role", "member"}, `a role and its channels, such as "member=vote.*,user.{user}"`},
		{[]string{"--jwt-key", "env:KEY", "--role", "member=a.**.b", "--listen", "127.0.0.1:0"}, "** stands at the end of a pattern only"},
	} {
		if code := b.squall(append([]string{"gateway"}, row.args...)...); code != exitUsage || !strings.Contains(b.err.String(), row.want) {
			t.Errorf("%v: ended with %d: %s", row.args, code, b.err.String())
		}
	}
}
