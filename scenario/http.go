package scenario

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// HTTPPlan is how a target of the user's is published to over HTTP.
type HTTPPlan struct {
	Method string

	url     *template
	headers []headerTemplate
	body    []piece
}

// Request is one HTTP request that publishes one message.
type Request struct {
	Method  string
	URL     string       // or a path, at the embedded gateway
	Headers []HeaderPlan // values may be secret
	Body    []byte       // JSON
}

// namesOfRequest have a value where a request is written down.
var namesOfRequest = append(slices.Clone(namesOfTarget), "channel", "payload", "key", "user")

// mostPosts bounds the connections that publish over HTTP.
const mostPosts = 64

// MostPosts is how many connections publish over HTTP at one time.
func (p *Plan) MostPosts() (n int) {
	for i := range p.Publishers {
		if p.Publishers[i].HTTP {
			n++
		}
	}
	return min(n, mostPosts)
}

// Request writes the request that publishes m, of which stamped is the payload as it
// goes out.
func (p *Plan) Request(pub *Publisher, m *Publication, stamped []byte) (Request, error) {
	if p.Target.HTTP == nil {
		return p.ownRequest(pub, m, stamped)
	}
	h, s := p.Target.HTTP, *pub.self
	s.Channel, s.Payload, s.Key = m.Channel, json.RawMessage(stamped), m.Key
	r := Request{Method: h.Method}
	var err error
	if r.URL, err = h.url.text(&s); err != nil {
		return r, fmt.Errorf("url: %w", err)
	}
	for _, x := range h.headers {
		value, err := x.value.text(&s)
		if err != nil {
			return r, fmt.Errorf("headers.%s: %w", x.name, err)
		}
		r.Headers = append(r.Headers, HeaderPlan{x.name, value})
	}
	if r.Body, err = appendPieces(nil, h.body, &s); err != nil {
		return r, fmt.Errorf("body: %w", err)
	}
	return r, nil
}

// ownRequest is the one that the embedded gateway understands.
func (p *Plan) ownRequest(pub *Publisher, m *Publication, stamped []byte) (Request, error) {
	body := struct {
		Channel string          `json:"channel"`
		Key     string          `json:"key,omitempty"`
		Data    json.RawMessage `json:"data"`
	}{m.Channel, m.Key, stamped}
	text, err := marshal(body)
	r := Request{Method: "POST", URL: "/publish", Body: text}
	if token := p.Clients[pub.Client].Token; token != "" {
		r.Headers = append(r.Headers, HeaderPlan{"Authorization", "Bearer " + token})
	}
	return r, err
}

// http checks the request of the target, and who needs it.
func (v *validator) http() {
	t := v.s.Target
	if t == nil || t.HTTP == nil {
		return
	}
	at, r := "target.http.publish", t.HTTP.Publish
	switch {
	case len(t.URL) == 0:
		v.fail("target.http", "found http without a url, expected both: the embedded gateway has its own way to publish over HTTP")
		return
	case r == nil:
		v.fail("target.http", "found no publish, expected the request that publishes: {url: …, body: {…}}")
		return
	case r.URL == "":
		v.fail(at, "found no url, expected one, such as http://127.0.0.1:8000/api/publish")
	}
	v.template(join(at, "url"), r.URL, namesOfRequest, nil)
	if i := strings.Index(string(r.URL), "{"); r.URL != "" && i != 0 {
		u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(string(r.URL)))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			v.fail(join(at, "url"), "found %s, expected an address that begins with http:// or https://", quote(string(r.URL)))
		}
	}
	if r.Method != "" && !slices.Contains([]string{"POST", "PUT", "PATCH"}, r.Method) {
		v.fail(join(at, "method"), "found %s, expected POST, PUT or PATCH", quote(r.Method))
	}
	for _, h := range v.s.keys(join(at, "headers")) {
		v.template(join(join(at, "headers"), h), r.Headers[h], namesOfRequest, nil)
		if strings.ContainsAny(h, " :\r\n") || h == "" {
			v.fail(join(join(at, "headers"), h), "found %s, expected the name of a header", quote(h))
		}
	}
	uses := uses(0)
	for _, p := range payload(r.Body.node, join(at, "body"), namesOfRequest, nil, func(path, text string) { v.fail(path, "%s", text) }) {
		if p.template != nil {
			uses |= p.template.uses
		}
	}
	if uses&usesPayload == 0 && v.sound(at) {
		v.fail(at, "found a body without \"{payload}\", expected it: what is published goes there")
	}
}

// http compiles the request of the target.
func (c *compiler) http(t *TargetSpec) {
	if t.HTTP == nil || t.HTTP.Publish == nil || c.plan.Target.Embedded {
		return
	}
	at, r := "target.http.publish", t.HTTP.Publish
	h := &HTTPPlan{Method: or(r.Method, "POST"), url: c.template(join(at, "url"), r.URL, namesOfRequest, nil)}
	for _, name := range c.s.keys(join(at, "headers")) {
		h.headers = append(h.headers, headerTemplate{name, c.template(join(join(at, "headers"), name), r.Headers[name], namesOfRequest, nil)})
	}
	h.body = payload(r.Body.node, join(at, "body"), namesOfRequest, nil, func(path, text string) { c.fail(path, "%s", text) })
	for _, p := range h.body {
		if p.template != nil {
			c.needs(join(at, "body"), p.template)
		}
	}
	c.plan.Target.HTTP = h
}

// overHTTP decides about an entry whether it is published over HTTP.
func (c *compiler) overHTTP(at string, spec *PublishSpec) bool {
	switch {
	case spec.Via != "http":
		return false
	case !c.plan.Target.Embedded && c.plan.Target.HTTP == nil:
		c.fail(join(at, "via"), "found http and no target.http, expected the request that publishes: target: {http: {publish: {url: …, body: {channel: \"{channel}\", data: \"{payload}\"}}}}")
	case spec.Retain:
		c.fail(join(at, "retain"), "found retain with via: http, expected one of them: how a request asks for that is not known")
	case spec.Ack != nil && !*spec.Ack:
		c.fail(join(at, "ack"), "found ack: false with via: http, expected none: a request has an answer")
	}
	return true
}
