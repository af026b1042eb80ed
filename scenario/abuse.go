package scenario

import (
	"fmt"
	"slices"
)

// Offence is something that a client may do wrongly on purpose.
type Offence struct {
	Name  string
	About string
	Codes []int // with which the connection must be ended, or without a close frame; nil: it need not be ended
	Text  bool  // only where messages are text
	Words bool  // is about the dialect's own words, not about frames

	Aside bool   // is done on a connection that the client opens beside its own
	must  string // what a server has to do about it; "": it follows from the codes
	Bad   string // what it is when a server lets it pass; "": it was answered as if it were right
}

// Offences are all of them, in the order of the language.
func Offences() []Offence {
	return []Offence{
		{Name: "unmasked", About: "a frame without a mask (RFC 6455, 5.1)", Codes: []int{1002}},
		{Name: "reserved-bit", About: "a frame with a reserved bit (RFC 6455, 5.2)", Codes: []int{1002}},
		{Name: "reserved-opcode", About: "a frame with a reserved opcode (RFC 6455, 5.2)", Codes: []int{1002}},
		{Name: "bad-utf8", About: "a text that is not UTF-8 (RFC 6455, 8.1)", Codes: []int{1007}, Text: true},
		{Name: "long-control", About: "a ping of 126 bytes (RFC 6455, 5.5)", Codes: []int{1002}},
		{Name: "oversize", About: "a frame that announces 1 GiB (RFC 6455, 10.4)", Codes: []int{1009, 1008, 1013}},
		{Name: "bad-json", About: "a command that ends in its middle", Text: true, Words: true},
		{Name: "unknown-command", About: "a command that the dialect doesn't have", Words: true},
		{Name: "duplicate-subscribe", About: "a subscribe to a channel that is subscribed to", Words: true},
		{Name: "second-connect", About: "another connect on one connection", Words: true},
		{Name: "stale-epoch", About: "a resume from a position of another epoch", Words: true, Aside: true,
			must: "must not be recovered", Bad: "was answered as recovered"},
		{Name: "future-offset", About: "a resume from an offset that the channel has not reached", Words: true, Aside: true,
			must: "must not be recovered", Bad: "was answered as recovered"},
		{Name: "other-session", About: "a connect that names the session of another user", Words: true, Aside: true,
			must: "must get nothing of it", Bad: "got the other user's session, or its messages"},
		{Name: "expired-token", About: "a connect with a token that has expired", Words: true, Aside: true,
			must: "must not be let in", Bad: "was let in"},
	}
}

// OffenceOf returns the offence of that name; ok is false if there is none.
func OffenceOf(name string) (o Offence, ok bool) {
	for _, o := range Offences() {
		if o.Name == name {
			return o, true
		}
	}
	return Offence{}, false
}

// Must says for people what a server has to do about it.
func (o Offence) Must() string {
	if o.must != "" {
		return o.must
	}
	if o.Words {
		return "must be refused"
	}
	return fmt.Sprintf("must be closed with %d", o.Codes[0])
}

// abuse makes the moment at which clients do something wrong.
func (c *compiler) abuse(i, k int, path string, d *AbuseSpec, optional bool) Moment {
	o, _ := OffenceOf(d.What)
	x := Moment{Do: "abuse", How: d.What, Victims: c.victims(i, k, d.Who, d.Share, 0, Draw{}, false)}
	x.Summary = fmt.Sprintf("abuse %s %s, which %s", c.crowd(d.Who, d.Share), d.What, o.Must())
	why := ""
	switch {
	case o.Text && c.dialect.Binary:
		why = "its messages are binary"
	case o.Words && !o.Aside && !c.dialect.Offends:
		why = "what its servers must refuse is not known"
	case o.Aside:
		why = c.aside(join(path, "abuse.what"), &x)
	}
	if why == "" {
		return x
	}
	if !optional {
		c.fail(join(path, "abuse.what"), "found %s, expected another offence: with the dialect %s, %s; optional: true leaves it out", d.What, c.dialect.Name, why)
	}
	return Moment{Do: "say", Text: "left out: " + x.Summary, Summary: "left out: " + x.Summary}
}

// abuse checks a moment at which clients do something wrong.
func (v *validator) abuse(path string, d *AbuseSpec) {
	v.who(path, d.Who, d.Share)
}

// closes checks an expectation about close codes: an offence brings its own.
func (v *validator) closes(path string, w *CloseWant) {
	given := v.s.given(join(path, "codes"))
	switch {
	case w.When != "abuse" && !given && v.sound(path):
		v.fail(path, "found no codes, expected those with which the target may close for a %s, such as codes: [1001, 1012]", w.When)
	case w.When != "abuse" && given:
		v.codes(join(path, "codes"), w.Codes)
	case w.When == "abuse" && given:
		v.fail(join(path, "codes"), "found codes with when: abuse, expected none: RFC 6455 names those of each offence")
	case w.When == "abuse" && !v.abuses():
		v.fail(path, "found when: abuse and no abuse in the timeline, expected both")
	}
}

// abuses reports whether the timeline has an abuse.
func (v *validator) abuses() bool {
	return slices.ContainsFunc(v.s.Timeline, func(m MomentSpec) bool { return m.Abuse != nil })
}
