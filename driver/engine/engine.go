// Package engine moves bytes for many WebSocket connections.
//
// A Loop owns a set of connections and serves them to one Handler. All calls of
// a Handler happen one at a time (on the loop's own thread, or under the loop's
// one lock), so a Handler needs no locks of its own. Loops share nothing.
//
// Three engines stand behind the one interface and pass one test suite:
//
//   - epoll (Linux, ws://): raw non-blocking sockets, one locked thread and one
//     read buffer a loop, no goroutine a connection, kernel receive stamps;
//   - portable (any system, wss://): goroutines over net.Conn;
//   - memory: the portable engine over driver/engine/memory, a buffered
//     in-memory network, for synctest bubbles.
//
// What they share knows no socket: a decoder joins frames to messages, a link
// is one connection from handshake to the one Closed, a shard is what the links
// of a loop have in common. An engine feeds links with bytes and gives them a
// wire to write to. Best chooses; New makes.
package engine

import (
	"time"

	"squall/driver/fault"
)

// Token is the caller's name for one connection; every callback repeats it. The
// caller never uses one twice in a run.
type Token uint64

// Dial says how to open one connection.
type Dial struct {
	Address    string        // host:port to connect to
	Request    []byte        // the whole HTTP upgrade request; shared, never changed
	Accept     string        // the Sec-WebSocket-Accept that the answer must carry
	Protocol   string        // the subprotocol that was offered; the answer may repeat it or leave it out
	Deflate    bool          // the request offers permessage-deflate, as DeflateOffer
	TLS        *TLS          // nil for ws://
	Timeout    time.Duration // for TCP, TLS and upgrade together; 0: 30s
	ReadBuffer int           // SO_RCVBUF to set before connecting, bytes; 0: the system's
}

// Stamp tells when bytes came in, as durations since the loop's epoch.
type Stamp struct {
	Arrived time.Duration // the kernel's receive stamp, or Read if there is none
	Read    time.Duration // after the read that completed the message
	Kernel  bool          // Arrived is the kernel's
}

// Loop is one shard's engine. Dial and the methods of Conn may be called only
// from the Handler's own callbacks (Post's functions included).
type Loop interface {
	// Run serves until Stop; it calls h and nothing else does. It closes what is
	// still open without telling the handler.
	Run(h Handler) error
	// Dial starts to connect and returns at once; Open or Closed follows.
	Dial(t Token, d *Dial) Conn
	// Post runs f on the loop, soon. From any goroutine.
	Post(f func())
	// Stop ends Run. From any goroutine.
	Stop()
	// Now is the time since the loop's epoch.
	Now() time.Duration
	// Stats tells what the loop has done so far. From any goroutine.
	Stats() Stats
}

// Conn is one connection. Methods never block; after Closed they do nothing.
type Conn interface {
	// Send frames, masks and writes one whole message; opcode as in RFC 6455 §5.2.
	// The payload is copied. What the socket does not take at once waits in
	// memory, up to 64 MiB and 500 pongs: past the first the connection ends with
	// Local and a text, past the second pongs are left out. Before Open and after
	// Close it does nothing.
	Send(opcode byte, payload []byte)
	// Close sends a close frame with code and reason (code 0: an empty one), waits
	// up to two seconds for the answer, and ends the connection.
	Close(code uint16, reason string)
	// Fault applies or lifts a fault; see package fault. Faults that end the
	// connection lead to Closed with End.Cause Fault.
	Fault(a fault.Action)
}

// Handler is what a loop serves.
type Handler interface {
	// Open: the upgrade was accepted. Messages that came with it follow.
	Open(t Token, at Stamp)
	// Message is one whole message (fragments are joined) or control frame.
	// The payload is unmasked, valid during the call, and may be changed.
	Message(t Token, opcode byte, payload []byte, at Stamp)
	// Closed is the last callback for t, also for a dial that failed.
	Closed(t Token, end End)
	// Wake is called when the time returned by the last Wake has come, once at
	// the start, after every Post, and after every batch of other callbacks, so
	// whatever they changed is heard. It returns the next time to be woken;
	// Never, or anything not over 0, means only by other events.
	Wake(now time.Duration) (next time.Duration)
}

// Cause says why a connection ended.
type Cause uint8

// The causes.
const (
	Unreachable Cause = iota // TCP or TLS could not be set up. Text tells
	NotUpgraded              // the answer was no valid upgrade. Status, Text (start of the body)
	TimedOut                 // no upgrade within Dial.Timeout
	CloseFrame               // the server sent a close frame. Code (0 if none), Text: the reason
	EOF                      // the server ended TCP without a close frame
	Reset                    // the server, or the network, reset it
	Violation                // the server broke RFC 6455. Text tells what
	Fault                    // a fault of ours ended it
	Local                    // Conn.Close ended it
)

// End tells how a connection ended.
type End struct {
	Cause  Cause
	Status int    // HTTP status, if NotUpgraded and an HTTP answer came
	Broken bool   // of a Violation: it can't be read as RFC 6455 and RFC 7692 say; false: it is longer than is taken, or a code that may not be sent
	Code   uint16 // close code, if CloseFrame (or Local, when the server answered; or Violation, if it is the code that is wrong)
	Text   string // what is worth showing: at most 512 bytes, valid UTF-8
	At     Stamp
}

// Stats are the counters of one loop.
type Stats struct {
	Messages uint64 // received
	BytesIn  uint64
	BytesOut uint64
	Packed   uint64        // messages received compressed
	Unpacked uint64        // their bytes, expanded
	Conns    int           // open now
	Busy     time.Duration // time not spent waiting
	ReadLag  time.Duration // largest Read − Arrived, where the kernel stamps and no fault of ours held the bytes up
}
