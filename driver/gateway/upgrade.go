package gateway

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// maxRequest bounds the head of an upgrade request.
const maxRequest = 16 << 10

// upgrade reads the request (RFC 6455 §4.2.1) and answers it. It returns the
// bytes that came behind the request. An error means that the connection is
// over; what could be said to the client has been said.
func (c *conn) upgrade() (early []byte, err error) {
	head, early, err := c.readHead()
	if err != nil {
		return nil, err
	}
	status, key := 0, ""
	req, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(head), len(head)))
	switch {
	case err != nil:
		status = http.StatusBadRequest
	case isPost(req), belongs(req):
		return nil, c.servePosts(append(head, early...))
	case req.URL.Path != c.gateway.cfg.Path && req.URL.Path != "/":
		status = http.StatusNotFound
	case wantsEvents(req):
		if c.gateway.admit(c) {
			return nil, c.stream()
		}
		status = http.StatusServiceUnavailable
	default:
		if key, status = checkUpgrade(req); status == 0 && !c.gateway.admit(c) {
			status = http.StatusServiceUnavailable
		}
	}
	if status != 0 {
		return nil, c.reject(status)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	extension := ""
	if c.packs = offersDeflate(req); c.packs {
		extension = deflateAnswer
	}
	_, err = fmt.Fprintf(c.nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
		base64.StdEncoding.EncodeToString(sum[:]), extension)
	return early, err
}

// checkUpgrade returns the key, or the status of the refusal.
func checkUpgrade(req *http.Request) (key string, status int) {
	keys := req.Header.Values("Sec-Websocket-Key")
	switch {
	case req.Method != http.MethodGet:
		return "", http.StatusMethodNotAllowed
	case !req.ProtoAtLeast(1, 1) || req.ProtoMajor != 1 || req.Host == "":
		return "", http.StatusBadRequest
	case !hasToken(req.Header.Values("Upgrade"), "websocket"), !hasToken(req.Header.Values("Connection"), "upgrade"):
		return "", http.StatusUpgradeRequired
	case len(req.Header.Values("Sec-Websocket-Version")) != 1 || req.Header.Get("Sec-Websocket-Version") != "13":
		return "", http.StatusUpgradeRequired
	case len(keys) != 1:
		return "", http.StatusBadRequest
	}
	if raw, err := base64.StdEncoding.DecodeString(keys[0]); err != nil || len(raw) != 16 {
		return "", http.StatusBadRequest
	}
	return keys[0], 0
}

// hasToken looks for a word in a list header, without regard to case.
func hasToken(lines []string, word string) bool {
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), word) {
				return true
			}
		}
	}
	return false
}

// readHead reads up to the blank line.
func (c *conn) readHead() (head, early []byte, err error) {
	buf := make([]byte, 0, 1<<10)
	for {
		if len(buf) == cap(buf) {
			if len(buf) >= maxRequest {
				return nil, nil, c.reject(http.StatusRequestHeaderFieldsTooLarge)
			}
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := c.nc.Read(buf[len(buf):cap(buf)])
		from := max(len(buf)-3, 0)
		buf = buf[:len(buf)+n]
		if i := bytes.Index(buf[from:], []byte("\r\n\r\n")); i >= 0 {
			end := from + i + 4
			return buf[:end], buf[end:], nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// reject answers with an HTTP status and ends the connection.
func (c *conn) reject(status int) error {
	body := fmt.Sprintf("%d %s\n", status, http.StatusText(status))
	extra := ""
	switch status {
	case http.StatusUpgradeRequired: // RFC 6455 §4.4
		extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	case http.StatusServiceUnavailable:
		extra = "Retry-After: 1\r\n"
	case http.StatusMethodNotAllowed:
		extra = "Allow: GET\r\n"
	}
	fmt.Fprintf(c.nc, "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), extra, len(body), body)
	return errors.New("upgrade refused: " + http.StatusText(status))
}
