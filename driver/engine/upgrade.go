package engine

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"
)

// guid is what RFC 6455 §1.3 has both ends append to the key.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// UpgradeRequest writes the HTTP request that asks host for a WebSocket at path
// (RFC 6455 §4.1), and the Sec-WebSocket-Accept that answers key. Headers are
// name and value; a Host among them replaces host. Line breaks in them become
// blanks, so nothing can be smuggled in. An empty subprotocol offers none.
func UpgradeRequest(host, path string, headers [][2]string, subprotocol string, key [16]byte) (request []byte, accept string) {
	if path == "" {
		path = "/"
	}
	for _, h := range headers {
		if strings.EqualFold(h[0], "Host") {
			host = h[1]
		}
	}
	nonce := base64.StdEncoding.EncodeToString(key[:])
	var b strings.Builder
	b.WriteString("GET " + clean.Replace(path) + " HTTP/1.1\r\n")
	b.WriteString("Host: " + clean.Replace(host) + "\r\n")
	b.WriteString("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
	b.WriteString("Sec-WebSocket-Key: " + nonce + "\r\n")
	if subprotocol != "" {
		b.WriteString("Sec-WebSocket-Protocol: " + clean.Replace(subprotocol) + "\r\n")
	}
	for _, h := range headers {
		if !strings.EqualFold(h[0], "Host") {
			b.WriteString(clean.Replace(h[0]) + ": " + clean.Replace(h[1]) + "\r\n")
		}
	}
	b.WriteString("\r\n")
	sum := sha1.Sum([]byte(nonce + guid))
	return []byte(b.String()), base64.StdEncoding.EncodeToString(sum[:])
}

// AddHeader returns a request of UpgradeRequest with one header more.
func AddHeader(request []byte, name, value string) []byte {
	head := request[:len(request)-len("\r\n")]
	return append(head[:len(head):len(head)], clean.Replace(name)+": "+clean.Replace(value)+"\r\n\r\n"...)
}

// clean keeps line breaks out of headers.
var clean = strings.NewReplacer("\r", " ", "\n", " ")
