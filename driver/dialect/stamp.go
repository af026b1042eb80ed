package dialect

import (
	"hash/crc32"
	"strconv"
	"time"
)

// Stamp is what Squall writes into every payload that it publishes, so that a
// delivery proves by itself which message it is. It travels as text under the
// reserved key "_squall" at the top level of the payload object, beside an
// optional "_fill" that brings the payload to a wanted size:
//
//	{"_squall":"9f3a01bc.12.1.345.1234567890.5d00aa91.f.8c0ffee1","choice":3}
//
// The fields are, separated by dots: run (hex), publisher, incarnation,
// sequence, due (nanoseconds), channel (hex), the cause if there is one (c, then
// channel, publisher, incarnation, sequence and offset with colons between),
// the number if it is told (n, then number and time of making with a colon between),
// flags (f fence, p filler present, - none) and the CRC-32C (hex) of the text before its dot followed by the
// filler's text. Neither uses a character that a JSON printer would escape.
type Stamp struct {
	Run         uint32        // of the run, so that leftovers of another are told apart
	Publisher   int32         // number in the run
	Incarnation uint32        //
	Seq         uint64        // counted per (publisher, incarnation, channel), from 1
	Due         time.Duration // since the epoch of the run
	Channel     uint32        // the caller's hash of the channel's name
	Fence       bool          // repeats the last message, to close what came before
	Cause       Cause         // what its publisher had received last, where causal order is judged

	// Which publication of its publisher it is, from 1, and the time that it was
	// composed for, where payloads are to be compared. Number 0: not told.
	Number int64
	Made   time.Duration
}

// Cause names the message that another one may be an answer to. Seq 0: none.
type Cause struct {
	Channel     uint32 // the caller's hash of the channel's name
	Publisher   int32
	Incarnation uint32
	Seq         uint64
	Offset      uint64 // at which it was received; 0 where the protocol has none
}

// StampState says what FindStamp found.
type StampState uint8

// The states.
const (
	StampNone    StampState = iota // no stamp: somebody else's message
	StampValid                     //
	StampCorrupt                   // a stamp whose text or filler was changed
)

const (
	stampKey = "_squall"
	fillKey  = "_fill"
)

// AppendStamped appends payload, which must be a JSON object without the
// reserved keys, with the stamp as its first member. If the result is shorter
// than size bytes, a filler follows the stamp and makes it size bytes long (or
// up to twelve more, where there is no room for the filler's key).
func AppendStamped(dst, payload []byte, s Stamp, size int) []byte {
	rest := payload[min(space(payload, 0)+1, len(payload)):] // behind the brace
	rest = rest[space(rest, 0):]
	empty := len(rest) > 0 && rest[0] == '}'

	start := len(dst)
	dst = append(dst, `{"`+stampKey+`":"`...)
	from := len(dst)
	dst = appendHex(dst, s.Run)
	dst = strconv.AppendInt(append(dst, '.'), int64(s.Publisher), 10)
	dst = strconv.AppendUint(append(dst, '.'), uint64(s.Incarnation), 10)
	dst = strconv.AppendUint(append(dst, '.'), s.Seq, 10)
	dst = strconv.AppendInt(append(dst, '.'), int64(s.Due), 10)
	dst = appendHex(append(dst, '.'), s.Channel)
	if s.Cause.Seq > 0 {
		dst = s.Cause.append(append(dst, '.'))
	}
	if s.Number > 0 {
		dst = strconv.AppendInt(append(dst, ".n"...), s.Number, 10)
		dst = strconv.AppendInt(append(dst, ':'), int64(s.Made), 10)
	}
	dst = append(dst, '.')

	tail := len(`.8c0ffee1"`) + len(rest)
	if !empty {
		tail++ // the comma
	}
	filled := len(dst)-start+1+tail < size
	switch {
	case s.Fence && filled:
		dst = append(dst, "fp"...)
	case s.Fence:
		dst = append(dst, 'f')
	case filled:
		dst = append(dst, 'p')
	default:
		dst = append(dst, '-')
	}
	text := dst[from:]
	if !filled {
		dst = append(appendHex(append(dst, '.'), checksum(text, nil)), '"')
	} else {
		const head = len(`.8c0ffee1","` + fillKey + `":"`)
		n := max(0, size-(len(dst)-start)-tail-len(`,"`+fillKey+`":""`))
		at := len(dst)
		dst = append(dst, `.8c0ffee1","`+fillKey+`":"`...)
		dst = appendFiller(dst, n, uint64(s.Run)<<32^uint64(s.Publisher)<<20^s.Seq)
		putHex(dst[at+1:], checksum(text, dst[at+head:]))
		dst = append(dst, '"')
	}
	if !empty {
		dst = append(dst, ',')
	}
	return append(dst, rest...)
}

// FindStamp reads the stamp of a payload, wherever it stands among the members
// of the payload object. It does not judge the rest of the payload. s is set
// only if the stamp is valid.
func FindStamp(payload []byte, s *Stamp) StampState {
	var text, fill []byte
	var filled bool
	c := Cursor{b: payload}
	if !c.Open() {
		return StampNone
	}
	for {
		key, escaped, ok := c.member()
		if !ok {
			break
		}
		var plain [len(stampKey) * len(`\u0000`)]byte
		if escaped && len(key) <= len(plain) {
			key = appendUnescaped(plain[:0], key)
		}
		switch string(key) {
		case stampKey:
			if text = stringText(c.Skip()); text == nil {
				return StampCorrupt
			}
			if !hasFiller(text) {
				return readStamp(text, nil, s)
			}
		case fillKey:
			fill, filled = stringText(c.Skip()), true
		default:
			c.Skip()
		}
		if text != nil && filled {
			break
		}
	}
	switch {
	case text == nil:
		return StampNone
	case fill == nil:
		return StampCorrupt
	}
	return readStamp(text, fill, s)
}

// stringText is the inside of a JSON string without escapes, or nil.
func stringText(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	return raw[1 : len(raw)-1]
}

// hasFiller reports whether the flags of a stamp name a filler.
func hasFiller(text []byte) bool {
	n := len(text) - len("p.8c0ffee1")
	return n >= 0 && text[n] == 'p'
}

func readStamp(text, fill []byte, s *Stamp) StampState {
	n := len(text) - len(".8c0ffee1")
	if n < 0 || text[n] != '.' {
		return StampCorrupt
	}
	sum, ok := hex8(text[n+1:])
	if !ok || sum != checksum(text[:n], fill) {
		return StampCorrupt
	}
	// The checksum has vouched for the text; what follows only reads it.
	r := stampReader{rest: text[:n]}
	found := Stamp{
		Run:         r.hex(),
		Publisher:   int32(r.int()),
		Incarnation: uint32(r.int()),
		Seq:         uint64(r.int()),
		Due:         time.Duration(r.int()),
		Channel:     r.hex(),
	}
	flags := r.field()
	if len(flags) > 0 && flags[0] == 'c' {
		found.Cause, flags = r.cause(flags[1:]), r.field()
	}
	if len(flags) > 0 && flags[0] == 'n' {
		p := stampReader{rest: flags[1:]}
		found.Number, found.Made = p.number(p.until(':')), time.Duration(p.number(p.until(':')))
		r.bad = r.bad || p.bad || len(p.rest) > 0
		flags = r.field()
	}
	found.Fence = len(flags) > 0 && flags[0] == 'f'
	if r.bad || len(r.rest) > 0 {
		return StampCorrupt
	}
	*s = found
	return StampValid
}

func (c *Cause) append(dst []byte) []byte {
	dst = appendHex(append(dst, 'c'), c.Channel)
	dst = strconv.AppendInt(append(dst, ':'), int64(c.Publisher), 10)
	dst = strconv.AppendUint(append(dst, ':'), uint64(c.Incarnation), 10)
	dst = strconv.AppendUint(append(dst, ':'), c.Seq, 10)
	return strconv.AppendUint(append(dst, ':'), c.Offset, 10)
}

// stampReader takes the fields of a stamp one after the other.
type stampReader struct {
	rest []byte
	bad  bool
}

func (r *stampReader) field() []byte { return r.until('.') }

func (r *stampReader) until(end byte) []byte {
	for i, c := range r.rest {
		if c == end {
			f := r.rest[:i]
			r.rest = r.rest[i+1:]
			return f
		}
	}
	f := r.rest
	r.rest = nil
	return f
}

// cause reads the parts of one field.
func (r *stampReader) cause(text []byte) Cause {
	p := stampReader{rest: text}
	channel, ok := hex8(p.until(':'))
	c := Cause{
		Channel:     channel,
		Publisher:   int32(p.number(p.until(':'))),
		Incarnation: uint32(p.number(p.until(':'))),
		Seq:         uint64(p.number(p.until(':'))),
		Offset:      uint64(p.number(p.until(':'))),
	}
	r.bad = r.bad || !ok || p.bad || len(p.rest) > 0
	return c
}

func (r *stampReader) int() int64 { return r.number(r.field()) }

func (r *stampReader) number(f []byte) int64 {
	negative := len(f) > 0 && f[0] == '-'
	if negative {
		f = f[1:]
	}
	n, ok := digits(f)
	r.bad = r.bad || !ok
	if negative {
		return -int64(n)
	}
	return int64(n)
}

func (r *stampReader) hex() uint32 {
	n, ok := hex8(r.field())
	r.bad = r.bad || !ok
	return n
}

func checksum(text, fill []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once, by the library
	sum := crc32.Update(0, table, text)
	if len(fill) > 0 {
		sum = crc32.Update(sum, table, fill)
	}
	return sum
}

func appendHex(dst []byte, n uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[n>>shift&15])
	}
	return dst
}

func putHex(b []byte, n uint32) { appendHex(b[:0], n) }

func hex8(b []byte) (n uint32, ok bool) {
	if len(b) != 8 {
		return 0, false
	}
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			if d = c - 'a'; d > 5 {
				return 0, false
			}
			d += 10
		}
		n = n<<4 | uint32(d)
	}
	return n, true
}

// appendFiller appends n characters of base64url that a compressor can't
// shorten much (xorshift64*, six bits a character).
func appendFiller(dst []byte, n int, seed uint64) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	x := seed | 1
	for n > 0 {
		x ^= x >> 12
		x ^= x << 25
		x ^= x >> 27
		for r, k := x*0x2545f4914f6cdd1d, min(n, 10); k > 0; k-- {
			dst = append(dst, alphabet[r>>58])
			r <<= 6
			n--
		}
	}
	return dst
}
