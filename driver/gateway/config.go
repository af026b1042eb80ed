package gateway

import (
	"fmt"
	"time"
)

// Config configures a Gateway. The zero value gives the defaults.
type Config struct {
	Path string // where the upgrade is accepted; default /events (and /)

	HistorySize int           // events kept of each channel; default 1000; negative: none
	HistoryTTL  time.Duration // and how long; default 5m

	QueueSize int           // messages kept of a named session; default 0: sessions are not kept
	QueueTTL  time.Duration // and how long after its connection ended; default 5m

	HeartbeatEvery   time.Duration // between pings; default 25s; negative: never
	HeartbeatTimeout time.Duration // for an answer (any bytes count); default 10s
	ConnectTimeout   time.Duration // for the upgrade, and for the connect command; default 10s

	Slow   SlowPolicy
	Limits Limits

	// Authenticate decides about a connect command and says who the client is. Nil
	// lets everybody in under the name they give. It may block. An error may be, or
	// wrap, ErrExpired or ErrForged, beside what the token says.
	Authenticate func(token, user string) (Identity, error)
	Roles        []Role // what each role may do; none: everybody may do everything

	// Filter compiles the filter of a subscription to a function over the data of
	// events. Nil: subscriptions with filters are refused.
	Filter func(text string) (func(data []byte) bool, error)

	Shapes  []Shape // how channels are thinned out; the first that matches counts
	Batches []Batch // what is sent several in one message; the first that matches counts

	Rows []RowsOf // which channels keep rows, for snapshots; the first that matches counts

	// Priority lets publications have one. Without it all are normal.
	Priority bool

	// Transforms rewrite the data of events as they are published; the first whose
	// channels match does.
	Transforms []Transform

	Seed    uint64   // of ids, epochs, jitter and chance; 0: a fresh one
	Defects []Defect // deliberate wrongness, for proving rules; see Defects
}

// SlowPolicy is what happens to a connection whose backlog is full.
type SlowPolicy string

// The policies.
const (
	Disconnect SlowPolicy = "disconnect"  // it is closed with code 4008
	DropOldest SlowPolicy = "drop-oldest" // the oldest events are dropped and announced as a gap
)

// Limits bound what a Gateway takes on. 0 means the default.
type Limits struct {
	Connections int     // further upgrades are answered with 503; default unlimited
	Message     int     // bytes of one message from a client; default 64 KiB
	Backlog     int     // bytes queued for one connection; default 1 MiB
	Deliveries  float64 // events per second to all connections together; publishers wait; default unlimited
}

// complete fills in the defaults and refuses what makes no sense.
func (c Config) complete() (Config, error) {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&c.HistoryTTL, 5*time.Minute)
	def(&c.QueueTTL, 5*time.Minute)
	def(&c.HeartbeatEvery, 25*time.Second)
	def(&c.HeartbeatTimeout, 10*time.Second)
	def(&c.ConnectTimeout, 10*time.Second)
	if c.HistorySize == 0 {
		c.HistorySize = 1000
	}
	c.HistorySize = max(c.HistorySize, 0)
	c.HeartbeatEvery = max(c.HeartbeatEvery, 0)
	if err := checkRoles(c.Roles); err != nil {
		return c, err
	}
	if err := checkTransforms(c.Transforms); err != nil {
		return c, err
	}
	var err error
	if c.Shapes, err = checkShapes(c.Shapes); err != nil {
		return c, err
	}
	if c.Batches, err = checkBatches(c.Batches); err != nil {
		return c, err
	}
	if c.Rows, err = checkRows(c.Rows, c.HistorySize); err != nil {
		return c, err
	}
	if c.Path == "" {
		c.Path = "/events"
	}
	if c.Slow == "" {
		c.Slow = Disconnect
	}
	if c.Limits.Message == 0 {
		c.Limits.Message = 64 << 10
	}
	if c.Limits.Backlog == 0 {
		c.Limits.Backlog = 1 << 20
	}
	switch {
	case c.Slow != Disconnect && c.Slow != DropOldest:
		return c, fmt.Errorf("unknown policy %q for slow consumers", c.Slow)
	case c.QueueSize < 0:
		return c, fmt.Errorf("the size of the queue is negative")
	case c.HistoryTTL < 0, c.QueueTTL < 0, c.HeartbeatTimeout < 0, c.ConnectTimeout < 0:
		return c, fmt.Errorf("a duration is negative")
	case c.Limits.Connections < 0, c.Limits.Message < 0, c.Limits.Backlog < 0, c.Limits.Deliveries < 0:
		return c, fmt.Errorf("a limit is negative")
	}
	return c, nil
}
