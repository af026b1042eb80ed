package scenario

import (
	"time"
)

// Plan is a scenario with everything drawn: a timetable of steps for numbered
// clients. The same file and the same seed give the same Plan, byte for byte
// when printed. A Plan is immutable and shared by all shards.
//
// Times are relative to time 0 of the timeline (the end of the initial
// arrivals), except Client.Arrive, which counts from the start of the run.
type Plan struct {
	Name  string
	About string
	File  string // as given, for messages
	Seed  uint64
	Set   []string // --set changes that were made, as PATH=VALUE; printed

	Duration time.Duration
	Warmup   time.Duration
	Drain    DrainPlan
	Stop     StopPlan // when it ends early

	Target   TargetPlan
	Promises Promises // what the target claims, after dialect, gateway and target.promises

	Groups     []Group     // in the file's order
	Clients    []Client    // index = client number in the run; groups are contiguous
	Publishers []Publisher // index = publisher number in the run
	Channels   []string    // channels and patterns known now; index = history.ChannelID
	Filters    []Filter    // of subscriptions, each once; number n is Filters[n−1]
	Transforms []Transform // that are expected of the target
	Books      []Book      // in which publications are entered, for expectations that add them up; number n is Books[n−1]
	Told       []Book      // how sums are read of what comes; number n is Told[n−1]
	Moments    []Moment    // ascending At, then file order
	Expect     []Expectation

	Arrivals time.Duration // when the last initial arrival is due
	Peaks    Peaks

	Key string // that tokens are signed with, and checked by the embedded gateway; secret

	claims   []map[string]any // of the tokens that jwt() stands for
	renewals []map[string]any // of tokens that are made for each connection
	members  []string         // see Members

	strangers bool // likewise: it is unsure

	// Secrets are the values that came from the environment. Whoever prints or
	// stores anything of a run masks them.
	Secrets []string

	written *written // what Print shows as it was written
}

// DrainPlan bounds the end of a run.
type DrainPlan struct {
	Timeout    time.Duration // for the returns, and again for the fences; default 15s
	AckTimeout time.Duration // for a publication's outcome; default 5s
}

// Most is how long a drain may take, without a few seconds to ask everybody whether
// something is under way, and to close.
func (d DrainPlan) Most() time.Duration { return 2 * d.Timeout }

// TargetPlan says what is tested.
type TargetPlan struct {
	Embedded    bool         // the reference gateway is started for this run
	Gateway     GatewayPlan  // its configuration, if Embedded
	URLs        []string     // otherwise: ws:// or wss://
	Dialect     string       // name of the dialect
	Headers     []HeaderPlan // sorted by name; values may be secret
	TLS         TLSPlan
	Compression bool      // permessage-deflate is offered
	HTTP        *HTTPPlan `json:"-"` // how it is published to over HTTP; nil: not, or as the embedded gateway wants it
}

// HeaderPlan is one header of the upgrade request.
type HeaderPlan struct{ Name, Value string }

// TLSPlan is what wss:// needs; file paths.
type TLSPlan struct {
	CA, Cert, Key string
	Insecure      bool
}

// GatewayPlan configures the embedded gateway; zero values mean its defaults.
type GatewayPlan struct {
	Nodes     int // at least 1
	History   History
	Queue     History // of sessions whose client is away
	Heartbeat Heartbeat
	Slow      string // disconnect, drop-oldest
	Limits    Limits
	Auth      Auth
	Roles     []Role
	Filter    bool // subscriptions may carry filters
	Shapes    []Shape
	Batches   []Batch
	Rows      []Rows // which channels keep rows
	Defects   []string

	Transforms []Transform // of payloads, by channel
	Priority   bool        // urgent messages overtake
}

// History is what a target keeps of each channel. Size 0: nothing.
type History struct {
	Size int
	TTL  time.Duration
}

// Heartbeat is who pings how often. Every 0: never.
type Heartbeat struct{ Every, Timeout time.Duration }

// Limits of the embedded gateway; 0 means unlimited or the gateway's default.
type Limits struct {
	Connections int
	Deliveries  float64 // per second
	Message     int     // bytes
	Backlog     int     // bytes queued for one connection
}

// Promises is what a target claims. What it claims of some channels only is in
// Channels; see Of.
type Promises struct {
	Delivery  string    `json:"delivery"` // at-most-once, at-least-once, exactly-once
	Order     string    `json:"order"`    // none, per-publisher, per-channel
	Recovery  bool      `json:"recovery"`
	History   History   `json:"history"`
	Heartbeat Heartbeat `json:"heartbeat"`

	Queue       History           `json:"queue"` // of kept sessions
	Idempotency bool              `json:"idempotency,omitempty"`
	Takeover    string            `json:"takeover,omitempty"` // closes-old, keeps-both
	Channels    []ChannelPromises `json:"channels,omitempty"` // the first match wins

	Expiry time.Duration `json:"expiry_ns,omitempty"` // of what is sent after a token has expired; 0: nothing is claimed

	Copies  string `json:"copies,omitempty"`          // one, per-subscription, either; "": nothing is claimed
	Foreign *bool  `json:"foreign_traffic,omitempty"` // nil: nothing is claimed

	Shapes  []Shape `json:"shapes,omitempty"`  // of the embedded gateway; see Shape
	Batches []Batch `json:"batches,omitempty"` // likewise; see Batch
}

// Group is a kind of client.
type Group struct {
	Name      string
	First     int // number of its first client in the run
	Count     int // of all that it ever has
	Initial   int // of those that arrive by themselves: the first ones
	Reconnect Reconnect
	Session   Session   // steady churn; Stay.Hi 0: none
	Heartbeat Heartbeat // the client's own pings; Every 0: never
	Role      string
	Outbox    Outbox // Limit 0: none

	Read     float64 // bytes per second that each reads, for its whole life; 0: all
	Linked   bool    // each has a link of its own
	linkText string
	Refused  bool // the target must not let its clients in
	Renew    bool // each of their connections has a token of its own

	Fallback []string // sse, long-poll: tried in turn where the upgrade is refused
}

// Outbox keeps what a client says while it is offline.
type Outbox struct {
	Limit    int
	Overflow string        // drop-oldest, drop-newest, reject
	TTL      time.Duration // 0: without end
}

// Session is steady churn: how long clients of a group stay and stay away.
type Session struct{ Stay, Away Draw }

// Reconnect is a backoff: the n-th wait (from 0) is First×Factor^n, at most
// Max, changed by Jitter.
type Reconnect struct {
	Never    bool
	First    time.Duration
	Max      time.Duration
	Factor   float64
	Jitter   string // none, full, equal, decorrelated
	Attempts int    // 0: unlimited
	Node     string // same, any, next; see Plan.Node
}

// Client is one numbered client.
type Client struct {
	Group  int           // index into Plan.Groups
	Arrive time.Duration // from the start of the run; negative: only by a scale
	User   string
	Token  string // secret
	Stale  string // one of the same claims that has expired, where an abuse needs it; secret
	Subs   []Sub
	Pubs   []int  // indexes into Plan.Publishers
	Slowed bool   // it reads slowly, some time at least: keep its receive buffer small
	Link   *Link  // of its whole life; nil: none
	who    string // whom the target takes it for, where an abuse needs to know; "": its own business

	Session bool  // names a session when it connects
	Will    *Will // that each of its connections leaves behind if it is lost; nil: none
	Renewal int   // 1 + which renewal its tokens are made of; 0: it has but one token

	Headers []HeaderPlan // of its upgrade requests, beside those of the target; values are secret
}

// Will is what the target publishes for a client whose connection ends without a
// goodbye.
type Will struct {
	Publisher int32 // its number, behind those of Plan.Publishers
	Channel   int32 // index into Plan.Channels
	Payload   []byte
}

// Sub is one subscription of one client.
type Sub struct {
	Channel int32 // index into Plan.Channels: of a channel, or of a pattern
	Pattern bool
	Recover bool
	Kept    bool  // the client's session is to keep its backlog
	Observe bool  // the payloads are not ours
	Refused bool  // the target must refuse it
	Watch   bool  // the target is to say who is there
	Rows    bool  // with the rows of the channel
	Filter  uint8 // its number; 0: none, now or ever

	Entry int32 // of the group's `subscribe`; −1: a moment's
}

// Publisher is one `publish` entry of one client.
type Publisher struct {
	Client   int
	Name     string
	Ack      bool
	Retain   bool    // the target keeps the latest one of each channel
	HTTP     bool    // not on the client's connection
	Together bool    // starts with time 0; otherwise when its client is ready
	Rate     float64 // per second, before any `rate` moment
	Poisson  bool
	Phase    float64 // of the first interval, in [0,1), drawn
	Priority string  // urgent, low; "" is normal

	index   int    // in Plan.Publishers
	channel string // if it never differs
	entry   *entry
	self    *scope // of its client
}

// Publication is one message to be published, without its stamp.
type Publication struct {
	Channel string
	Payload []byte // a JSON object
	Key     string // idempotency key; "" for none
	Retain  bool   // the channel keeps it
	Size    int    // pad the stamped payload with filler up to so many bytes; 0: no filler

	Number int64         // of those of its publisher, from 1; 0: it was not composed
	Made   time.Duration // the time that it was composed for
}

// Moment is something that happens to somebody at a time.
type Moment struct {
	At        time.Duration
	Line      int           // of the file
	Do        string        // disconnect, slow, degrade, block, mute, scale, revoke, publish, rate, subscribe, unsubscribe, say, gateway, exec, abuse
	Victims   []Victim      // ascending client number; who, and when exactly
	How       string        // disconnect: close, fin, reset, cut, freeze, vanish; scale: in, out; abuse: name of the Offence
	Code      uint16        // close
	Reason    string        // close
	After     int           // cut: bytes
	Fresh     bool          // disconnect: forget the positions
	Bytes     float64       // slow: bytes per second
	For       time.Duration // slow, gateway pause; ends with the active part at the latest
	Rate      float64       // rate, publish: per second
	Over      time.Duration // rate, scale: ramp
	Count     int           // publish: messages of each victim; scale: clients of the group
	Publisher string        // publish, rate: name of the publish entry; "" for all
	Channel   string        // publish: instead of the entry's own channel; "" to keep it
	Text      string        // say
	When      *Trigger      // instead of At: each victim is struck when it sees this …
	Seers     []int         // … or, not nil: all are, when the first of these clients sees it
	Verb      string        // gateway: restart, drain, kill, pause, forget-history, new-epoch, maintenance
	Node      int           // gateway: which node; −1: all
	Down      time.Duration // gateway: how long a node is down
	Loses     bool          // gateway: it takes the histories away
	Args      []string      // exec: the program and its arguments
	Users     []string      // revoke: whom the target takes the victims for
	path      string        // revoke: where it stands
	Summary   string        // one line for people: `disconnect voters 40 % reset, away 2s..8s`
}

// Victim is one client of a Moment.
type Victim struct {
	Client int
	Delay  time.Duration // after Moment.At
	Away   time.Duration // disconnect: the wait before its first attempt to return
	Sub    Sub           // subscribe, unsubscribe
	Link   Link          // degrade
}

// Expectation is one promise to be judged: one named case in every report. Only
// the field that Rule names is set.
type Expectation struct {
	Rule     string   `json:"rule"` // delivery, order, recovery, latency, reconnect, errors
	Name     string   `json:"name"` // unique in the file: as given, or made from the rule and its words
	Line     int      `json:"line"`
	Promised bool     `json:"promised"`          // comes from `expect: promises`: not applicable is no reproach
	Groups   []string `json:"groups,omitempty"`  // `to:`; empty: all
	Channel  string   `json:"channel,omitempty"` // pattern; empty: all

	Want    string        `json:"want,omitempty"`   // delivery: exactly-once…; order: per-channel…; recovery: complete, honest
	Waived  Limit         `json:"waived"`           // delivery: messages excused by honest refusals
	Within  time.Duration `json:"within,omitempty"` // recovery: resync of each client; presence: until everybody is told
	Latency LatencyWant   `json:"latency"`
	Success Limit         `json:"success"`     // reconnect: share of 1
	P       []Quantile    `json:"p,omitempty"` // reconnect: limits of the time from wanting back to ready, seconds
	Errors  Limit         `json:"errors"`

	ServerEvery Limit      `json:"server_every,omitzero"` // heartbeat: seconds
	Reaps       Limit      `json:"reaps,omitzero"`        // heartbeat: seconds
	Close       CloseLimit `json:"close"`                 // close
	Peak        Limit      `json:"peak"`                  // reconnect: returns per second
	Shape       ShapeLimit `json:"shape,omitzero"`        // throttle, debounce

	Batch   BatchLimit `json:"batch,omitzero"`    // batch
	Allow   int        `json:"allow,omitempty"`   // priority: bytes that may come before
	Payload string     `json:"payload,omitempty"` // transform: what the delivered payload is to be, in JSON

	Number int   `json:"book,omitempty"`   // state, merge and sum: number of the book that it is about
	Book   *Book `json:"fields,omitempty"` // and what that book enters; nil: it is about no book

	Told *Book `json:"told,omitempty"` // aggregate: where the sums stand in what comes
}

// CloseLimit is the body of a close expectation.
type CloseLimit struct {
	When  string `json:"when,omitempty"` // drain, restart, abuse
	Codes []int  `json:"codes,omitempty"`
}

// LatencyWant is the body of a latency expectation.
type LatencyWant struct {
	Of     string     `json:"of"`     // connect, subscribe, publish-ack, delivery, catch-up, resync, pong
	During string     `json:"during"` // storm, healthy, all
	P      []Quantile `json:"p,omitempty"`
}

// Quantile is one limit of a distribution. Q is 0..1; Max and mean are their own.
type Quantile struct {
	Key   string  `json:"key"` // p50, p99.9, max, mean
	Q     float64 `json:"q"`
	Limit Limit   `json:"limit"` // seconds
}

// Limit is a comparison with a number: a time in seconds, a share of 1 or a count.
type Limit struct {
	Op   string  `json:"op"` // "<", "<=", ">", ">=", ".."; "" means no limit was given
	A    float64 `json:"a"`
	B    float64 `json:"b,omitempty"` // of ".."
	Text string  `json:"text"`        // as written, for reports
}

// Peaks is what a plan will need at its highest, for `squall plan` and the preflight.
type Peaks struct {
	Connections  int
	Engine       string  // that will carry the connections, for people
	Published    float64 // messages per second
	Delivered    float64 // messages per second, expected
	Publications int64   // in all, expected
	Deliveries   int64   // in all, expected
	LedgerBytes  int64

	// ConnectionBytes is the resident memory of the idle connections, on Linux.
	ConnectionBytes int64

	Descriptors int
	Ports       int
}
