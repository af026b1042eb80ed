package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// A filter is an expression over the fields of a published payload. The target
// evaluates it, to choose what it delivers; the driver does, to know what is owed.
// It is the same text for both, and a pure function of the message: it can't see
// clocks, chance, or the client. What of the client it is about stands in the text,
// put there by a template when the plan is made.
//
// A message for which it has no value (a field is missing where a number is
// needed, say) or one that isn't true or false is not let through.

// Filter is one of the different filters of a plan.
type Filter struct {
	Text   string // "" lets everything through
	Secret bool   // it holds a value that must not be shown

	topics  []string // of the subscriptions that have it: channels and patterns
	program *Expr
}

// Shown is the filter for people.
func (f *Filter) Shown() string {
	switch {
	case f.Secret:
		return "***"
	case f.Text == "":
		return "none"
	}
	return f.Text
}

// mostFilters is how many different filters a plan can have: one bit each.
const mostFilters = 64

// CompileFilter makes a function of a filter's text, over payloads in JSON.
func CompileFilter(text string) (func(payload []byte) bool, error) {
	e, err := compileFilter(text)
	if err != nil {
		return nil, err
	}
	return func(payload []byte) bool { return e.admits(decodeMessage(payload)) }, nil
}

// impure are the functions of the library whose results have no fixed order.
var impure = []string{"keys", "values", "toPairs"}

func withoutImpure() (options []expr.Option) {
	for _, name := range impure {
		options = append(options, expr.DisableBuiltin(name))
	}
	return options
}

func compileFilter(text string) (*Expr, error) {
	options := append(withoutImpure(), expr.AsBool())
	e, err := compileExpr(text, []string{"msg"}, nil, options...)
	switch {
	case err != nil && strings.HasPrefix(err.Error(), "expected bool, but got "):
		return nil, fmt.Errorf("found a filter whose value is %s, expected one that is true or false, as in msg.weight > 1", strings.TrimPrefix(err.Error(), "expected bool, but got "))
	case err != nil:
		return nil, err
	case e.uses&usesMessage == 0:
		return nil, errors.New("found a filter that doesn't look at the message, expected one over its fields, as in msg.kind == 'vote'")
	case computes(e.program.Node()):
		return nil, errors.New("found a filter that computes a value, expected one that is true or false, as in msg.weight > 1")
	case e.uses != usesMessage:
		return nil, errors.New("found a filter that depends on more than the message, expected a function of msg alone")
	}
	return e, nil
}

// computes reports whether an expression is arithmetic, whatever its operands are.
func computes(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && slices.Contains([]string{"+", "-", "*", "/", "%", "**", "^", ".."}, b.Operator)
}

// decodeMessage is a payload as filters see it; nil if it is no object.
func decodeMessage(payload []byte) map[string]any {
	var msg map[string]any
	if json.Unmarshal(payload, &msg) != nil {
		return nil
	}
	return msg
}

// admits reports whether a filter lets a message through.
func (e *Expr) admits(msg map[string]any) bool {
	if msg == nil {
		return false
	}
	v, err := e.eval(&scope{Msg: msg})
	is, ok := v.(bool)
	return err == nil && ok && is
}

// FiltersOf tells which filters concern a channel: bit n−1 stands for number n.
func (p *Plan) FiltersOf(channel string) (bits uint64) {
	for i := range p.Filters {
		for _, topic := range p.Filters[i].topics {
			if Match(topic, channel) {
				bits |= 1 << i
				break
			}
		}
	}
	return bits
}

// Passes tells which of some filters let a payload through.
func (p *Plan) Passes(payload []byte, bits uint64) (through uint64) {
	if bits == 0 {
		return 0
	}
	msg := decodeMessage(payload)
	for i := range p.Filters {
		if f := &p.Filters[i]; bits&(1<<i) != 0 && (f.program == nil || f.program.admits(msg)) {
			through |= 1 << i
		}
	}
	return through
}

// filter checks the filter of a subscription as far as it stands in the file.
func (v *validator) filter(path string, text Template, names, vars []string) {
	if text == "" {
		if v.s.given(path) {
			v.fail(path, "found an empty filter, expected an expression, as in msg.kind == 'vote'")
		}
		return
	}
	t, err := compileTemplate(string(text), names, vars)
	if err != nil {
		v.fail(path, "%v", err)
		return
	}
	if len(t.parts) == 1 && t.parts[0].expr == nil {
		if _, err := compileFilter(t.parts[0].text); err != nil {
			v.fail(path, "%v", err)
		}
	}
}

// canFilter refuses filters that the target can't be asked for.
func (c *compiler) canFilter(path string, optional bool) bool {
	switch {
	case c.dialect.Filters && (!c.plan.Target.Embedded || c.plan.Target.Gateway.Filter):
		return true
	case optional && !c.dialect.Filters:
	case !c.dialect.Filters:
		c.fail(path, "found a filter, expected none: the dialect %s has no filters; optional: true leaves the subscription out", c.dialect.Name)
	default:
		c.fail(path, "found a filter, expected a gateway that has them: write filter: true under target.gateway")
	}
	return false
}

// filtered numbers the filter that a template has for one client; 0 if it has
// none.
func (c *compiler) filtered(path string, t *template, topic string, s *scope) (number uint8, err error) {
	if t == nil || t.source == "" {
		return 0, nil
	}
	text, err := t.text(s)
	if err != nil {
		return 0, err
	}
	program, err := compileFilter(text)
	if err != nil {
		return 0, err
	}
	secret := t.uses&usesEnv != 0 || len(t.columns) > 0
	if number, err = c.numberFilter(Filter{Text: text, Secret: secret, program: program}, topic); err == nil {
		c.filterPath[filteredTopic{s.N, topic}] = path
	}
	return number, err
}

// filteredTopic is where a client has a filter.
type filteredTopic struct {
	client int
	topic  string
}

func (c *compiler) numberFilter(f Filter, topic string) (uint8, error) {
	p := c.plan
	at := slices.IndexFunc(p.Filters, func(o Filter) bool { return o.Text == f.Text })
	if at < 0 {
		if len(p.Filters) == mostFilters {
			return 0, fmt.Errorf("found more than %d different filters in the run, expected at most so many", mostFilters)
		}
		at = len(p.Filters)
		p.Filters = append(p.Filters, f)
	}
	known := &p.Filters[at]
	if known.Secret = known.Secret || f.Secret; !slices.Contains(known.topics, topic) {
		known.topics = append(known.topics, topic)
	}
	return uint8(at + 1), nil
}

// overlaps refuses what can't be judged: a filter beside another subscription of
// the same client that brings some of the same channels, since nothing tells by
// which of them a message came. It also numbers the subscriptions without a filter
// to topics that their clients have with one at another time.
func (c *compiler) overlaps() {
	p := c.plan
	if len(p.Filters) == 0 || c.failed() {
		return
	}
	later := make(map[int][]*Sub)
	for i := range p.Moments {
		if m := &p.Moments[i]; m.Do == "subscribe" {
			for v := range m.Victims {
				later[m.Victims[v].Client] = append(later[m.Victims[v].Client], &m.Victims[v].Sub)
			}
		}
	}
	for n := range p.Clients {
		var all []*Sub
		for i := range p.Clients[n].Subs {
			all = append(all, &p.Clients[n].Subs[i])
		}
		all = append(all, later[n]...)
		for _, a := range all {
			if a.Filter == 0 {
				continue
			}
			for _, b := range all {
				one, other := p.Channels[a.Channel], p.Channels[b.Channel]
				switch {
				case a.Channel == b.Channel:
					if b.Filter > 0 {
						continue
					}
					var err error
					if b.Filter, err = c.numberFilter(Filter{}, one); err != nil {
						c.fail(c.filterPath[filteredTopic{n, one}], "%v", err)
						return
					}
				case Overlap(one, other):
					c.fail(c.filterPath[filteredTopic{n, one}], "found a filter on %s, expected no other subscription that brings the same: client %d of the run has %s, too, and nothing tells which of them a message came by", quote(one), n, quote(other))
					return
				}
			}
		}
	}
	for n := range p.Clients {
		for i := range p.Clients[n].Subs {
			if s := &p.Clients[n].Subs[i]; s.Observe && s.Filter > 0 {
				c.fail(c.filterPath[filteredTopic{n, p.Channels[s.Channel]}], "found a filter with observe: true, expected one of them: what others publish can't be compared with a filter")
				return
			}
		}
	}
}

// Overlap reports whether some channel is matched by both of two topics.
func Overlap(a, b string) bool {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		switch {
		case x == "**" && !moreA, y == "**" && !moreB:
			return true
		case x != y && x != "*" && y != "*":
			return false
		case !moreA || !moreB:
			return moreA == moreB
		}
		a, b = restA, restB
	}
}
