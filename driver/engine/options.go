package engine

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Never is what Wake may return to be woken only by other events.
const Never = time.Duration(1<<63 - 1)

// Defaults of Options and Dial.
const (
	DefaultMaxMessage = 16 << 20         // bytes of one message
	DefaultTimeout    = 30 * time.Second // of Dial
)

// closeWait bounds the wait for the answer to our close frame, and how long a
// socket outlives its connection to get its last bytes out.
const closeWait = 2 * time.Second

// Options configure a loop. The zero value is ready to use.
type Options struct {
	Epoch      time.Time    // what Stamps and Now count from; all loops of a run share one. Zero: when the loop was made
	MaxMessage int          // largest message taken, bytes; a longer one is a Violation. 0: DefaultMaxMessage
	Sources    []netip.Addr // source addresses, taken in turn (epoll and portable TCP); none: the system chooses

	// Dial replaces TCP in the portable engine. It must obey ctx.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

func (o Options) withDefaults() Options {
	if o.Epoch.IsZero() {
		o.Epoch = time.Now()
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	return o
}
