package engine

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// maxAnswer bounds the header of the answer to an upgrade request, bytes.
const maxAnswer = 64 << 10

// maxText bounds End.Text, bytes.
const maxText = 512

// answer is what came of the answer to an upgrade request so far.
type answer struct {
	size     int    // of the header that accepts, bytes; what follows are frames
	accepted bool   // upgraded: frames follow
	refused  bool   // it is no valid upgrade
	partial  bool   // refused, but more of the body may come
	status   int    // of a refusal, if HTTP came
	packs    bool   // permessage-deflate is agreed on
	text     string // of a refusal: the body, or what is wrong
}

// parseAnswer reads the answer at the start of b, which holds all that came so
// far. It is neither accepted nor refused while more is needed. Informational
// answers other than 101 are skipped (RFC 9110 §15.2).
func parseAnswer(b []byte, accept, protocol string, deflate bool) (a answer) {
	skipped := 0
	for {
		const magic = "HTTP/1."
		rest := b[skipped:]
		if n := min(len(rest), len(magic)); string(rest[:n]) != magic[:n] {
			return answer{refused: true, text: clip("not an HTTP answer: "+strconv.QuoteToASCII(string(rest[:min(len(rest), 200)])), maxText)}
		}
		end := headerEnd(rest[:min(len(rest), maxAnswer)])
		if end < 0 {
			if len(rest) >= maxAnswer {
				return answer{refused: true, text: fmt.Sprintf("the header of the answer is over %d bytes", maxAnswer)}
			}
			return a
		}
		head := rest[:end]
		status, ok := parseStatus(head)
		switch {
		case !ok:
			return answer{refused: true, text: clip("malformed HTTP status line: "+strconv.QuoteToASCII(string(line(head))), maxText)}
		case status == 101:
			packs, why := checkUpgrade(head, accept, protocol, deflate)
			if why != "" {
				return answer{refused: true, status: status, text: clip(why, maxText)}
			}
			return answer{accepted: true, packs: packs, size: skipped + end}
		case status < 200:
			if skipped += end; skipped > maxAnswer {
				return answer{refused: true, status: status, text: "too many informational answers"}
			}
			continue
		}
		text, whole := body(head, rest[end:])
		return answer{refused: true, partial: !whole, status: status, text: clip(text, maxText)}
	}
}

// headerEnd is where the blank line that ends a header ends, or −1. Lines may
// end in a bare line feed (RFC 9112 §2.2).
func headerEnd(b []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
		if rest := b[i:]; len(rest) > 0 && rest[0] == '\n' {
			return i + 1
		} else if len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n' {
			return i + 2
		}
	}
}

func line(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return bytes.TrimSuffix(b, []byte{'\r'})
}

// parseStatus reads `HTTP/1.1 101 Switching Protocols`.
func parseStatus(head []byte) (status int, ok bool) {
	l := line(head)
	if len(l) < 12 || l[8] != ' ' || len(l) > 12 && l[12] != ' ' {
		return 0, false
	}
	for _, c := range l[9:12] {
		if c < '0' || c > '9' {
			return 0, false
		}
		status = status*10 + int(c-'0')
	}
	return status, status >= 100 && l[7] >= '0' && l[7] <= '9'
}

// fields calls f for each header field after the status line, until it says no.
func fields(head []byte, f func(name, value []byte) bool) {
	for {
		i := bytes.IndexByte(head, '\n')
		if i < 0 {
			return
		}
		head = head[i+1:]
		name, value, ok := bytes.Cut(line(head), []byte{':'})
		if ok && !f(name, bytes.Trim(value, " \t")) {
			return
		}
	}
}

func is(name []byte, want string) bool { return strings.EqualFold(string(name), want) }

// hasToken says whether a list header holds token, in any case.
func hasToken(list []byte, token string) bool {
	for item := range bytes.SplitSeq(list, []byte{','}) {
		if is(bytes.Trim(item, " \t"), token) {
			return true
		}
	}
	return false
}

// checkUpgrade checks a 101 by RFC 6455 §4.1 and says what is wrong with it; packs
// tells whether it agrees to the permessage-deflate that was offered.
func checkUpgrade(head []byte, accept, protocol string, deflate bool) (packs bool, why string) {
	var upgrade, connection, accepted bool
	fields(head, func(name, value []byte) bool {
		switch {
		case is(name, "Upgrade"):
			upgrade = upgrade || hasToken(value, "websocket")
		case is(name, "Connection"):
			connection = connection || hasToken(value, "upgrade")
		case is(name, "Sec-WebSocket-Accept"):
			accepted = string(value) == accept
			if !accepted {
				why = fmt.Sprintf("101 with Sec-WebSocket-Accept %q, expected %q", value, accept)
			}
		case is(name, "Sec-WebSocket-Extensions") && len(value) > 0 && deflate && !packs:
			packs, why = true, checkDeflate(value)
		case is(name, "Sec-WebSocket-Extensions") && len(value) > 0 && deflate:
			why = fmt.Sprintf("101 with the extension %q, after another one", value)
		case is(name, "Sec-WebSocket-Extensions") && len(value) > 0:
			why = fmt.Sprintf("101 with the extension %q, none was offered", value)
		case is(name, "Sec-WebSocket-Protocol") && !hasToken([]byte(protocol), string(value)):
			why = fmt.Sprintf("101 with the subprotocol %q, offered was %q", value, protocol)
		}
		return why == ""
	})
	switch {
	case why != "":
	case !upgrade:
		why = "101 without `Upgrade: websocket`"
	case !connection:
		why = "101 without `Connection: Upgrade`"
	case !accepted:
		why = "101 without Sec-WebSocket-Accept"
	case head[7] == '0':
		why = "101 in HTTP/1.0"
	}
	return packs, why
}

// body is the start of a refusal's body, and whether enough of it is here.
func body(head, b []byte) (text string, whole bool) {
	length, chunked := -1, false
	fields(head, func(name, value []byte) bool {
		if is(name, "Content-Length") {
			if n, err := strconv.Atoi(string(value)); err == nil && n >= 0 {
				length = n
			}
		}
		chunked = chunked || is(name, "Transfer-Encoding") && hasToken(value, "chunked")
		return true
	})
	if chunked {
		return unchunk(b)
	}
	if length >= 0 && len(b) >= length {
		return string(b[:min(length, maxText)]), true
	}
	return string(b[:min(len(b), maxText)]), len(b) >= maxText
}

// unchunk joins the chunks that are here (RFC 9112 §7.1).
func unchunk(b []byte) (text string, whole bool) {
	var out []byte
	for len(out) < maxText {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return string(out), false
		}
		size, _, _ := bytes.Cut(line(b), []byte{';'})
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil || n == 0 {
			return string(out), true
		}
		b = b[i+1:]
		if uint64(len(b)) < n+2 {
			return string(append(out, b[:min(uint64(len(b)), n)]...)), uint64(len(out))+uint64(len(b)) >= maxText
		}
		out, b = append(out, b[:n]...), b[n+2:]
	}
	return string(out), true
}
