//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

// storm makes a run of reconnect-storm short, and leaves times out of its
// judgement: they say nothing on a machine that runs other tests meanwhile.
const storm = ` --set clients.voters.count=500 --set clients.voters.arrive.over=500ms --set clients.tellers.publish.0.rate=10/s` +
	` --set duration=2s --set timeline.0.at=300ms --set timeline.0.disconnect.away=200ms..800ms` +
	` --set 'expect=[{delivery: exactly-once}, {order: per-channel}, {recovery: complete}, {reconnect: {success: 100%}}, {errors: 0}]'`

// brief makes a run of any scenario short.
const brief = " --set duration=1500ms --set 'timeline=[]' --set 'expect=[{delivery: exactly-once}]'"

// treatment is how the test runs a command of the README.
type treatment struct {
	add    string // appended to the line; {url} is the address of the last server
	serves bool   // runs until it is stopped; its first line of output tells its address
	fetch  bool   // it, or the server that it needs, takes modules from the network
	beside bool   // has its gateway to itself and leaves nothing: runs beside others
}

// treatments are the commands of the README. One that stands here and not there,
// or there and not here, is an error.
var treatments = map[string]treatment{
	"go run ./cmd/squall run scenarios/reconnect-storm.yaml": {add: storm},

	"go install ./cmd/squall": {}, // this is the squall of all that follows
	"squall --help":           {},

	"squall plan reconnect-storm":                                {},
	"squall plan cuts --seed 42 --set clients.members.count=200": {},

	"go test ./...": {add: " -exec true"}, // it is what runs this test: only build it

	"go run -C scenarios/targets/centrifuge .": {add: " -listen 127.0.0.1:0", serves: true, fetch: true},
	"squall run scenarios/reconnect-storm.yaml --target ws://127.0.0.1:8000 --dialect centrifugo": {
		add: storm + " --target {url}", fetch: true,
	},
	"squall run votes.yaml": {
		add:   " --target {url} --set duration=2s --set timeline.0.at=300ms --set timeline.0.disconnect.away=200ms..1s",
		fetch: true,
	},

	"go run -C scenarios/targets/mochi .": {add: " -listen 127.0.0.1:0", serves: true, fetch: true},
	"squall run chat.yaml": {
		add:   " --target {url} --set duration=2s --set timeline.0.at=300ms --set timeline.0.disconnect.away=500ms..1s",
		fetch: true,
	},
	"go test ./cmd/internal/campaign -run Soak -timeout 3h -v -soak mosquitto,mochi": {add: " -exec true"},

	"go doc ./driver/gateway":                                 {},
	"squall gateway --history 5000 --history-ttl 60s":         {add: " --listen 127.0.0.1:0", serves: true},
	"squall run reconnect-storm --target ws://127.0.0.1:8000": {add: storm + " --target {url}"},

	"squall init ci-smoke": {},
	"squall run ci-smoke.yaml --junit junit.xml --markdown summary.md --json report.json --quiet": {add: brief},
	"squall run ci-smoke.yaml replies --junit junit.xml":                                          {add: brief},
	"squall run ci-smoke.yaml --target ws://127.0.0.1:8000 --start 'squall gateway --listen 127.0.0.1:8000' --timeout 2m": {
		add: brief + " --target ws://{free} --start 'squall gateway --listen {free}'",
	},
	"squall plan votes.yaml --env staging":         {},
	"squall run tally.yaml":                        {beside: true},
	"squall run activity.yaml":                     {beside: true},
	"squall run latecomers.yaml":                   {beside: true},
	"squall run count.yaml":                        {beside: true},
	"squall run lobby.yaml":                        {beside: true},
	"squall run ci-smoke.yaml --hgrm latency.hgrm": {add: brief},
	"go doc ./report JSON":                         {},
	"go doc ./report RunsJSON":                     {},

	"squall run reconnect-storm --set 'target.gateway.defects=[recovered-flag-lie]'": {add: storm},
	"squall run reconnect-storm --seed 42 --set clients.voters.count=1000 --set clients.voters.reconnect.first=0s": {
		add: storm,
	},
	"squall run reconnect-storm --trace voters/497":         {add: storm},
	"squall run reconnect-storm --record storm.rec --quiet": {add: storm},
	"squall check storm.rec":                                {},
	"squall schema > squall.schema.json":                    {},
	"squall explain recovered-flag-lie":                     {},
	"squall list anomalies":                                 {},

	"squall run restart.yaml --allow-exec": {beside: true},
	"squall run board.yaml":                {beside: true},
	"squall run doors.yaml":                {beside: true},
	"squall run feeds.yaml":                {add: " --set duration=3s --set timeline.0.at=1s", beside: true},
	"squall run ballots.yaml":              {add: " --set duration=3s --set timeline.0.at=1s", beside: true},
	"squall run purse.yaml":                {add: " --set duration=3s --set timeline.0.at=1s", beside: true},

	"squall prove --scenario cuts --seeds 2": {},

	// 10,000 connections are too many here.
	"go test -run '^$' -bench Idle -benchtime 1x ./cmd/internal/campaign": {add: " -list Idle"},
}

var endsWith = regexp.MustCompile(`# ends with exit code ([0-9])$`)

// Every command of the README is run as it stands there, by a shell, in the
// order of the page: go's in the repository, the others in an empty folder that
// holds the files which the page tells to save.
func TestReadmeCommands(t *testing.T) {
	s := &shell{t: t, dir: t.TempDir(), bin: t.TempDir()}
	defer s.stop()
	defer s.beside.Wait()
	turns := make(chan struct{}, 3) // these mostly wait: for their duration to be over
	seen := map[string]bool{}
	for _, b := range blocks(t) {
		if name, ok := b.file(); ok {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if b.kind != "sh" {
			continue
		}
		for line := range strings.Lines(b.text) {
			command, comment, _ := strings.Cut(strings.TrimSpace(line), "#")
			command = strings.TrimSpace(command)
			how, known := treatments[command]
			if !known {
				t.Errorf("README.md:%d: the test does not know how to treat %q: add it to treatments", b.line, command)
				continue
			}
			seen[command] = true
			if how.fetch && testing.Short() {
				continue
			}
			want := "0"
			if m := endsWith.FindStringSubmatch("#" + comment); m != nil {
				want = m[1]
			}
			if !how.beside {
				s.command(command, how, want)
				continue
			}
			turns <- struct{}{}
			s.beside.Go(func() { s.command(command, how, want); <-turns })
		}
	}
	for command := range treatments {
		if !seen[command] {
			t.Errorf("the README has no command %q any more", command)
		}
	}
}

// shell runs commands, and one server at a time beside them.
type shell struct {
	t        *testing.T
	dir, bin string
	server   *exec.Cmd
	url      string
	beside   sync.WaitGroup
}

func (s *shell) command(line string, how treatment, want string) {
	s.t.Helper()
	line += strings.ReplaceAll(how.add, "{url}", s.url)
	if strings.Contains(line, "{free}") {
		line = strings.ReplaceAll(line, "{free}", free(s.t))
	}
	if how.serves {
		s.serve(line)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := s.make(ctx, line)
	started := time.Now()
	out, err := c.CombinedOutput()
	got := "0"
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = fmt.Sprint(exit.ExitCode())
	} else if err != nil {
		s.t.Errorf("%s: %v", line, err)
		return
	}
	if got != want {
		s.t.Errorf("%s\nended with %s, want %s:\n%s", line, got, want, out)
	}
	s.t.Logf("%4.1fs  %.100s", time.Since(started).Seconds(), line)
}

// make prepares a line in a process group of its own, so that what it starts
// can be stopped with it.
func (s *shell) make(ctx context.Context, line string) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-c", line)
	c.Dir = s.dir
	if strings.HasPrefix(line, "go ") {
		c.Dir = root
	}
	c.Env = append(os.Environ(), "GOBIN="+s.bin, "PATH="+s.bin+":"+os.Getenv("PATH"))
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	return c
}

// serve starts a server in the background and reads its address.
func (s *shell) serve(line string) {
	s.t.Helper()
	s.stop()
	s.server = s.make(context.Background(), line)
	var told bytes.Buffer
	s.server.Stderr = &told
	out, err := s.server.StdoutPipe()
	if err == nil {
		err = s.server.Start()
	}
	if err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ws://") {
			s.url = lines.Text()
			return
		}
	}
	s.stop() // nobody writes to told any more
	s.t.Fatalf("%s\nended without telling its address:\n%s", line, &told)
}

// stop ends the server and waits for it.
func (s *shell) stop() {
	if s.server == nil {
		return
	}
	pid := s.server.Process.Pid
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	late := time.AfterFunc(15*time.Second, func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
	_ = s.server.Wait() // how it ends is its own matter
	late.Stop()
	s.server = nil
}
