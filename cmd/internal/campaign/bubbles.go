package campaign

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"squall/driver/engine/memory"
	"squall/report"
	"squall/scenario"
)

// Bubble runs a plan in memory and in virtual time (testing/synctest), on two
// shards.
func Bubble(t *testing.T, p *scenario.Plan) (r *report.Result, err error) {
	synctest.Test(t, func(*testing.T) {
		r, err = Run(context.Background(), p, Options{Network: new(memory.Network), Loops: 2, Run: 7, Command: "squall run"})
	})
	return r, err
}

// ServeBubbles answers the jobs of in, one JSON object a line, with one line each
// on out. It makes this process a test binary, the only place where virtual time
// is to be had, and ends it when in ends.
func ServeBubbles(in io.Reader, out io.Writer, compile Compile) {
	serve := func(t *testing.T) {
		jobs, answers := json.NewDecoder(in), json.NewEncoder(out)
		for {
			var j Job
			if err := jobs.Decode(&j); err != nil {
				return // the parent has nothing more, or is gone
			}
			if err := answers.Encode(AnswerInBubble(t, &j, compile)); err != nil {
				return
			}
		}
	}
	every := func(_, _ string) (bool, error) { return true, nil }
	testing.Main(every, []testing.InternalTest{{Name: "Bubbles", F: serve}}, nil, nil)
}

// AnswerInBubble runs a job in a bubble.
func AnswerInBubble(t *testing.T, j *Job, compile Compile) Answer {
	plan, err := j.plan(compile)
	if err != nil {
		return Answer{State: "broken", Why: err.Error()}
	}
	r, err := Bubble(t, plan)
	if err != nil {
		return Answer{State: "broken", Why: err.Error()}
	}
	return j.judge(r)
}

// BubbleWorker starts a program that calls ServeBubbles on its standard streams.
func BubbleWorker(ctx context.Context, program string, args ...string) (Worker, error) {
	w := &bubbleWorker{cmd: exec.CommandContext(ctx, program, args...)}
	w.cmd.WaitDelay = 2 * time.Second
	w.cmd.Stderr = &w.errors
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a worker for bubbles: %w", err)
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a worker for bubbles: %w", err)
	}
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a worker for bubbles: %w", err)
	}
	w.in, w.jobs, w.lines = in, json.NewEncoder(in), bufio.NewReader(out)
	return w, nil
}

type bubbleWorker struct {
	cmd    *exec.Cmd
	in     io.Closer
	jobs   *json.Encoder
	lines  *bufio.Reader
	errors bytes.Buffer
}

// Do implements Worker.
func (w *bubbleWorker) Do(j Job) (Answer, error) {
	if err := w.jobs.Encode(j); err != nil {
		return Answer{}, w.broken(err)
	}
	for {
		line, err := w.lines.ReadBytes('\n')
		if err != nil {
			return Answer{}, w.broken(err)
		}
		var a Answer
		if len(line) > 0 && line[0] == '{' && json.Unmarshal(line, &a) == nil {
			return a, nil
		}
		w.errors.Write(line) // what the testing package says of a failure
	}
}

// broken says what a worker's last words were.
func (w *bubbleWorker) broken(err error) error {
	w.Close()
	words := strings.Fields(w.errors.String())
	if len(words) > 60 {
		words = words[:60]
	}
	return fmt.Errorf("the worker ended (%w): %s", err, strings.Join(words, " "))
}

// Close ends the worker when it has answered.
func (w *bubbleWorker) Close() {
	w.in.Close()
	w.cmd.Wait()
}
