package dialect

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Cursor walks over JSON text in place, once and from left to right, without
// building anything. The text is one value or several that follow each other,
// with whitespace between them.
//
//	c.Reset(text)
//	for c.Open() {
//		for key, ok := c.Member(); ok; key, ok = c.Member() {
//			switch string(key) {
//			case "id":
//				id = c.Uint()
//			default:
//				c.Skip()
//			}
//		}
//	}
//	if c.Err() != nil { … }
//
// After Member or Element the caller takes exactly one value: with Text, Uint,
// Bool, Skip, or by entering it with Open or Array and walking to its end. What
// the Cursor accepts is exactly what encoding/json accepts (RFC 8259, with
// invalid UTF-8 let through; nesting to 10,000). After the first error every
// method returns nothing and Err tells. The zero Cursor stands on empty text.
type Cursor struct {
	b       []byte
	i       int
	depth   int
	fresh   bool // just behind the bracket that opened a container
	fault   fault
	scratch []byte // unescaped strings; kept from Reset to Reset
}

// fault says what stopped a Cursor.
type fault uint8

const (
	badSyntax fault = iota + 1
	badType
)

const maxDepth = 10000 // as in encoding/json

// Reset puts the cursor before text. What was returned earlier becomes invalid.
func (c *Cursor) Reset(text []byte) {
	*c = Cursor{b: text, scratch: c.scratch[:0]}
}

// Err tells what stopped the cursor, or nil.
func (c *Cursor) Err() error {
	switch c.fault {
	case 0:
		return nil
	case badType:
		return fmt.Errorf("JSON value of an unexpected type at byte %d", c.i)
	default:
		return fmt.Errorf("malformed JSON at byte %d", c.i)
	}
}

// At is the position of the cursor in the text, in bytes.
func (c *Cursor) At() int { return c.i }

func (c *Cursor) fail(f fault, at int) {
	c.fault = f
	c.i = min(at, len(c.b))
}

// Open enters an object. It returns false at the end of the text, or if there
// is no object.
func (c *Cursor) Open() bool { return c.enter('{') }

// Array enters an array, to be walked with Element.
func (c *Cursor) Array() bool { return c.enter('[') }

func (c *Cursor) enter(bracket byte) bool {
	if c.fault != 0 {
		return false
	}
	i := space(c.b, c.i)
	if i == len(c.b) {
		if c.depth > 0 {
			c.fail(badSyntax, i)
		}
		c.i = i
		return false
	}
	if c.b[i] != bracket {
		if end, _ := skip(c.b, i, c.depth); end < 0 {
			c.fail(badSyntax, i)
		} else {
			c.fail(badType, i)
		}
		return false
	}
	if c.depth++; c.depth > maxDepth {
		c.fail(badSyntax, i)
		return false
	}
	c.i, c.fresh = i+1, true
	return true
}

// Member moves to the value of the next member of the object that was opened
// last, and returns its key, unescaped. At the end of the object it leaves it
// and returns false.
func (c *Cursor) Member() (key []byte, ok bool) {
	raw, escaped, ok := c.member()
	if escaped {
		raw = c.unescape(raw)
	}
	return raw, ok
}

func (c *Cursor) member() (raw []byte, escaped, ok bool) {
	i, ok := c.next('}')
	if !ok {
		return nil, false, false
	}
	b := c.b
	if i == len(b) || b[i] != '"' {
		c.fail(badSyntax, i)
		return nil, false, false
	}
	end, escaped := skipString(b, i+1)
	if end < 0 {
		c.fail(badSyntax, i)
		return nil, false, false
	}
	raw = b[i+1 : end-1]
	i = space(b, end)
	if i == len(b) || b[i] != ':' {
		c.fail(badSyntax, i)
		return nil, false, false
	}
	c.i = space(b, i+1)
	return raw, escaped, true
}

// Element moves to the next element of the array that was entered last. At its
// end it leaves the array and returns false.
func (c *Cursor) Element() bool {
	i, ok := c.next(']')
	if ok {
		c.i = i
	}
	return ok
}

// next passes the comma before the next thing in a container, or its end.
func (c *Cursor) next(end byte) (i int, ok bool) {
	if c.fault != 0 {
		return 0, false
	}
	i = space(c.b, c.i)
	switch {
	case i == len(c.b):
		c.fail(badSyntax, i)
		return 0, false
	case c.b[i] == end:
		c.i, c.fresh = i+1, false
		c.depth--
		return 0, false
	case c.fresh:
		c.fresh = false
		return i, true
	case c.b[i] == ',':
		return space(c.b, i+1), true
	}
	c.fail(badSyntax, i)
	return 0, false
}

// Skip passes any value and returns its text.
func (c *Cursor) Skip() []byte {
	raw, _ := c.value()
	return raw
}

func (c *Cursor) value() (raw []byte, escaped bool) {
	if c.fault != 0 {
		return nil, false
	}
	i := space(c.b, c.i)
	end, escaped := skip(c.b, i, c.depth)
	if end < 0 {
		c.fail(badSyntax, i)
		return nil, false
	}
	c.i = end
	return c.b[i:end], escaped
}

// Text passes a string and returns it unescaped; null gives nil.
func (c *Cursor) Text() []byte {
	raw, escaped := c.value()
	switch {
	case len(raw) == 0 || raw[0] == 'n':
		return nil
	case raw[0] != '"':
		c.fail(badType, c.i-len(raw))
		return nil
	}
	raw = raw[1 : len(raw)-1]
	if escaped {
		raw = c.unescape(raw)
	}
	return raw
}

// Uint passes a number written as digits only; null gives 0.
func (c *Cursor) Uint() uint64 {
	raw, _ := c.value()
	if len(raw) == 0 || raw[0] == 'n' {
		return 0
	}
	n, ok := digits(raw)
	if !ok {
		c.fail(badType, c.i-len(raw))
	}
	return n
}

// Bool passes true or false; null gives false.
func (c *Cursor) Bool() bool {
	raw, _ := c.value()
	switch {
	case len(raw) == 0 || raw[0] == 'n' || raw[0] == 'f':
		return false
	case raw[0] != 't':
		c.fail(badType, c.i-len(raw))
		return false
	}
	return true
}

func (c *Cursor) unescape(raw []byte) []byte {
	n := len(c.scratch)
	c.scratch = appendUnescaped(c.scratch, raw)
	return c.scratch[n:len(c.scratch):len(c.scratch)]
}

// digits reads a decimal number that fits 64 bits.
func digits(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	plain := b[:min(len(b), 19)] // what so few digits say fits
	for _, d := range plain {
		if d -= '0'; d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	if len(b) > len(plain) {
		d := b[19] - '0'
		hi, lo := bits.Mul64(n, 10)
		sum, carry := bits.Add64(lo, uint64(d), 0)
		if d > 9 || hi != 0 || carry != 0 {
			return 0, false
		}
		n = sum
	}
	return n, true
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skip passes the value that begins at b[i] and returns the place behind it, or
// -1 if there is none. escaped means that it is a string with a backslash.
// depth is how many containers surround the value. The kinds of the open
// containers are the bits of a word; only every 64th level costs a call.
func skip(b []byte, i, depth int) (end int, escaped bool) {
	if i < len(b) && b[i] == '"' {
		return skipString(b, i+1)
	}
	var objects uint64 // the lowest bit is the innermost container
	open := 0
	for {
		if i >= len(b) {
			return -1, false
		}
		closer := byte(']')
		switch b[i] {
		case '"':
			i, _ = skipString(b, i+1)
		case '{':
			closer = '}'
			fallthrough
		case '[':
			if open == 64 {
				i, _ = skip(b, i, depth+open)
				break
			}
			if depth+open >= maxDepth {
				return -1, false
			}
			i = space(b, i+1)
			if i < len(b) && b[i] == closer {
				i++
				break
			}
			objects <<= 1
			open++
			if closer == '}' {
				objects |= 1
				i = skipKey(b, i)
				if i < 0 {
					return -1, false
				}
			}
			continue
		case 't':
			i = skipWord(b, i, "true")
		case 'f':
			i = skipWord(b, i, "false")
		case 'n':
			i = skipWord(b, i, "null")
		default:
			i = skipNumber(b, i)
		}
		if i < 0 {
			return -1, false
		}
		// Behind a value: close what ends here, or go on in the innermost container.
		for {
			if open == 0 {
				return i, false
			}
			i = space(b, i)
			if i == len(b) {
				return -1, false
			}
			object := objects&1 == 1
			if b[i] == ',' {
				i = space(b, i+1)
				if object {
					i = skipKey(b, i)
				}
				break
			}
			if object && b[i] != '}' || !object && b[i] != ']' {
				return -1, false
			}
			i++
			objects >>= 1
			open--
		}
		if i < 0 {
			return -1, false
		}
	}
}

func skipKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	i, _ = skipString(b, i+1)
	if i < 0 {
		return -1
	}
	i = space(b, i)
	if i == len(b) || b[i] != ':' {
		return -1
	}
	return space(b, i+1)
}

func skipWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i == len(b):
		return -1
	case b[i] == '0':
		i++
	default:
		if i = skipDigits(b, i); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

func skipDigits(b []byte, i int) int {
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// skipString passes the rest of a string, i being behind its opening quote. It
// looks at eight bytes at a time: of the flags below the lowest is always true,
// since a subtraction borrows only from bytes that are flagged themselves.
func skipString(b []byte, i int) (end int, escaped bool) {
	for {
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			quote := x ^ ones*'"'
			slash := x ^ ones*'\\'
			special := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x) & highs
			if special != 0 {
				i += bits.TrailingZeros64(special) / 8
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		switch {
		case i == len(b) || b[i] < 0x20:
			return -1, false
		case b[i] == '"':
			return i + 1, escaped
		}
		escaped = true
		if i = skipEscape(b, i+1); i < 0 {
			return -1, false
		}
	}
}

// skipEscape passes what follows a backslash.
func skipEscape(b []byte, i int) int {
	if i == len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if len(b)-i < 5 || hex4(b[i+1:]) < 0 {
			return -1
		}
		return i + 5
	}
	return -1
}
