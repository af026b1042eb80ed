package scenario

// GroupSpec is a group of clients.
type GroupSpec struct {
	Count     int                 `yaml:"count" need:"true" min:"1" about:"How many."`
	Arrive    *ArriveSpec         `yaml:"arrive" about:"How they arrive; by default linear over count ÷ 500 s."`
	User      Template            `yaml:"user" about:"Name of the user."`
	Role      Template            `yaml:"role" about:"Role of the user."`
	Token     Template            `yaml:"token" about:"Credential handed over when connecting; secret."`
	Renew     bool                `yaml:"renew" about:"Each connection has a token of its own: the times of jwt() count from its begin."`
	Headers   map[string]Template `yaml:"headers" about:"Headers of each client's upgrade request, beside those of the target; secret."`
	Refused   bool                `yaml:"refused" about:"The target must not let these clients in."`
	Data      *DataSpec           `yaml:"data" about:"Rows of a file, one for each client."`
	Vars      map[string]Deal     `yaml:"vars" about:"Further names for templates; a list is dealt round robin."`
	Subscribe []SubscribeSpec     `yaml:"subscribe" one:"true" about:"What each client subscribes to."`
	Publish   []PublishSpec       `yaml:"publish" one:"true" about:"What each client publishes."`
	Reconnect *ReconnectSpec      `yaml:"reconnect" about:"How a lost client returns; or never."`
	Heartbeat *HeartbeatSpec      `yaml:"heartbeat" about:"The clients' own pings, where the dialect has them."`
	Will      *WillSpec           `yaml:"will" about:"What the target publishes when a connection of such a client ends without a goodbye."`
	Session   *SessionSpec        `yaml:"session" about:"Steady churn: each client leaves cleanly now and then, and returns."`
	Read      ByteRate            `yaml:"read" about:"A slow consumer for its whole life."`
	Link      *LinkSpec           `yaml:"link" about:"The network of each client, for its whole life."`
	Fallback  []string            `yaml:"fallback" one:"true" about:"Transports tried when the upgrade is refused: sse, long-poll."`
	Outbox    *OutboxSpec         `yaml:"outbox" about:"What is said while offline is kept and flushed in order."`
}

// ArriveSpec is how a group arrives.
type ArriveSpec struct {
	Over  Duration `yaml:"over" about:"From the first to the last."`
	Rate  Rate     `yaml:"rate" about:"Clients per second, instead of over."`
	At    Duration `yaml:"at" about:"When the first arrives."`
	Curve string   `yaml:"curve" enum:"linear,poisson,at-once" about:"How they are spread."`
}

// DataSpec names a file of rows.
type DataSpec struct {
	File string `yaml:"file" need:"true" about:"csv (its first line names the columns) or jsonl (an object a line)."`
	Pick string `yaml:"pick" enum:"in-order,random,unique" about:"Which row a client gets."`
}

// SubscribeSpec is one subscription of each client.
type SubscribeSpec struct {
	Channel  Template `yaml:"channel" about:"Channel, segments joined by dots."`
	Pattern  Template `yaml:"pattern" about:"Pattern: * is one segment, ** the rest."`
	Filter   Template `yaml:"filter" about:"Expression over the fields of msg: only what it is true of is to come."`
	Share    Share    `yaml:"share" about:"Which of the group subscribe; all by default."`
	Observe  bool     `yaml:"observe" about:"Payloads are not ours: judged by the server's offsets only."`
	Recover  *bool    `yaml:"recover" about:"Ask for what was missed when returning; by default where promised."`
	Presence bool     `yaml:"presence" about:"Ask who is there, and be told of whoever comes and goes."`
	Snapshot bool     `yaml:"snapshot" about:"Ask for the latest message of each key, unless what was missed is replayed."`
	Refused  bool     `yaml:"refused" about:"The target must refuse it."`
	Optional bool     `yaml:"optional" about:"Leave it out where the target can't do it."`
}

// ReconnectSpec is the word never, or a backoff.
type ReconnectSpec struct {
	Word     string   `yaml:"-" words:"never"`
	First    Duration `yaml:"first" about:"The first wait; 200ms."`
	Max      Duration `yaml:"max" about:"The longest wait; 10s."`
	Factor   float64  `yaml:"factor" min:"1" about:"Growth of the wait; 2."`
	Jitter   string   `yaml:"jitter" enum:"none,full,equal,decorrelated" about:"How waits are spread; full."`
	Attempts int      `yaml:"attempts" min:"1" about:"How often; unlimited by default."`
	Node     string   `yaml:"node" enum:"same,any,next" about:"Which node of the cluster each attempt goes to: the first one again, any, or the next; any."`
}

// SessionSpec is steady churn.
type SessionSpec struct {
	Stay Draw `yaml:"stay" need:"true" about:"Time connected, from when everything is answered."`
	Away Draw `yaml:"away" about:"Time before it returns; 0s."`
}

// WillSpec is what a client leaves behind if it is lost.
type WillSpec struct {
	Channel Template `yaml:"channel" need:"true" about:"Where to."`
	Payload Tree     `yaml:"payload" about:"A mapping; values may be templates."`
}

// LinkSpec is a network.
type LinkSpec struct {
	Delay  Draw     `yaml:"delay" about:"How much later every byte comes, either way."`
	Jitter Draw     `yaml:"jitter" about:"By how much the delay changes, more or less, each time."`
	Rate   ByteRate `yaml:"rate" about:"Bytes per second, either way."`
}

// OutboxSpec keeps what is said while offline.
type OutboxSpec struct {
	Limit    int      `yaml:"limit" min:"1" about:"Messages kept; 1,000."`
	Overflow string   `yaml:"overflow" enum:"drop-oldest,drop-newest,reject" about:"What gives way; drop-oldest."`
	TTL      Duration `yaml:"ttl" about:"How long a message is kept; without end by default."`
}

// PublishSpec is one stream of publications of each client.
type PublishSpec struct {
	Name     string   `yaml:"name" about:"What moments and --set call it."`
	Channel  Template `yaml:"channel" need:"true" about:"Where to."`
	Rate     Rate     `yaml:"rate" about:"Messages per second of each client; without it only moments publish."`
	Arrivals string   `yaml:"arrivals" enum:"poisson,constant" about:"How they are spread; constant."`
	Payload  Tree     `yaml:"payload" about:"A mapping; values may be templates."`
	Size     DrawSize `yaml:"size" about:"Padded with filler up to so many bytes."`
	Key      Template `yaml:"key" about:"Idempotency key: sent along, so that a publication without an answer can be sent again."`
	Ack      *bool    `yaml:"ack" about:"Ask for an acknowledgement; by default wherever the dialect can."`
	Priority string   `yaml:"priority" enum:"urgent,normal,low" about:"Which messages of other channels it overtakes; normal."`
	Retain   bool     `yaml:"retain" about:"The target keeps the latest one of each channel, and gives it to whoever subscribes."`
	Via      string   `yaml:"via" enum:"socket,http" about:"The way; socket. Over http: one request after the other, each once its predecessor is answered."`
	Start    string   `yaml:"start" enum:"together,at-once" about:"together: when all initial arrivals are subscribed; at-once: when the client is."`
}
