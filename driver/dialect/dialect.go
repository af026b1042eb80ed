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
//
// Where the protocol's messages don't end with those of the WebSocket, the
// decoder has a method Rest as well (see Streamed).
type Decoder interface {
	Reset(payload []byte)
	Next(m *Message) bool
	Err() error
}

// Streamed is the Decoder of a protocol that takes the payloads of all messages
// for one stream of bytes. Rest is what Next left at the end, the beginning of
// something longer: the next payload of the same connection is to follow it.
type Streamed interface {
	Decoder
	Rest() []byte
}

// About is what is fixed about a protocol.
type About struct {
	Name        string // as in `dialect:` of a scenario
	Summary     string // one line
	Path        string // default path of the URL when it has none
	Subprotocol string // offered in the handshake; "" for none
	Binary      bool   // messages travel in binary frames
	SilenceCode uint16 // close code that blames a silent client; 0: there is none
	LostCode    uint16 // close code that says that another connection has the session now; 0: there is none
	Can         Can
	Promises    Promises // what its documentation promises

	Heartbeat   time.Duration              // how often its clients ping where nobody says otherwise; 0: never
	LastID      uint64                     // ids of commands run from 1 to it, and then again; 0: without end
	LongestText int                        // of a user or a token, bytes; 0: any
	Refuses     func(channel string) error // why it can't name a channel, for people; nil: it can name all
}

// Quality is how often a message arrives, where the protocol lets clients choose.
type Quality uint8

// The qualities.
const (
	AtMostOnce Quality = iota
	AtLeastOnce
	ExactlyOnce
)

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
	Owned       bool // and a session is its user's: whoever else names it gets one of their own
	Keys        bool // publications may carry an idempotency key
	Sticky      bool // a session that is kept can't be begun anew and kept again
	Leave       bool // the client may say that it goes
	Offend      bool // commands that must be refused can be said: Garbage, Nonsense, and others at the wrong time
	Retain      bool // publications may ask to be kept as the latest of their channel, for whoever subscribes
	Snapshot    bool // subscriptions may ask for the rows of their channel
	Wills       bool // connect may carry a will; a goodbye is Leave, or, where there is none, a close frame
	Fallback    bool // what a client says, and what it hears, may go over plain HTTP: see driver/detour
	Priority    bool // publications may carry a priority
	Presence    bool // subscriptions may ask who is there, and so may who has asked so, again
	Connections bool // and that is told of connections, each with its user, if a token says who that is; and listed only when asked for
	Quality     bool // subscriptions and publications have a Quality; what is not acknowledged is AtMostOnce
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
	Copies           string // where subscriptions overlap: one, per-subscription, either; "" promises nothing
}

// Verb names a command.
type Verb uint8

// The verbs.
const (
	Connect     Verb = iota + 1 // Token, User, Client, KeepAlive; Session, Fresh, Keep, Received, Began if Can.Sessions
	Subscribe                   // Channel, or a pattern in it, Quality; Recover with Epoch and Offset; Filter
	Unsubscribe                 // Channel, or a pattern in it
	Publish                     // Channel, Payload, Key, Quality, Retain
	Ping                        // the client's own heartbeat, if Can.ClientPing
	Pong                        // the answer to a server's Ping message
	Confirm                     // the answer to a Delivered that is AtLeastOnce, with its ID
	Receive                     // the answer to a Delivered that is ExactlyOnce, with its ID; Released follows
	Release                     // the answer to Received, with its ID; Published follows
	Complete                    // the answer to Released, with its ID
	Leave                       // the client goes, and its session with it; if Can.Leave
	Garbage                     // what is no command: it ends in its middle, after its ID
	Nonsense                    // a command that the protocol does not have
	Who                         // Channel, with a subscription that says Presence: who is there now; Present answers, with the ID if Can.Connections
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
	Urgency string // priority of a publication, if Can.Priority: urgent, low; "" is normal
	Payload []byte // a JSON value

	Session   string // the client's own name for its session; "" for none
	Fresh     bool   // begin the session anew, whatever the server has kept of it
	Keep      bool   // the session shall be kept while the client is away
	Received  uint64 // deliveries and gaps that came since the session began
	Began     uint64 // which beginning that was, as the server said; 0: it has not
	Quality   Quality
	Presence  bool          // of a Subscribe: say who is there, and who comes and goes
	Snapshot  bool          // of a Subscribe: send the rows of the channel, unless the client is recovered
	Retain    bool          // the channel keeps it, and gives it to whoever subscribes; if Can.Retain
	Client    string        // the client's own name, the same on all its connections
	KeepAlive time.Duration // the client says something at least this often; 0: it need not
	Will      *Will         // Connect: published if the connection ends without a goodbye, if Can.Wills; nil: nothing
	KeepFor   time.Duration // with Keep: how long the session is wanted; 0: for ever
}

// Will is what a server publishes for a client that is lost.
type Will struct {
	Channel string
	Payload []byte // a JSON value
	Quality Quality
}

// Kind says what a Message is.
type Kind uint8

// The kinds of messages.
const (
	Ignored      Kind = iota // understood, of no interest
	Connected                // ID; HeartbeatEvery, HeartbeatTimeout, KeepAlive, Window if the server told; Resumed; Quality: the highest
	Subscribed               // ID; Channel if named; Epoch, Offset if Positioned; Recovering, Recovered; Quality: as granted
	Unsubscribed             // ID, or ID 0 if the server took it away (Channel, Code, Reason)
	Published                // ID; Offset if Positioned
	Delivered                // Channel, Payload; Epoch if told, Offset if Positioned; Replay; Retained; Quality, and then the ID to answer with, Repeated. Without Channel: ID is the Subscribe whose answer it came with
	Gapped                   // Channel, Epoch, Offset: what lies up to and including Offset and is not here will not come
	Error                    // ID of the refused command or 0; Code, Reason; Denied
	Pinged                   // the server asks for a Pong
	Ponged                   // ID: the server answers a Ping
	Draining                 // the server will close soon; RetryAfter if told
	Received                 // ID: an ExactlyOnce publication is with the server; it takes effect when released
	Released                 // ID: an ExactlyOnce delivery won't be repeated
	Granted                  // Channel: the server has subscribed the client by itself
	Passed                   // Channel, Offset; Epoch if told: whatever the filter of the subscription lets through, up to and including Offset, has come
	Present                  // Channel, or the ID of the Who; Payload: who is there, see EachMember
	Joined                   // Channel, Member, Client: somebody has come
	Left                     // Channel, Member, Client: somebody has gone
	Row                      // Channel, Payload, Offset of the event that it is; Epoch: the channel keeps it as the latest of its key
	Snapshot                 // Channel, Epoch, Offset: the Rows that came since the Subscribed are of this position; Last: they are all that there are
)

// Message is something that the server says.
type Message struct {
	Kind       Kind
	Replay     bool // Delivered: part of a recovery
	Positioned bool // Epoch/Offset are meaningful
	Recovering bool // Subscribed: about a recovery
	Recovered  bool // Subscribed: and it is complete
	Last       bool // Snapshot: no Row follows
	Resumed    bool // Connected: the server had kept the session: its subscriptions go on, and what they missed follows
	ID         uint64
	Began      uint64 // Connected: tells the beginning of the kept session from all others; 0: the server says nothing
	Offset     uint64
	Code       int
	Channel    []byte
	Epoch      []byte
	Payload    []byte // the published JSON value, stamp included
	Reason     []byte
	Member     []byte // Joined, Left: who
	Client     []byte // Connected: the id of the connection, if the server tells it; Joined, Left: of theirs, if Can.Connections

	HeartbeatEvery   time.Duration // Connected: the server pings this often; 0: it doesn't
	HeartbeatTimeout time.Duration // Connected: and expects an answer within
	WantsPong        bool          // Connected: pings must be answered
	RetryAfter       time.Duration // Draining
	KeepAlive        time.Duration // Connected: the client must say something this often; 0: as it said itself

	Window   int // Connected: publications that may be unanswered at one time; 0: any number
	Quality  Quality
	Retained bool // Delivered: the channel has kept it, and it comes because of a subscribe; it has no position
	Repeated bool // Delivered: it may have come before
	Denied   bool // Error: the client has no right to it, or is not who it says; not for the moment only
	Vague    bool // Error, Denied: or for another reason, such as a token that was good and has expired
}
