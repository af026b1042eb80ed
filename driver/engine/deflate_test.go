package engine

import (
	"bytes"
	"compress/flate"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// compressed is a whole message as a server sends it; before is what its window
// holds, which should be nothing.
func compressed(t testing.TB, message, before string) string {
	t.Helper()
	var b bytes.Buffer
	z, err := flate.NewWriterDict(&b, flate.BestCompression, []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	z.Write([]byte(message))
	z.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// packedFrame is a frame with RSV1.
func packedFrame(fin bool, opcode byte, payload string) string {
	f := []byte(frame(fin, opcode, payload))
	f[0] |= packedBit
	return string(f)
}

func TestDeflateAnswers(t *testing.T) {
	const answer = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: A\r\n"
	for _, tt := range []struct {
		extensions string
		packs      bool
		text       string
	}{
		{"", false, ""},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover", true, ""},
		{"Sec-WebSocket-Extensions: permessage-deflate;client_no_context_takeover ; server_no_context_takeover; server_max_window_bits=10", true, ""},
		{"Sec-WebSocket-Extensions: permessage-deflate", false, "without the server_no_context_takeover"},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=15", false, "client_max_window_bits was not offered"},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits", false, "client_max_window_bits was not offered"},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=16", false, "invalid"},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_no_context_takeover", false, "duplicate"},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; x=1", false, "unexpected"},
		{"Sec-WebSocket-Extensions: x-webkit-deflate-frame", false, "offered was permessage-deflate alone"},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover, mux", false, "offered was permessage-deflate alone"},
		{"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover", false, "after another one"},
		{"Sec-WebSocket-Extensions: ;;", false, "malformed"},
	} {
		head := answer + "\r\n"
		if tt.extensions != "" {
			head = answer + tt.extensions + "\r\n\r\n"
		}
		a := parseAnswer([]byte(head), "A", "", true)
		if a.accepted != (tt.text == "") || a.packs != tt.packs || !strings.Contains(a.text, tt.text) {
			t.Errorf("%s: %+v", tt.extensions, a)
		}
	}
}

// TestCompressedMessages: however a message is compressed and cut into frames, and
// wherever the stream is split, it is expanded, or refused for what is wrong with it.
func TestCompressedMessages(t *testing.T) {
	const big = "the same again, the same again, the same again, the same again, and a little more of the same"
	whole := compressed(t, big, "")
	final := func() string { // ends in a last block (RFC 7692 §7.2.3.4)
		var b bytes.Buffer
		z, _ := flate.NewWriter(&b, 9)
		z.Write([]byte(big))
		z.Close()
		return b.String() + "\x00"
	}()
	two := func() string { // a last block, and another block that refers to what is before it
		return strings.TrimSuffix(final, "\x00") + compressed(t, big, big)
	}()
	for _, tt := range []struct{ name, bytes, want, bad string }{
		{"whole", packedFrame(true, OpText, whole), big, ""},
		{"not compressed", text(big), big, ""},
		{"empty", packedFrame(true, OpText, "\x00"), "", ""},
		{"fragments", packedFrame(false, OpText, whole[:7]) + frame(true, OpPing, "p") + frame(true, OpContinuation, whole[7:]), big, ""},
		{"a last block", packedFrame(true, OpBinary, final), big, ""},
		{"a last block in the midst", packedFrame(true, OpBinary, two), big + big, ""},
		{"its window is another message's", packedFrame(true, OpText, compressed(t, big, big)), "", "can't be expanded by itself"},
		{"garbage", packedFrame(true, OpText, "\xff\xff\xff"), "", "can't be expanded by itself"},
		{"not UTF-8", packedFrame(true, OpText, compressed(t, "\xff", "")), "", "not UTF-8"},
		{"a bomb", packedFrame(true, OpBinary, compressed(t, strings.Repeat("x", 5000), "")), "", "over the limit of 1000"},
		{"a ping", packedFrame(true, OpPing, ""), "", "reserved bits"},
		{"a continuation", frame(false, OpText, "a") + packedFrame(true, OpContinuation, whole), "", "reserved bits"},
		{"RSV2", string([]byte{0x81 | 0x20, 0}), "", "reserved bits"},
	} {
		for split := range len(tt.bytes) {
			var d decoder
			var s spares
			got, bad, came := "", violation{}, false
			for _, b := range [][]byte{[]byte(tt.bytes[:split]), []byte(tt.bytes[split:])} {
				for len(b) > 0 && bad.code == 0 {
					var m message
					var n int
					m, n, bad = d.next(b, 1000, true, &s)
					if m.whole && m.opcode < OpClose {
						got, came = string(m.payload), true
					}
					if bad.code == 0 {
						b = b[n:]
						d.settle(&s)
					}
				}
			}
			if got != tt.want || came != (tt.bad == "") || !strings.Contains(bad.text, tt.bad) || (bad.code == 0) != (tt.bad == "") {
				t.Fatalf("%s, split at %d: got %q, %+v", tt.name, split, got, bad)
			}
		}
	}
}

// What is compressed is the same after it, and one loop's messages don't touch each
// other.
func TestDeflateAndInflate(t *testing.T) {
	var z deflater
	var f inflater
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "message")
		if rapid.Bool().Draw(t, "repeated") {
			message = bytes.Repeat(message, 3)
		}
		got, bad := f.inflate(z.deflate(message), len(message))
		if bad.code != 0 || !bytes.Equal(got, message) {
			t.Fatalf("got %q, %+v", got, bad)
		}
		if len(message) > 0 {
			if _, bad := f.inflate(z.deflate(message), len(message)-1); bad.code != 1009 {
				t.Fatalf("over the limit: %+v", bad)
			}
		}
	})
}
