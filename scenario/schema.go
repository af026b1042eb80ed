package scenario

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"
)

// Schema is the language as a JSON Schema (draft 2020-12), made from the same
// structs that Parse fills. What is known and not yet available carries
// "x-status".
func Schema() ([]byte, error) {
	r := &jsonschema.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true,
		Mapper: schemaOf,
	}
	root := r.Reflect(&Scenario{})
	root.Title = "A Squall scenario, language version 1"
	m := &schemaMaker{root: root, done: make(map[reflect.Type]bool)}
	m.refine(root, reflect.TypeFor[Scenario]())
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// anyScalar is what stands where a text is expected: YAML reads 5 as a number
// and true as a boolean, and both are texts to us.
func anyScalar() *jsonschema.Schema {
	return &jsonschema.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
}

// schemaOf gives the schemas of values that are written as one text; nil for
// all other types.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == treeType:
		return &jsonschema.Schema{}
	case t == templateType:
		return anyScalar()
	case t == dealType:
		item := anyScalar()
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{item, {Type: "array", Items: item}}}
	case t.Kind() == reflect.String:
		return anyScalar()
	case reflect.PointerTo(t).Implements(scalarType):
		s := reflect.New(t).Interface().(scalar)
		text := &jsonschema.Schema{Type: "string", Pattern: "^(" + s.pattern() + ")$"}
		if s.scan("1") == nil {
			// A bare number is a number to YAML.
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, {Type: "integer", Minimum: "0"}}}
		}
		return text
	}
	return nil
}

// schemaMaker adds what the tags say to the reflected schema.
type schemaMaker struct {
	root *jsonschema.Schema
	done map[reflect.Type]bool
}

func (m *schemaMaker) refine(s *jsonschema.Schema, t reflect.Type) {
	if m.done[t] {
		return
	}
	m.done[t] = true
	fields, alone := fieldsOf(t)
	for _, f := range fields {
		p, ok := s.Properties.Get(f.key)
		if !ok {
			continue
		}
		m.field(p, f)
		if f.need {
			s.Required = append(s.Required, f.key)
		}
	}
	if len(alone) > 0 {
		object := *s
		*s = jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Enum: anys(alone)}, &object}}
	}
}

func (m *schemaMaker) field(p *jsonschema.Schema, f field) {
	m.inner(f.typ)
	target := p
	if p.Items != nil {
		target = p.Items
	}
	if len(f.enum) > 0 {
		target.Extras = nil
		target.Enum = anys(f.enum)
		if f.typ.Kind() == reflect.Int {
			target.Enum = nil
			target.Const = json.Number(f.enum[0])
		}
	}
	if f.min != "" {
		p.Minimum = json.Number(f.min)
	}
	if f.one {
		list := *p
		*p = jsonschema.Schema{AnyOf: []*jsonschema.Schema{p.Items, &list}}
	}
	if f.key == "payload" {
		p.Type = "object"
	}
	p.Description = f.about
	if f.later != nil {
		status := "not yet available"
		if f.later[0] != "*" {
			status = "not yet available: " + words(f.later)
		}
		if p.Extras == nil {
			p.Extras = make(map[string]any)
		}
		p.Extras["x-status"] = status
	}
}

// inner refines the struct that a field holds, if it holds one.
func (m *schemaMaker) inner(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if def := m.root.Definitions[t.Name()]; def != nil && t.Kind() == reflect.Struct {
		m.refine(def, t)
	}
}

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
