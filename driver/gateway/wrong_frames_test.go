package gateway

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// unreadable reads frames of a connection until the first one that a client could not
// read, and says what is wrong with it, and how many texts came before.
func unreadable(c *client, packs bool) string {
	for n := 0; ; n++ {
		h, err := ws.ReadHeader(c.r)
		if err != nil {
			return fmt.Sprintf("%d texts, then %v", n, err)
		}
		p := make([]byte, h.Length)
		io.ReadFull(c.r, p)
		packed := h.Rsv&4 != 0
		switch {
		case h.Masked:
			return "masked"
		case h.Rsv&3 != 0, packed && !packs:
			return "reserved bits"
		case packed:
			if p, err = io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))); err != nil {
				return "not compressed"
			}
		}
		if h.OpCode == ws.OpText && !utf8.Valid(p) {
			return "not UTF-8"
		}
	}
}

// TestFrameDefects: each makes a connection unreadable in its own way, over a plain and
// over a compressed connection; without one both are read to their end.
func TestFrameDefects(t *testing.T) {
	for _, row := range []struct{ defect, plain, packed string }{
		{"", "42 texts, then EOF", "42 texts, then EOF"},
		{"compress-desync", "42 texts, then EOF", "not compressed"},
		{"raw-in-compressed", "42 texts, then EOF", "not compressed"},
		{"interleaved-frames", "not UTF-8", "not compressed"},
		{"server-masks", "masked", "masked"},
		{"reserved-bit-set", "reserved bits", "reserved bits"},
		{"text-not-utf8", "not UTF-8", "not UTF-8"},
	} {
		for extension, want := range map[string]string{"": row.plain, "Sec-WebSocket-Extensions: permessage-deflate\r\n": row.packed} {
			cfg := Config{HeartbeatEvery: -1}
			if row.defect != "" {
				cfg.Defects = []Defect{{Name: row.defect, Every: 1}}
			}
			bubble(t, cfg, func(t *testing.T, s *site) {
				nc, r, status := s.upgrade("/events", extension)
				if status != 101 {
					t.Fatalf("upgrade answered %d", status)
				}
				c := &client{t: t, nc: nc, r: r, d: dialect.Events{}.Decoder()}
				c.command(&dialect.Command{Verb: dialect.Connect, User: "a"})
				c.command(&dialect.Command{Verb: dialect.Subscribe, Channel: "c"})
				for i := range 20 {
					c.command(&dialect.Command{Verb: dialect.Publish, Channel: "c", Payload: fmt.Appendf(nil, `{"text":"the same again, the same again","n":%d}`, i)})
				}
				c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
				got := unreadable(c, extension != "")
				if strings.HasPrefix(got, "43 texts") { // with its close frame
					got = strings.Replace(got, "43", "42", 1)
				}
				if got != want {
					t.Errorf("%q, with %q: %s, want %s", row.defect, extension, got, want)
				}
				nc.Close()
			})
		}
	}
}
