package scenario

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// transforms checks target.gateway.transform as far as it stands in the file.
func (v *validator) transforms() {
	t := v.s.Target
	if t == nil || t.Gateway == nil {
		return
	}
	var channels, paths []string
	for i, x := range t.Gateway.Transform {
		path := oneOfMany(v.s, "target.gateway.transform", i)
		v.only(path, reflect.TypeFor[ShapeSpec](), "channel", "payload")
		if x.Channel == "" {
			v.fail(path, "found a transform without a channel, expected the channel or pattern that it is for")
		}
		v.transform(path, x.Channel, x.Payload)
		channels, paths = append(channels, x.Channel), append(paths, join(path, "channel"))
	}
	v.each("transforms", channels, paths)
}

// transformWants checks what is expected of transformations.
func (v *validator) transformWants() {
	var channels, paths []string
	for i := range v.s.Expect {
		e, path := &v.s.Expect[i], join("expect", strconv.Itoa(i)+".transform")
		if e.Transform == nil {
			continue
		}
		v.only(path, reflect.TypeFor[ShapeWant](), "channel", "payload")
		if e.Channel != "" && e.Transform.Channel != "" {
			v.fail(join(path, "channel"), "found channel twice, expected it within transform only")
		}
		channel := or(e.Transform.Channel, e.Channel)
		v.transform(path, channel, e.Transform.Payload)
		channels, paths = append(channels, or(channel, "**")), append(paths, path)
	}
	v.each("expected transforms", channels, paths)
}

func (v *validator) transform(path, channel string, t Tree) {
	if strings.Contains(channel, "*") {
		if err := checkPattern(channel); err != nil {
			v.fail(join(path, "channel"), "%v", err)
		}
	}
	if !t.Given() {
		v.fail(path, "found a transform without a payload, expected the new one, as in payload: {option: \"{msg.option}\"}")
		return
	}
	transformed(t.node, join(path, "payload"), func(path, text string) { v.fail(path, "%s", text) })
}

// only refuses keys of a shape that have no meaning there.
func (v *validator) only(path string, t reflect.Type, keys ...string) {
	given, _ := v.choices(path, t, func(f field) bool { return !slices.Contains(keys, f.key) })
	for _, key := range given {
		v.fail(join(path, key), "found %s, expected nothing but %s", key, strings.Join(keys, " and "))
	}
}

// each refuses channels and patterns that may match one channel, of which nobody
// could say by which it is meant.
func (v *validator) each(what string, channels, paths []string) {
	for i, a := range channels {
		for _, b := range channels[:i] {
			if Overlap(a, b) {
				v.fail(paths[i], "found two %s that may concern one channel, %s and %s, expected at most one for each", what, quote(b), quote(a))
				break
			}
		}
	}
}

// oneOfMany is the path of an item of a list that one value may stand for.
func oneOfMany(s *Scenario, path string, i int) string {
	if at := join(path, strconv.Itoa(i)); s.given(at) {
		return at
	}
	return path
}

// expectTransform takes over what is expected of a transformation.
func (c *compiler) expectTransform(e *Expectation, s *ExpectSpec, path string) {
	e.Rule, e.Channel = "transform", or(s.Transform.Channel, s.Channel)
	c.addTransform(e, s.Transform.Payload.node, path)
}

func (c *compiler) addTransform(e *Expectation, n *yaml.Node, path string) {
	t := newTransform(e.Channel, n, path, func(path, text string) { c.fail(path, "%s", text) })
	e.Payload = t.Payload
	c.plan.Transforms = append(c.plan.Transforms, t)
}

// promisedTransforms is what a gateway that transforms claims, unless the file
// expects something of transformations itself.
func (c *compiler) promisedTransforms() (all []Expectation) {
	for i := range c.s.Expect {
		if c.s.Expect[i].Transform != nil {
			return nil
		}
	}
	if t := c.s.Target; c.plan.Target.Embedded && t != nil && t.Gateway != nil {
		for i, x := range t.Gateway.Transform {
			e := Expectation{Rule: "transform", Channel: x.Channel}
			c.addTransform(&e, x.Payload.node, oneOfMany(c.s, "target.gateway.transform", i))
			all = append(all, e)
		}
	}
	return all
}

// gatewayTransforms takes over the transformations of the embedded gateway.
func (c *compiler) gatewayTransforms(g *GatewaySpec) {
	for i, x := range g.Transform {
		path := join(oneOfMany(c.s, "target.gateway.transform", i), "payload")
		t := newTransform(x.Channel, x.Payload.node, path, func(path, text string) { c.fail(path, "%s", text) })
		c.plan.Target.Gateway.Transforms = append(c.plan.Target.Gateway.Transforms, t)
	}
}

// treeText writes a payload of the file as JSON, its templates as texts.
func treeText(n *yaml.Node) string {
	var b strings.Builder
	var write func(n *yaml.Node)
	write = func(n *yaml.Node) {
		if n == nil { // the file has another problem
			return
		}
		switch n.Kind {
		case yaml.MappingNode:
			b.WriteByte('{')
			for i := 0; i+1 < len(n.Content); i += 2 {
				if i > 0 {
					b.WriteString(", ")
				}
				key, _ := marshal(n.Content[i].Value)
				b.Write(key)
				b.WriteString(": ")
				write(n.Content[i+1])
			}
			b.WriteByte('}')
		case yaml.SequenceNode:
			b.WriteByte('[')
			for i, item := range n.Content {
				if i > 0 {
					b.WriteString(", ")
				}
				write(item)
			}
			b.WriteByte(']')
		default:
			b.Write(scalarText(n))
		}
	}
	write(n)
	return b.String()
}

func scalarText(n *yaml.Node) []byte {
	var v any = n.Value
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		if n.Decode(&v) != nil {
			v = n.Value
		}
	}
	text, err := marshal(v)
	if err != nil {
		text, _ = marshal(n.Value)
	}
	return text
}
