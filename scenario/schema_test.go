package scenario

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid validates YAML as an editor would.
func valid(t *testing.T, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(src, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestSchemaAcceptsWhatParses: all shipped scenarios and all of the language.
func TestSchemaAcceptsWhatParses(t *testing.T) {
	s := compiled(t)
	for name, src := range shipped(t) {
		if err := valid(t, s, src); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, src := range language(t) {
		if err := valid(t, s, src); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRejectsWhatDoesNot: the schema and the parser agree about mistakes.
func TestSchemaRejectsWhatDoesNot(t *testing.T) {
	s := compiled(t)
	rows := []struct{ about, src string }{
		{"an unknown key", small("expct: promises")},
		{"a bare number for a duration", small("warmup: 5")},
		{"a word that isn't in the list", small("expect: [{delivery: twice}]")},
		{"a word instead of a mapping", small("expect: nothing")},
		{"another version", strings.Replace(small(), "squall: 1", "squall: 2", 1)},
		{"no clients", "squall: 1\nname: x\nduration: 1s\n"},
		{"no count", "squall: 1\nname: x\nduration: 1s\nclients: {a: {}}\n"},
		{"no client", strings.Replace(small(), "count: 10", "count: 0", 1)},
		{"a rate without a time", strings.Replace(small(), "10/s", "10", 1)},
		{"a list that must not be one", small("warmup: [1s]")},
		{"a payload that is no object", strings.Replace(small(), "rate: 10/s", "rate: 10/s, payload: hi", 1)},
	}
	for _, row := range rows {
		if err := valid(t, s, []byte(row.src)); err == nil {
			t.Errorf("%s: the schema accepts\n%s", row.about, row.src)
		}
		if _, problems := Load("x.yaml", []byte(row.src), options()); len(problems) == 0 {
			t.Errorf("%s: the parser accepts\n%s", row.about, row.src)
		}
	}
	if err := valid(t, s, []byte(small())); err != nil {
		t.Errorf("got %v for the scenario that all rows spoil, want none", err)
	}
}

// TestSchemaHasTheSameKeys: neither side knows a key that the other doesn't.
func TestSchemaHasTheSameKeys(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties map[string]struct {
			Description string `json:"description"`
			Status      string `json:"x-status"`
		} `json:"properties"`
		AnyOf []object `json:"anyOf"`
	}
	var doc struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	structs(reflect.TypeFor[Scenario](), "", func(path string, typ reflect.Type) {
		known[typ.Name()] = true
		def := doc.Defs[typ.Name()]
		if path == "" {
			def = doc.object
		}
		for _, o := range def.AnyOf {
			if o.Properties != nil {
				def = o
			}
		}
		fields, _ := fieldsOf(typ)
		for _, f := range fields {
			p, ok := def.Properties[f.key]
			if !ok {
				t.Errorf("the schema of %s lacks %s", typ.Name(), f.key)
			}
			if p.Description != f.about || (p.Status != "") != (f.later != nil) {
				t.Errorf("%s.%s: got %+v, want %q, later %v", typ.Name(), f.key, p, f.about, f.later)
			}
		}
		for key := range def.Properties {
			if !slices.Contains(keysOf(fields), key) {
				t.Errorf("the schema of %s has the key %s, which the language hasn't", typ.Name(), key)
			}
		}
	})
	for name := range doc.Defs {
		if !known[name] {
			t.Errorf("the schema defines %s, which the language hasn't", name)
		}
	}
}
