package campaign

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"sync"
	"time"

	"squall/report"
)

const (
	serverLines = 200             // of the server's output that are kept
	serverWidth = 2000            // bytes of a line that are kept
	serverGrace = 5 * time.Second // between asking the server to end and ending it
)

// Server is the server under test, as a process of this command: in a process
// group of its own, so that all it starts can be ended with it.
type Server struct {
	cmd   *exec.Cmd
	out   tail
	ended chan struct{}

	stopping sync.Once

	mu      sync.Mutex
	how     string // it ended by itself
	stopped bool
}

// Start starts words as a command, without a shell.
func Start(words []string) (*Server, error) {
	s := &Server{cmd: exec.Command(words[0], words[1:]...), ended: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out // one writer for both keeps their lines in order
	s.cmd.WaitDelay = time.Second               // who inherited the outputs need not be waited for
	ownGroup(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, targetError{explainStart(words[0], err)}
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in ProcessState
		s.mu.Lock()
		if !s.stopped {
			s.how = s.cmd.ProcessState.String()
		}
		s.mu.Unlock()
		close(s.ended)
	}()
	return s, nil
}

// explainStart says why a program can't be started, and what to do about it.
func explainStart(program string, err error) error {
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("starting %s: there is no such program; give its path, from the directory you are in, or a name in PATH", program)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("starting %s: it may not be executed: chmod +x %s", program, program)
	}
	return fmt.Errorf("starting %s: %w", program, err)
}

// Ended is closed when the process is gone.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Report tells how it is, with the end of what it wrote; secrets are masked.
func (s *Server) Report(secrets []string) report.Server {
	s.mu.Lock()
	r := report.Server{Command: strings.Join(s.cmd.Args, " "), Ended: s.how}
	s.mu.Unlock()
	for _, line := range s.out.last() {
		r.Output = append(r.Output, masked(line, secrets))
	}
	r.Command = masked(r.Command, secrets)
	return r
}

func masked(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// Stop asks the group to end, ends it after a while, and waits for the process and
// for what it wrote. Further calls do nothing: the number of the group may be
// somebody else's by then.
func (s *Server) Stop() { s.stopping.Do(s.stop) }

func (s *Server) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	endAll(s.cmd, s.ended, serverGrace)
}

// tail keeps the last lines of what is written to it.
type tail struct {
	most int // lines; 0: serverLines

	mu    sync.Mutex
	lines []string
	rest  []byte // of a line that is not ended
}

// Write implements io.Writer; it never fails, so that the server never waits.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := b; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if room := serverWidth - len(t.rest); room > 0 {
			t.rest = append(t.rest, line[:min(room, len(line))]...)
		}
		if whole {
			if len(t.lines) == cmp.Or(t.most, serverLines) {
				t.lines = append(t.lines[:0], t.lines[1:]...)
			}
			t.lines = append(t.lines, string(t.rest))
			t.rest = t.rest[:0]
		}
		rest = after
	}
	return len(b), nil
}

func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string{}, t.lines...)
	if len(t.rest) > 0 {
		lines = append(lines, string(t.rest))
	}
	return lines
}
