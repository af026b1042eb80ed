package scenario

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// language reads the scenarios that together use every key.
func language(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/language/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want files", files, err)
	}
	all := make(map[string][]byte)
	for _, file := range files {
		if all[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// structs lists every struct of the language with its path of keys.
func structs(t reflect.Type, path string, each func(path string, t reflect.Type)) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		if t.Kind() == reflect.Map {
			path += ".*"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == treeType || reflect.PointerTo(t).Implements(scalarType) {
		return
	}
	each(path, t)
	fields, _ := fieldsOf(t)
	for _, f := range fields {
		structs(f.typ, join(path, f.key), each)
	}
}

// TestEveryKeyIsGrammar: the parser knows all of the language. What can't be
// done yet is refused by name, with its place, and with no other words.
func TestEveryKeyIsGrammar(t *testing.T) {
	types := make(map[string]reflect.Type) // by path
	structs(reflect.TypeFor[Scenario](), "", func(path string, typ reflect.Type) { types[path] = typ })
	used := make(map[reflect.Type]map[string]bool)
	for file, src := range language(t) {
		s, problems := Parse(file, src)
		if len(problems) > 0 {
			t.Errorf("got problems with the grammar:\n%v", problems)
		}
		for path := range s.key {
			around, key := split(path)
			if typ := types[around]; typ != nil {
				if used[typ] == nil {
					used[typ] = make(map[string]bool)
				}
				used[typ][key] = true
			}
		}
		for _, p := range Validate(s) {
			if !strings.HasSuffix(p.Text, "known, not yet available") && !strings.Contains(p.Text, "msg") {
				t.Errorf("got %v, want nothing but what is known and not yet available", p)
			}
			if p.Line == 0 || p.Column == 0 {
				t.Errorf("got %v, want a place", p)
			}
		}
	}
	for path, typ := range types {
		fields, _ := fieldsOf(typ)
		for _, f := range fields {
			if !used[typ][f.key] {
				t.Errorf("no file of testdata/language uses the key %s of %s", f.key, path)
			}
			if f.about == "" {
				t.Errorf("%s says nothing about its key %s", typ.Name(), f.key)
			}
		}
	}
}

// split takes a path apart into the path of the struct, as structs names it,
// and the key in it.
func split(path string) (around, key string) {
	steps := strings.Split(strings.NewReplacer("p99.99", "p99_99", "p99.9", "p99_9").Replace(path), ".")
	var kept []string
	for i, step := range steps {
		switch {
		case strings.Trim(step, "0123456789") == "":
		case i == 1 && (steps[0] == "clients" || steps[0] == "environments"):
			kept = append(kept, "*")
		default:
			kept = append(kept, strings.ReplaceAll(step, "_", "."))
		}
	}
	last := len(kept) - 1
	return strings.Join(kept[:max(last, 0)], "."), kept[max(last, 0)]
}

// TestNotYetAvailable: each key and value that is refused, by its own name.
func TestNotYetAvailable(t *testing.T) {
	var got []string
	for file, src := range language(t) {
		s, _ := Parse(file, src)
		for _, p := range Validate(s) {
			if what, ok := strings.CutSuffix(p.Text, " is known, not yet available"); ok && !strings.Contains(what, "{") {
				got = append(got, strings.Trim(what, `"`))
			}
		}
	}
	slices.Sort(got)
	got = slices.Compact(got)
	want := strings.Fields(``)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}
