package driver

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"squall/assert/history"
	"squall/scenario"
)

type answers struct {
	status  int
	body    string
	written bool
	err     error
}

func (a answers) Post(context.Context, int, scenario.Request) (int, []byte, bool, error) {
	return a.status, []byte(a.body), a.written, a.err
}

// TestRequest: what an answer over HTTP says of the message. Unknown is whatever may
// still take effect; refused only what certainly does not.
func TestRequest(t *testing.T) {
	text := "squall: 1\nname: x\nduration: 5s\nclients:\n  p: {count: 1, publish: [{channel: c, rate: 1/s, via: http}]}\n"
	plan, problems := scenario.Load("x.yaml", []byte(text), scenario.Options{Dialects: []scenario.DialectInfo{{Name: "events", Ack: true}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	reset := &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{Port: 99}, Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	for _, row := range []struct {
		about string
		says  answers
		want  history.Result
		why   string
	}{
		{"accepted", answers{200, `{"offset":7}`, true, nil}, history.OK, ""},
		{"accepted, with nothing to say", answers{204, ``, true, nil}, history.OK, ""},
		{"accepted, in another way", answers{200, `["error"]`, true, nil}, history.OK, ""},
		{"no error", answers{200, `{"error":null,"result":{}}`, true, nil}, history.OK, ""},
		{"an error behind 200", answers{200, `{"error":{"code":102,"message":"unknown channel"}}`, true, nil}, history.Failed, "unknown channel"},
		{"refused", answers{403, "no\n  rights", true, nil}, history.Failed, `over HTTP: "no rights"`},
		{"a redirect is no answer to a publication", answers{302, "", true, nil}, history.Failed, "over HTTP"},
		{"an inner error says nothing of the message", answers{500, "oops", true, nil}, history.Unknown, "oops"},
		{"no connection", answers{0, "", false, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}}, history.Failed, "over HTTP: no connection: connection refused"},
		{"the connection ended", answers{0, "", true, reset}, history.Unknown, "over HTTP: connection reset by peer"},
		{"no answer", answers{0, "", true, context.DeadlineExceeded}, history.Unknown, "over HTTP: no answer in time"},
		{"something else, with a secret", answers{0, "", true, errors.New("bad token s3cret")}, history.Unknown, "over HTTP: bad token ***"},
	} {
		f := &fleet{plan: plan, ctx: context.Background(), mask: masker([]string{"s3cret"}), cfg: Config{Post: row.says}}
		a := f.request(&plan.Publishers[0], 0, &scenario.Publication{Channel: "c"}, []byte(`{"a":1}`))
		if a.result != row.want || !strings.Contains(a.why, row.why) || (a.why == "") != (row.want == history.OK) {
			t.Errorf("%s: got %v %q, want %v %q", row.about, a.result, a.why, row.want, row.why)
		}
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	f := &fleet{plan: plan, ctx: over, mask: masker(nil), cfg: Config{Post: answers{0, "", true, context.Canceled}}}
	if a := f.request(&plan.Publishers[0], 0, &scenario.Publication{Channel: "c"}, []byte(`{}`)); a.result != history.Unknown || a.why != "" {
		t.Errorf("at the end of the run: %+v", a)
	}
}
