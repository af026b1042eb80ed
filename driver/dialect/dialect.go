// Package dialect holds the protocols that Squall speaks, as pure codecs:
// commands become message payloads, message payloads become messages. A
// dialect sees no socket, no clock and no randomness, and knows nothing of the
// WebSocket framing around its payloads, nor of masks.
//
// One file or folder each; the table in table.go names them all.
package dialect

import "time"

// Dialect is one protocol. A value is immutable and shared by all clients.
type Dialect interface {
	// About describes the protocol: its words and what it can do.
	About() About
	// Append appends the payload of one WebSocket message that carries c.
	// It fails only if the protocol cannot say it (see About.Can).
	Append(dst []byte, c *Command) ([]byte, error)
	// Decoder returns a new decoder, to be owned by one goroutine.
	Decoder() Decoder
}

// Decoder turns the payload of one WebSocket message into protocol messages.
//
//	d.Reset(payload)
//	for d.Next(&m) { … }
//	if d.Err() != nil { … }
//
// The byte slices of a Message point into the payload (or into the decoder's
// scratch) and are valid until the next Reset. Steady-state messages allocate
// nothing.
type Decoder interface {
	Reset(payload []byte)
	Next(m *Message) bool
	Err() error
}

// About is what is fixed about a protocol.
type About struct {
	Name        string // as in `dialect:` of a scenario
	Summary     string // one line
	Path        string // default path of the URL when it has none
	Subprotocol string // offered in the handshake; "" for none
	Binary      bool   // messages travel in binary frames
	Can         Can
	Promises    Promises // what its documentation promises
}

// Can lists abilities; what a dialect can't do is refused when the plan is made.
type Can struct {
	Recover     bool // subscribe from a position
	Offsets     bool // deliveries carry dense per-channel offsets
	Ack         bool // publications are acknowledged
	AckOffset   bool // the acknowledgement carries the offset
	Patterns    bool // subscribe by pattern
	Filters     bool // subscriptions may carry a filter
	Unsubscribe bool
	ClientPing  bool // the client may ping in the dialect's own words
	Sessions    bool // connect may name a session, which the server may keep while the client is away
	Keys        bool // publications may carry an idempotency key
}

// Promises are a protocol's documented defaults; a scenario's target.promises changes them.
type Promises struct {
	Delivery         string // at-most-once, at-least-once, exactly-once
	Order            string // none, per-publisher, per-channel
	Recovery         bool
	HistorySize      int // 0: none
	HistoryTTL       time.Duration
	HeartbeatEvery   time.Duration // 0: none
	HeartbeatTimeout time.Duration
	QueueSize        int // of the backlog of a kept session; 0: none
	QueueTTL         time.Duration
	Idempotency      bool   // publications with the same key take effect once
	Takeover         string // closes-old, keeps-both; "" promises nothing
}

// Verb names a command.
type Verb uint8

// The verbs.
const (
	Connect     Verb = iota + 1 // Token, User; Session, Fresh, Keep, Received if Can.Sessions
	Subscribe                   // Channel, or a pattern in it; Recover with Epoch and Offset; Filter
	Unsubscribe                 // Channel, or a pattern in it
	Publish                     // Channel, Payload, Key
	Ping                        // the client's own heartbeat, if Can.ClientPing
	Pong                        // the answer to a server's Ping message
)

// Command is something that the client says.
type Command struct {
	Verb    Verb
	ID      uint64 // the answer repeats it; unique on one connection; 0 for Pong
	Channel string
	Pattern bool   // Channel is a pattern, if Can.Patterns: * is one segment, ** the rest
	Filter  string // expression over the payload, if Can.Filters; "" for none
	Recover bool
	Epoch   string
	Offset  uint64
	Token   string
	User    string
	Key     string // idempotency key
	Payload []byte // a JSON value

	Session  string // the client's own name for its session; "" for none
	Fresh    bool   // begin the session anew, whatever the server has kept of it
	Keep     bool   // the session shall be kept while the client is away
	Received uint64 // deliveries and gaps that came since the session began
}

// Kind says what a Message is.
type Kind uint8

// The kinds of messages.
const (
	Ignored      Kind = iota // understood, of no interest
	Connected                // ID; HeartbeatEvery, HeartbeatTimeout if the server told; Resumed
	Subscribed               // ID; Channel if named; Epoch, Offset if Positioned; Recovering, Recovered
	Unsubscribed             // ID, or ID 0 if the server took it away (Channel, Code, Reason)
	Published                // ID; Offset if Positioned
	Delivered                // Channel, Payload; Epoch if told, Offset if Positioned; Replay. Without Channel: ID is the Subscribe whose answer it came with
	Gapped                   // Channel, Epoch, Offset: what lies up to and including Offset and is not here will not come
	Error                    // ID of the refused command or 0; Code, Reason
	Pinged                   // the server asks for a Pong
	Ponged                   // ID: the server answers a Ping
	Draining                 // the server will close soon; RetryAfter if told
)

// Message is something that the server says.
type Message struct {
	Kind       Kind
	Replay     bool // Delivered: part of a recovery
	Positioned bool // Epoch/Offset are meaningful
	Recovering bool // Subscribed: about a recovery
	Recovered  bool // Subscribed: and it is complete
	Resumed    bool // Connected: the server had kept the session: its subscriptions go on, and what they missed follows
	ID         uint64
	Offset     uint64
	Code       int
	Channel    []byte
	Epoch      []byte
	Payload    []byte // the published JSON value, stamp included
	Reason     []byte

	HeartbeatEvery   time.Duration // Connected: the server pings this often; 0: it doesn't
	HeartbeatTimeout time.Duration // Connected: and expects an answer within
	WantsPong        bool          // Connected: pings must be answered
	RetryAfter       time.Duration // Draining
}
