package driver

import (
	"fmt"
	"net/http"
	"strings"

	"squall/driver/engine"
	"squall/driver/session"
)

// setback is why a client did not get through, as it is counted: a dial that
// failed, a handshake or a subscription that was refused or never answered, a
// server that hung up before everything was answered.
type setback struct {
	kind   setbackKind
	cause  engine.Cause // of a dial that failed, or of a server that hung up
	status int          // HTTP status of a refused upgrade, close code of a hang-up; 0: none
	text   string
}

type setbackKind uint8

const (
	dialled setbackKind = iota // there was no connection yet
	hungUp                     // the server ended the connection before it was live
	problem                    // an error reply, a missing answer, a broken frame
)

// hangUp is what a connection that ended in this state missed.
func hangUp(s session.State, e engine.End) setback {
	before := "its handshake was answered"
	if s == session.Subscribing {
		before = "a subscribe was answered"
	}
	how := "ended the connection without a close frame"
	switch {
	case e.Cause == engine.Reset:
		how = "reset the connection"
	case e.Cause == engine.CloseFrame && e.Code != 0:
		how = fmt.Sprintf("closed the connection with %d", e.Code)
	case e.Cause == engine.CloseFrame:
		how = "closed the connection"
	}
	text := fmt.Sprintf("the server %s before %s", how, before)
	if e.Cause == engine.CloseFrame && e.Text != "" {
		text += ": " + e.Text
	}
	return setback{kind: hungUp, cause: e.Cause, status: int(e.Code), text: text}
}

// String says what was met: the HTTP status with the start of the body, if there
// was one.
func (b setback) String() string {
	if b.kind != dialled || b.status == 0 {
		return b.text
	}
	s := fmt.Sprintf("HTTP %d", b.status)
	if name := http.StatusText(b.status); name != "" {
		s += " " + name
	}
	if text := strings.Join(strings.Fields(b.text), " "); text != "" {
		s += ": " + clip(text, mostBody)
	}
	return s
}

// mostBody is how much of a refusal's body is worth a line, bytes.
const mostBody = 240

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// step is what to do about it. dialect is the one that was spoken, secure says
// whether over TLS.
func (b setback) step(dialect string, secure bool) string {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(b.text, w) {
				return true
			}
		}
		return false
	}
	other := fmt.Sprintf("does it speak %s at this path? `dialect:` or --dialect chooses another protocol, the URL's path another endpoint", dialect)
	switch b.kind {
	case hungUp:
		if has("unauthorized", "token", "auth") {
			return "check the clients' `token` and `user`, and the key of --jwt-key where jwt() makes the tokens"
		}
		return other + "; the server's log should tell why"
	case problem:
		switch {
		case has("connect refused"):
			return "check the clients' `token` and `user`, and the key of --jwt-key where jwt() makes the tokens"
		case has("subscribe refused"):
			return "check the channels' names, and whether these users may subscribe to them"
		}
		return other
	}
	switch b.cause {
	case engine.NotUpgraded:
		return b.upgrade(secure)
	case engine.TimedOut:
		if has("no answer to the upgrade") {
			return "something accepts connections there and says nothing: check the port, and whether the server hangs" + map[bool]string{false: " or wants TLS (wss://)"}[secure]
		}
		return "nothing answers at this address: check host and port, and firewalls on the way"
	}
	switch {
	case has("connection refused"):
		return "is the target running, and are host and port right?"
	case has("no such host", "server misbehaving"):
		return "check the host's name in the URL"
	case has("does not look like a TLS handshake"):
		return "the server speaks no TLS at this port: use ws://, or another port"
	case has("unknown authority", "certificate", "x509"):
		return "name the authority in `target.tls.ca`, or use `target.tls.insecure: true` for a test server; the certificate must fit the URL's host"
	case has("TLS", "tls:"):
		return "check that the port speaks TLS, and `target.tls` if it asks for client certificates"
	case has("too many open files"):
		return "raise the limit of open files (ulimit -n), or lower the counts"
	case has("cannot assign requested address"):
		return "the local ports are used up: wait a minute, or lower the counts"
	case has("unreachable", "no route", "timed out", "timeout"):
		return "check host and port, and routes and firewalls on the way"
	case b.cause == engine.EOF, b.cause == engine.Reset, has("reset", "EOF"):
		return "something accepts connections there and drops them: check the port, and the server's log"
	}
	return "is the target running, and is its address right?"
}

// upgrade is the step after an answer that was no upgrade.
func (b setback) upgrade(secure bool) string {
	switch s := b.status; {
	case !secure && (s == 0 && strings.Contains(b.text, `"\x15\x03`) || s == http.StatusBadRequest && strings.Contains(b.text, "HTTPS")):
		return "this is a TLS server: use wss://"
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		return "the server wants to know who connects: set `target.headers` (Authorization, Cookie, Origin) or a token in the URL"
	case s == http.StatusNotFound:
		return "check the path of the target's URL; one without a path gets the usual one of its `dialect:`, so check that, too"
	case s == http.StatusTooManyRequests, s == http.StatusBadGateway, s == http.StatusServiceUnavailable, s == http.StatusGatewayTimeout:
		return "the server is full, starting, or limits the rate: look at its limits, lower `count`, or let clients `arrive` more slowly"
	case s >= 300 && s < 400:
		return "the server sends clients elsewhere: set the target's URL to where it points"
	case s == http.StatusSwitchingProtocols:
		return "this is no valid WebSocket handshake (RFC 6455 §4.1): is a proxy in between, and does `dialect:` fit the server?"
	case s >= 500:
		return "the server failed: its log should tell why"
	case s != 0:
		return "this is an HTTP server, but no WebSocket at this path: check the path of the target's URL"
	}
	return "this is no WebSocket server: check the port of the target's URL"
}

// setbacks counts why clients don't get through. What a target says is
// unbounded, so the table is not.
type setbacks map[setback]int

const mostSetbacks = 64

func (s setbacks) add(b setback) {
	if _, ok := s[b]; ok || len(s) < mostSetbacks {
		s[b]++
	}
}

// most is the most frequent one; ok is false if there is none.
func (s setbacks) most() (b setback, ok bool) {
	best := 0
	for k, n := range s {
		if n > best || n == best && k.text < b.text {
			b, best = k, n
		}
	}
	return b, best > 0
}
