// Package report turns the Result of a run into everything that people and
// machines read: terminal text, JSON, JUnit, Markdown, annotations of a CI log
// and HdrHistogram files. It writes to an io.Writer and decides nothing: states,
// counts and witnesses come from the rules as they are.
package report

import (
	"time"

	"squall/assert"
	"squall/assert/latency"
)

// Result is all that is known after a run.
type Result struct {
	Tool        string // version of Squall
	Scenario    string // name
	About       string
	File        string
	Seed        uint64
	Set         []string // --set changes
	Run         string   // run id
	Target      string   // URL without user info, or `embedded`
	Dialect     string
	Engine      string // epoll, portable, memory
	Command     string // the command that repeats this run
	Clients     int    // planned
	Started     time.Time
	Took        time.Duration // the whole run
	Active      time.Duration // the active part as it was
	Interrupted bool
	Lost        string // why the target was lost or could not be used; "" otherwise
	Stopped     string // which limit ended the run early; "" otherwise. It is then interrupted, too

	State     assert.State // of the whole run
	Verdicts  []assert.Verdict
	Latency   []latency.Row       // one per stage that has samples
	Spreads   []latency.Histogram // the distributions behind Latency
	Returns   Returns             // the reconnect curve
	Errors    []ErrorKind         // by kind, most frequent first
	Traffic   Traffic
	Generator Generator
	Notes     []string  // for the reader: defaults that matter, limits, what was skipped
	Server    Server    // what --start started
	Commands  []Command // that the timeline ran
}

// Command is a command that the timeline ran.
type Command struct {
	Line    int           `json:"line"`  // of the scenario
	At      time.Duration `json:"at_ns"` // since time 0
	Command string        `json:"command"`
	Took    time.Duration `json:"took_ns"`
	Code    int           `json:"code"`   // its exit code; −1: it has none
	Failed  string        `json:"failed"` // why it counts as failed; "" otherwise
	Output  []string      `json:"output"` // the last lines that it wrote
}

// Server is the server under test, where it was started for the run.
type Server struct {
	Command string   `json:"command"`
	Ended   string   `json:"ended"`  // how it ended, if it did so by itself; "" otherwise
	Output  []string `json:"output"` // the last lines of both its outputs
}

// Returns tells how clients came back.
type Returns struct {
	Lost   int           // losses of connections of clients that wanted back
	Back   int           // of those: connected and subscribed again by the end
	Peak   int           // most returns within any one second
	PeakAt time.Duration // when that second began, since time 0 of the timeline
	Curve  []ReturnPoint // cumulative, at most 60 points
}

// ReturnPoint: after After since it wanted back, Back clients were ready.
type ReturnPoint struct {
	After time.Duration `json:"after_ns"`
	Back  int           `json:"back"`
}

// ErrorKind counts one kind of error.
type ErrorKind struct {
	What    string `json:"what"`
	N       int64  `json:"n"`
	Excused int64  `json:"excused"` // explained by a fault or drain of the plan
	Example string `json:"example,omitempty"`
}

// Traffic counts what went over the wire.
type Traffic struct {
	Connections int   `json:"connections"` // most at one time
	Dials       int64 `json:"dials"`
	Streams     int64 `json:"event_streams,omitempty"` // connections over an event stream
	Polls       int64 `json:"long_polls,omitempty"`    // connections that polled
	Published   int64 `json:"published"`
	Acked       int64 `json:"acked"`
	Unknown     int64 `json:"unknown"`
	Failed      int64 `json:"failed"`
	Delivered   int64 `json:"delivered"`
	BytesIn     int64 `json:"bytes_in"`
	BytesOut    int64 `json:"bytes_out"`
	Packed      int64 `json:"compressed,omitempty"`       // messages received compressed
	Unpacked    int64 `json:"compressed_bytes,omitempty"` // their bytes, expanded
}

// Generator tells whether Squall itself kept up.
type Generator struct {
	LagP50, LagP99, LagMax time.Duration // due → actually sent
	LagCount               int64
	Busy                   float64       // busiest loop, share of 1
	ReadLag                time.Duration // largest wait of received bytes in our own queue, where the kernel stamps
	Saturated              bool
	Why                    string        // what broke its budget
	CPU                    time.Duration // user+sys of this process
	MaxRSS                 int64
	Loops                  int
}
