package main

import (
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The gateway tells its URL on stdout, serves there, and drains on a signal.
func TestGateway(t *testing.T) {
	b := newBench()
	out, in := io.Pipe()
	b.stdout = in
	done := make(chan int, 1)
	go func() {
		done <- b.main(context.Background(), []string{"gateway", "--listen", "127.0.0.1:0", "--defect", "ack-then-drop", "--history", "0"})
		in.Close()
	}()
	buf := make([]byte, 200)
	n, err := out.Read(buf)
	url := strings.TrimSpace(string(buf[:n]))
	if err != nil || !strings.HasPrefix(url, "ws://127.0.0.1:") || !strings.HasSuffix(url, "/events") {
		t.Fatalf("stdout begins with %q, %v", url, err)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/events")
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		t.Fatalf("nobody listens there: %v", err)
	}
	c.Close()
	b.signal <- syscall.SIGTERM
	if code := <-done; code != exitPass {
		t.Errorf("exit %d after a drain; stderr %q", code, b.err.String())
	}
	if told := b.err.String(); !strings.Contains(told, "wrong on purpose: ack-then-drop") || !strings.Contains(told, "draining") {
		t.Errorf("stderr is %q", told)
	}
	if _, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		t.Error("it still listens")
	}
}

func TestGatewayErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, row := range []struct {
		args string
		code int
		told string
	}{
		{"--defect recoverd-flag-lie", exitUsage, "did you mean recovered-flag-lie?"},
		{"--defect gremlins", exitUsage, "squall list defects tells them"},
		{"--slow sulk", exitUsage, "one of disconnect, drop-oldest"},
		{"--heartbeat 25", exitUsage, "a duration, such as 250ms or 1m30s"},
		{"--history-ttl 0s", exitUsage, "a duration above 0"},
		{"--listen nowhere", exitTarget, "give host:port"},
		{"--listen " + l.Addr().String(), exitTarget, "choose another port"},
		{"--throttle tally.*", exitUsage, "channels and a time, such as tally.*=200ms"},
		{"--debounce status.*=1s,first", exitUsage, "channels and a time"},
		{"--aggregate votes.*=1s,weight", exitUsage, "such as votes.*=500ms,weight,option"},
		{"--aggregate votes.*=1s,weight,count", exitUsage, "not sum or count"},
		{"--throttle a.*.=1s --listen " + l.Addr().String(), exitUsage, "a segment of the pattern is empty"},
		{"--batch activity.*=50", exitUsage, "channels, a number and a time, such as activity.*=50,100ms"},
		{"--rows board.*", exitUsage, "channels and a field, such as board.*=row, or =row,gone,500"},
		{"--rows board.*=row,gone,0", exitUsage, "channels and a field"},
		{"--batch a.*.=1,1s", exitUsage, "a segment of the pattern is empty"},
		{"extra", exitUsage, "takes no argument"},
	} {
		b := newBench()
		if code := b.squall(append([]string{"gateway"}, strings.Fields(row.args)...)...); code != row.code || !strings.Contains(b.err.String(), row.told) || b.out.Len() > 0 {
			t.Errorf("squall gateway %s: exit %d, want %d; stderr %q, stdout %q", row.args, code, row.code, b.err.String(), b.out.String())
		}
	}
}
