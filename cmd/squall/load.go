package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"squall/cmd/internal/campaign"
	"squall/scenario"
	"squall/scenarios"
)

// maxScenario bounds how much of a file is read.
const maxScenario = 4 << 20

// load reads a scenario, makes the changes, and compiles it. All its problems
// come as one error. run is what {run} means; "" if nothing is going to be run.
func (t *tool) load(file, run string, c *changes, quiet bool) (*scenario.Plan, error) {
	given := file
	file, source, err := t.read(file, quiet)
	if err != nil {
		return nil, err
	}
	o := scenario.Options{Target: c.target, Dialect: c.dialect, Env: t.lookup, Run: run, Dialects: campaign.Dialects(), Defects: defectNames()}
	if c.seed.given {
		o.Seed = &c.seed.value
	}
	if o.Environ, err = environ(given, c.env); err != nil {
		return nil, err
	}
	if o.Key, err = t.key(c.key); err != nil {
		return nil, err
	}
	o.Read = readRows
	plan, wrong := scenario.Load(file, source, o, c.set...)
	if len(wrong) > 0 {
		return nil, usage(&problems{file, wrong})
	}
	plan.Set = shown(plan.Set)
	return plan, nil
}

// environ finds the settings beside a scenario, where an environment is asked for:
// in its folder, or in the present one for stdin and for shipped scenarios.
func environ(file, name string) (scenario.Environment, error) {
	env := scenario.Environment{Name: name}
	if name == "" {
		return env, nil
	}
	dir := "."
	if info, err := os.Stat(file); err == nil && !info.IsDir() {
		dir = filepath.Dir(file)
	}
	for _, ext := range [...]string{".yaml", ".yml"} {
		path := filepath.Join(dir, settings+ext)
		source, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return env, usage(explainRead(path, err, "check its permissions"))
		}
		env.File, env.Source = path, source
		return env, nil
	}
	return env, nil
}

// lookup finds a variable of the environment. Templates can't tell an empty one
// from one that is not set, and neither can most shells' users.
func (t *tool) lookup(name string) (string, bool) {
	v := t.getenv(name)
	return v, v != ""
}

// read returns a scenario and its name for messages: a file, stdin (-), or a
// shipped scenario where no such file exists.
func (t *tool) read(file string, quiet bool) (name string, source []byte, err error) {
	in := t.stdin
	if file == "-" {
		file = "stdin"
	} else {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			name, source, ok := shipped(file)
			if !ok {
				if near := nearest(file, scenarios.Names()); near != "" {
					return "", nil, usage(fmt.Errorf("reading %s: no such file, and no shipped scenario either; did you mean %s?", file, near))
				}
				return "", nil, usage(fmt.Errorf("reading %s: no such file, and no shipped scenario either; the shipped ones are %s", file, strings.Join(scenarios.Names(), ", ")))
			}
			if !quiet {
				t.note("%s is the shipped %s", file, name)
			}
			return name, source, nil
		}
		if err != nil {
			return "", nil, usage(explainRead(file, err, "check its permissions"))
		}
		defer f.Close()
		in = f
	}
	source, err = io.ReadAll(io.LimitReader(in, maxScenario+1))
	if err != nil {
		return "", nil, usage(explainRead(file, err, "give a scenario in YAML"))
	}
	return file, source, nil
}

// shipped finds the scenario in the binary that file names: cuts, cuts.yaml,
// reconnect/cuts or scenarios/reconnect/cuts.yaml.
func shipped(file string) (name string, source []byte, ok bool) {
	name, source, ok = scenarios.Find(strings.TrimPrefix(path.Clean(strings.ReplaceAll(file, "\\", "/")), "scenarios/"))
	return "scenarios/" + name, source, ok
}

// problems are all that is wrong with a scenario, as an error of several lines.
type problems struct {
	file string
	list scenario.Problems
}

func (p *problems) Error() string {
	lines := []string{fmt.Sprintf("%s has %d problems", p.file, len(p.list))}
	if len(p.list) == 1 {
		lines[0] = p.file + " has a problem"
	}
	for _, one := range p.list {
		if set, ok := strings.CutPrefix(one.Origin, "--set "); ok {
			one.Origin = "--set " + withoutSecret(set)
		}
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// explainRead words an error about reading file and adds the next step.
func explainRead(file string, err error, step string) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("reading %s: %w; %s", file, err, step)
}
