package scenario

// Scenario is one file, as written. Maps keep no order; Scenario.keys does.
type Scenario struct {
	Squall   int                    `yaml:"squall" need:"true" enum:"1" about:"Version of the language; the first key."`
	Name     string                 `yaml:"name" need:"true" about:"What the scenario is called: kebab-case."`
	About    string                 `yaml:"about" about:"What it proves, for people."`
	Seed     *uint64                `yaml:"seed" about:"Every random choice comes from it; --seed overrides it."`
	Duration Duration               `yaml:"duration" need:"true" about:"Length of the active part, from the end of the initial arrivals."`
	Warmup   Duration               `yaml:"warmup" about:"Beginning of the active part that is left out of latency figures, never out of safety rules."`
	Drain    *DrainSpec             `yaml:"drain" about:"Bounds of the end of a run."`
	StopWhen *StopSpec              `yaml:"stop-when" about:"Ends the run early, inconclusive."`
	Target   *TargetSpec            `yaml:"target" about:"What is tested; by default the embedded reference gateway."`
	Clients  map[string]GroupSpec   `yaml:"clients" need:"true" about:"Groups of clients by name."`
	Timeline []MomentSpec           `yaml:"timeline" about:"What happens to the clients, and when."`
	Expect   []ExpectSpec           `yaml:"expect" one:"true" about:"What must hold; by default all that the target promises."`
	Capacity *CapacitySpec          `yaml:"capacity" about:"How far the load can be raised while the expectations hold; for squall capacity, ignored by squall run."`
	Environs map[string]EnvironSpec `yaml:"environments" about:"Targets by environment, for --env."`

	file  string
	set   []string            // --set changes, in order
	pos   map[string]place    // of values, by path
	key   map[string]place    // of keys, by path
	order map[string][]string // keys of maps in the file's order, by path
	later []string            // paths of what is known and not yet available
	odd   map[string]bool     // paths of mappings with an unknown key
	// laterText holds those of them that are only a value of an available key.
	laterText map[string]string
	bad       map[string]bool // paths whose value had a problem
}

// DrainSpec bounds the end of a run.
type DrainSpec struct {
	Timeout    Duration `yaml:"timeout" about:"How long the returns may take, and then the fences; 15s."`
	AckTimeout Duration `yaml:"ack-timeout" about:"How long a publication's outcome may take; 5s."`
}

// StopSpec ends a run early.
type StopSpec struct {
	Errors AnyLimit `yaml:"errors" about:"More errors than this, which no fault explains: a number, or a share of all attempts to connect and publications."`
}

// TargetSpec says what is tested: the word embedded, or one of url and gateway.
type TargetSpec struct {
	Word        string              `yaml:"-" words:"embedded"`
	URL         []Template          `yaml:"url" one:"true" about:"ws:// or wss:// address; or a list, the nodes of one cluster."`
	Dialect     string              `yaml:"dialect" about:"The protocol: events (default), centrifugo, …"`
	Headers     map[string]Template `yaml:"headers" about:"Headers of the upgrade request."`
	TLS         *TLSSpec            `yaml:"tls" about:"What wss:// needs."`
	Compression bool                `yaml:"compression" about:"Offer permessage-deflate, and check the answer and what comes."`
	HTTP        *HTTPSpec           `yaml:"http" about:"Publishing over HTTP."`
	Promises    *PromisesSpec       `yaml:"promises" about:"What this target claims, where that differs from its dialect's documentation."`
	Gateway     *GatewaySpec        `yaml:"gateway" about:"The embedded reference gateway, configured."`
}

// TLSSpec names files, relative to the scenario.
type TLSSpec struct {
	CA       string `yaml:"ca" about:"File of certificates to trust."`
	Cert     string `yaml:"cert" about:"File of the client's certificate."`
	Key      string `yaml:"key" about:"File of the client's key."`
	Insecure bool   `yaml:"insecure" about:"Accept any certificate."`
}

// HTTPSpec describes publishing over HTTP.
type HTTPSpec struct {
	Publish *RequestSpec `yaml:"publish" about:"The request that publishes."`
}

// RequestSpec is one HTTP request.
type RequestSpec struct {
	Method  string              `yaml:"method" about:"POST by default."`
	URL     Template            `yaml:"url" about:"Address."`
	Headers map[string]Template `yaml:"headers" about:"Headers."`
	Body    Tree                `yaml:"body" about:"JSON body; {channel}, {payload}, {key} and {user} stand for what is published."`
}

// PromisesSpec changes what a target is taken to claim.
type PromisesSpec struct {
	Delivery       string           `yaml:"delivery" enum:"at-most-once,at-least-once,exactly-once" about:"How often a message arrives."`
	Order          string           `yaml:"order" enum:"none,per-publisher,per-channel" about:"What is kept in order."`
	Recovery       *bool            `yaml:"recovery" about:"Whether a client that returns gets what it missed."`
	History        *HistorySpec     `yaml:"history" about:"What is kept of each channel; or none."`
	Queue          *HistorySpec     `yaml:"queue" about:"Sessions whose backlog the server keeps."`
	Heartbeat      *HeartbeatSpec   `yaml:"heartbeat" about:"How often the server pings, and what it waits for an answer."`
	Idempotency    *bool            `yaml:"idempotency" about:"Publications with the same key take effect once."`
	Copies         string           `yaml:"copies" enum:"one,per-subscription,either" about:"Copies where subscriptions overlap."`
	Takeover       string           `yaml:"takeover" enum:"closes-old,keeps-both" about:"What a second connection of a session does to the first."`
	Expiry         Duration         `yaml:"expiry" about:"How long after a client's token has expired it may still be sent messages."`
	ForeignTraffic *bool            `yaml:"foreign-traffic" about:"Somebody else publishes there too."`
	Channels       []ChannelPromise `yaml:"channels" about:"Promises by channel; the first match wins."`
}

// ChannelPromise is what a target claims about some channels.
type ChannelPromise struct {
	Match     string       `yaml:"match" about:"Pattern of channels."`
	Delivery  string       `yaml:"delivery" enum:"at-most-once,at-least-once,exactly-once" about:"How often a message arrives."`
	Order     string       `yaml:"order" enum:"none,per-publisher,per-channel" about:"What is kept in order."`
	Recovery  *bool        `yaml:"recovery" about:"Whether a client that returns gets what it missed."`
	History   *HistorySpec `yaml:"history" about:"What is kept; or none."`
	Queue     *HistorySpec `yaml:"queue" about:"Sessions whose backlog the server keeps."`
	Throttle  *ShapeSpec   `yaml:"throttle" about:"Only so many messages in a time."`
	Debounce  *ShapeSpec   `yaml:"debounce" about:"Only after a quiet time."`
	Aggregate *ShapeSpec   `yaml:"aggregate" about:"Sums instead of messages."`
	Batch     *ShapeSpec   `yaml:"batch" about:"Several messages in one of the WebSocket."`
}

// HistorySpec is the word none, or what is kept of each channel.
type HistorySpec struct {
	Word string   `yaml:"-" words:"none"`
	Size *int     `yaml:"size" min:"0" about:"Messages."`
	TTL  Duration `yaml:"ttl" about:"Age."`
}

// HeartbeatSpec is who pings how often.
type HeartbeatSpec struct {
	Every   Duration `yaml:"every" about:"Time between two pings."`
	Timeout Duration `yaml:"timeout" about:"How long an answer may take."`
}

// GatewaySpec configures the embedded gateway.
type GatewaySpec struct {
	Nodes     int            `yaml:"nodes" min:"1" about:"Nodes that share the channels, each at its own address; 1."`
	History   *HistorySpec   `yaml:"history" about:"What is kept of each channel; or none."`
	Queue     *HistorySpec   `yaml:"queue" about:"What is kept for a session whose client is away; none by default."`
	Heartbeat *HeartbeatSpec `yaml:"heartbeat" about:"How often the gateway pings, and what it waits for an answer."`
	Auth      *AuthSpec      `yaml:"auth" about:"Who may connect."`
	Roles     []RoleSpec     `yaml:"roles" about:"Channels that each role may use; without roles everybody may use all."`
	Filter    bool           `yaml:"filter" about:"Subscriptions may carry filters."`
	Transform []ShapeSpec    `yaml:"transform" one:"true" about:"Payloads are rewritten: channel and payload."`
	Throttle  []ShapeSpec    `yaml:"throttle" one:"true" about:"Only so many messages in a time."`
	Debounce  []ShapeSpec    `yaml:"debounce" one:"true" about:"Only after a quiet time."`
	Batch     []ShapeSpec    `yaml:"batch" one:"true" about:"Several messages in one of the WebSocket."`
	Aggregate []ShapeSpec    `yaml:"aggregate" one:"true" about:"Sums instead of messages."`
	Snapshot  []RowsSpec     `yaml:"snapshot" one:"true" about:"Channels that keep the latest message of each key, for who subscribes with snapshot."`
	Priority  bool           `yaml:"priority" about:"Urgent messages overtake normal ones, and normal ones low ones, of other channels."`
	Limits    *LimitsSpec    `yaml:"limits" about:"What the gateway accepts."`
	Slow      string         `yaml:"slow-consumers" enum:"disconnect,drop-oldest" about:"What happens to clients whose backlog is full."`
	Defects   []string       `yaml:"defects" about:"Seeded wrongness, for proving rules."`
}

// AuthSpec says who may connect.
type AuthSpec struct {
	Key       Template `yaml:"jwt-key" about:"Key that tokens are signed with (HS256); --jwt-key replaces it."`
	Anonymous bool     `yaml:"anonymous" about:"Clients without a token may connect."`
}

// RoleSpec lists the channels of a role.
type RoleSpec struct {
	Role     string     `yaml:"role" need:"true" about:"Name of the role, as in the claim role of a token; anonymous for clients without one."`
	Channels []Template `yaml:"channels" one:"true" need:"true" about:"Channels and patterns; {user} stands for the user of the token."`
}

// ShapeSpec is one shaping rule of a gateway.
type ShapeSpec struct {
	Channel string   `yaml:"channel" about:"Pattern of channels."`
	Every   Duration `yaml:"every" about:"Length of a window."`
	Keep    string   `yaml:"keep" enum:"last,first" about:"Which message of a window."`
	Quiet   Duration `yaml:"quiet" about:"How long nothing may come."`
	Max     int      `yaml:"max" min:"1" about:"Messages of a batch."`
	Wait    Duration `yaml:"wait" about:"How long a batch may wait."`
	Sum     string   `yaml:"sum" about:"Field that is added up."`
	By      string   `yaml:"by" about:"Field that is added up by."`
	Payload Tree     `yaml:"payload" about:"The new payload."`
}

// RowsSpec says which channels keep rows.
type RowsSpec struct {
	Channel string `yaml:"channel" about:"Pattern of channels."`
	Key     string `yaml:"key" about:"Field of the payload that names the row."`
	Gone    string `yaml:"tombstone" about:"Field that is true in a message that takes its row away."`
	Max     int    `yaml:"max" min:"1" about:"Rows of one channel; 1000."`
}

// LimitsSpec is what the gateway accepts.
type LimitsSpec struct {
	Connections int  `yaml:"connections" min:"1" about:"Connections at once."`
	Deliveries  Rate `yaml:"deliveries" about:"Deliveries per second."`
	Message     Size `yaml:"message" about:"Size of one message."`
	Backlog     Size `yaml:"backlog" about:"Bytes queued for one connection."`
}

// CapacitySpec says how far the load is raised.
type CapacitySpec struct {
	Raise     []string `yaml:"raise" one:"true" need:"true" about:"Path of the value that is raised; or a list moved by one factor."`
	From      string   `yaml:"from" need:"true" about:"Where to begin."`
	To        string   `yaml:"to" need:"true" about:"Where to end."`
	Hold      Duration `yaml:"hold" about:"Length of a step."`
	Cool      Duration `yaml:"cool" about:"Time between steps."`
	Until     string   `yaml:"until" about:"What ends the climb: any expectation fails, or the name of one."`
	Precision Share    `yaml:"precision" about:"How exact the answer is."`
	Budget    Duration `yaml:"budget" about:"Time for all of it."`
	Keep      bool     `yaml:"keep" about:"Keep the connections between steps."`
}
