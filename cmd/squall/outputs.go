package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"squall/report"
)

// outputs are the files in which a verdict is reported.
type outputs struct{ json, junit, markdown, hgrm string }

func (o *outputs) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(word{&o.json, "FILE"}, "json", "write the report as JSON; - is stdout, the summary then goes to stderr")
	f.Var(word{&o.junit, "FILE"}, "junit", "write the verdicts as JUnit XML")
	f.Var(word{&o.markdown, "FILE"}, "markdown", "write a summary for a pull request")
	f.Var(word{&o.hgrm, "FILE"}, "hgrm", "write latencies as HdrHistogram percentiles; of several, each has its stage in its name")
}

// output is a flag and the file that it names.
type output struct{ flag, path string }

func (o *outputs) all() []output {
	return []output{{"json", o.json}, {"junit", o.junit}, {"markdown", o.markdown}, {"hgrm", o.hgrm}}
}

// check tries the paths before anything is run, those of others too.
func (o *outputs) check(others ...output) error {
	all := append(o.all(), others...)
	named := map[string]output{}
	for _, out := range all {
		if out.path == "" {
			continue
		}
		if out.path == "-" {
			if out.flag == "record" {
				return usage(errors.New("--record: a recording is binary and goes to a file, not to stdout"))
			}
			if out.flag != "json" {
				return usage(fmt.Errorf("--%s: it goes to a file; only --json may go to stdout", out.flag))
			}
			continue
		}
		path := filepath.Clean(out.path)
		if first, twice := named[path]; twice {
			return usage(fmt.Errorf("--%s and --%s both name %s; give them different files", first.flag, out.flag, first.path))
		}
		named[path] = out
	}
	for _, out := range all {
		if out.path == "" || out.path == "-" {
			continue
		}
		if err := report.Writable(out.path); err != nil {
			return usage(err)
		}
	}
	return nil
}

// text is where the summary goes.
func (t *tool) text(o *outputs) io.Writer {
	if o.json == "-" {
		return t.stderr
	}
	return t.stdout
}

// deliver writes the reports, the files first: a reader of stdout may leave early.
// json is what the JSON report holds, end what is left to say on the terminal.
func (t *tool) deliver(runs *report.Runs, o *outputs, json, end func(io.Writer) error, quiet bool) error {
	var errs []error
	switch o.json {
	case "":
	case "-":
		errs = append(errs, json(t.stdout))
	default:
		errs = append(errs, report.WriteFile(o.json, json))
	}
	errs = append(errs, t.files(runs, o, quiet), end(t.text(o)), t.annotate(runs, t.text(o)))
	return environmentIf(errors.Join(errs...))
}

// files writes what a CI system reads, whatever became of the runs.
func (t *tool) files(runs *report.Runs, o *outputs, quiet bool) error {
	var errs []error
	if o.junit != "" {
		errs = append(errs, report.WriteFile(o.junit, func(w io.Writer) error { return report.JUnit(w, runs.Runs) }))
	}
	if o.markdown != "" {
		errs = append(errs, report.WriteFile(o.markdown, func(w io.Writer) error { return report.Markdown(w, runs.Runs) }))
	}
	if o.hgrm != "" {
		files := report.HGRM(o.hgrm, runs.Runs)
		var names []string
		for _, f := range files {
			errs = append(errs, report.WriteFile(f.Path, f.Write))
			names = append(names, f.Path)
		}
		switch {
		case quiet:
		case len(files) == 0:
			t.note("nothing was measured, so --hgrm wrote no file")
		default:
			t.note("latencies are in %s", strings.Join(names, ", "))
		}
	}
	return errors.Join(errs...)
}

// annotate marks lines of scenarios in the log of GitHub Actions.
func (t *tool) annotate(runs *report.Runs, w io.Writer) error {
	if t.getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	return report.Annotations(w, runs.Runs, t.getenv("GITHUB_WORKSPACE"))
}

func environmentIf(err error) error {
	if err == nil {
		return nil
	}
	return environment(err)
}
