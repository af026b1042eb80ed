package gateway

import (
	"bytes"
	"strconv"
	"time"

	"squall/driver/dialect"
)

// Aggregates: of what is published on a channel only sums are sent. A window begins with
// the first publication after the last one; when its time is over one event is sent for
// each option that was published on, in the order in which they came first:
//
//	{"option":"yes","sum":42,"count":3}
//
// These events have offsets and stand in the history as others do. A publication counts
// once it is answered; one that is refused, or whose key was used before, does not.

// total is what has been added up of one option in a window.
type total struct {
	key   string // what tells it from others
	name  []byte // the option, as it was published first
	sum   int64  // in millionths
	count int64  // publications
}

// millionth is the smallest part of a number that is added up, and mostAdded the largest
// number, so that no sum of a window overflows unnoticed.
const (
	million   = 1_000_000
	mostAdded = 1_000_000_000
)

// vote is what a publication adds: a number to an option.
type vote struct {
	key    string
	name   []byte // inside of what was published
	amount int64  // in millionths
}

// read reads it of the data of a publication; false if that holds none.
func (s *Shape) read(data []byte) (v vote, ok bool) {
	var c dialect.Cursor
	c.Reset(data)
	if !c.Open() {
		return v, false
	}
	summed := false
	for key, more := c.Member(); more; key, more = c.Member() {
		switch string(key) {
		case s.By:
			v.name = c.Skip()
			v.key, ok = optionOf(v.name)
		case s.Sum:
			v.amount, summed = millionthsOf(c.Skip())
		default:
			c.Skip()
		}
	}
	return v, ok && summed && c.Err() == nil
}

// optionOf is what tells an option from others: its text, and whether it is one. A number
// or a truth is none.
func optionOf(raw []byte) (key string, ok bool) {
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n' {
		return "", false
	}
	if raw[0] != '"' {
		return string(raw), true
	}
	var c dialect.Cursor
	c.Reset(raw)
	return `"` + string(c.Text()), c.Err() == nil
}

// millionthsOf reads a number of JSON; false if it is none, if it is beyond mostAdded, or
// if it has more than six decimals: nothing is rounded.
func millionthsOf(raw []byte) (n int64, ok bool) {
	rest, negative := bytes.CutPrefix(raw, []byte("-"))
	if len(rest) == 0 || rest[0] < '0' || rest[0] > '9' {
		return 0, false
	}
	mantissa, exponent, scaled := bytes.Cut(bytes.ToLower(rest), []byte("e"))
	scale := 6
	if scaled {
		e, err := strconv.Atoi(string(exponent))
		if err != nil || e > 100 || e < -100 {
			return 0, false
		}
		scale += e
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	scale -= len(fraction)
	digits := bytes.TrimRight(append(bytes.Clone(whole), fraction...), "0")
	scale += len(whole) + len(fraction) - len(digits)
	digits = bytes.TrimLeft(digits, "0")
	if len(digits) == 0 {
		return 0, true
	}
	if scale < 0 || len(digits)+scale > len("1000000000000000") {
		return 0, false
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	for range scale {
		n *= 10
	}
	if err != nil || n > mostAdded*million {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

// appendMillionths writes a number of millionths.
func appendMillionths(b []byte, n int64) []byte {
	if n < 0 {
		b = append(b, '-')
	}
	u := uint64(max(n, -n))
	b = strconv.AppendUint(b, u/million, 10)
	if f := u % million; f > 0 {
		text := strconv.AppendUint(nil, million+f, 10) // a one in front keeps the zeros
		b = append(append(b, '.'), bytes.TrimRight(text[1:], "0")...)
	}
	return b
}

// countable reports why a publication can't be added up where its channel is.
func (g *Gateway) countable(m *command) *refusal {
	for i := range g.hub.shapes {
		s := &g.hub.shapes[i]
		if !matches(s.segments, string(m.channel)) {
			continue
		}
		if s.Aggregate == 0 {
			return nil
		}
		if m.retain {
			return refuse(400, "bad-request", "what is added up is not kept")
		}
		if _, ok := s.read(m.data); !ok {
			return refuse(400, "bad-request", "the data needs an option in "+s.By+" and a number in "+s.Sum+": they are added up")
		}
		return nil
	}
	return nil
}

// add adds a publication to its window.
func (h *shaper) add(x said, now time.Time, w *wrong) {
	data := x.data
	if x.was != nil {
		data = x.was
	}
	v, ok := h.read(data)
	if !ok || w.atBoundary(h, now) || w.uncounted(h, x, now) {
		return
	}
	w.attribute(h, &v)
	h.count(v, now, w)
	w.remember(h, &v)
	h.last = v.key
	if !h.waits() {
		h.due = now.Add(h.Aggregate)
		h.wake(now, w)
	}
}

// count adds a number to the total of its option. A sum that would be too large is sent
// before.
func (h *shaper) count(v vote, now time.Time, w *wrong) {
	i, known := h.totals[v.key]
	if known && abs(h.window[i].sum) > 1<<62 {
		h.flush(now, w)
		known = false
	}
	if !known {
		if h.totals == nil {
			h.totals = make(map[string]int)
		}
		i = len(h.window)
		h.totals[v.key] = i
		h.window = append(h.window, total{key: v.key, name: bytes.Clone(v.name)})
	}
	h.window[i].sum += v.amount
	h.window[i].count++
}

func abs(n int64) int64 { return max(n, -n) }

// flush sends what has been added up.
func (h *shaper) flush(now time.Time, w *wrong) {
	window := h.window
	h.window, h.flushed = nil, now
	clear(h.totals)
	for i := range window {
		h.stream.emit(said{data: h.say(&window[i], w)}, now, w)
	}
	w.carryOver(h, now)
}

// say is the data of the event about an option.
func (h *shaper) say(t *total, w *wrong) []byte {
	b := append(dialect.AppendText([]byte{'{'}, h.By), ':')
	b = append(append(b, t.name...), `,"sum":`...)
	b = appendMillionths(b, w.whole(t.sum))
	return append(strconv.AppendInt(append(b, `,"count":`...), t.count, 10), '}')
}

// flushSums sends all that is being added up: nobody will be there when its time is over.
func (h *hub) flushSums(w *wrong) {
	for _, s := range h.all() {
		s.mu.Lock()
		if x := s.shaper; x != nil && x.Aggregate > 0 && len(x.window) > 0 && !s.gone {
			x.flush(time.Now(), w)
		}
		s.mu.Unlock()
	}
}
