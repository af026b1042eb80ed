package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Some expectations are about what many messages come to: the latest one of each key, or
// the sums of a number. For them the driver keeps books: each publication on the channels
// of a book is entered once, when it is written, under its key and with its number. The
// judge adds up and compares entries and never sees a payload, so a recording is judged as
// the run was.

// Book is what is entered of the publications of some channels. Key, Value and Tombstone
// name fields of the published payload, those inside of others with dots: `by.account`.
type Book struct {
	Channel   string `json:"channel"`             // pattern; "" for all
	Key       string `json:"key,omitempty"`       // under which field; "": all under the empty key
	Value     string `json:"value,omitempty"`     // which number; "": none, entries have 0
	Tombstone string `json:"tombstone,omitempty"` // a message in which this field is true takes its key away; "": none does
}

// Entry is what is entered of one publication.
type Entry struct {
	Key    string
	Amount Amount
	Gone   bool // it takes its key away
}

// Amount is a number of a book, exactly: it counts millionths.
type Amount int64

// What a book can hold.
const (
	unit        = 1_000_000     // an Amount of 1
	mostAmount  = 1_000_000_000 // of one entry, either sign
	longestKey  = 200           // bytes
	longestForm = 60            // bytes of a number's text
	mostBooks   = 64
)

// BooksOf lists the books of a channel, by number from 1.
func (p *Plan) BooksOf(channel string) (numbers []int) {
	for i := range p.Books {
		if b := &p.Books[i]; b.Channel == "" || Match(b.Channel, channel) {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// keepsState reports whether an expectation is about the rows that messages make.
func (e *Expectation) keepsState() bool {
	return (e.Rule == "state" || e.Rule == snapshotWord) && e.Book != nil
}

// Weighs reports whether what is delivered on a channel is to be what was published there:
// rows or sums of its messages are expected, and no transformation is.
func (p *Plan) Weighs(channel string) bool {
	for i := range p.Expect {
		if e := &p.Expect[i]; e.keepsState() && (e.Channel == "" || Match(e.Channel, channel)) {
			return p.TransformOf(channel) == 0
		}
	}
	return false
}

// Compares reports whether any delivered payload is to be compared with the published one.
func (p *Plan) Compares() bool {
	return len(p.Transforms) > 0 || slices.ContainsFunc(p.Expect, func(e Expectation) bool { return e.keepsState() })
}

// Differs says what is wrong with the first field of a published payload that the delivered
// one lacks or has with another value; "" if there is none. Numbers of books must be the same exactly.
func (p *Plan) Differs(channel string, published, delivered []byte) string {
	got := decodeMessage(delivered)
	if got == nil {
		return "the payload is no object"
	}
	msg := decodeMessage(published)
	for key := range got {
		if _, has := msg[key]; !has { // a target may add what it likes
			delete(got, key)
		}
	}
	if wrong := difference(any(msg), any(got), ""); wrong != "" {
		return wrong
	}
	for _, n := range p.BooksOf(channel) {
		b := &p.Books[n-1]
		x, err := b.Enter(published)
		if y, _ := b.Enter(delivered); err == nil && x != y {
			return other(b.Value)
		}
	}
	return ""
}

// Enter makes the entry of a publication. An error says, without telling any value, why
// there is none.
func (b *Book) Enter(payload []byte) (x Entry, err error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var msg map[string]any
	if d.Decode(&msg) != nil {
		return x, errors.New("the payload is no object")
	}
	if b.Key != "" {
		if x.Key, err = keyOf(fieldAt(msg, b.Key)); err != nil {
			return x, fmt.Errorf("the field %s %w", b.Key, err)
		}
	}
	if b.Value != "" {
		if x.Amount, err = amountOf(fieldAt(msg, b.Value)); err != nil {
			return x, fmt.Errorf("the field %s %w", b.Value, err)
		}
	}
	if b.Tombstone != "" {
		switch v := fieldAt(msg, b.Tombstone).(type) {
		case nil:
		case bool:
			x.Gone = v
		default:
			return x, fmt.Errorf("the field %s is neither true nor false", b.Tombstone)
		}
	}
	return x, nil
}

// fieldAt is the value of a field, by its path; nil if it isn't there.
func fieldAt(msg map[string]any, path string) any {
	for {
		name, rest, deeper := strings.Cut(path, ".")
		v := msg[name]
		if !deeper {
			return v
		}
		if msg, _ = v.(map[string]any); msg == nil {
			return nil
		}
		path = rest
	}
}

func keyOf(v any) (string, error) {
	var key string
	switch v := v.(type) {
	case nil:
		return "", errors.New("is missing")
	case string:
		key = v
	case json.Number:
		key = v.String()
	case bool:
		key = strconv.FormatBool(v)
	default:
		return "", errors.New("is no text, which a key has to be")
	}
	if len(key) > longestKey {
		return "", fmt.Errorf("is longer than the %d bytes of a key", longestKey)
	}
	return key, nil
}

func amountOf(v any) (Amount, error) {
	n, ok := v.(json.Number)
	switch {
	case v == nil:
		return 0, errors.New("is missing")
	case !ok:
		return 0, errors.New("is no number")
	}
	return ParseAmount(n.String())
}

// ParseAmount reads a number of JSON. It rounds nothing: a number that is too large, or
// that has more than six decimals, is an error.
func ParseAmount(text string) (Amount, error) {
	tooLarge := fmt.Errorf("is beyond ±%d, the largest number of a book", int64(mostAmount))
	if f, err := strconv.ParseFloat(text, 64); err != nil || f > 2*mostAmount || f < -2*mostAmount {
		return 0, tooLarge
	} else if mantissa, _, _ := strings.Cut(strings.ToLower(text), "e"); !strings.ContainsAny(mantissa, "123456789") {
		return 0, nil
	} else if len(text) > longestForm || f < 1e-7 && f > -1e-7 { // nobody makes us compute with 1e-999999
		return 0, errors.New("has more than six decimals")
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, errors.New("is no number")
	}
	if r.Mul(r, new(big.Rat).SetInt64(unit)); !r.IsInt() {
		return 0, errors.New("has more than six decimals")
	}
	n := r.Num()
	if !n.IsInt64() || n.Int64() > mostAmount*unit || n.Int64() < -mostAmount*unit {
		return 0, tooLarge
	}
	return Amount(n.Int64()), nil
}

// Plus adds; ok is false if the sum is beyond what an Amount can be.
func (a Amount) Plus(b Amount) (sum Amount, ok bool) {
	sum = a + b
	return sum, (sum > a) == (b > 0)
}

// String writes a as a decimal number.
func (a Amount) String() string {
	sign, u := "", uint64(a)
	if a < 0 {
		sign, u = "-", -u
	}
	text := sign + strconv.FormatUint(u/unit, 10)
	if f := u % unit; f != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%06d", f), "0")
	}
	return text
}

// book numbers a book that an expectation needs; equal ones are one.
func (c *compiler) book(path string, b Book) int {
	if at := slices.Index(c.plan.Books, b); at >= 0 {
		return at + 1
	}
	if len(c.plan.Books) == mostBooks {
		c.fail(path, "found more than %d expectations that add up messages in different ways, expected at most so many", mostBooks)
		return 0
	}
	c.plan.Books = append(c.plan.Books, b)
	return len(c.plan.Books)
}

// entered refuses publications that can't be entered in the books of their channel, as
// far as the first of each publisher tells.
func (c *compiler) entered() {
	if len(c.plan.Books) == 0 || c.failed() {
		return
	}
	refuse := func(path, channel string, payload []byte) bool {
		for _, n := range c.plan.BooksOf(channel) {
			if _, err := c.plan.Books[n-1].Enter(payload); err != nil {
				c.fail(path, "found a publication on %s of which %v, expected what can be entered: an expectation adds up the messages of this channel", quote(channel), err)
				return true
			}
		}
		return false
	}
	refused := make(map[*entry]bool)
	owner := make(map[string]*Publisher)
	for i := range c.plan.Publishers {
		p := &c.plan.Publishers[i]
		if refused[p.entry] {
			continue
		}
		m, err := p.Compose(0, 0, c.o.Run)
		if err != nil {
			continue
		}
		if refused[p.entry] = refuse(join(p.entry.path, "payload"), m.Channel, m.Payload); !refused[p.entry] && !c.dialect.Offsets {
			refused[p.entry] = c.shared(owner, p, &m)
		}
	}
	for i := range c.plan.Clients {
		if w := c.plan.Clients[i].Will; w != nil {
			group := c.plan.Groups[c.plan.Clients[i].Group].Name
			if refuse(join("clients", join(group, "will")), c.plan.Channels[w.Channel], w.Payload) {
				return
			}
		}
	}
}

// shared refuses two publishers of one row, whose messages nothing puts in an order.
func (c *compiler) shared(owner map[string]*Publisher, p *Publisher, m *Publication) bool {
	for i := range c.plan.Expect {
		e := &c.plan.Expect[i]
		if e.Rule != "state" || e.Want != FoldMerge || e.Channel != "" && !Match(e.Channel, m.Channel) {
			continue
		}
		x, err := e.Book.Enter(m.Payload)
		if err != nil {
			continue
		}
		row := fmt.Sprintf("%d\x00%s\x00%s", e.Number, m.Channel, x.Key)
		if other := owner[row]; other != nil && other != p {
			c.fail(p.entry.path, "found a second publisher of the key %s on %s, expected one: the dialect %s has no offsets, so nobody can say which of their messages is the last", quote(x.Key), quote(m.Channel), c.dialect.Name)
			return true
		}
		owner[row] = p
	}
	return false
}

// checkField checks the name of a field, as books have it.
func (v *validator) checkField(path, name string) {
	if name == "" {
		return
	}
	for _, part := range strings.Split(name, ".") {
		if part == "" {
			v.fail(path, "found the field %s, expected names with dots between them, as in by.account", quote(name))
			return
		}
	}
	if first, _, _ := strings.Cut(name, "."); slices.Contains(reserved, first) {
		v.fail(path, "found the field %s, which carries the stamp, expected another", quote(name))
	}
}
