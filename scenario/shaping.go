package scenario

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How a target thins out what is published on some channels.
const (
	Throttle  = "throttle"  // at most one message in a time: the last of those that came, or the first
	Debounce  = "debounce"  // the last message, when none has come for a time
	Aggregate = "aggregate" // sums instead of messages
)

// Shape is what becomes of the messages of the channels that Match stands for.
type Shape struct {
	Kind  string        `json:"kind"`
	Match string        `json:"match"`
	Every time.Duration `json:"every_ns,omitempty"` // throttle: the time in which one message is let through; aggregate: that is added up
	Keep  string        `json:"keep,omitempty"`     // throttle: last, first
	Quiet time.Duration `json:"quiet_ns,omitempty"` // debounce
	Sum   string        `json:"sum,omitempty"`      // aggregate: the field that is added up
	By    string        `json:"by,omitempty"`       // aggregate: the field whose values have a sum each
}

// Settles reports whether the last message itself always comes.
func (s *Shape) Settles() bool { return s.Kind == Debounce || s.Kind == Throttle && s.Keep != "first" }

// Longest is how long a message may be held back.
func (s *Shape) Longest() time.Duration { return max(s.Every, s.Quiet) }

// String is the shape for people.
func (s *Shape) String() string {
	switch s.Kind {
	case Debounce:
		return fmt.Sprintf("%s: debounced, quiet %s", s.Match, short(s.Quiet))
	case Aggregate:
		return fmt.Sprintf("%s: the sum of %s by %s, every %s", s.Match, s.Sum, s.By, short(s.Every))
	}
	return fmt.Sprintf("%s: throttled, 1 per %s, keep %s", s.Match, short(s.Every), s.Keep)
}

// Shape is what p says of the shaping of a channel; nil: nothing. What a rule for
// channels says goes before what the gateway's configuration does.
func (p *Promises) Shape(channel string) *Shape {
	for i := range p.Channels {
		if c := &p.Channels[i]; Match(c.Match, channel) {
			if c.Shape != nil {
				return c.Shape
			}
			break
		}
	}
	for i := range p.Shapes {
		if Match(p.Shapes[i].Match, channel) {
			return &p.Shapes[i]
		}
	}
	return nil
}

// through is the share of what a publisher says at a rate that a throttle lets
// through; 1 elsewhere.
func (p *Promises) through(channel string, rate float64) float64 {
	if channel == "" || rate == 0 {
		return 1
	}
	if s := p.Shape(channel); s != nil && s.Every > 0 {
		return min(1, 1/(s.Every.Seconds()*rate))
	}
	return 1
}

// AllShapes lists the shapes that p promises.
func (p *Promises) AllShapes() (all []Shape) {
	for _, c := range p.Channels {
		if c.Shape != nil {
			all = append(all, *c.Shape)
		}
	}
	return append(all, p.Shapes...)
}

// Quota is a number of messages in a time: 1 per 200ms.
type Quota struct {
	Count int
	Per   time.Duration
	Given bool
}

var errQuota = errors.New("a number of messages in a time, such as 1 per 200ms")

// mostQuota bounds the number: the judge remembers so many receipts for each
// subscription.
const mostQuota = 1000

func (q *Quota) scan(text string) error {
	n, d, ok := strings.Cut(text, " per ")
	count, err := strconv.Atoi(strings.TrimSpace(n))
	if !ok || err != nil || count < 1 || count > mostQuota {
		return errQuota
	}
	per, err := parseDuration(strings.TrimSpace(d))
	if err != nil || per <= 0 {
		return errQuota
	}
	*q = Quota{Count: count, Per: per, Given: true}
	return nil
}

func (q *Quota) pattern() string { return `[0-9]+ per ` + durationPattern }

// ShapeLimit is the body of an expectation about shaped channels.
type ShapeLimit struct {
	Count   int           `json:"count,omitempty"`    // throttle: at most so many
	Per     time.Duration `json:"per_ns,omitempty"`   // in this time
	Quiet   time.Duration `json:"quiet_ns,omitempty"` // debounce
	Settles Limit         `json:"settles,omitzero"`   // seconds, from the last publication to its receipt
}

// shapes checks what the file says of shaping, of the gateway and of promises.
func (v *validator) shapes() {
	t := v.s.Target
	if t == nil {
		return
	}
	v.batches(t)
	v.keptRows(t)
	if g := t.Gateway; g != nil {
		v.shapeList("target.gateway.throttle", Throttle, g.Throttle)
		v.shapeList("target.gateway.debounce", Debounce, g.Debounce)
		v.shapeList("target.gateway.aggregate", Aggregate, g.Aggregate)
		v.apart(g)
	}
	if t.Promises == nil {
		return
	}
	for i := range t.Promises.Channels {
		c, path := &t.Promises.Channels[i], join("target.promises.channels", strconv.Itoa(i))
		if c.Throttle != nil {
			v.shape(join(path, Throttle), Throttle, c.Throttle, c.Match)
		}
		if c.Debounce != nil {
			v.shape(join(path, Debounce), Debounce, c.Debounce, c.Match)
		}
		if c.Aggregate != nil {
			v.shape(join(path, Aggregate), Aggregate, c.Aggregate, c.Match)
		}
		given := ""
		for _, x := range []struct {
			kind string
			spec *ShapeSpec
		}{{Throttle, c.Throttle}, {Debounce, c.Debounce}, {Aggregate, c.Aggregate}} {
			switch {
			case x.spec == nil:
			case given != "":
				v.fail(join(path, x.kind), "found %s and %s for %s, expected one of them", given, x.kind, quote(c.Match))
			default:
				given = x.kind
			}
		}
	}
}

func (v *validator) shapeList(path, kind string, list []ShapeSpec) {
	if v.s.given(path) && len(list) == 0 {
		v.fail(path, "found an empty list, expected a shape, as in {channel: \"tally.*\", %s}", shapeExample(kind))
	}
	for i := range list {
		v.shape(v.item(path, i), kind, &list[i], "")
	}
}

// item is the path of an element of a list, for which one value may stand.
func (v *validator) item(path string, i int) string {
	if at := join(path, strconv.Itoa(i)); v.s.given(at) {
		return at
	}
	return path
}

func shapeExample(kind string) string {
	switch kind {
	case Debounce:
		return "quiet: 300ms"
	case Aggregate:
		return "every: 500ms, sum: weight, by: option"
	}
	return "every: 200ms"
}

// shape checks one shape. Match is what a promise is about already; "" where the
// shape says it.
func (v *validator) shape(path, kind string, s *ShapeSpec, match string) {
	keys, key, d := []string{"every", "keep"}, "every", s.Every
	switch kind {
	case Debounce:
		keys, key, d = []string{"quiet"}, "quiet", s.Quiet
	case Aggregate:
		keys = []string{"every", "sum", "by"}
	}
	promise := match != ""
	if !promise {
		keys = append([]string{"channel"}, keys...)
	}
	v.onlyKeys(path, kind, reflect.TypeFor[ShapeSpec](), keys)
	switch {
	case !promise && s.Channel == "" && v.sound(path):
		v.fail(path, "found no channel, expected one, as in {channel: \"tally.*\", %s}", shapeExample(kind))
	case !promise && s.Channel != "":
		v.topicName(join(path, "channel"), s.Channel)
	}
	switch {
	case !d.Given && v.sound(path):
		v.fail(path, "found no %s, expected one, as in %s", key, shapeExample(kind))
	case d.Given && d.Duration < time.Millisecond:
		v.fail(join(path, key), "found %v, expected 1ms or more", d)
	}
	if kind == Aggregate {
		v.addedUp(path, s)
	}
}

// onlyKeys refuses the keys of a mapping that mean nothing to one of its uses.
func (v *validator) onlyKeys(path, use string, t reflect.Type, keys []string) {
	given, _ := v.choices(path, t, func(field) bool { return true })
	for _, key := range given {
		if !slices.Contains(keys, key) {
			v.fail(join(path, key), "found %s with %s, expected %s only", key, use, words(keys))
		}
	}
}

// topicName checks the name of a channel or a pattern of channels.
func (v *validator) topicName(path, name string) {
	check := checkChannel
	if strings.Contains(name, "*") {
		check = checkPattern
	}
	if err := check(name); err != nil {
		v.fail(path, "%v", err)
	}
}

// apart refuses two shapes of the gateway that match the same channel: nothing says
// in which order they would do their work.
func (v *validator) apart(g *GatewaySpec) {
	type named struct{ path, kind, match string }
	var all []named
	for i, s := range g.Throttle {
		all = append(all, named{v.item("target.gateway.throttle", i), Throttle, s.Channel})
	}
	for i, s := range g.Debounce {
		all = append(all, named{v.item("target.gateway.debounce", i), Debounce, s.Channel})
	}
	for i, s := range g.Batch {
		all = append(all, named{v.item("target.gateway.batch", i), batchWord, s.Channel})
	}
	for i, s := range g.Aggregate {
		all = append(all, named{v.item("target.gateway.aggregate", i), Aggregate, s.Channel})
	}
	for _, s := range g.Transform {
		for _, b := range all {
			if b.kind == Aggregate && s.Channel != "" && b.match != "" && Overlap(s.Channel, b.match) {
				v.fail(join(b.path, "channel"), "found aggregate for %s, expected other channels than those of transform, which has %s", quote(b.match), quote(s.Channel))
			}
		}
	}
	for i, b := range all {
		for _, a := range all[:i] {
			if a.match != "" && b.match != "" && Overlap(a.match, b.match) {
				v.fail(join(b.path, "channel"), "found %s for %s, expected other channels than those of %s, which has %s", b.kind, quote(b.match), a.kind, quote(a.match))
				break
			}
		}
	}
}

// shapeWant checks the body of an expectation about shaped channels.
func (v *validator) shapeWant(path, kind string, e *ExpectSpec, w *ShapeWant) {
	keys := []string{"channel", "at-most", "settles-within"}
	if kind == Debounce {
		keys = []string{"channel", "quiet", "settles-within"}
	}
	v.onlyKeys(path, kind, reflect.TypeFor[ShapeWant](), keys)
	v.channelWant(path, e, w.Channel)
	switch {
	case kind == Throttle && !w.AtMost.Given && v.sound(path):
		v.fail(path, "found no limit, expected one, as in at-most: 1 per 200ms")
	case kind == Debounce && !w.Quiet.Given && v.sound(path):
		v.fail(path, "found no quiet time, expected one, as in quiet: 300ms")
	case w.Quiet.Given && w.Quiet.Duration < time.Millisecond:
		v.fail(join(path, "quiet"), "found %v, expected 1ms or more", w.Quiet)
	}
	if l := w.Settles.Limit; l.Op != "" && upper(l) < 0 {
		v.fail(join(path, "settles-within"), "found %s, expected a time at most, as in 1s", l.Text)
	}
}

// channelWant checks the channel that the body of an expectation names.
func (v *validator) channelWant(path string, e *ExpectSpec, channel string) {
	switch {
	case channel == "" && v.sound(path):
		v.fail(path, "found no channel, expected one or a pattern, as in channel: \"tally.*\"")
	case channel != "" && e.Channel != "":
		v.fail(join(path, "channel"), "found channel twice in one expectation, expected it once")
	case channel != "":
		v.topicName(join(path, "channel"), channel)
	}
}

// shaped takes the shapes of the embedded gateway over into its plan and what it
// promises.
func (c *compiler) shaped(p *Promises, g *GatewaySpec) {
	if g == nil {
		return
	}
	for _, s := range g.Throttle {
		p.Shapes = append(p.Shapes, *s.shape(Throttle, s.Channel))
	}
	for _, s := range g.Debounce {
		p.Shapes = append(p.Shapes, *s.shape(Debounce, s.Channel))
	}
	for _, s := range g.Aggregate {
		p.Shapes = append(p.Shapes, *s.shape(Aggregate, s.Channel))
	}
	c.plan.Target.Gateway.Shapes = p.Shapes
}

func (s *ShapeSpec) shape(kind, match string) *Shape {
	x := &Shape{Kind: kind, Match: match, Every: s.Every.Duration, Quiet: s.Quiet.Duration, Sum: s.Sum, By: s.By}
	if kind == Throttle {
		x.Keep = or(s.Keep, "last")
	}
	return x
}

// shapePromise is the shape that a rule for some channels promises; nil: none.
func (c *compiler) shapePromise(path string, s *ChannelPromise) *Shape {
	kind, spec := Throttle, s.Throttle
	if s.Debounce != nil {
		kind, spec = Debounce, s.Debounce
	}
	if s.Aggregate != nil {
		kind, spec = Aggregate, s.Aggregate
	}
	if spec == nil {
		return nil
	}
	if c.plan.Target.Embedded {
		c.fail(join(path, kind), "found %s promised of the embedded gateway, expected it where the gateway is configured: target.gateway.%s", kind, kind)
		return nil
	}
	return spec.shape(kind, s.Match)
}

// shapeExpectation takes over the body of an expectation about shaped channels.
func (e *Expectation) shapeExpectation(kind string, w *ShapeWant) {
	e.Rule, e.Channel = kind, w.Channel
	e.Shape = ShapeLimit{Count: w.AtMost.Count, Per: w.AtMost.Per, Quiet: w.Quiet.Duration, Settles: w.Settles.Limit}
}

// shapesPromised are the expectations that shaping promises.
func (c *compiler) shapesPromised(p *Promises) (all []Expectation) {
	for _, s := range p.AllShapes() {
		if s.Kind == Aggregate {
			all = append(all, c.sumPromised(&s))
			continue
		}
		e := Expectation{Rule: s.Kind, Channel: s.Match, Shape: ShapeLimit{Quiet: s.Quiet}}
		if s.Kind == Throttle {
			e.Shape = ShapeLimit{Count: 1, Per: s.Every}
		}
		all = append(all, e)
	}
	return all
}

// settling refuses to expect that the last value comes where it need not.
func (c *compiler) settling() {
	for i := range c.s.Expect {
		w := c.s.Expect[i].Throttle
		if w == nil || w.Settles.Op == "" {
			continue
		}
		for _, s := range c.plan.Promises.AllShapes() {
			if !s.Settles() && Overlap(s.Match, w.Channel) {
				c.fail(join("expect", itoa(i)+".throttle.settles-within"), "found settles-within for %s, expected none: what is throttled with keep: first need not come to its last value", quote(w.Channel))
				break
			}
		}
	}
}

// printShapes says which channels are shaped.
func (p *Promises) printShapes(out io.Writer) {
	for _, s := range p.AllShapes() {
		fmt.Fprintf(out, "\t%s\n", s.String())
	}
}
