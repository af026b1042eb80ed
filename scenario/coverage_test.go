package scenario

import (
	"reflect"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"squall/scenarios"
)

// exercise notes which keys of the language a scenario writes, each as the place
// where the language defines it: LatencyWant.p99.
func exercise(used map[string]bool, n *yaml.Node, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.AliasNode:
		exercise(used, n.Alias, t)
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			exercise(used, item, t.Elem())
		}
	case t.Kind() == reflect.Slice:
		exercise(used, n, t.Elem())
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			exercise(used, n.Content[i], t.Elem())
		}
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		fields, _ := fieldsOf(t)
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == "<<" {
				exercise(used, n.Content[i+1], t)
			}
			for _, x := range fields {
				if x.key == n.Content[i].Value {
					used[t.Name()+"."+x.key] = true
					exercise(used, n.Content[i+1], x.typ)
				}
			}
		}
	}
}

// every lists the keys of the language that are available, by the struct that
// defines them.
func every(all map[string]bool, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	fields, _ := fieldsOf(t)
	for _, f := range fields {
		if name := t.Name() + "." + f.key; !all[name] && !slices.Contains(f.later, "*") {
			all[name] = true
			every(all, f.typ)
		}
	}
}

// unexercised are the keys that no shipped scenario can write, and why.
var unexercised = map[string]string{
	"GroupSpec.data":      "the binary carries scenarios, and no files beside them",
	"DataSpec.file":       "as data",
	"DataSpec.pick":       "as data",
	"MomentSpec.exec":     "it runs a program of one's own",
	"GatewaySpec.defects": "a shipped scenario passes; squall prove adds them",
}

// The shipped scenarios together write every key of the language, but for those
// that stand in unexercised: and those they don't write.
func TestEveryKeyIsExercised(t *testing.T) {
	top := reflect.TypeFor[Scenario]()
	used, all := make(map[string]bool), make(map[string]bool)
	every(all, top)
	for _, name := range scenarios.Names() {
		_, source, _ := scenarios.Find(name)
		var doc yaml.Node
		if err := yaml.Unmarshal(source, &doc); err != nil || len(doc.Content) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		exercise(used, doc.Content[0], top)
	}
	for key := range all {
		switch why := unexercised[key]; {
		case !used[key] && why == "":
			t.Errorf("no shipped scenario writes %s", key)
		case used[key] && why != "":
			t.Errorf("a shipped scenario writes %s, and it is said that none can: %s", key, why)
		}
	}
	for key := range unexercised {
		if !all[key] {
			t.Errorf("%s is no key of the language", key)
		}
	}
	if len(used) < len(all)/2 {
		t.Errorf("%d of %d keys were found, so nothing is proven", len(used), len(all))
	}
}
