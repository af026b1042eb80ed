package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// StopPlan says when a run ends early, so that nobody's gateway is worn down for
// nothing. The zero value is never.
type StopPlan struct {
	Errors  float64 // more errors than this: a number, or a share of what was asked
	Share   bool
	Reached bool   // so many are enough
	Text    string // as written; "" means never
}

// enoughAsked is from how many attempts and publications on a share means something.
const enoughAsked = 100

// Why tells why a run must stop that has met so many errors in so many attempts to
// connect and publications; "" if it need not.
func (s *StopPlan) Why(errors, asked int64) string {
	if s.Text == "" || errors == 0 {
		return ""
	}
	value, shown := float64(errors), fmt.Sprintf("%s errors", grouped(errors))
	if s.Share {
		if asked < enoughAsked {
			return ""
		}
		value /= float64(asked)
		shown = fmt.Sprintf("%s errors in %s attempts and publications (%s %%)", grouped(errors), grouped(asked), strconv.FormatFloat(100*value, 'f', 1, 64))
	}
	if value > s.Errors || s.Reached && value >= s.Errors {
		return shown + ", and stop-when says " + s.Text
	}
	return ""
}

// stopWhen compiles stop-when: a bare value and one behind > mean the
// same.
func (c *compiler) stopWhen() {
	spec := c.s.StopWhen
	if spec == nil {
		return
	}
	l := spec.Errors
	text := l.Text
	if !strings.HasPrefix(text, ">") {
		text = "> " + text
	}
	c.plan.Stop = StopPlan{Errors: l.A, Share: strings.HasSuffix(l.Text, "%"), Reached: l.Op == ">=", Text: "errors " + text}
}

// stop validates stop-when.
func (v *validator) stop() {
	s := v.s.StopWhen
	if s == nil {
		return
	}
	if !v.s.given("stop-when.errors") {
		v.fail("stop-when", "found nothing that would stop the run, expected errors: such as \"> 5%%\"")
		return
	}
	if l := s.Errors; l.Op == ".." || strings.HasPrefix(l.Text, "<") {
		v.fail("stop-when.errors", "found %s, expected from where on the run stops, such as \"> 5%%\" or \">= 100\"", quote(l.Text))
	}
}
