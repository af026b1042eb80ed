package campaign

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"
)

// passes writes a frame of a correct server to its client, or what has become of
// it, and says whether to go on.
type passes func(c net.Conn, f []byte) bool

// mood is what a fuzzing server is up to.
type mood int

const (
	lawful   mood = iota // what a correct server or the network may do: pieces, pauses, pings, fragments, closes, cuts
	lawless              // anything
	dropping             // it forgets deliveries, and nothing else
	doubling             // it says deliveries twice, and nothing else
	swapping             // it changes the places of two deliveries, and nothing else
	moods
)

func (m mood) String() string {
	return [...]string{"lawful", "lawless", "dropping", "doubling", "swapping"}[m]
}

// mischief is a fuzzing server's plan: seeded, and the same for the same frames.
type mischief struct {
	w     *world
	mood  mood
	seed  uint64
	from  time.Duration // nothing happens before
	until time.Duration // nor after
	often float64       // chance per frame

	mu     sync.Mutex
	lines  map[net.Conn]*line
	spent  int            // bytes of its own
	did    map[string]int // how often what was done
	harmed int            // deliveries that were dropped, doubled or swapped
}

// line is what it knows of one connection.
type line struct {
	rng  *rand.Rand
	old  [][]byte // what was said
	held []byte   // a delivery that waits for the next one
}

// mostSpent bounds what a server says of its own in one run, and so what a test takes.
const mostSpent = 4 << 20

func newMischief(w *world, m mood, seed uint64) *mischief {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := &mischief{
		w: w, mood: m, seed: seed, until: time.Hour, often: 0.002 + 0.1*rng.Float64()*rng.Float64(),
		lines: make(map[net.Conn]*line), did: make(map[string]int),
	}
	if m == lawless && rng.IntN(2) == 0 {
		x.often *= 4
	}
	switch {
	case m >= dropping:
		x.from, x.until = 3*time.Second, 17*time.Second // not in the fences, which repeat
	case rng.IntN(2) == 0:
		x.from = time.Duration(rng.IntN(25_000)) * time.Millisecond
	}
	return x
}

func (x *mischief) line(c net.Conn) *line {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.lines[c]
	if l == nil {
		l = &line{rng: rand.New(rand.NewPCG(x.seed, 2+uint64(len(x.lines))))}
		x.lines[c] = l
	}
	return l
}

func (x *mischief) note(what string, bytes int) (goOn bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.did[what]++
	x.spent += bytes
	return x.spent <= mostSpent
}

func (x *mischief) harm(what string) {
	x.note(what, 0)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.harmed++
}

// greets is what comes before any frame: most connections get the server, some of
// a lawless one get something else.
func (x *mischief) greets(serve fake) fake {
	return func(c net.Conn) {
		l := x.line(c)
		if x.mood != lawless || x.w.age() < x.from || l.rng.Float64() > x.often*3 {
			serve(c)
			return
		}
		x.note("greeting", 0)
		all := []fake{
			hang, func(net.Conn) {}, refuses(100+l.rng.IntN(600), "no"), banner("SSH-2.0-OpenSSH_9.6\r\n"), banner(string(noise(l.rng, 2000))),
			answers("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"), answers("HTTP/1.1 101"), answers(string(noise(l.rng, 300))),
			upgraded(func(p *peer) { hang(p) }), upgraded(func(p *peer) { p.Write(noise(l.rng, 5000)); hang(p) }),
			func(c net.Conn) {
				trickle(c, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"), time.Second)
			},
		}
		all[l.rng.IntN(len(all))](c)
	}
}

// pass is what becomes of one frame.
func (x *mischief) pass(c net.Conn, f []byte) bool {
	l := x.line(c)
	if len(l.old) < 32 {
		l.old = append(l.old, f)
	} else {
		l.old[l.rng.IntN(32)] = f
	}
	age := x.w.age()
	if l.held != nil && (x.mood != swapping || !isDelivery(f)) {
		held := l.held
		if l.held = nil; !passOn(c, held) {
			return false
		}
	}
	if age < x.from || age > x.until {
		return l.flush(c) && passOn(c, f)
	}
	switch {
	case x.mood == swapping && l.held != nil:
		x.harm("swap")
		return passOn(c, f) && l.flush(c)
	case l.rng.Float64() > x.often:
		return passOn(c, f)
	case x.mood == lawful:
		return x.lawful(c, l, f)
	case x.mood == lawless && l.rng.IntN(4) == 0:
		return x.lawful(c, l, f)
	case x.mood == lawless:
		return x.lawless(c, l, f)
	case !isDelivery(f):
		return passOn(c, f)
	case x.mood == dropping:
		x.harm("drop")
		return true
	case x.mood == doubling:
		x.harm("double")
		return passOn(c, append(bytes.Clone(f), f...))
	}
	l.held = f
	return true
}

// flush says what was held back.
func (l *line) flush(c net.Conn) bool {
	held := l.held
	l.held = nil
	return held == nil || passOn(c, held)
}

// isDelivery tells a frame that carries exactly one publication, in any of the dialects.
func isDelivery(f []byte) bool {
	body := payloadOf(f)
	return f[0]&15 == 1 && (bytes.HasPrefix(body, []byte(`{"type":"event"`)) || bytes.HasPrefix(body, []byte(`{"push"`))) ||
		f[0]&15 == 2 && len(body) > 0 && body[0]>>4 == 3
}

// payloadOf is what is behind an unmasked frame's header.
func payloadOf(f []byte) []byte {
	switch f[1] & 0x7f {
	case 126:
		return f[4:]
	case 127:
		return f[10:]
	}
	return f[2:]
}

// noise is random bytes.
func noise(rng *rand.Rand, most int) []byte {
	b := make([]byte, 1+rng.IntN(most))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// lawful does to a frame what a correct server or the network may.
func (x *mischief) lawful(c net.Conn, l *line, f []byte) bool {
	rng := l.rng
	switch what := rng.IntN(7); what {
	case 0:
		x.note("pieces", 0)
		for len(f) > 0 {
			n := 1 + rng.IntN(len(f))
			if !passOn(c, f[:n]) {
				return false
			}
			f = f[n:]
			time.Sleep(time.Duration(rng.IntN(50)) * time.Millisecond)
		}
		return true
	case 1:
		x.note("pause", 0)
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
		return passOn(c, f)
	case 2:
		x.note("ping", 0)
		return passOn(c, frame(byte(9+rng.IntN(2)), noise(rng, 125))) && passOn(c, f)
	case 3:
		x.note("fragments", 0)
		opcode, body := f[0]&15, payloadOf(f)
		if f[0]&0x80 == 0 || opcode > 2 {
			return passOn(c, f)
		}
		for first := true; ; first = false {
			n := rng.IntN(len(body) + 1)
			part := frame(opcode, body[:n])
			if !first {
				part[0] = 0x80
			}
			last := rng.IntN(3) == 0
			if body = body[n:]; last {
				n = 0
				part = frame(part[0]&15, append(payloadOf(part), body...))
			} else {
				part[0] &= 0x7f
			}
			if !passOn(c, part) || !passOn(c, frame(9, nil)) {
				return false
			}
			if last {
				return true
			}
		}
	case 4:
		x.note("close", 0)
		code := []uint16{1000, 1001, 1011, 1012, 1013, 4000, 4100}[rng.IntN(7)]
		passOn(c, frame(8, append(binary.BigEndian.AppendUint16(nil, code), "later"...)))
		return false
	case 5:
		x.note("cut", 0)
		passOn(c, f[:rng.IntN(len(f))])
		return false
	default:
		x.note("reset", 0)
		if r, ok := c.(interface{ Reset() }); ok {
			r.Reset()
		} else if p, ok := c.(*peer); ok {
			p.Conn.(interface{ Reset() }).Reset()
		}
		return false
	}
}

// lawless does anything.
func (x *mischief) lawless(c net.Conn, l *line, f []byte) bool {
	rng := l.rng
	body := payloadOf(f)
	own := func(what string, b []byte) bool {
		return !x.note(what, len(b)) || passOn(c, b)
	}
	switch what := rng.IntN(20); what {
	case 0:
		b := bytes.Clone(f)
		for range 1 + rng.IntN(3) {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		}
		return own("flip", b)
	case 1:
		b := bytes.Clone(body)
		if len(b) > 0 {
			b[rng.IntN(len(b))] = "{}[]\",:0\x00\xff\\"[rng.IntN(11)]
		}
		return own("flip inside", frame(f[0]&15, b))
	case 2:
		return own("drop", nil)
	case 3:
		return own("double", f) && passOn(c, f)
	case 4:
		return own("truncate", f[:rng.IntN(len(f))])
	case 5:
		return own("truncate inside", frame(f[0]&15, body[:rng.IntN(len(body)+1)])) && passOn(c, f)
	case 6:
		return own("garbage", noise(rng, 3000)) && passOn(c, f)
	case 7:
		claim := binary.BigEndian.AppendUint64([]byte{0x81, 127}, rng.Uint64()>>rng.IntN(64))
		return own("oversize", append(claim, f...))
	case 8:
		b := bytes.Clone(f)
		b[0] = b[0]&0xf0 | byte(rng.IntN(16))
		return own("opcode", b)
	case 9:
		b := bytes.Clone(f)
		b[0] |= byte(1+rng.IntN(7)) << 4
		return own("compressed", b)
	case 10:
		b := bytes.Clone(f)
		b[1] |= 0x80
		return own("masked", b)
	case 11:
		texts := []string{
			`{"type":"event","channel":"room","offset":18446744073709551615,"data":{}}`, `{"type":"connected"}`, `{}`, `[]`, `null`, ``, `{"type":7}`,
			`{"type":"event","channel":"room","offset":-1,"data":null}`, `{"id":1,"type":"published"}`, `{"id":2,"type":"subscribed","channel":"room","recovered":true}`,
			`{"type":"unsubscribed","channel":"room"}`, `{"type":"draining"}`, `{"id":1,"connect":{"ping":1,"pong":true}}`, `{"push":{"channel":"room","unsubscribe":{"code":2500}}}`,
			`{"push":{"channel":"room","pub":{"data":{},"offset":5}}}`, `{"push":{"disconnect":{"code":3001,"reason":"x"}}}`, `{"id":1,"subscribe":{"recovered":true,"epoch":"x","offset":9,"publications":[{"data":{}}]}}`,
			`{"id":18446744073709551616}`, strings.Repeat(`{"a":`, 3000), `{"id":1,"error":{"code":109,"message":"` + strings.Repeat("so ", 5000) + `"}}`,
			`{"id":3,"type":"error","code":401,"error":"unauthorized","message":"who?"}`,
		}
		return own("words", frame(1, []byte(texts[rng.IntN(len(texts))]))) && passOn(c, f)
	case 12:
		packets := [][]byte{
			{0x20, 3, 0, 0, 0}, {0x20, 3, 1, 0x87, 0}, {0x40, 2, 0, 1}, {0x40, 2, 0, 0}, {0x50, 2, 0, 1}, {0x62, 2, 0, 1}, {0x70, 2, 0, 1}, {0x90, 4, 0, 1, 0, 1}, {0x90, 4, 0, 1, 0, 0x87},
			{0xd0, 0}, {0xe0, 0}, {0xe0, 1, 0x8b}, {0x30, 0xff, 0xff, 0xff, 0x7f}, {0x30, 0xff, 0xff, 0xff, 0xff, 0x7f}, {0x36, 2, 0, 0}, {0x3a, 9, 0, 4, 'r', 'o', 'o', 'm', 0, 1, 0}, {0x34, 9, 0, 4, 'r', 'o', 'o', 'm', 0, 7, 0}, {0, 0}, {0xf0, 0},
		}
		return own("packets", frame(2, packets[rng.IntN(len(packets))])) && passOn(c, f)
	case 13:
		return own("again", l.old[rng.IntN(len(l.old))]) && passOn(c, f)
	case 14:
		b := bytes.Clone(body)
		for i := range b {
			if b[i] >= '0' && b[i] <= '9' && rng.IntN(4) == 0 {
				b[i] = '0' + byte(rng.IntN(10))
			}
		}
		return own("numbers", frame(f[0]&15, b))
	case 15:
		x.note("trickle", 0)
		n := rng.IntN(min(20, len(f)) + 1)
		return trickle(c, f[:n], time.Second) && passOn(c, f[n:])
	case 16:
		reason := noise(rng, 126)
		b := append(binary.BigEndian.AppendUint16(nil, uint16(rng.IntN(6000))), reason...)
		own("any close", frame(8, b[:rng.IntN(len(b)+1)]))
		return rng.IntN(2) == 0
	case 17:
		flood := bytes.Repeat(frame(byte(9+rng.IntN(2)), noise(rng, 125)), 1+rng.IntN(1000))
		if rng.IntN(2) == 0 {
			flood = append([]byte{0x01, 0}, bytes.Repeat([]byte{0x00, 1, ' '}, 1+rng.IntN(20_000))...)
		}
		return own("flood", flood) && passOn(c, f)
	case 18:
		var b []byte
		for n := range rng.IntN(500) {
			b = append(b, frame(1, fmt.Appendf(nil, `{"type":"event","channel":"no-%d-%d","offset":1,"epoch":"e%d","data":{}}`, rng.Uint32(), n, n))...)
		}
		return own("names", b) && passOn(c, f)
	default:
		b := bytes.Clone(f)
		b[0] &= []byte{0x7f, 0xf0}[rng.IntN(2)]
		return own("fragment", b) && passOn(c, f)
	}
}
