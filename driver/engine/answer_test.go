package engine

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// The example of RFC 6455 §1.3.
func TestUpgradeRequest(t *testing.T) {
	var key [16]byte
	copy(key[:], "the sample nonce")
	request, accept := UpgradeRequest("gateway:8000", "/connect?x=1", [][2]string{
		{"Authorization", "Bearer t"}, {"host", "other"}, {"X-Evil", "a\r\nSmuggled: b"},
	}, "centrifuge-json", key)
	if accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("accept %q", accept)
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Version": "13",
		"Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-Websocket-Protocol": "centrifuge-json",
		"Authorization": "Bearer t", "X-Evil": "a  Smuggled: b", "Smuggled": "",
	} {
		if got := strings.Join(req.Header[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if req.Host != "other" || req.RequestURI != "/connect?x=1" || req.Method != "GET" {
		t.Errorf("%s %s to %s", req.Method, req.RequestURI, req.Host)
	}
	if request, _ := UpgradeRequest("h", "", nil, "", key); !bytes.HasPrefix(request, []byte("GET / HTTP/1.1\r\nHost: h\r\n")) ||
		bytes.Contains(request, []byte("Protocol")) {
		t.Errorf("plain request %q", request)
	}
}

func TestAnswers(t *testing.T) {
	const ok = "Sec-WebSocket-Accept: A\r\n"
	tests := []struct {
		name, answer string
		accepted     bool
		status       int
		text         string // part of it
	}{
		{"plain", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ok + "\r\n", true, 0, ""},
		{"any case and order", "HTTP/1.1 101 x\r\nsec-websocket-ACCEPT:A\r\nCONNECTION: uPGRADE\r\nupgrade: WebSocket\r\n\r\n", true, 0, ""},
		{"list headers", "HTTP/1.1 101\r\nConnection: keep-alive , Upgrade\r\nUpgrade: h2c, websocket\r\n" + ok + "\r\n", true, 0, ""},
		{"two lines of one header", "HTTP/1.1 101 x\r\nConnection: keep-alive\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" + ok + "\r\n", true, 0, ""},
		{"bare line feeds", "HTTP/1.1 101 x\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: A\n\n", true, 0, ""},
		{"early hints first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ok + "\r\n", true, 0, ""},
		{"the subprotocol offered", "HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: p2\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ok + "\r\n", true, 0, ""},
		{"another subprotocol", "HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: p3\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ok + "\r\n", false, 101, `"p3"`},
		{"an extension", "HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ok + "\r\n", false, 101, "permessage-deflate"},
		{"no Upgrade", "HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" + ok + "\r\n", false, 101, "Upgrade: websocket"},
		{"no Connection", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n" + ok + "\r\n", false, 101, "Connection"},
		{"no Accept", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false, 101, "Accept"},
		{"Accept in another case", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n", false, 101, `"a"`},
		{"HTTP/1.0", "HTTP/1.0 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + ok + "\r\n", false, 101, "HTTP/1.0"},
		{"a status of two digits", "HTTP/1.1 10 x\r\n\r\n", false, 0, "status line"},
		{"HTTP/2", "HTTP/2 101\r\n\r\n", false, 0, "not an HTTP answer"},
		{"body of bytes", "HTTP/1.1 400 x\r\nContent-Length: 3\r\n\r\na\xffb", false, 400, "a?b"},
	}
	for _, tt := range tests {
		a := parseAnswer([]byte(tt.answer), "A", "p1, p2", false)
		if a.accepted != tt.accepted || a.refused == tt.accepted || a.status != tt.status || !strings.Contains(a.text, tt.text) {
			t.Errorf("%s: %+v", tt.name, a)
		}
		if a.accepted && a.size != len(tt.answer) {
			t.Errorf("%s: %d bytes of %d", tt.name, a.size, len(tt.answer))
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: A\r\n\r\n\x81\x00"))
	f.Add([]byte("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\nab"))
	f.Add([]byte("HTTP/1.1 100 a\n\nHTTP/1.1 200 b\nContent-Length: -1\n\nc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := parseAnswer(b, "A", "p", false)
		if whole.accepted && whole.refused || whole.size > len(b) || len(whole.text) > maxText || !utf8.ValidString(whole.text) {
			t.Fatalf("%+v", whole)
		}
		// What is decided early stays decided, and the same.
		for i := range b[:min(len(b), 600)] {
			a := parseAnswer(b[:i], "A", "p", false)
			if a.accepted && a != whole || a.refused && (whole.accepted || !whole.refused || a.status != whole.status) {
				t.Fatalf("after %d bytes %+v, after all %+v", i, a, whole)
			}
		}
		if whole.accepted { // net/http must agree that this is a 101
			if resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil); err == nil && resp.StatusCode > 199 {
				t.Fatalf("accepted, and net/http reads %d", resp.StatusCode)
			}
		}
	})
}
