package scenario

import (
	"bytes"
	"errors"
	"io"
	"reflect"

	"gopkg.in/yaml.v3"
)

// maxFile bounds the size of a scenario, in bytes.
const maxFile = 4 << 20

// maxRepairs bounds how many lines that are no YAML are reported at once.
const maxRepairs = 20

// Parse reads a scenario. file is its name for messages. Each set is a change
// PATH=VALUE, made before anything is judged. All problems with the grammar are
// returned, each with its place; the Scenario is usable if there are none.
func Parse(file string, src []byte, set ...string) (*Scenario, Problems) {
	return ParseFor(Environment{}, file, src, set...)
}

// ParseFor reads a scenario with the target of an environment.
func ParseFor(env Environment, file string, src []byte, set ...string) (*Scenario, Problems) {
	s := &Scenario{
		file: file, set: set,
		pos: make(map[string]place), key: make(map[string]place),
		order: make(map[string][]string), bad: make(map[string]bool),
		laterText: make(map[string]string),
	}
	d := &decoder{s: s, origin: make(map[*yaml.Node]string), open: make(map[*yaml.Node]bool), repaired: make(map[place]bool)}
	if len(src) > maxFile {
		d.problems = append(d.problems, place{line: 1, column: 1}.problem(file, "found a file of more than 4 MiB, expected a scenario"))
		return s, d.problems
	}
	root := d.load(src)
	if root == nil {
		return s, d.problems.sorted()
	}
	d.environment(root, env)
	for _, change := range set {
		d.set(root, change)
	}
	d.value(root, reflect.ValueOf(s).Elem(), "", nil)
	if root.Kind == yaml.MappingNode && len(root.Content) > 0 && root.Content[0].Value != "squall" && s.key["squall"] != (place{}) {
		d.fail(root.Content[0], "squall", "found %q first, expected squall: 1 to be the first key", root.Content[0].Value)
	}
	return s, d.problems.sorted()
}

// load returns the root value of the one document in src. A line that is no
// YAML and can be repaired by quotes is reported and repaired, so that what
// follows is reported too.
func (d *decoder) load(src []byte) *yaml.Node {
	for range maxRepairs {
		var doc yaml.Node
		dec := yaml.NewDecoder(bytes.NewReader(src))
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			d.problems = append(d.problems, place{line: 1, column: 1}.problem(d.s.file, "found an empty file, expected a scenario that begins with squall: 1"))
			return nil
		}
		if err == nil {
			var second yaml.Node
			err = dec.Decode(&second)
			if err == nil {
				d.problems = append(d.problems, place{line: max(second.Line, 1), column: 1}.problem(d.s.file, "found a second document, expected exactly one"))
				err = io.EOF
			}
		}
		if errors.Is(err, io.EOF) {
			if len(doc.Content) == 0 {
				return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1, Column: 1}
			}
			return doc.Content[0]
		}
		p, repaired := translate(d.s.file, src, err)
		d.problems = append(d.problems, p)
		if repaired == nil {
			return nil
		}
		d.repaired[place{line: p.Line, column: p.Column}] = true
		src = repaired
	}
	return nil
}

// keys lists the keys of a map of the language in the file's order.
func (s *Scenario) keys(path string) []string { return s.order[path] }

// given tells whether the file holds a value at path.
func (s *Scenario) given(path string) bool { return s.pos[path] != place{} }

// where is the place of a path: of its key if it has one, else of its value,
// else of the nearest value around it.
func (s *Scenario) where(path string) place {
	for {
		if p, ok := s.pos[path]; ok {
			return p
		}
		if p, ok := s.key[path]; ok {
			return p
		}
		if path == "" {
			return place{line: 1, column: 1}
		}
		path = parent(path)
	}
}

// broken tells whether Parse found a problem at path or around it.
func (s *Scenario) broken(path string) bool {
	for ; path != ""; path = parent(path) {
		if s.bad[path] {
			return true
		}
	}
	return s.bad[""]
}

func parent(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' {
			return path[:i]
		}
	}
	return ""
}
