package detour

import (
	"bytes"
	"fmt"
	"strings"
)

// request is what all requests of a connection have in common, taken from the upgrade
// request that it would have made.
type request struct {
	path   string
	fields string // Host and the like, as they are written
}

// requestOf leaves out of an upgrade request what makes it one.
func requestOf(upgrade []byte) request {
	first, rest, _ := strings.Cut(string(bytes.TrimSuffix(upgrade, []byte("\r\n"))), "\r\n")
	r := request{path: "/"}
	if parts := strings.Split(first, " "); len(parts) > 1 {
		r.path = parts[1]
	}
	for line := range strings.SplitSeq(rest, "\r\n") {
		name, _, ok := strings.Cut(line, ":")
		switch name = strings.ToLower(name); {
		case !ok, name == "upgrade", name == "connection", strings.HasPrefix(name, "sec-websocket-"):
		default:
			r.fields += line + "\r\n"
		}
	}
	return r
}

// write is a whole request. A body is there with POST alone.
func (r request) write(method, id string, body []byte, more ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n%s", method, r.path, r.fields)
	if id != "" {
		fmt.Fprintf(&b, "Connection-Id: %s\r\n", id)
	}
	for _, line := range more {
		b.WriteString(line + "\r\n")
	}
	if method == "POST" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
