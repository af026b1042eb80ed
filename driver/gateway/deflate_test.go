package gateway

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

func TestDeflateOffers(t *testing.T) {
	for _, tt := range []struct {
		offers []string
		want   bool
	}{
		{nil, false},
		{[]string{"permessage-deflate"}, true},
		{[]string{"permessage-deflate; client_max_window_bits"}, true}, // browsers
		{[]string{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"}, true},
		{[]string{"permessage-deflate; server_max_window_bits=10"}, false},
		{[]string{"permessage-deflate; server_max_window_bits=10, permessage-deflate"}, true},
		{[]string{"permessage-deflate; server_max_window_bits=10", "permessage-deflate"}, true},
		{[]string{"permessage-deflate; level=9"}, false},
		{[]string{"x-webkit-deflate-frame"}, false},
		{[]string{";;"}, false},
	} {
		req := &http.Request{Header: http.Header{"Sec-Websocket-Extensions": tt.offers}}
		if got := offersDeflate(req); got != tt.want {
			t.Errorf("%q: %v", tt.offers, got)
		}
	}
}

func readFrame(r io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(r); err == nil {
		f.Payload = make([]byte, f.Header.Length)
		_, err = io.ReadFull(r, f.Payload)
	}
	return f, err
}

// TestPack: of whole frames, text is compressed, each by itself, and the others stay.
// What expands them is a library that this package doesn't use for it.
func TestPack(t *testing.T) {
	g := Gateway{wrong: &wrong{}}
	messages := []string{"", "a", strings.Repeat("the same again, ", 20), strings.Repeat("x", 70_000), "ä€"}
	var in []byte
	for _, m := range messages {
		in = append(in, seal(append(open(len(m)), m...), ws.OpText)...)
		in = append(in, control(ws.OpPing, []byte(m[:min(len(m), 100)]))...)
	}
	for range 3 { // also with what the pool gives back
		r := bytes.NewReader(g.pack(nil, bytes.Clone(in)))
		for _, m := range messages {
			f, err := readFrame(r)
			if err != nil {
				t.Fatal(err)
			}
			if f.Header.OpCode != ws.OpText || !f.Header.Rsv1() || len(m) > 100 && len(f.Payload) > len(m)/4 {
				t.Errorf("%d bytes became %+v", len(m), f.Header)
			}
			if f, err = wsflate.DecompressFrame(f); err != nil || string(f.Payload) != m {
				t.Errorf("%d bytes came back as %d, %v", len(m), len(f.Payload), err)
			}
			if f, err = readFrame(r); err != nil || f.Header.OpCode != ws.OpPing || f.Header.Rsv != 0 || string(f.Payload) != m[:min(len(m), 100)] {
				t.Errorf("a ping became %+v, %v", f.Header, err)
			}
		}
		if r.Len() > 0 {
			t.Errorf("%d bytes are left", r.Len())
		}
	}
}
