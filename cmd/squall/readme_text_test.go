package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"squall/cmd/internal/campaign"
	"squall/scenario"
	"squall/scenarios"
)

// block is one fenced block of the README.
type block struct {
	kind string // sh, yaml, text
	line int
	text string
}

// file is the name under which the page tells to save a block: its first line.
func (b block) file() (string, bool) {
	first, _, _ := strings.Cut(b.text, "\n")
	name, ok := strings.CutPrefix(first, "# ")
	return name, ok && b.kind == "yaml" && filepath.Ext(name) == ".yaml"
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func blocks(t *testing.T) (all []block) {
	t.Helper()
	inside := false
	for i, line := range strings.SplitAfter(readme(t), "\n") {
		switch kind, fence := strings.CutPrefix(strings.TrimSpace(line), "```"); {
		case fence && !inside:
			all, inside = append(all, block{kind: kind, line: i + 1}), true
		case fence:
			inside = false
		case inside:
			all[len(all)-1].text += line
		}
	}
	if len(all) == 0 || inside {
		t.Fatalf("README.md has %d blocks, the last one left open: %v", len(all), inside)
	}
	for _, b := range all {
		if !slices.Contains([]string{"sh", "yaml", "text"}, b.kind) {
			t.Errorf("README.md:%d: a block of the kind %q, want sh, yaml or text", b.line, b.kind)
		}
	}
	return all
}

// rest completes a fragment of a scenario.
var rest = [...][2]string{
	{"name", "name: fragment\n"},
	{"duration", "duration: 30s\n"},
	{"clients", `clients:
  voters: {count: 100, subscribe: {channel: "vote.{i % 10}"}}
  tellers: {count: 10, publish: {name: votes, channel: "vote.{i}", rate: 5/s}}
`},
}

// Every YAML block of the README is a scenario, or becomes one when the keys
// that it lacks are added.
func TestReadmeScenarios(t *testing.T) {
	seen := 0
	for _, b := range blocks(t) {
		if b.kind != "yaml" || b.workflow() {
			continue
		}
		seen++
		source := b.whole()
		o := scenario.Options{Env: func(string) (string, bool) { return "x", true }, Dialects: campaign.Dialects(), Defects: defectNames()}
		o.Read = func(string) ([]byte, error) { return []byte("name,token\nann,t\n"), nil }
		if _, wrong := scenario.Load("fragment.yaml", []byte(source), o); len(wrong) > 0 {
			t.Errorf("README.md:%d: %v\nin\n%s", b.line, wrong, source)
		}
	}
	if seen < 8 {
		t.Errorf("saw %d blocks of YAML", seen)
	}
}

func hasKey(source, key string) bool {
	return strings.HasPrefix(source, key+":") || strings.Contains(source, "\n"+key+":")
}

// workflow tells whether a block is a workflow of GitHub Actions.
func (b block) workflow() bool { return strings.HasPrefix(b.text, "# .github/workflows/") }

// The workflow of the page is one: YAML with jobs and steps, whose commands of
// squall are understood as they stand.
func TestReadmeWorkflow(t *testing.T) {
	seen := 0
	for _, b := range blocks(t) {
		if !b.workflow() {
			continue
		}
		var flow struct {
			On   any `yaml:"on"`
			Jobs map[string]struct {
				RunsOn string `yaml:"runs-on"`
				Steps  []struct {
					Uses, Run, Name, If string
					Dir                 string `yaml:"working-directory"`
					With                map[string]string
				}
			}
		}
		dec := yaml.NewDecoder(strings.NewReader(b.text))
		if err := dec.Decode(&flow); err != nil || flow.On == nil || len(flow.Jobs) == 0 {
			t.Fatalf("README.md:%d: %v; %+v", b.line, err, flow)
		}
		for name, job := range flow.Jobs {
			if job.RunsOn == "" || len(job.Steps) == 0 {
				t.Errorf("the job %s does nothing", name)
			}
			for _, step := range job.Steps {
				if (step.Uses == "") == (step.Run == "") {
					t.Errorf("a step of %s has not one of uses and run: %+v", name, step)
				}
				words, err := split(step.Run)
				if step.Run == "" || err != nil || words[0] != "squall" {
					continue
				}
				seen++
				root := newBench().root(new(int))
				about, args, err := root.Find(words[1:])
				if err == nil {
					err = about.ParseFlags(args)
				}
				if err == nil {
					err = about.ValidateArgs(about.Flags().Args())
				}
				if err != nil || about == root {
					t.Errorf("%q is not understood: %v", step.Run, err)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no workflow runs squall")
	}
}

var code = regexp.MustCompile("`([^`]+)`")

// The page names all that the language knows and this version refuses.
func TestReadmeNotYetAvailable(t *testing.T) {
	_, section, ok := strings.Cut(readme(t), "\n### Known, not yet available\n")
	section, _, _ = strings.Cut(section, "\n#")
	if !ok {
		t.Fatal("the section is gone")
	}
	named := map[string]bool{}
	for _, m := range code.FindAllStringSubmatch(section, -1) {
		named[m[1]] = true
	}
	refused := map[string]bool{}
	for _, file := range []string{"url.yaml", "gateway.yaml"} {
		source, err := os.ReadFile(filepath.Join("../../scenario/testdata/language", file))
		if err != nil {
			t.Fatal(err)
		}
		s, _ := scenario.Parse(file, source)
		for _, p := range scenario.Validate(s) {
			if what, ok := strings.CutSuffix(p.Text, " is known, not yet available"); ok && !strings.Contains(what, "{") {
				what = strings.Trim(what, `"`)
				refused[what] = true
				if !named[what] {
					t.Errorf("%q is refused, and the page does not say so", what)
				}
			}
		}
	}
	// Words of templates, lists of nodes, and what is read without effect.
	for _, also := range []string{"url", "row", "msg", "jwt()", "capacity", "squall run"} {
		refused[also] = true
	}
	for what := range named {
		if !refused[what] {
			t.Errorf("the page says that %q is not yet available, and it is", what)
		}
	}
}

// Verbs, flags and exit codes of the page are those of the tool, and no line is
// too long to be read beside code.
func TestReadmeWords(t *testing.T) {
	text := readme(t)
	root := newBench().root(new(int))
	flags := map[string]bool{"help": true, "dialect": true}
	for _, c := range root.Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) { flags[f.Name] = true })
		if verb := c.Name(); verb != "help" && !c.Hidden && !strings.Contains(text, "| `squall "+usageOf(c)+"` |") {
			t.Errorf("the table of verbs lacks `squall %s`", usageOf(c))
		}
	}
	for _, m := range regexp.MustCompile(`[ \x60]--([a-z][a-z-]+)`).FindAllStringSubmatch(text, -1) {
		if !flags[m[1]] {
			t.Errorf("there is no flag --%s", m[1])
		}
	}
	for line := range strings.Lines(exitHelp) {
		if n, means, ok := strings.Cut(strings.TrimSpace(line), "  "); ok && !strings.Contains(text, "| "+n+" | "+means+" |") {
			t.Errorf("the table of exit codes lacks %s: %s", n, means)
		}
	}
	for _, file := range scenarios.List() {
		folder, name := path.Split(file)
		_, row, ok := strings.Cut(text, "| "+title(folder)+" | ")
		if row, _, _ = strings.Cut(row, "\n"); !ok || !strings.Contains(row, "`"+name+"`") {
			t.Errorf("the list of shipped scenarios lacks %s", file)
		}
	}
	for i, line := range strings.Split(text, "\n") {
		if len([]rune(line)) > 120 && !strings.HasPrefix(line, "|") {
			t.Errorf("README.md:%d has %d characters", i+1, len([]rune(line)))
		}
	}
}

// title is how the README calls a folder of scenarios.
func title(folder string) string {
	if folder == "" {
		return "the top"
	}
	return "`" + strings.TrimSuffix(folder, "/") + "`"
}

func usageOf(c *cobra.Command) string { return strings.TrimSuffix(c.Use, " [flags]") }
