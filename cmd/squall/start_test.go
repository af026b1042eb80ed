//go:build unix

package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"squall/cmd/internal/campaign"
	"squall/report"
	"squall/scenario"
)

// remote is small, but against a URL.
func remoteSmall(url string) []string {
	return []string{"run", small, "--target", url}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The whole way: squall starts its own gateway as the server under test, waits for
// it, runs against it and stops it.
func TestRunStart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the tool and takes three seconds")
	}
	tool := filepath.Join(t.TempDir(), "squall")
	if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address := free(t)
	c := exec.Command(tool, append(remoteSmall("ws://"+address), "--start", tool+" gateway --listen "+address, "--json", "-")...)
	out, err := c.Output()
	if err != nil || !strings.Contains(string(out), `"state": "pass"`) || !strings.Contains(string(out), "ws://"+address+`/events"`) {
		t.Fatalf("%v\n%s", err, out)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("the gateway still listens")
	}
}

// What the server wrote is told when the run went wrong, and only then; all that
// it started ends with it.
func TestRunStartOutput(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerUpgrades(l)
	alive := filepath.Join(t.TempDir(), "alive")
	for _, fails := range []bool{false, true} {
		b := newBench()
		answer := b.run
		b.run = func(ctx context.Context, p *scenario.Plan, o campaign.Options) (*report.Result, error) {
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if _, err := os.Stat(alive); err == nil {
					break
				}
			}
			return answer(ctx, p, o)
		}
		if fails {
			_ = failing(b.result)
		}
		// A child of its own writes to the file for as long as it lives.
		script := `echo "the log of the server"; (while :; do echo x >> ` + alive + `; sleep 0.02; done) & wait`
		b.squall(append(remoteSmall("ws://"+l.Addr().String()), "--start", "sh -c "+quote(script))...)
		if told := strings.Contains(b.out.String(), "│ the log of the server"); told != fails {
			t.Errorf("fails %v: stdout %q, stderr %q", fails, b.out.String(), b.err.String())
		}
		before, _ := os.Stat(alive)
		time.Sleep(100 * time.Millisecond)
		if after, err := os.Stat(alive); err != nil || after.Size() != before.Size() {
			t.Errorf("a child of the server still lives: %v", err)
		}
		os.Remove(alive)
	}
}

// answerUpgrades is a server that accepts WebSockets and nothing else.
func answerUpgrades(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go acceptUpgrade(conn)
	}
}

// A server that ends before it listens, or can't be started, is told at once.
func TestRunStartFails(t *testing.T) {
	began := time.Now()
	url := "ws://" + free(t)
	for command, want := range map[string]string{
		"sh -c 'echo no port left >&2; exit 7'": "the server, which ended with exit status 7, wrote:\n  no port left",
		"/no/such/server":                       "starting /no/such/server: there is no such program; give its path",
		"/etc/passwd":                           "starting /etc/passwd: it may not be executed: chmod +x /etc/passwd",
	} {
		b := newBench()
		path := filepath.Join(t.TempDir(), "r.xml")
		code := b.squall(append(remoteSmall(url), "--start", command, "--junit", path)...)
		junit, _ := os.ReadFile(path)
		if code != exitTarget || b.plan != nil || !strings.Contains(b.err.String(), want) || !strings.Contains(string(junit), "<error") {
			t.Errorf("%s: exit %d, stderr %q, JUnit %s", command, code, b.err.String(), junit)
		}
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s to notice", took)
	}
}

// --wait gives the target its time, tells why that was not enough, and ends with a
// signal.
func TestRunWait(t *testing.T) {
	b := newBench()
	url := "ws://" + free(t)
	if code := b.squall(append(remoteSmall(url), "--wait", "300ms")...); code != exitTarget || b.plan != nil ||
		!strings.Contains(b.err.String(), "accepted no connection within 300ms: dial tcp") {
		t.Errorf("exit %d, stderr %q", code, b.err.String())
	}
	b = newBench()
	b.signals = func(c chan<- os.Signal) func() {
		time.AfterFunc(100*time.Millisecond, func() { c <- os.Interrupt })
		return func() {}
	}
	began := time.Now()
	if code := b.squall(append(remoteSmall(url), "--wait", "1m")...); code != exitInconclusive || time.Since(began) > 20*time.Second ||
		!strings.Contains(b.err.String(), ": interrupted while waiting for the target; nothing was judged\n") {
		t.Errorf("exit %d after %s, stderr %q", code, time.Since(began), b.err.String())
	}
}

// acceptUpgrade answers one upgrade as RFC 6455 wants it.
func acceptUpgrade(conn net.Conn) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	_, _ = io.Copy(io.Discard, conn)
}
