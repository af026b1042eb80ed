package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/expr-lang/expr"
	"gopkg.in/yaml.v3"
)

// entry is one compiled `publish` entry, shared by the clients of its group.
type entry struct {
	group    string
	name     string
	path     string // in the file
	channel  *template
	payload  []piece
	key      *template // nil: none
	size     DrawSize
	segments []segment
	clients  int
	static   []byte // the payload, if it never differs
	spec     *PublishSpec
	ack      bool
	http     bool
	priority string
}

// piece is a part of a JSON text: bytes, or a template whose value goes there.
type piece struct {
	raw      []byte
	template *template
}

// reserved are the keys under which Squall stamps and fills a payload.
var reserved = []string{"_squall", "_fill"}

// Compose makes the k-th publication of p, counted from 0. It depends only on
// the plan, p, k, now (since the run began) and runID, whatever was composed
// before. The payload may be shared and must not be changed. It may be called
// concurrently.
func (p *Publisher) Compose(k int64, now time.Duration, runID string) (Publication, error) {
	e := p.entry
	m := Publication{Channel: p.channel, Payload: e.static, Size: e.size.Lo, Number: k + 1, Made: now, Retain: p.Retain}
	if p.channel != "" && e.static != nil && e.size.Lo == e.size.Hi && e.key == nil {
		return m, nil
	}
	s := *p.self
	s.Seq, s.Run, s.now = k+1, runID, now
	s.rng = Rand(s.Seed, "publish", p.index, int(k))
	if e.size.Hi > e.size.Lo {
		m.Size += s.rng.IntN(e.size.Hi - e.size.Lo + 1)
	}
	var err error
	if m.Channel == "" {
		if m.Channel, err = e.channel.text(&s); err != nil {
			return m, fmt.Errorf("channel: %w", err)
		}
		if m.Channel == "" {
			return m, fmt.Errorf("channel: %s is empty", e.channel.source)
		}
	}
	if m.Payload == nil {
		if m.Payload, err = appendPieces(nil, e.payload, &s); err != nil {
			return m, err
		}
	}
	if e.key != nil {
		if m.Key, err = e.key.text(&s); err != nil {
			return m, fmt.Errorf("key: %w", err)
		}
	}
	return m, nil
}

func appendPieces(dst []byte, pieces []piece, s *scope) ([]byte, error) {
	for _, p := range pieces {
		if p.template == nil {
			dst = append(dst, p.raw...)
			continue
		}
		v, err := p.template.value(s)
		if err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
		text, err := marshal(v)
		if err != nil {
			return nil, fmt.Errorf("payload: in %s: %w", p.template.source, err)
		}
		dst = append(dst, text...)
	}
	return dst, nil
}

// marshal is json.Marshal without its care for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// payload compiles a YAML tree to pieces of JSON. fail is told of problems by
// path.
func payload(n *yaml.Node, path string, names, vars []string, fail func(path, text string)) []piece {
	return compilePayload(n, path, &payloadCompiler{names: names, vars: vars, fail: fail})
}

func compilePayload(n *yaml.Node, path string, c *payloadCompiler) []piece {
	fail := c.fail
	if n == nil {
		return []piece{{raw: []byte("{}")}}
	}
	if n.Kind != yaml.MappingNode {
		fail(path, "found "+found(n)+", expected a mapping: payloads are JSON objects")
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; slices.Contains(reserved, k) {
			fail(join(path, k), fmt.Sprintf("found the key %q, which carries the stamp, expected another", k))
		}
	}
	c.node(n, path)
	c.flush()
	return c.pieces
}

type payloadCompiler struct {
	names, vars []string
	pure        bool // its templates are functions of msg
	fail        func(path, text string)
	pieces      []piece
	raw         []byte
}

func (c *payloadCompiler) flush() {
	if len(c.raw) > 0 {
		c.pieces = append(c.pieces, piece{raw: c.raw})
		c.raw = nil
	}
}

func (c *payloadCompiler) node(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.MappingNode:
		c.raw = append(c.raw, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				c.raw = append(c.raw, ',')
			}
			key := n.Content[i].Value
			text, _ := marshal(key)
			c.raw = append(append(c.raw, text...), ':')
			c.node(n.Content[i+1], join(path, key))
		}
		c.raw = append(c.raw, '}')
	case yaml.SequenceNode:
		c.raw = append(c.raw, '[')
		for i, item := range n.Content {
			if i > 0 {
				c.raw = append(c.raw, ',')
			}
			c.node(item, join(path, fmt.Sprint(i)))
		}
		c.raw = append(c.raw, ']')
	default:
		c.scalar(n, path)
	}
}

func (c *payloadCompiler) scalar(n *yaml.Node, path string) {
	var v any = n.Value
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		if err := n.Decode(&v); err != nil {
			c.fail(path, "found "+found(n)+", expected a value of JSON")
			return
		}
	default:
		t, err := compileTemplate(n.Value, c.names, c.vars, c.options()...)
		if err != nil {
			c.fail(path, err.Error())
			return
		}
		if c.pure && t.uses&^usesMessage != 0 {
			c.fail(path, "found a value that depends on more than the message, expected a function of msg alone")
			return
		}
		if t.uses != 0 || t.single() {
			c.flush()
			c.pieces = append(c.pieces, piece{template: t})
			return
		}
		if v, err = t.text(nil); err != nil {
			c.fail(path, err.Error())
			return
		}
	}
	text, err := marshal(v)
	if err != nil {
		c.fail(path, "found "+found(n)+", expected a value of JSON")
		return
	}
	c.raw = append(c.raw, text...)
}

func (c *payloadCompiler) options() []expr.Option {
	if c.pure {
		return withoutImpure()
	}
	return nil
}
