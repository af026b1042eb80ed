package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"squall/assert"
	"squall/report"
)

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my.rec")
	if err := os.WriteFile(path, []byte("events"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args  []string
		stdin string
		fails error
		code  int
		told  string // on stderr
	}{
		{args: []string{path}, code: exitFail},
		{args: []string{"-"}, stdin: "events", code: exitFail},
		{args: []string{path, "--json", "-"}, code: exitFail, told: "FAIL"},
		{args: []string{path}, fails: errors.New("found no recording"), code: exitUsage, told: "squall: checking " + path + ": found no recording\n"},
		{args: []string{path + ".none"}, code: exitUsage, told: "no such file or directory; make one with squall run FILE --record"},
		{args: []string{path, "--json", path + ".none/r.json"}, code: exitUsage, told: "mkdir -p"},
		{args: nil, code: exitUsage, told: "squall check needs a recording, as in: squall check my.rec"},
	} {
		b := newBench()
		b.in.WriteString(row.stdin)
		b.tool.check = func(r io.Reader, _ string) (*report.Result, error) {
			if got, err := io.ReadAll(r); err != nil || string(got) != "events" {
				t.Errorf("squall check %q read %q, %v", row.args, got, err)
			}
			b.result.State = assert.Fail
			return b.result, row.fails
		}
		code := b.squall(append([]string{"check"}, row.args...)...)
		if code != row.code || !strings.Contains(b.err.String(), row.told) || row.told == "" && b.err.Len() > 0 {
			t.Errorf("squall check %q: exit %d, want %d; stderr %q", row.args, code, row.code, b.err.String())
		}
		if (code == exitFail) != (b.out.Len() > 0) || row.told == "FAIL" && !json.Valid(b.out.Bytes()) {
			t.Errorf("squall check %q: stdout %q", row.args, b.out.String())
		}
	}
}
