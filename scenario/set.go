package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// set makes one change PATH=VALUE in the tree, before it is decoded, so that
// the new value is judged like any other; problems with it are placed at the
// flag.
func (d *decoder) set(root *yaml.Node, change string) {
	origin := "--set " + clipped(change)
	fail := func(format string, args ...any) {
		d.problems = append(d.problems, place{origin: origin}.problem(d.s.file, fmt.Sprintf(format, args...)))
	}
	path, text, ok := strings.Cut(change, "=")
	if !ok || path == "" {
		fail("found %s, expected PATH=VALUE such as clients.voters.count=200", quote(change))
		return
	}
	value := d.parseSet(text, origin)
	n, steps := root, strings.Split(path, ".")
	for i, step := range steps {
		for n.Kind == yaml.AliasNode {
			// What is set behind an alias must not change what others see of it.
			at := n.Alias
			*n = *clone(at, 0)
		}
		last := i == len(steps)-1
		switch {
		case n.Kind == yaml.MappingNode:
			next := member(n, step)
			switch {
			case next == nil && !last && i == 1 && steps[0] == "clients":
				// A misspelt group would be a new one, and the one that was meant as before.
				fail("found no group %s, expected %s%s", quote(step), words(keysIn(n)), nearest(step, keysIn(n)))
				return
			case next == nil && !last && isIndex(steps[i+1]):
				fail("found nothing at %s, expected a list to look into", strings.Join(steps[:i+1], "."))
				return
			case next == nil && last:
				n.Content = append(n.Content, d.key(step, origin), value)
			case next == nil:
				next = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
				d.origin[next] = origin
				n.Content = append(n.Content, d.key(step, origin), next)
			case last:
				*next = *value
				d.adopt(next, origin)
			}
			n = next
		case n.Kind == yaml.SequenceNode:
			next := listed(n, step)
			if next == nil {
				fail("found no entry %q in %s, expected %s", step, strings.Join(steps[:i], "."), listing(n))
				return
			}
			if last {
				*next = *value
				d.adopt(next, origin)
			}
			n = next
		case n.Kind == yaml.ScalarNode && i == 1 && steps[0] == "target" && (n.Value == "embedded" || n.Tag == "!!null"):
			// `target: embedded` has room for promises.
			*n = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
			next := value
			if !last {
				next = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
				d.origin[next] = origin
			}
			n.Content = append(n.Content, d.key(step, origin), next)
			n = next
		default:
			fail("found %s at %s, expected a mapping or a list to look into", found(n), strings.Join(steps[:i], "."))
			return
		}
	}
}

// mostOfChange is how much of a change is repeated with each of its problems.
const mostOfChange = 60

func clipped(change string) string {
	if r := []rune(change); len(r) > mostOfChange {
		return string(r[:mostOfChange-1]) + "…"
	}
	return change
}

func (d *decoder) key(name, origin string) *yaml.Node {
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
	d.origin[k] = origin
	return k
}

// parseSet reads the value as YAML; what is no YAML, or is a template that
// lost its quotes to the shell, is text.
func (d *decoder) parseSet(text, origin string) *yaml.Node {
	var doc yaml.Node
	plain := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	n := plain
	if err := yaml.Unmarshal([]byte(text), &doc); err == nil && len(doc.Content) == 1 {
		if n = doc.Content[0]; n.Kind == yaml.MappingNode && nulls(n) || n.Kind == yaml.AliasNode {
			n = plain
		}
	}
	d.adopt(n, origin)
	return n
}

// adopt marks n and all below it as coming from origin.
func (d *decoder) adopt(n *yaml.Node, origin string) {
	d.origin[n] = origin
	for _, c := range n.Content {
		d.adopt(c, origin)
	}
}

func member(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func keysIn(n *yaml.Node) []string {
	var keys []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	return keys
}

func isIndex(step string) bool {
	_, err := strconv.Atoi(step)
	return err == nil
}

// listed finds an entry of a list by its index, its name, or the one key that it
// is known by.
func listed(n *yaml.Node, step string) *yaml.Node {
	if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
		return n.Content[i]
	}
	for _, item := range n.Content {
		if name := member(item, "name"); item.Kind == yaml.MappingNode && name != nil && name.Value == step {
			return item
		}
	}
	return nil
}

func listing(n *yaml.Node) string {
	known := []string{fmt.Sprintf("an index below %d", len(n.Content))}
	for _, item := range n.Content {
		if name := member(item, "name"); item.Kind == yaml.MappingNode && name != nil {
			known = append(known, name.Value)
		}
	}
	return words(known)
}

// clone copies a tree without its anchors; depth bounds anchors that contain
// themselves.
func clone(n *yaml.Node, depth int) *yaml.Node {
	c := *n
	c.Anchor = ""
	c.Content = nil
	if depth > maxDepth {
		return &c
	}
	for _, x := range n.Content {
		c.Content = append(c.Content, clone(x, depth+1))
	}
	return &c
}
