package main

import (
	"os"
	"strings"
	"testing"

	"squall/cmd/internal/campaign"
	"squall/driver/dialect"
	"squall/report"
)

// What is written for each purpose and dialect passes squall plan, says all that
// it can be asked for, and is not overwritten.
func TestInit(t *testing.T) {
	t.Chdir(t.TempDir())
	if n := len(purposeNames()); n < 5 {
		t.Fatalf("%d purposes", n)
	}
	for _, purpose := range purposeNames() {
		for _, d := range dialect.All() {
			name := d.About().Name
			b := newBench()
			file := purpose + "-" + name + ".yaml"
			args := []string{"init", purpose, file}
			if name != "events" {
				args = append(args, "--dialect", name)
			}
			if code := b.squall(args...); code != exitPass || b.err.Len() > 0 || !strings.Contains(b.out.String(), "squall run "+file) {
				t.Fatalf("%v: exit %d, stdout %q, stderr %q", args, code, b.out.String(), b.err.String())
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if code := b.squall("plan", file); code != exitPass || b.err.Len() > 0 || !strings.Contains(b.out.String(), "dialect "+name) {
				t.Errorf("squall plan %s: exit %d, stderr %q\n%s", file, code, b.err.String(), text)
			}
			if strings.Contains(string(text), "{{") || strings.Count(string(text), "#") < 4 || !strings.Contains(string(text), "\nname: "+strings.TrimSuffix(file, ".yaml")+"\n") {
				t.Errorf("%s is\n%s", file, text)
			}
			for line := range strings.Lines(string(text)) {
				if len([]rune(line)) > 121 || strings.TrimRight(line, " \n") != strings.TrimSuffix(line, "\n") {
					t.Errorf("%s: a line is too long or ends in blanks: %q", file, line)
				}
			}
			if code := b.squall(args...); code != exitUsage || !strings.Contains(b.err.String(), "is there already and stays as it is") {
				t.Errorf("again: exit %d, stderr %q", code, b.err.String())
			}
			if again, _ := os.ReadFile(file); string(again) != string(text) {
				t.Errorf("%s was overwritten", file)
			}
		}
	}
	b := newBench()
	if code := b.squall("init", "storm", "-", "--target", "wss://gw.test/{x}?a=b"); code != exitPass || !strings.Contains(b.out.String(), `url: "wss://gw.test/{{x}}?a=b"`) || !strings.Contains(b.out.String(), "name: storm\n") {
		t.Errorf("to stdout: exit %d, %q, stderr %q", code, b.out.String(), b.err.String())
	}
}

// As it is written each passes on the reference gateway, with everything that it
// expects exercised.
func TestInitPasses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, purpose := range purposeNames() {
		b := newBench()
		if b.squall("init", purpose); b.squall("run", purpose+".yaml") != exitPass {
			t.Fatalf("%s: %s", purpose, b.err.String())
		}
		r, err := campaign.Bubble(t, b.plan)
		if err != nil {
			t.Fatal(err)
		}
		if r.Exit() != exitPass {
			var text strings.Builder
			_ = report.Text(&text, r, report.Style{})
			t.Errorf("%s\n%s", purpose, text.String())
		}
	}
}

func TestInitRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for line, want := range map[string]string{
		"":                                     "squall init needs a purpose: chat, ci-smoke",
		"strom":                                "did you mean `squall init storm`?",
		"nonsense":                             "there is no purpose \"nonsense\"; there are chat",
		"storm a b":                            "got 3 words",
		"storm --dialect evnets":               "there is no dialect \"evnets\"; did you mean events?",
		"storm --target http://x":              "is no ws:// or wss:// address",
		"storm --target ws://joe:pa55@x":       "belongs in the environment",
		"storm none/storm.yaml":                "writing none/storm.yaml: no such file or directory",
		"storm none/storm.yaml --target ws://": "is no ws:// or wss:// address",
	} {
		b := newBench()
		if code := b.squall(append([]string{"init"}, strings.Fields(line)...)...); code != exitUsage || !strings.Contains(b.err.String(), want) || strings.Contains(b.err.String(), "pa55") {
			t.Errorf("squall init %s: exit %d, stderr %q, want %q in it", line, code, b.err.String(), want)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("files were left: %v, %v", entries, err)
	}
}
