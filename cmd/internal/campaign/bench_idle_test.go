package campaign

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"squall/assert/history"
	"squall/report"
)

// idle is one way to be connected and silent.
type idle struct {
	gateway, url, engine string
	clients              int
	most                 float64 // bytes that one connection may take, resident
}

const idleScenario = `
squall: 1
name: idle
duration: 1h
drain: {timeout: 1s}
target: {url: "%s", tls: {insecure: true}}
clients:
  everybody: {count: %d, arrive: {over: %s}, subscribe: [{channel: "room.{i %% 100}", recover: true}]}
expect:
  - delivery: exactly-once
  - order: per-channel
  - recovery: complete
  - latency: {of: delivery, p99: 1s}
  - latency: {of: connect, p99: 1s}
  - reconnect: {success: 100%%}
  - errors: 0
`

// BenchmarkIdle is what one idle connection costs this process in resident
// memory: 10,000 clients, each with a recovering subscription and every rule on,
// against a gateway in a process of its own. The base is what is resident before
// the scenario is read, so plan, sessions, engine and judge all count.
func BenchmarkIdle(b *testing.B) {
	idle{gateway: plain, url: "ws://%s/", engine: "epoll", clients: 10_000, most: 2048}.measure(b, "3s")
}

// BenchmarkIdleTLS is the same for wss:// on the portable engine, where each
// connection has a goroutine, a read buffer and the state of crypto/tls.
func BenchmarkIdleTLS(b *testing.B) {
	idle{gateway: withTLS, url: "wss://%s/", engine: "portable", clients: 5_000, most: 60 << 10}.measure(b, "10s")
}

func (i idle) measure(b *testing.B, arrive string) {
	url := fmt.Sprintf(i.url, gatewayProcess(b, i.gateway))
	for range b.N {
		before, codeBefore := resident(b)
		p := compile(b, "idle.yaml", fmt.Appendf(nil, idleScenario, url, i.clients, arrive), 1)
		interrupt := make(chan struct{})
		ready := make(chan struct{})
		result := make(chan *report.Result)
		go func() {
			told := false
			r, err := Run(context.Background(), p, Options{
				Engine: i.engine, Loops: 1, Run: 7, Interrupt: interrupt,
				Progress: func(q Progress) {
					if !told && q.Phase == history.PhaseActive && q.Ready == i.clients {
						told = true
						close(ready)
					}
				},
			})
			if err != nil {
				b.Error(err)
			}
			result <- r
		}()
		select {
		case <-ready:
		case <-result:
			b.Fatal("the run ended before everybody was ready")
		case <-time.After(time.Minute):
			b.Fatal("not everybody got ready")
		}
		now, code := resident(b)
		each := float64(now-before) / float64(i.clients)
		close(interrupt)
		if r := <-result; r != nil && (r.Clients != i.clients || len(r.Errors) > 0) {
			b.Errorf("%d clients, errors %v", r.Clients, r.Errors)
		}
		b.ReportMetric(each, "B/conn")
		b.ReportMetric(float64(code-codeBefore), "B-code") // the same for one client and for all
		b.ReportMetric(0, "ns/op")
		if each > i.most {
			b.Errorf("%.0f bytes are resident per idle connection; the limit is %.0f", each, i.most)
		}
	}
}

// resident is what this process holds in memory of its own, bytes, after the
// garbage is gone and what the runtime kept in reserve is given back; and, apart,
// how much of its program file has been read in so far. That grows with what the
// program does for the first time, not with connections, and the kernel takes it
// back when it likes.
func resident(b *testing.B) (own, code int64) {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("resident memory is read from /proc: ", err)
	}
	find := func(name string) int64 {
		for line := range strings.Lines(string(status)) {
			if v, ok := strings.CutPrefix(line, name+":"); ok {
				kb, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
				if err != nil {
					b.Fatal(err)
				}
				return kb << 10
			}
		}
		b.Fatalf("no %s in /proc/self/status", name)
		return 0
	}
	return find("RssAnon"), find("RssFile")
}
