package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// --env takes the target from squall.yaml beside the scenario; what is repeated
// names it; a secret in it stays one.
func TestEnv(t *testing.T) {
	dir := folder(t, "a", "b")
	settings := "environments:\n  staging: {target: {url: \"ws://127.0.0.1:1/ws\", headers: {X-Key: \"{env.KEY}\"}}}\n"
	if err := os.WriteFile(filepath.Join(dir, "squall.yaml"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	b := newBench()
	b.env["KEY"] = "pa55"
	if code := b.squall("run", filepath.Join(dir, "a.yaml"), "--env", "staging"); code != exitPass || len(b.plan.Target.URLs) != 1 ||
		b.plan.Target.URLs[0] != "ws://127.0.0.1:1/ws" || !strings.Contains(b.options.Command, "--env staging") {
		t.Errorf("exit %d, stderr %q, plan %+v, command %q", code, b.err.String(), b.plan, b.options.Command)
	}
	if code := b.squall("plan", filepath.Join(dir, "b.yaml"), "--env", "staging"); code != exitPass || !strings.Contains(b.out.String(), "ws://127.0.0.1:1/ws") || strings.Contains(b.out.String(), "pa55") {
		t.Errorf("plan: exit %d, stdout %q, stderr %q", code, b.out.String(), b.err.String())
	}
	if code := b.squall("run", filepath.Join(dir, "a.yaml"), "--env", "stagin"); code != exitUsage || !strings.Contains(b.err.String(), `--env stagin: found no environment of that name, expected staging; did you mean "staging"?`) {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	// A shipped scenario has its settings in the present folder.
	t.Chdir(dir)
	if code := b.squall("plan", "cuts", "--env", "staging"); code != exitPass || !strings.Contains(b.out.String(), "ws://127.0.0.1:1/ws") {
		t.Errorf("shipped: exit %d, stderr %q", code, b.err.String())
	}
}
