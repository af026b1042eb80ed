package scenario

import (
	"fmt"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"
)

// Environment chooses another target than the scenario's own: one of its
// `environments`, or of those in the settings that stand beside it.
type Environment struct {
	Name   string // --env; "" chooses none
	File   string // the settings: squall.yaml beside the scenario; "" if there is none
	Source []byte
}

// EnvironSpec is one environment.
type EnvironSpec struct {
	Target *TargetSpec `yaml:"target" need:"true" about:"Its keys replace those of the scenario's target."`
}

// settingsSpec is the grammar of squall.yaml.
type settingsSpec struct {
	Environs map[string]EnvironSpec `yaml:"environments" need:"true" about:"Targets by environment."`
}

// environment puts the chosen target into the tree of a scenario, before it is
// decoded and before --set changes it.
func (d *decoder) environment(root *yaml.Node, env Environment) {
	if env.Name == "" || root.Kind != yaml.MappingNode {
		return
	}
	target, known := named(root, env.Name)
	if target == nil && env.File != "" {
		settings, ok := d.settings(env)
		if !ok {
			return
		}
		var more []string
		if target, more = named(settings, env.Name); target != nil {
			target = clone(resolve(target), 0)
			d.settled(target, env.File, 0)
		}
		known = append(known, more...)
	}
	if target == nil {
		text := fmt.Sprintf("found no environments in %s and no squall.yaml beside it, expected one that has the target of %s", d.s.file, quote(env.Name))
		if len(known) > 0 {
			text = fmt.Sprintf("found no environment of that name, expected %s%s", words(known), nearest(env.Name, known))
		}
		d.problems = append(d.problems, place{origin: "--env " + env.Name}.problem(d.s.file, text))
		return
	}
	d.replace(root, resolve(target))
}

// named is the target of an environment, if there is one of that name, and the
// names that there are.
func named(root *yaml.Node, name string) (target *yaml.Node, known []string) {
	all := resolve(member(root, "environments"))
	if all == nil || all.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(all.Content); i += 2 {
		known = append(known, all.Content[i].Value)
	}
	if one := resolve(member(all, name)); one != nil && one.Kind == yaml.MappingNode {
		target = member(one, "target")
	}
	return target, known
}

func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// settings reads squall.yaml. Its problems have their places in it.
func (d *decoder) settings(env Environment) (root *yaml.Node, ok bool) {
	s := &Scenario{
		file: env.File, pos: make(map[string]place), key: make(map[string]place), order: make(map[string][]string),
		bad: make(map[string]bool), laterText: make(map[string]string),
	}
	inner := &decoder{s: s, origin: make(map[*yaml.Node]string), open: make(map[*yaml.Node]bool), repaired: make(map[place]bool)}
	if len(env.Source) > maxFile {
		d.problems = append(d.problems, place{line: 1, column: 1}.problem(env.File, "found a file of more than 4 MiB, expected environments"))
		return nil, false
	}
	if root = inner.load(env.Source); root != nil {
		inner.value(root, reflect.ValueOf(&settingsSpec{}).Elem(), "", nil)
	}
	for _, p := range inner.problems.sorted() {
		// In the report of a scenario a place of another file is an origin.
		p.Origin = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
		p.File, p.Line, p.Column = d.s.file, 0, 0
		d.problems = append(d.problems, p)
	}
	return root, root != nil && len(inner.problems) == 0
}

// settled marks what comes from settings with its place there.
func (d *decoder) settled(n *yaml.Node, file string, depth int) {
	d.origin[n] = fmt.Sprintf("%s:%d:%d", file, max(n.Line, 1), max(n.Column, 1))
	if depth > maxDepth {
		return
	}
	for _, c := range n.Content {
		d.settled(c, file, depth+1)
	}
}

// replace puts the keys of target in the place of the scenario's own: url and
// gateway exclude each other, and a word excludes everything else.
func (d *decoder) replace(root, target *yaml.Node) {
	own := member(root, "target")
	if own == nil {
		root.Content = append(root.Content, d.key("target", d.origin[target]), target)
		return
	}
	before := resolve(own)
	if target.Kind != yaml.MappingNode || before.Kind != yaml.MappingNode {
		*own = *target
		d.origin[own] = d.origin[target]
		return
	}
	kept := clone(before, 0) // it may be shared through an anchor
	drop := []string{}
	for i := 0; i+1 < len(target.Content); i += 2 {
		key := target.Content[i].Value
		drop = append(drop, key)
		switch key {
		case "url":
			drop = append(drop, "gateway")
		case "gateway":
			drop = append(drop, "url")
		}
	}
	merged := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: kept.Line, Column: kept.Column}
	for i := 0; i+1 < len(kept.Content); i += 2 {
		if !slices.Contains(drop, kept.Content[i].Value) {
			merged.Content = append(merged.Content, kept.Content[i], kept.Content[i+1])
		}
	}
	merged.Content = append(merged.Content, target.Content...)
	*own = *merged
}
