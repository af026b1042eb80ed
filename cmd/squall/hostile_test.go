package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestBadScenarios: whatever a file holds, the answer is exit code 2 and a line
// that names the place and what would be right.
func TestBadScenarios(t *testing.T) {
	const head = "squall: 1\nname: x\n"
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", `1:1: found an empty file, expected a scenario that begins with squall: 1`},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00", `1:1: found something that is not YAML`},
		{"just text", "hello\n", `1:1: found "hello", expected a mapping`},
		{"a list", "[1, 2]\n", `1:1: found a list, expected a mapping`},
		{"very deep", strings.Repeat("[", 100_000), `1:1: found something that is not YAML`},
		{"very long", "#" + strings.Repeat("x", 5<<20), `found a file of more than 4 MiB`},
		{"an alias bomb", head + bomb, `found the unknown key "a0"`},
		{"an open brace", head + "clients: {a: {count: 1\n", `3:14: found a { that is never closed`},
		{"a tab", head + "clients:\n\ta: {count: 1}\n", `4:2: found a tab in the indentation`},
		{"a colon", head + "about: what: this\n", `put it in quotes: about: "what: this"`},
		{"a key twice", head + "duration: 1s\nduration: 2s\n", `4:1: found the key "duration" twice`},
		{"a word for a number", head + "duration: 1s\nclients: {a: {count: many}}\n", `4:22: found "many", expected a whole number`},
		{"a negative count", head + "duration: 1s\nclients: {a: {count: -1}}\n", `4:22: found "-1", expected a whole number of at least 1`},
		{"an unknown key", head + "duration: 1s\nclients: {a: {cuont: 1}}\n", `4:15: found the unknown key "cuont" in clients.a; did you mean "count"?`},
		{"an open template", head + "duration: 1s\nclients: {a: {count: 1, subscribe: [{channel: \"v.{nope(}\"}]}}\n", `4:47: in {nope(}`},
		{"a division by zero", head + "duration: 1s\nclients: {a: {count: 1, subscribe: [{channel: \"v.{i % 0}\"}]}}\n", `4:47: for client 0 of the group: in v.{i % 0}`},
		{"no clients", head + "duration: 1s\n", `found no "clients"`},
		{"no group", head + "duration: 1s\nclients: {}\n", `4:10: found no group, expected at least one`},
		{"too many clients", head + "duration: 1s\nclients: {a: {count: 20000000}}\n", `found more than 1,000,000 clients`},
		{"two targets", head + "duration: 1s\nclients: {a: {count: 1}}\ntarget: {url: \"ws://x/\", gateway: {}}\n", `found url and gateway, expected one of them`},
		{"a web address", head + "duration: 1s\nclients: {a: {count: 1}}\ntarget: {url: \"http://x/\"}\n", `did you mean "ws://x/"?`},
		{"after the end", head + "duration: 1s\nclients: {a: {count: 1}}\ntimeline: [{at: 5s, disconnect: {who: a}}]\n", `5:17: found 5s, expected a time before the end`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "bad.yaml")
			if err := os.WriteFile(file, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			b := newBench()
			began := time.Now()
			code := b.squall("run", file)
			if got := b.err.String(); code != exitUsage || !strings.Contains(got, row.want) || !strings.Contains(got, "bad.yaml:") {
				t.Errorf("exit %d, want 2 with %q:\n%.2000s", code, row.want, got)
			}
			if b.plan != nil || b.out.Len() > 0 {
				t.Errorf("something was run: %q", b.out.String())
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestUnusableTargets: the whole way, on sockets: exit code 4, and one line with
// what was met and the next step.
func TestUnusableTargets(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for seconds of real time")
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		http.Error(w, "not "+r.URL.Path, code)
	}))
	defer web.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plain, tls := strings.TrimPrefix(web.URL, "http://"), strings.TrimPrefix(secure.URL, "https://")
	var group sync.WaitGroup
	for _, row := range []struct{ target, met, step string }{
		{"ws://" + closed.Addr().String() + "/", "connection refused", "is the target running"},
		{"ws://" + plain + "/401", "HTTP 401 Unauthorized: not /401", "target.headers"},
		{"ws://" + plain + "/403", "HTTP 403 Forbidden: not /403", "target.headers"},
		{"ws://" + plain + "/404", "HTTP 404 Not Found: not /404", "check the path"},
		{"ws://" + plain + "/503", "HTTP 503 Service Unavailable: not /503", "limits"},
		{"wss://" + plain + "/404", "does not look like a TLS handshake", "use ws://"},
		{"ws://" + tls + "/", "HTTP 400 Bad Request: Client sent an HTTP request to an HTTPS server", "use wss://"},
		{"wss://" + tls + "/", "certificate", "target.tls.ca"},
	} {
		group.Go(func() {
			var out, errs bytes.Buffer
			began := time.Now()
			code := run(context.Background(), []string{"run", small, "-q", "--dialect", "events", "--target", row.target}, strings.NewReader(""), &out, &errs)
			if got := errs.String(); code != exitTarget || !strings.Contains(got, row.met) || !strings.Contains(got, row.step) || strings.Count(got, "\n") != 1 || out.Len() > 0 {
				t.Errorf("%s: exit %d, want 4 with %q and %q:\n%s%s", row.target, code, row.met, row.step, got, out.String())
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s: it took %v", row.target, took)
			}
		})
	}
	group.Wait()
}

// TestAsProcess is the tool itself when a test below starts it.
func TestAsProcess(t *testing.T) {
	args := os.Getenv("SQUALL_TEST_ARGS")
	if args == "" {
		t.Skip("the other tests start it")
	}
	os.Exit(run(context.Background(), strings.Fields(args), os.Stdin, os.Stdout, os.Stderr))
}

// process runs the tool as a process of its own, by way of a shell command that
// ends in `exec "$0" "$@"`.
func process(shell, args string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	cmd = exec.Command("/bin/sh", "-c", shell, os.Args[0], "-test.run=^TestAsProcess$")
	cmd.Env = append(os.Environ(), "SQUALL_TEST_ARGS="+args)
	out, errs = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

// Too few descriptors are told before anything is started, with the number that
// is needed.
func TestTooFewDescriptors(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	cmd, _, errs := process(`ulimit -n 60 && exec "$0" "$@"`, "run "+small+" -q")
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitTarget || !strings.Contains(errs.String(), "ulimit -n 88") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

// Ctrl-C as the system sends it: once ends the run early, with a report; twice
// ends it at once, with a report.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for seconds of real time")
	}
	var group sync.WaitGroup
	for signals := 1; signals <= 2; signals++ {
		report := filepath.Join(t.TempDir(), "r.json")
		group.Go(func() {
			cmd, out, errs := process(`exec "$0" "$@"`, "run "+small+" --set duration=60s --set timeline=[] --json "+report)
			if err := cmd.Start(); err != nil {
				t.Error(err)
				return
			}
			began := time.Now()
			for range signals {
				time.Sleep(time.Second)
				cmd.Process.Signal(syscall.SIGINT)
			}
			cmd.Wait()
			doc, _ := os.ReadFile(report)
			if code := cmd.ProcessState.ExitCode(); code != exitInconclusive || !bytes.Contains(doc, []byte(`"interrupted": true`)) || !strings.Contains(out.String(), "the run was interrupted") {
				t.Errorf("after %d signals: exit %d\n%s%s", signals, code, out.String(), errs.String())
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("after %d signals it took %v", signals, took)
			}
		})
	}
	group.Wait()
}
