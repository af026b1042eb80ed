package campaign

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"

	"squall/driver"
	"squall/report"
	"squall/scenario"
)

const (
	commandLines = 50                     // of a command's output that are kept
	commandGrace = 2 * time.Second        // between asking its group to end and ending it
	lastWords    = 200 * time.Millisecond // in which what it wrote is still read when it has ended
)

// Exec runs a command of a timeline, without a shell and in a process group of its
// own, and waits until it has ended. When ctx ends first, the group is ended.
//
// What a command leaves behind when it ends by itself goes on, a server that it
// has started perhaps: its output is still read, and dropped.
func Exec(ctx context.Context, args []string) driver.Ended {
	failed := func(err error) driver.Ended { return driver.Ended{Code: -1, Failed: err.Error()} }
	if err := ctx.Err(); err != nil {
		return driver.Ended{Code: -1, Failed: "the active part was over before it could be started"}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return failed(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = w, w // a file: nobody waits for who inherits it
	ownGroup(cmd)
	err = cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return failed(err)
	}
	out := tail{most: commandLines}
	read := make(chan struct{})
	go func() {
		io.Copy(&out, r) // to the end of the last who holds it
		r.Close()
		close(read)
	}()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(ended)
	}()
	e := driver.Ended{}
	select {
	case <-ended:
	case <-ctx.Done():
		e.Failed = "the active part ended before it did, and it was ended"
		endAll(cmd, ended, commandGrace)
	}
	select {
	case <-read:
	case <-time.After(lastWords):
	}
	e.Code, e.Output = cmd.ProcessState.ExitCode(), out.last()
	if e.Failed == "" && !cmd.ProcessState.Success() {
		e.Failed = cmd.ProcessState.String()
	}
	return e
}

// endAll asks a command's group to end, ends it after a while, and waits for the
// command.
func endAll(cmd *exec.Cmd, ended <-chan struct{}, grace time.Duration) {
	askGroup(cmd)
	for end := time.Now().Add(grace); groupLives(cmd) && time.Now().Before(end); {
		select {
		case <-ended:
			if !groupLives(cmd) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		case <-time.After(10 * time.Millisecond):
		}
	}
	endGroup(cmd)
	<-ended
}

func commandOf(c driver.Command) report.Command {
	return report.Command{Line: c.Line, At: c.At, Command: scenario.CommandLine(c.Args), Took: c.Took, Code: c.Code, Failed: c.Failed, Output: c.Output}
}
