package scenario

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Bounds of what a file may hold, so that a small file full of aliases can't
// become a large one.
const (
	maxNodes = 1 << 20
	maxDepth = 64
)

// Tree is any YAML value, kept as it is until its templates are compiled.
type Tree struct{ node *yaml.Node }

// Given tells whether the value is there.
func (t Tree) Given() bool { return t.node != nil }

// Deal is one template, or a list of them dealt round robin.
type Deal []Template

var (
	scalarType   = reflect.TypeFor[scalar]()
	treeType     = reflect.TypeFor[Tree]()
	dealType     = reflect.TypeFor[Deal]()
	templateType = reflect.TypeFor[Template]()
)

// decoder fills the structs of the language from a tree of YAML nodes. It
// notes the place of every key and value by path, and every problem. It exists
// beside yaml.v3's own decoding because that stops being strict below custom
// types, knows no columns and speaks of Go types.
type decoder struct {
	s        *Scenario
	problems Problems
	origin   map[*yaml.Node]string // nodes that --set put there
	open     map[*yaml.Node]bool   // values being decoded, to find anchors that contain themselves
	nodes    int
	repaired map[place]bool // values that were reported and put in quotes
}

func (d *decoder) place(n *yaml.Node) place {
	if o := d.origin[n]; o != "" {
		return place{origin: o}
	}
	return place{line: max(n.Line, 1), column: max(n.Column, 1)}
}

func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) {
	d.s.bad[path] = true
	if d.repaired[d.place(n)] {
		return
	}
	d.problems = append(d.problems, d.place(n).problem(d.s.file, fmt.Sprintf(format, args...)))
}

// found describes a node for people.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return quote(n.Value)
}

// value decodes n into v. f is the field that holds it, for its enum and min.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, f *field) {
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.fail(n, path, "found more than %d values, expected fewer: aliases within aliases multiply", maxNodes)
		}
		return
	}
	if strings.Count(path, ".") > maxDepth {
		d.fail(n, path, "found values nested deeper than %d, expected fewer levels", maxDepth)
		return
	}
	d.s.pos[path] = d.place(n)
	if n.Kind == yaml.AliasNode {
		if d.open[n.Alias] {
			d.fail(n, path, "found an anchor that contains itself: *%s, expected a value", n.Value)
			return
		}
		n = n.Alias
	}
	if !d.open[n] {
		d.open[n] = true
		defer delete(d.open, n)
	}
	t := v.Type()
	switch {
	case t == treeType:
		delete(d.open, n)
		v.Set(reflect.ValueOf(Tree{d.tree(n, path, 0)}))
	case reflect.PointerTo(t).Implements(scalarType):
		d.scalar(n, v, path)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		d.value(n, v.Elem(), path, f)
	case t.Kind() == reflect.Struct:
		d.mapping(n, v, path)
	case t.Kind() == reflect.Map:
		d.table(n, v, path)
	case t.Kind() == reflect.Slice:
		d.list(n, v, path, f)
	default:
		d.plain(n, v, path, f)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	s := v.Addr().Interface().(scalar)
	text := n.Value
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		text = ""
	}
	if err := s.scan(text); err != nil || text == "" {
		if err == nil {
			err = s.scan("?")
		}
		d.fail(n, path, "found %s, expected %v", found(n), err)
	}
}

// text is the text of a scalar, and whether n is one.
func (d *decoder) text(n *yaml.Node, path string) (string, bool) {
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && nulls(n) {
		d.fail(n, path, "found a mapping, expected text; put it in quotes: %q", "{"+n.Content[0].Value+"}")
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.fail(n, path, "found %s, expected text", found(n))
		return "", false
	}
	return n.Value, true
}

// nulls tells whether n is what {i} becomes when it isn't quoted.
func nulls(n *yaml.Node) bool {
	return len(n.Content) == 2 && n.Content[1].Tag == "!!null" && n.Content[0].Kind == yaml.ScalarNode
}

func (d *decoder) plain(n *yaml.Node, v reflect.Value, path string, f *field) {
	switch v.Kind() {
	case reflect.String:
		text, ok := d.text(n, path)
		if !ok {
			return
		}
		if f != nil && len(f.enum) > 0 && !slices.Contains(f.enum, text) {
			d.fail(n, path, "found %s, expected %s%s", quote(text), words(f.enum), nearest(text, f.enum))
			return
		}
		if f != nil && slices.Contains(f.later, text) {
			d.s.later = append(d.s.later, path)
			d.s.laterText[path] = text
		}
		v.SetString(text)
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
			d.fail(n, path, "found %s, expected true or false", found(n))
			return
		}
		v.SetBool(n.Value == "true")
	case reflect.Int, reflect.Uint64, reflect.Float64:
		d.number(n, v, path, f)
	default:
		panic("scenario: the language holds a " + v.Type().String())
	}
}

func (d *decoder) number(n *yaml.Node, v reflect.Value, path string, f *field) {
	want := "a whole number"
	if v.Kind() == reflect.Float64 {
		want = "a number"
	}
	if f != nil && f.min != "" {
		want += " of at least " + f.min
	}
	x, err := 0.0, strconv.ErrSyntax
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 && digit(n.Value) {
		switch v.Kind() {
		case reflect.Int:
			var i int
			if i, err = strconv.Atoi(n.Value); err == nil {
				v.SetInt(int64(i))
				x = float64(i)
			}
		case reflect.Uint64:
			var u uint64
			if u, err = strconv.ParseUint(n.Value, 10, 64); err == nil {
				v.SetUint(u)
				x = float64(u)
			}
		default:
			if x, err = strconv.ParseFloat(n.Value, 64); err == nil {
				v.SetFloat(x)
			}
		}
	}
	least := 0.0
	if f != nil {
		if len(f.enum) > 0 && !slices.Contains(f.enum, n.Value) {
			d.fail(n, path, "found %s, expected %s", found(n), words(f.enum))
			return
		}
		if f.min != "" {
			least, _ = strconv.ParseFloat(f.min, 64)
		}
	}
	if err != nil || x < least || x > 1<<53 && v.Kind() != reflect.Uint64 {
		d.fail(n, path, "found %s, expected %s", found(n), want)
	}
}

// plainWords are texts whose words need no quotes inside of brackets.
var plainWords = regexp.MustCompile(`^[\w./-]+(,? +[\w./-]+)*$`)

// inBrackets shows a single text as the list that was probably meant.
func inBrackets(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || !plainWords.MatchString(n.Value) {
		return ""
	}
	return ", as in [" + strings.Join(strings.FieldsFunc(n.Value, func(r rune) bool { return r == ' ' || r == ',' }), ", ") + "]"
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string, f *field) {
	items := []*yaml.Node{n}
	one := f != nil && f.one || v.Type() == dealType
	switch {
	case n.Kind == yaml.SequenceNode:
		items = n.Content
	case !one || n.Tag == "!!null":
		d.fail(n, path, "found %s, expected a list%s", found(n), inBrackets(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	inner := field{}
	if f != nil {
		inner.enum = f.enum
	}
	for i, item := range items {
		d.value(item, v.Index(i), join(path, strconv.Itoa(i)), &inner)
	}
}

// pair is one key and value of a mapping, merge keys resolved.
type pair struct{ key, value *yaml.Node }

// pairs lists a mapping's own keys in order, then those that it merges in.
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	var own, merged []pair
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Tag == "!!merge" {
			merged = append(merged, d.merge(v, path)...)
			continue
		}
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			d.fail(k, path, "found %s as a key, expected text", found(k))
			continue
		}
		if seen[k.Value] {
			d.fail(k, path, "found the key %q twice, expected it once", k.Value)
			continue
		}
		seen[k.Value] = true
		own = append(own, pair{k, v})
	}
	for _, p := range merged {
		if !seen[p.key.Value] {
			seen[p.key.Value] = true
			own = append(own, p)
		}
	}
	return own
}

func (d *decoder) merge(n *yaml.Node, path string) []pair {
	if n.Kind == yaml.AliasNode {
		if d.open[n.Alias] {
			d.fail(n, path, "found an anchor that contains itself: *%s, expected a mapping", n.Value)
			return nil
		}
		d.open[n.Alias] = true
		defer delete(d.open, n.Alias)
		n = n.Alias
	}
	if d.nodes++; d.nodes > maxNodes {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.pairs(n, path)
	case yaml.SequenceNode:
		var all []pair
		for _, item := range n.Content {
			all = append(all, d.merge(item, path)...)
		}
		return all
	}
	d.fail(n, path, "found %s behind <<, expected a mapping or a list of them", found(n))
	return nil
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	fields, alone := fieldsOf(v.Type())
	if len(alone) > 0 && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		if !slices.Contains(alone, n.Value) {
			d.fail(n, path, "found %s, expected %s or a mapping%s", quote(n.Value), words(alone), nearest(n.Value, alone))
			return
		}
		v.FieldByName("Word").SetString(n.Value)
		return
	}
	if n.Kind != yaml.MappingNode {
		want := "a mapping"
		if len(alone) > 0 {
			want = words(alone) + " or a mapping"
		}
		if len(fields) <= 12 {
			want += " with " + words(keysOf(fields))
		}
		d.fail(n, path, "found %s, expected %s%s", found(n), want, deeper(n))
		return
	}
	for _, p := range d.pairs(n, path) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == p.key.Value })
		if i < 0 {
			d.unknown(p.key, path, fields)
			continue
		}
		f := &fields[i]
		at := join(path, f.key)
		d.s.key[at] = d.place(p.key)
		if slices.Contains(f.later, "*") {
			d.s.later = append(d.s.later, at)
		}
		d.value(p.value, v.FieldByIndex(f.index), at, f)
	}
	for _, f := range fields {
		if at := join(path, f.key); f.need && d.s.key[at] == (place{}) {
			where := ""
			if path != "" {
				where = " in " + path
			}
			d.fail(n, at, "found no %q%s, expected it: %s", f.key, where, lower(f.about))
		}
	}
}

func (d *decoder) unknown(key *yaml.Node, path string, fields []field) {
	where := "here"
	if path != "" {
		where = "in " + path
	}
	known := keysOf(fields)
	hint := nearest(key.Value, known)
	if hint == "" {
		hint = "; known here: " + strings.Join(known, ", ")
	}
	if d.s.odd == nil {
		d.s.odd = make(map[string]bool)
	}
	d.s.odd[path] = true
	d.fail(key, join(path, key.Value), "found the unknown key %s %s%s", quote(key.Value), where, hint)
}

// deeper is the usual remedy of a key with nothing behind it.
func deeper(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return "; what belongs to it stands below it, indented deeper"
	}
	return ""
}

// table decodes a mapping with free keys.
func (d *decoder) table(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "found %s, expected a mapping%s", found(n), deeper(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range d.pairs(n, path) {
		at := join(path, p.key.Value)
		d.s.key[at] = d.place(p.key)
		d.s.order[path] = append(d.s.order[path], p.key.Value)
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(p.value, item, at, nil)
		v.SetMapIndex(reflect.ValueOf(p.key.Value), item)
	}
}

// tree checks a free value: keys are texts and given once. It returns a copy
// without aliases.
func (d *decoder) tree(n *yaml.Node, path string, depth int) *yaml.Node {
	none := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
	if d.nodes++; d.nodes > maxNodes || depth > maxDepth {
		if !d.s.bad[path] {
			d.fail(n, path, "found too many nested values, expected fewer")
		}
		return none
	}
	c := *n
	if n.Kind == yaml.AliasNode {
		if d.open[n.Alias] {
			d.fail(n, path, "found an anchor that contains itself: *%s, expected a value", n.Value)
			return none
		}
		n = n.Alias
		line, column := c.Line, c.Column
		c = *n
		c.Line, c.Column = line, column
	}
	d.open[n] = true
	defer delete(d.open, n)
	c.Content = nil
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			at := join(path, strconv.Itoa(i))
			d.s.pos[at] = d.place(item)
			c.Content = append(c.Content, d.tree(item, at, depth+1))
		}
	case yaml.MappingNode:
		if nulls(n) && n.Style&yaml.FlowStyle != 0 && depth > 0 {
			d.text(n, path)
			return none
		}
		for _, p := range d.pairs(n, path) {
			at := join(path, p.key.Value)
			d.s.pos[at] = d.place(p.value)
			c.Content = append(c.Content, p.key, d.tree(p.value, at, depth+1))
		}
	}
	return &c
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// lower makes a sentence fit after a colon.
func lower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + strings.TrimSuffix(s[1:], ".")
}
