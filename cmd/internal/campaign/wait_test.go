package campaign

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"squall/driver/gateway"
	"squall/scenario"
)

func waiting(url string) *scenario.Plan {
	return &scenario.Plan{Target: scenario.TargetPlan{URLs: []string{url}, Dialect: "events"}}
}

// A gateway that begins to listen a little later is waited for; of several nodes
// the last one.
func TestWait(t *testing.T) {
	g, err := gateway.New(gateway.Config{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go g.Serve(first)
	defer g.Close()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plan := waiting("ws://" + first.Addr().String())
	if err := Wait(context.Background(), plan, 10*time.Second, nil); err != nil {
		t.Errorf("it listens, and got %v", err)
	}
	plan.Target.URLs = append(plan.Target.URLs, "ws://"+second.Addr().String())
	began := time.Now()
	go func() {
		time.Sleep(150 * time.Millisecond)
		g.Serve(second)
	}()
	if err := Wait(context.Background(), plan, 20*time.Second, nil); err != nil || time.Since(began) < 150*time.Millisecond {
		t.Errorf("got %v after %s, want nil once the second node serves", err, time.Since(began))
	}
	plan.Target.Embedded = true
	plan.Target.URLs = nil
	if err := Wait(context.Background(), plan, 0, nil); err != nil {
		t.Errorf("the embedded gateway: %v", err)
	}
}

// Why a target does not accept is told; each is the target's fault but the signal.
func TestWaitInVain(t *testing.T) {
	serve := func(answer string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					_, _ = c.Read(make([]byte, 4096))
					_, _ = c.Write([]byte(answer))
				}()
			}
		}()
		return "ws://" + l.Addr().String()
	}
	for answer, want := range map[string]string{
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n":                                        "503 Service Unavailable",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n":                "answered the upgrade wrongly",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bm9uc2Vuc2U=\r\n\r\n": "answered the upgrade wrongly",
		"SSH-2.0-server\r\n": "malformed HTTP",
		"":                   "reading the answer to the upgrade",
	} {
		err := Wait(context.Background(), waiting(serve(answer)), 150*time.Millisecond, nil)
		if err == nil || !errors.Is(err, ErrTarget) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", answer, err, want)
		}
	}
	gone := make(chan struct{})
	close(gone)
	if err := Wait(context.Background(), waiting("ws://127.0.0.1:1"), time.Minute, gone); err == nil || !strings.Contains(err.Error(), "ended before") {
		t.Errorf("a server that is gone: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Wait(ctx, waiting("ws://127.0.0.1:1"), time.Minute, nil); !errors.Is(err, context.Canceled) || errors.Is(err, ErrTarget) {
		t.Errorf("a signal: %v", err)
	}
}

func TestTail(t *testing.T) {
	var out tail
	for range 3 * serverLines {
		_, _ = out.Write([]byte("old\n"))
	}
	_, _ = out.Write([]byte("a\nb"))
	_, _ = out.Write([]byte("c\n" + strings.Repeat("x", 3*serverWidth)))
	lines := out.last()
	if n := len(lines); n != serverLines+1 || lines[n-3] != "a" || lines[n-2] != "bc" || len(lines[n-1]) != serverWidth {
		t.Errorf("got %d lines, the last ones %q", len(lines), lines[max(0, len(lines)-3):])
	}
}
