package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// key masks the frames of these tests, all zero: what is written is what is meant.
const key = "\x00\x00\x00\x00"

// wireOffences are frames that break RFC 6455, byte by byte, and the close codes
// that answer them.
var wireOffences = []struct {
	name, bytes string
	code        ws.StatusCode
}{
	{"a text without a mask", "\x81\x02{}", 1002},
	{"a ping without a mask", "\x89\x00", 1002},
	{"reserved bit 1", "\xc1\x82" + key + "{}", 1002},
	{"reserved bit 2", "\xa1\x82" + key + "{}", 1002},
	{"reserved bit 3 on a ping", "\x99\x80" + key, 1002},
	{"a reserved data opcode", "\x83\x82" + key + "{}", 1002},
	{"a reserved control opcode", "\x8b\x80" + key, 1002},
	{"a ping of 126 bytes", "\x89\xfe\x00\x7e" + key + strings.Repeat("x", 126), 1002},
	{"only the header of such a ping", "\x89\xfe\xff\xff" + key, 1002},
	{"a fragmented ping", "\x09\x80" + key, 1002},
	{"a continuation of nothing", "\x80\x80" + key, 1002},
	{"a message inside another", "\x01\x81" + key + "{" + "\x81\x81" + key + "}", 1002},
	{"a length over 2^63", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + key, 1002},
	{"a binary message", "\x82\x82" + key + "{}", 1003},
	{"a text that is not UTF-8", "\x81\x84" + key + "\"\xff\xfe\"", 1007},
	{"a surrogate half", "\x81\x85" + key + "\"\xed\xa0\x80\"", 1007},
	{"an overlong slash over two fragments", "\x01\x82" + key + "\"\xc0" + "\x80\x82" + key + "\xaf\"", 1007},
	{"1 GiB announced", "\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00" + key + strings.Repeat("x", 64<<10), 1009},
	{"a message too big in fragments", "\x01\xfe\x80\x00" + key + strings.Repeat("x", 1<<15) + "\x00\xfe\x80\x00" + key + strings.Repeat("x", 1<<15) + "\x80\x81" + key + "x", 1009},
	{"half a close code", "\x88\x81" + key + "\x03", 1002},
	{"a close code that nobody may send", "\x88\x82" + key + "\x03\xed", 1002},
}

// TestOffencesEndTheirAuthor: each is answered with its code, what came before it
// has been obeyed, and the neighbour notices nothing.
func TestOffencesEndTheirAuthor(t *testing.T) {
	for _, row := range wireOffences {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, s *site) {
				author, neighbour := s.client("author"), s.client("neighbour")
				author.subscribe("c")
				neighbour.subscribe("c")
				author.command(&dialect.Command{Verb: dialect.Publish, Channel: "c", Payload: []byte(`"before"`)})
				if _, err := author.nc.Write([]byte(row.bytes)); err != nil {
					t.Fatal(err)
				}
				neighbour.want(dialect.Delivered)
				author.wantClose(row.code)
				author.nc.Close()
				neighbour.publish("c", `"after"`)
				time.Sleep(2 * closeTimeout)
				neighbour.publish("c", `"later"`)
				if n := s.g.Connections(); n != 1 {
					t.Errorf("%d connections are left, want the neighbour's", n)
				}
				neighbour.nc.Close()
			})
		})
	}
}

// TestWrongCommandsAreRefused: a wrong command is refused by its id, has no
// effect, and the connection goes on.
func TestWrongCommandsAreRefused(t *testing.T) {
	for _, row := range []struct {
		name, text string
		code       int
		id         uint64
	}{
		{"bad JSON", `{"id":7,"type":"publish","channel":"`, 400, 7},
		{"no JSON at all", `squall`, 400, 0},
		{"an unknown command", `{"id":7,"type":"squall"}`, 404, 7},
		{"no type", `{"id":7}`, 400, 7},
		{"a second connect", `{"id":7,"type":"connect","user":"somebody"}`, 409, 7},
		{"a second subscribe", `{"id":7,"type":"subscribe","channel":"c"}`, 409, 7},
		{"an unsubscribe from nothing", `{"id":7,"type":"unsubscribe","channel":"d"}`, 404, 7},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, s *site) {
				c := s.client("author")
				c.subscribe("c")
				c.text(row.text)
				if m := c.want(dialect.Error); m.Code != row.code || m.ID != row.id {
					t.Errorf("refused with %d, id %d, want %d, id %d", m.Code, m.ID, row.code, row.id)
				}
				c.publish("c", `"after"`)
				c.nc.Close()
			})
		})
	}
}

// TestOversizeIsNotBuffered: what a header announces costs nothing, however much
// follows it, and fragments cost no more than the longest message.
func TestOversizeIsNotBuffered(t *testing.T) {
	const limit = 64 << 10
	g, err := New(Config{Limits: Limits{Message: limit}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	body := strings.Repeat("x", 1<<20)
	for _, row := range []struct {
		name, bytes string
		read, kept  int // at most
	}{
		{"1 GiB announced", "\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00" + key + body, readBuffer, 16 << 10},
		{"a byte over the limit", "\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01" + key + body, readBuffer, 16 << 10},
		{"fragments without end", "\x01\xfe\x10\x00" + key + body[:4<<10] + strings.Repeat("\x00\xfe\x10\x00"+key+body[:4<<10], 250), limit + limit/8, 2 * limit},
	} {
		r := &reader{c: &conn{gateway: g, nc: bytesConn{r: bytes.NewReader([]byte(row.bytes))}}}
		r.c.queue.dead = true // it says nothing
		r.buffered = bufio.NewReaderSize(r, readBuffer)
		_, err := r.message()
		var bad *violation
		if !errors.As(err, &bad) || bad.code != ws.StatusMessageTooBig {
			t.Errorf("%s: %v", row.name, err)
		}
		if n := len(row.bytes) - r.c.nc.(bytesConn).r.Len(); n > row.read {
			t.Errorf("%s: %d bytes were read, want at most %d", row.name, n, row.read)
		}
		if r.payload != nil && cap(*r.payload) > row.kept {
			t.Errorf("%s: %d bytes were set aside, want at most %d", row.name, cap(*r.payload), row.kept)
		}
	}
}

// TestPingFlood: who pings without end and reads nothing fills its own queue and
// is closed; others are served.
func TestPingFlood(t *testing.T) {
	bubble(t, Config{Limits: Limits{Backlog: 32 << 10}}, func(t *testing.T, s *site) {
		author, neighbour := s.client("author"), s.client("neighbour")
		neighbour.subscribe("c")
		flood := []byte(strings.Repeat("\x89\xfd"+key+strings.Repeat("p", 125), 100))
		ended := make(chan int)
		go func() {
			for n := range 10_000 {
				if _, err := author.nc.Write(flood); err != nil {
					ended <- n
					return
				}
				time.Sleep(time.Millisecond)
			}
			ended <- -1
		}()
		time.Sleep(time.Second)
		neighbour.publish("c", "1")
		if n := <-ended; n < 0 {
			t.Error("ten seconds of pings were taken from who reads no pong")
		}
		author.nc.Close()
		neighbour.nc.Close()
	})
}

// TestAbuseDefects: each defect shows what it says.
func TestAbuseDefects(t *testing.T) {
	offend := func(c *client, bytes string) { c.nc.Write([]byte(bytes)) }
	ended := func(c *client) ws.StatusCode {
		for {
			c.nc.SetReadDeadline(time.Now().Add(3 * time.Second))
			_, err := c.next()
			c.nc.SetReadDeadline(time.Time{})
			var e *closed
			if errors.As(err, &e) {
				return e.code
			}
			if err != nil {
				return 0
			}
		}
	}
	for _, row := range []struct {
		defect, bytes     string
		author, neighbour ws.StatusCode // 0: goes on
	}{
		{"collateral-close", "\x83\x80" + key, 1002, 1011},
		{"oversize-buffered", "\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00" + key + "x", 0, 0},
		{"unmasked-accepted", "\x89\x00", 0, 0},
		{"wrong-violation-code", "\x83\x80" + key, 1000, 0},
		{"wrong-violation-code", "\x81\x83" + key + "\"\xff\"", 1000, 0},
		{"resubscribe-obeyed", "\x83\x80" + key, 1002, 0},
	} {
		t.Run(row.defect, func(t *testing.T) {
			bubble(t, Config{Defects: []Defect{{Name: row.defect}}}, func(t *testing.T, s *site) {
				author, neighbour := s.client("author"), s.client("neighbour")
				offend(author, row.bytes)
				if got := ended(author); got != row.author {
					t.Errorf("the author is closed with %d, want %d", got, row.author)
				}
				if got := ended(neighbour); got != row.neighbour {
					t.Errorf("the neighbour is closed with %d, want %d", got, row.neighbour)
				}
				author.nc.Close()
				neighbour.nc.Close()
			})
		})
	}
	t.Run("bad-utf8-passed-on", func(t *testing.T) {
		bubble(t, Config{Defects: []Defect{{Name: "bad-utf8-passed-on"}}}, func(t *testing.T, s *site) {
			author, neighbour := s.client("author"), s.client("neighbour")
			offend(author, "\x81\x83"+key+"\"\xff\"")
			author.wantClose(ws.StatusInvalidFramePayloadData)
			h, err := ws.ReadHeader(neighbour.r)
			if err != nil || h.OpCode != ws.OpText || h.Length != 3 {
				t.Fatalf("the neighbour gets %+v, %v", h, err)
			}
			got := make([]byte, 3)
			if _, err := neighbour.r.Read(got); err != nil || string(got) != "\"\xff\"" {
				t.Errorf("the neighbour gets %q, %v", got, err)
			}
			author.nc.Close()
			neighbour.nc.Close()
		})
	})
	t.Run("resubscribe-obeyed", func(t *testing.T) {
		bubble(t, Config{Defects: []Defect{{Name: "resubscribe-obeyed"}}}, func(t *testing.T, s *site) {
			c := s.client("author")
			c.subscribe("c")
			c.subscribe("c")
			c.nc.Close()
		})
	})
}
