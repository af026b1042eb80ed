package gateway

import (
	"bufio"
	"bytes"
	"net"
	"testing"

	"github.com/gobwas/ws"
)

// bytesConn is a connection on which some bytes come, and nothing goes.
type bytesConn struct {
	net.Conn
	r *bytes.Reader
}

func (c bytesConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// FuzzReader feeds the reader, and what it reads to the commands, with anything.
func FuzzReader(f *testing.F) {
	g, err := New(Config{Limits: Limits{Message: 1 << 10}, Rows: []RowsOf{{Channel: "board.*", Key: "a.k", Tombstone: "gone", Max: 4}}})
	if err != nil {
		f.Fatal(err)
	}
	defer g.Close()
	masked := func(s string) []byte { return ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(s)))) }
	f.Add(masked(`{"id":1,"type":"connect"}`))
	f.Add(append(masked(`{"id":2,"type":"subscribe","channel":"c","recover":{"epoch":"e","offset":1}}`), masked(`{"type":"publish","channel":"c","data":{}}`)...))
	f.Add(append(masked(`{"type":"publish","channel":"board.1","data":{"a":{"k":"\u0061"},"gone":false}}`), masked(`{"type":"subscribe","channel":"board.1","snapshot":true}`)...))
	f.Add([]byte{0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, in []byte) {
		c := &conn{gateway: g, nc: bytesConn{r: bytes.NewReader(in)}, connected: true}
		c.queue.dead = true // it says nothing
		r := &reader{c: c}
		r.buffered = bufio.NewReaderSize(r, readBuffer)
		for {
			message, err := r.message()
			if err != nil {
				break
			}
			if len(message) > 1<<10 {
				t.Fatalf("a message of %d bytes passed", len(message))
			}
			c.obey(message)
			r.release()
		}
		for _, sub := range c.subs {
			sub.stream.remove(sub)
		}
		if r.payload != nil && cap(*r.payload) > 16<<10 {
			t.Fatalf("%d bytes were set aside for %d", cap(*r.payload), len(in))
		}
	})
}
