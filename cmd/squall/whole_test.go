package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The whole way, on real sockets: a run against the embedded gateway is recorded,
// and the recording gives the same verdicts.
func TestRunThenCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("takes three seconds and real sockets")
	}
	dir := t.TempDir()
	recording := filepath.Join(dir, "my.rec")
	squall := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(context.Background(), args, strings.NewReader(""), &out, &errs)
		if out.Len() == 0 {
			t.Fatalf("squall %v: exit %d, stderr %s", args, code, errs.String())
		}
		return code, out.String()
	}
	live, first := squall("run", small, "--record", recording, "--json", "-")
	again, second := squall("check", recording, "--json", "-")
	if live != exitPass || again != exitPass {
		t.Errorf("exit %d live and %d from the recording, want 0\n%s\n%s", live, again, first, second)
	}
	var a, b struct {
		Scenario     string
		Seed         uint64
		Expectations []any
		Traffic      map[string]any
	}
	for text, into := range map[string]any{first: &a, second: &b} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("live\n%+v\nfrom the recording\n%+v", a, b)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
