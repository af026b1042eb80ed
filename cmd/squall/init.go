package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"squall/cmd/internal/campaign"
	"squall/driver/dialect"
)

// purposes are the scenarios that `squall init` writes.
//
//go:embed purposes
var purposes embed.FS

type initOptions struct{ target, dialect string }

func (t *tool) initVerb() *cobra.Command {
	o := &initOptions{}
	list := strings.Join(purposeNames(), ", ")
	cmd := &cobra.Command{
		Use:   "init PURPOSE [FILE]",
		Short: "Write a commented scenario to begin with",
		Long: `Write a scenario for a purpose, with comments, to be changed.

PURPOSE is ` + list + `.
FILE is PURPOSE.yaml by default; - is stdout. A file that is there is never
overwritten.`,
		Example: `  squall init storm
  squall init chat rooms.yaml --target ws://localhost:8000 --dialect mqtt`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usage(fmt.Errorf("squall init needs a purpose: %s", list))
			case len(args) > 2:
				return usage(fmt.Errorf("squall init takes a purpose and a file and got %d words: %s", len(args), strings.Join(args, " ")))
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return purposeNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			file := args[0] + ".yaml"
			if len(args) > 1 {
				file = args[1]
			}
			return t.initScenario(args[0], file, o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(word{&o.target, "URL"}, "target", "the gateway to be tested (default: the embedded one)")
	f.Var(word{&o.dialect, "NAME"}, "dialect", "its protocol (default events)")
	var names []string
	for _, d := range campaign.Dialects() {
		names = append(names, d.Name)
	}
	completeFlag(cmd, "dialect", names)
	return cmd
}

func purposeNames() []string {
	var names []string
	_ = fs.WalkDir(purposes, "purposes", func(_ string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(d.Name(), ".yaml"); ok && err == nil {
			names = append(names, name)
		}
		return nil
	})
	return names
}

func (t *tool) initScenario(purpose, file string, o *initOptions) error {
	text, err := o.write(purpose, file)
	if err != nil {
		return usage(err)
	}
	if file == "-" {
		return t.print(string(text))
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return usage(fmt.Errorf("%s is there already and stays as it is; name another file: squall init %s FILE", file, purpose))
	}
	if err != nil {
		return usage(explainWrite(file, err))
	}
	_, err = f.Write(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(file)
		return environment(explainWrite(file, err))
	}
	return t.print(fmt.Sprintf("wrote %s\nsee what it does:  squall plan %s\nrun it:            squall run %s\n", file, quote(file), quote(file)))
}

// explainWrite words an error about writing file and adds the next step.
func explainWrite(file string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("writing %s: %w; name another file, or - for stdout", file, err)
}

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// write makes the text of a scenario.
func (o *initOptions) write(purpose, file string) ([]byte, error) {
	names := purposeNames()
	all, err := template.ParseFS(purposes, "purposes/*")
	if err != nil {
		return nil, fmt.Errorf("reading the purposes: %w", err)
	}
	page := all.Lookup(purpose + ".yaml")
	if page == nil {
		if near := nearest(purpose, names); near != "" {
			return nil, fmt.Errorf("there is no purpose %q; did you mean `squall init %s`?", purpose, near)
		}
		return nil, fmt.Errorf("there is no purpose %q; there are %s", purpose, strings.Join(names, ", "))
	}
	speaks := o.dialect
	if speaks == "" {
		speaks = "events"
	}
	d, ok := dialect.Find(speaks)
	if !ok {
		if near := nearest(speaks, dialectNames()); near != "" {
			return nil, fmt.Errorf("--dialect: there is no dialect %q; did you mean %s?", speaks, near)
		}
		return nil, fmt.Errorf("--dialect: there is no dialect %q; squall list dialects tells them", speaks)
	}
	about := d.About()
	data := struct {
		Name, File, URL, Dialect, Delivery, Order string
		Embedded, Recover                         bool
	}{
		Name: purpose, File: file, Dialect: speaks, Embedded: o.target == "" && speaks == "events", Recover: about.Can.Recover,
		Delivery: about.Promises.Delivery, Order: about.Promises.Order,
	}
	if base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)); kebab.MatchString(base) {
		data.Name = base
	}
	if data.Recover {
		data.Delivery = "exactly-once"
	}
	if data.Order == "none" {
		data.Order = ""
	}
	address := o.target
	if address == "" {
		address = "ws://127.0.0.1:8000"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "":
		return nil, fmt.Errorf("--target: %s is no ws:// or wss:// address", withoutUser(address))
	case u.User != nil:
		return nil, errors.New(`--target: it holds a password, which belongs in the environment: write url: "wss://{env.USER}:{env.PASSWORD}@…" in the scenario`)
	}
	data.URL = fmt.Sprintf("%q", strings.NewReplacer("{", "{{", "}", "}}").Replace(address))
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil {
		return nil, fmt.Errorf("writing the scenario: %w", err)
	}
	return text.Bytes(), nil
}

func dialectNames() []string {
	var names []string
	for _, d := range dialect.All() {
		names = append(names, d.About().Name)
	}
	return names
}
