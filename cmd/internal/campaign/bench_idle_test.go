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

const (
	idleClients = 10_000
	idleBytes   = 2048 // the most that one idle connection may take, resident
)

const idleScenario = `
squall: 1
name: idle
duration: 1h
drain: {timeout: 1s}
target: {url: "ws://%s/"}
clients:
  everybody: {count: %d, arrive: {over: 3s}, subscribe: [{channel: "room.{i %% 100}", recover: true}]}
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
	address := gatewayProcess(b)
	for range b.N {
		before := resident(b)
		p := compile(b, "idle.yaml", fmt.Appendf(nil, idleScenario, address, idleClients), 1)
		interrupt := make(chan struct{})
		ready := make(chan struct{})
		result := make(chan *report.Result)
		go func() {
			told := false
			r, err := Run(context.Background(), p, Options{
				Engine: "epoll", Loops: 1, Run: 7, Interrupt: interrupt,
				Progress: func(q Progress) {
					if !told && q.Phase == history.PhaseActive && q.Ready == idleClients {
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
		each := float64(resident(b)-before) / idleClients
		close(interrupt)
		if r := <-result; r != nil && (r.Clients != idleClients || len(r.Errors) > 0) {
			b.Errorf("%d clients, errors %v", r.Clients, r.Errors)
		}
		b.ReportMetric(each, "B/conn")
		b.ReportMetric(0, "ns/op")
		if each > idleBytes {
			b.Errorf("%.0f bytes are resident per idle connection; the limit is %d", each, idleBytes)
		}
	}
}

// resident is what this process holds in memory, bytes, after the garbage is
// gone and what the runtime kept in reserve is given back.
func resident(b *testing.B) int64 {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("resident memory is read from /proc: ", err)
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb << 10
		}
	}
	b.Fatal("no VmRSS in /proc/self/status")
	return 0
}
