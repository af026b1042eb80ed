package scenario

import (
	"fmt"
	"strings"
)

// headerTemplate is a header of the clients of one group.
type headerTemplate struct {
	name  string
	value *template
}

// rights checks what a group says of who its clients are.
func (v *validator) rights(path string, g *GroupSpec, vars []string) {
	for _, h := range v.s.keys(join(path, "headers")) {
		at := join(join(path, "headers"), h)
		v.template(at, g.Headers[h], g.of(namesOfToken), vars)
		if strings.ContainsAny(h, " :\r\n") || h == "" {
			v.fail(at, "found %s, expected the name of a header", quote(h))
		}
		for _, other := range v.s.keys("target.headers") {
			if strings.EqualFold(other, h) {
				v.fail(at, "found %s under target.headers as well, expected it once", quote(h))
			}
		}
	}
	for _, key := range []string{"subscribe", "publish", "session", "outbox"} {
		if g.Refused && v.s.given(join(path, key)) {
			v.fail(join(path, key), "found %s in a group that is to be refused, expected none: its clients never get so far", key)
		}
	}
	v.rows(path, g.Data)
}

func (c *compiler) headers(path string, g *GroupSpec, vars []string) (all []headerTemplate) {
	for _, h := range c.s.keys(join(path, "headers")) {
		all = append(all, headerTemplate{h, c.template(join(join(path, "headers"), h), g.Headers[h], g.of(namesOfToken), vars)})
	}
	return all
}

// credentials evaluates the headers of a client, and notes what of its row is
// secret: what its token and its headers are made of.
func (c *compiler) credentials(s *scope, t *clientTemplates, client *Client) error {
	columns := t.token.columns
	for _, h := range t.headers {
		value, err := h.value.text(s)
		if err != nil {
			return fmt.Errorf("%s: %w", h.name, err)
		}
		if strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("found a line break in the header %s, expected none", h.name)
		}
		client.Headers = append(client.Headers, HeaderPlan{h.name, value})
		columns = append(columns[:len(columns):len(columns)], h.value.columns...)
	}
	for _, name := range columns {
		if text, ok := s.Row[name].(string); ok {
			c.secret(text)
		}
	}
	return nil
}
