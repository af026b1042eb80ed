package scenario

import (
	"reflect"
	"slices"
	"strings"
)

// Aggregates: of what is published on a channel subscribers get sums, each of the numbers
// in one field, by the values of another. What comes holds the value in the field of that
// name, and the sum in a field of its own.

// toldSum is the field in which the sum comes, where nothing else is said.
const toldSum = "sum"

// mostTold bounds how many ways to read sums a plan may have.
const mostTold = 64

// addedUp checks which fields a shape adds up.
func (v *validator) addedUp(path string, s *ShapeSpec) {
	for _, x := range []struct{ key, field string }{{"sum", s.Sum}, {"by", s.By}} {
		switch {
		case x.field == "" && v.sound(path):
			v.fail(path, "found no %s, expected the field, as in %s", x.key, shapeExample(Aggregate))
		default:
			v.plainField(join(path, x.key), x.field)
		}
	}
	switch {
	case s.By != "" && s.By == s.Sum:
		v.fail(join(path, "by"), "found %s as sum and as by, expected two fields", quote(s.By))
	case s.By == toldSum, s.By == "count":
		v.fail(join(path, "by"), "found the field %s, which holds what was added up, expected another", quote(s.By))
	}
}

// plainField checks the name of a field that lies in no other.
func (v *validator) plainField(path, name string) {
	if strings.Contains(name, ".") {
		v.fail(path, "found the field %s, expected a name without dots: sums are made of fields of the message itself", quote(name))
		return
	}
	v.checkField(path, name)
}

// sumWant checks the body of an expectation about sums.
func (v *validator) sumWant(path string, e *ExpectSpec, w *ShapeWant) {
	v.onlyKeys(path, Aggregate, reflect.TypeFor[ShapeWant](), []string{"channel", "conserves", "by", "value"})
	v.channelWant(path, e, w.Channel)
	for _, x := range []struct{ key, field, example string }{{"conserves", w.Conserves, "weight"}, {"by", w.By, "option"}} {
		if x.field == "" && v.sound(path) {
			v.fail(path, "found no field that it %s, expected one, as in %s: %s", map[string]string{"conserves": "conserves", "by": "is added up by"}[x.key], x.key, x.example)
		}
		v.plainField(join(path, x.key), x.field)
	}
	v.plainField(join(path, "value"), w.Value)
	if w.By != "" && w.By == w.Value {
		v.fail(join(path, "value"), "found %s as by and as value, expected two fields", quote(w.By))
	}
}

// expectSum takes over an expectation about sums.
func (c *compiler) expectSum(e *Expectation, w *ShapeWant, path string) {
	e.Rule, e.Channel = Aggregate, w.Channel
	c.sums(e, path, w.Conserves, w.By, or(w.Value, toldSum))
	for _, s := range c.plan.Promises.AllShapes() {
		switch {
		case s.Kind != Aggregate || !Overlap(s.Match, w.Channel):
		case s.Sum != w.Conserves:
			c.fail(join(path, "conserves"), "found conserves: %s for %s, expected %s, which the target adds up there", w.Conserves, quote(w.Channel), s.Sum)
		case s.By != w.By:
			c.fail(join(path, "by"), "found by: %s for %s, expected %s, by which the target adds up there", w.By, quote(w.Channel), s.By)
		}
	}
}

// sumPromised is the expectation that an aggregate promises.
func (c *compiler) sumPromised(s *Shape) Expectation {
	e := Expectation{Rule: Aggregate, Channel: s.Match}
	c.sums(&e, "expect", s.Sum, s.By, toldSum)
	return e
}

func (c *compiler) sums(e *Expectation, path, sum, by, value string) {
	e.Book = &Book{Channel: e.Channel, Key: by, Value: sum}
	e.Number = c.book(path, *e.Book)
	e.Told = &Book{Channel: e.Channel, Key: by, Value: value}
	if slices.Contains(c.plan.Told, *e.Told) {
		return
	}
	for _, b := range c.plan.Told {
		if Overlap(b.Channel, e.Channel) && (b.Key != by || b.Value != value) {
			c.fail(path, "found another expectation for %s that reads sums from %s by %s, expected one way for a channel", quote(b.Channel), b.Value, b.Key)
			return
		}
	}
	if len(c.plan.Told) == mostTold {
		c.fail(path, "found more than %d expectations about sums that differ, expected at most so many", mostTold)
		return
	}
	c.plan.Told = append(c.plan.Told, *e.Told)
}

// ToldOf is the number of the way in which sums are read of what comes on a channel, from
// 1; 0: there is none.
func (p *Plan) ToldOf(channel string) int {
	for i := range p.Told {
		if Match(p.Told[i].Channel, channel) {
			return i + 1
		}
	}
	return 0
}
