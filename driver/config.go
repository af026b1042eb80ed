package driver

import (
	"fmt"
	"time"

	"squall/assert/history"
	"squall/driver/detour"
	"squall/driver/dialect"
	"squall/driver/engine"
)

// Sink takes the events of one shard, in order, on the shard's loop.
type Sink interface {
	Add(history.Event)
}

// Config is what a run needs beside its plan.
type Config struct {
	Loops   []engine.Loop // one a shard; Run runs and stops them
	Sinks   []Sink        // one a shard
	Names   *history.Names
	Dialect dialect.Dialect
	Dial    engine.Dial   // how every client connects
	More    []engine.Dial // to the further nodes of the target, where it has several
	Control Control       // carries out what the plan does to the target; nil: nothing
	Exec    Exec          // runs the commands of the plan; nil: they fail
	Open    detour.Opener // opens connections for plain HTTP, where clients have a fallback
	Post    Poster        // publishes over HTTP; nil: the plan publishes nothing that way
	Run     uint32        // the run's id, in every stamp

	// Bearer makes the token for a connection of a client that has a new one for each,
	// and tells when it expires.
	Bearer func(client int) (token string, ends time.Time)

	Secrets []string // never to be told: masked in whatever the target says

	Interrupt   <-chan struct{}   // closed: end the active part, drain, finish; nil: never
	Progress    func(Progress)    // about once a second, from Run's goroutine; nil: not wanted
	Trace       func(line string) // of TraceClient, from its loop; nil: none
	TraceClient int
}

// Progress is a snapshot of a run.
type Progress struct {
	Phase     string
	At        time.Duration // since time 0; negative before
	Clients   int
	Connected int
	Ready     int
	Published int64
	Delivered int64
	Errors    int64
	Lag       time.Duration // largest lateness of a publication since the last snapshot
}

// Outcome is what a run says about itself; what happened to clients is in the
// history.
type Outcome struct {
	Active      time.Duration // as it was
	Connections int           // most at one time
	Interrupted bool
	Stopped     string // which limit of the plan ended the active part early; else ""
	Lost        string // the target was gone at the end: why; else ""
	Skipped     int64  // victims that were not connected when their fault came
	BytesIn     uint64
	BytesOut    uint64
	Packed      uint64   // messages that came compressed
	Unpacked    uint64   // their bytes, expanded
	Notes       []string // for the reader: what could not be done to the target
	Commands    []Command
	Loops       int
	Busy        float64 // busiest loop's share of the active part
	ReadLag     time.Duration
}

// TargetError says that the target could not be used at all.
type TargetError struct {
	Attempts int
	Why      string // the most frequent reason, with HTTP status and start of the body
	Step     string // what to do about it
}

func (e *TargetError) Error() string {
	return fmt.Sprintf("no client got through in %d attempts: %s; %s", e.Attempts, e.Why, e.Step)
}
