package driver

import (
	"strings"
	"testing"

	"squall/driver/engine"
	"squall/driver/session"
)

// Each setback is told with what was met, and leads to its own next step.
func TestSetbackSteps(t *testing.T) {
	dial := func(c engine.Cause, status int, text string) setback {
		return setback{cause: c, status: status, text: text}
	}
	for _, row := range []struct {
		name   string
		b      setback
		secure bool
		told   string
		step   string
	}{
		{"nobody listens", dial(engine.Unreachable, 0, "connection refused"), false, "connection refused", "is the target running"},
		{"no such name", dial(engine.Unreachable, 0, "lookup gw.test: no such host"), false, "no such host", "host's name"},
		{"a firewall drops", dial(engine.TimedOut, 0, "not connected"), false, "not connected", "firewalls"},
		{"a hang", dial(engine.TimedOut, 0, "connected, but no answer to the upgrade request"), false, "no answer to the upgrade", "wants TLS (wss://)"},
		{"a hang behind TLS", dial(engine.TimedOut, 0, "connected, but no answer to the upgrade request"), true, "", "says nothing"},
		{"no token", dial(engine.NotUpgraded, 401, "who\nare  you?"), false, "HTTP 401 Unauthorized: who are you?", "target.headers"},
		{"forbidden", dial(engine.NotUpgraded, 403, ""), false, "HTTP 403 Forbidden", "target.headers"},
		{"wrong path", dial(engine.NotUpgraded, 404, "nope"), false, "HTTP 404 Not Found: nope", "path"},
		{"full", dial(engine.NotUpgraded, 503, "full"), false, "HTTP 503 Service Unavailable: full", "arrive"},
		{"moved", dial(engine.NotUpgraded, 302, ""), false, "HTTP 302 Found", "elsewhere"},
		{"broken", dial(engine.NotUpgraded, 500, "oops"), false, "HTTP 500", "log"},
		{"a web server", dial(engine.NotUpgraded, 200, "<html>"), false, "HTTP 200 OK: <html>", "no WebSocket at this path"},
		{"an odd handshake", dial(engine.NotUpgraded, 101, "101 without `Upgrade: websocket`"), false, "HTTP 101", "proxy"},
		{"an ssh server", dial(engine.NotUpgraded, 0, `not an HTTP answer: "SSH-2.0-x"`), false, "SSH-2.0", "no WebSocket server: check the port"},
		{"a TLS server", dial(engine.NotUpgraded, 0, `not an HTTP answer: "\x15\x03\x01\x00"`), false, `\x15`, "use wss://"},
		{"no TLS server", dial(engine.Unreachable, 0, "TLS: tls: first record does not look like a TLS handshake"), true, "TLS", "use ws://"},
		{"unknown authority", dial(engine.Unreachable, 0, "TLS: x509: certificate signed by unknown authority"), true, "x509", "tls.ca"},
		{"dropped at once", dial(engine.EOF, 0, "FIN without a close frame"), false, "FIN", "drops them"},
		{"too few descriptors", dial(engine.Unreachable, 0, "too many open files"), false, "too many", "ulimit"},
		{"token refused", setback{kind: problem, text: "connect refused: the token was refused"}, false, "token was refused", "`token`"},
		{"channel refused", setback{kind: problem, text: "subscribe refused: permission denied"}, false, "permission denied", "channels"},
		{"silence", setback{kind: problem, text: "no answer to connect within 10s"}, false, "no answer to connect", "does it speak events"},
		{"close at connect", hangUp(session.Connecting, engine.End{Cause: engine.CloseFrame, Code: 3501, Text: "bad request"}), false, "closed the connection with 3501 before its handshake was answered: bad request", "does it speak events"},
		{"reset at subscribe", hangUp(session.Subscribing, engine.End{Cause: engine.Reset}), false, "reset the connection before a subscribe was answered", "log"},
	} {
		if got := row.b.String(); !strings.Contains(got, row.told) {
			t.Errorf("%s: told as %q, want %q in it", row.name, got, row.told)
		}
		if got := row.b.step("events", row.secure); !strings.Contains(got, row.step) {
			t.Errorf("%s: the step is %q, want %q in it", row.name, got, row.step)
		}
	}
	if got := dial(engine.NotUpgraded, 404, strings.Repeat("é", 500)).String(); len(got) > 300 || !strings.HasSuffix(got, "é…") {
		t.Errorf("a long body is told as %q", got)
	}
}

// The table is bounded, whatever a target says, and names the most frequent.
func TestSetbacksAreBounded(t *testing.T) {
	s := make(setbacks)
	if _, ok := s.most(); ok {
		t.Error("nothing has a most frequent reason")
	}
	for i := range 1000 {
		s.add(setback{text: strings.Repeat("x", i)})
		s.add(setback{text: "often"})
	}
	if b, _ := s.most(); len(s) != mostSetbacks || b.text != "often" {
		t.Errorf("%d kinds, most often %q", len(s), b.text)
	}
}
