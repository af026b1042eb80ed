package scenario

// ExpectSpec is the word promises, or one expectation: exactly one of the
// fields with the tag `rule`.
type ExpectSpec struct {
	Word    string     `yaml:"-" words:"promises"`
	Name    string     `yaml:"name" about:"What reports call it."`
	To      []string   `yaml:"to" one:"true" about:"A group or a list; all by default."`
	Channel string     `yaml:"channel" about:"Pattern of channels; all by default."`
	Waived  CountLimit `yaml:"waived" about:"With delivery: messages that honest refusals excused; 0 where recovery is promised."`
	Within  Duration   `yaml:"within" about:"With recovery: resync of each client."`

	Delivery  string        `yaml:"delivery" rule:"true" enum:"at-most-once,at-least-once,exactly-once" about:"Loss and repeats."`
	Order     string        `yaml:"order" rule:"true" enum:"per-publisher,per-channel,causal" about:"Order."`
	Recovery  string        `yaml:"recovery" rule:"true" enum:"complete,honest" about:"complete: every return gets all it missed; honest: or a truthful refusal."`
	Latency   *LatencySpec  `yaml:"latency" rule:"true" about:"Times."`
	Reconnect *ReturnSpec   `yaml:"reconnect" rule:"true" about:"Whether and when clients come back."`
	Errors    *CountLimit   `yaml:"errors" rule:"true" about:"Error replies and failed dials that nothing explains."`
	Queue     string        `yaml:"queue" rule:"true" enum:"complete,honest" about:"complete: every return to a kept session gets all it missed; honest: or a truthful refusal."`
	Isolation string        `yaml:"isolation" rule:"true" enum:"strict" about:"Nobody gets what is not theirs."`
	Heartbeat *BeatWant     `yaml:"heartbeat" rule:"true" about:"How often the server pings, and what it does about silence."`
	Close     *CloseWant    `yaml:"close" rule:"true" about:"Close codes."`
	Retained  string        `yaml:"retained" rule:"true" enum:"latest" about:"Whoever subscribes gets the message that the channel keeps, and none that is older."`
	Will      string        `yaml:"will" rule:"true" enum:"when-lost" about:"When a client is lost its will comes, and at no other time."`
	Throttle  *ShapeWant    `yaml:"throttle" rule:"true" about:"Only so many messages in a time."`
	Debounce  *ShapeWant    `yaml:"debounce" rule:"true" about:"Only after a quiet time."`
	Batch     *ShapeWant    `yaml:"batch" rule:"true" about:"Several messages in one of the WebSocket, and none late."`
	Aggregate *ShapeWant    `yaml:"aggregate" rule:"true" about:"Sums instead of messages, and nothing of them is lost or counted twice."`
	Transform *ShapeWant    `yaml:"transform" rule:"true" about:"Payloads are rewritten: what is delivered is this payload over the published one, msg."`
	Priority  *PriorityWant `yaml:"priority" rule:"true" about:"Urgent messages overtake a backlog of others."`
	State     *StateWant    `yaml:"state" rule:"true" about:"What a channel ends on."`
	Snapshot  *SnapshotWant `yaml:"snapshot" rule:"true" about:"Snapshots are the state at the position that they tell, and what follows goes on from there."`
	Presence  *ShapeWant    `yaml:"presence" rule:"true" about:"Whoever asks is told who is there: everybody, in time, and nobody else."`
}

// Quantiles are limits of a distribution of times.
type Quantiles struct {
	P50   TimeLimit `yaml:"p50" about:"Half of them."`
	P75   TimeLimit `yaml:"p75" about:"75 of 100."`
	P90   TimeLimit `yaml:"p90" about:"90 of 100."`
	P95   TimeLimit `yaml:"p95" about:"95 of 100."`
	P99   TimeLimit `yaml:"p99" about:"99 of 100."`
	P999  TimeLimit `yaml:"p99.9" about:"999 of 1,000."`
	P9999 TimeLimit `yaml:"p99.99" about:"9,999 of 10,000."`
	Max   TimeLimit `yaml:"max" about:"All of them."`
	Mean  TimeLimit `yaml:"mean" about:"Their mean."`
}

// LatencySpec is a latency expectation.
type LatencySpec struct {
	Of        string `yaml:"of" enum:"connect,subscribe,publish-ack,delivery,catch-up,resync,pong" about:"Which time; delivery by default."`
	During    string `yaml:"during" enum:"storm,healthy,all" about:"When; all by default."`
	Quantiles `yaml:",inline"`
}

// ReturnSpec is a reconnect expectation.
type ReturnSpec struct {
	Success   ShareLimit `yaml:"success" about:"Of clients that wanted back, those connected and subscribed by the drain's end."`
	Peak      RateLimit  `yaml:"peak" about:"The herd's peak over windows of 1 s, where the target sets the pace."`
	Quantiles `yaml:",inline"`
}

// BeatWant is a heartbeat expectation.
type BeatWant struct {
	ServerEvery TimeLimit `yaml:"server-every" about:"Longest time between two of its pings on a connection."`
	Reaps       TimeLimit `yaml:"reaps-silent-within" about:"Longest time after which it ends the connection of a client that says nothing."`
}

// CloseWant is an expectation about close codes.
type CloseWant struct {
	When  string `yaml:"when" need:"true" enum:"drain,restart,abuse" about:"drain: the target takes leave with notice; restart: without; abuse: the client has broken the protocol."`
	Codes []int  `yaml:"codes" one:"true" about:"Which codes the target may close with; needed but for abuse, where RFC 6455 names them."`
}

// ShapeWant is an expectation about a shaped channel.
type ShapeWant struct {
	Channel   string    `yaml:"channel" about:"Pattern of channels."`
	AtMost    Quota     `yaml:"at-most" about:"As in 1 per 200ms."`
	Settles   TimeLimit `yaml:"settles-within" about:"When the last value is there."`
	Quiet     Duration  `yaml:"quiet" about:"How long nothing may come."`
	Max       int       `yaml:"max" min:"1" about:"Messages of a batch."`
	Wait      Duration  `yaml:"wait" about:"How long after its acknowledgement a message may come."`
	Conserves string    `yaml:"conserves" about:"Field whose sum is kept."`
	By        string    `yaml:"by" about:"Field that is added up by, of what is published and of what comes."`
	Value     string    `yaml:"value" about:"Field of what comes that holds the sum."`
	Payload   Tree      `yaml:"payload" about:"The new payload."`
}

// PriorityWant is an expectation about what overtakes.
type PriorityWant struct {
	UrgentBefore string `yaml:"urgent-before" enum:"normal,low" about:"What is overtaken: normal (and low), or low only; normal."`
	Allow        Size   `yaml:"allow" about:"Bytes of them that may come before, since they were on their way; 512KiB."`
}

// SnapshotWant is an expectation about snapshots.
type SnapshotWant struct {
	Channel string `yaml:"channel" about:"Pattern of channels."`
	Key     string `yaml:"key" about:"Field of what is published that names the row."`
	Gone    string `yaml:"tombstone" about:"Field that is true in a message that takes its row away."`
}

// StateWant is an expectation about what a channel ends on.
type StateWant struct {
	Channel string `yaml:"channel" about:"Pattern of channels."`
	Fold    string `yaml:"fold" enum:"last,merge,sum" about:"How messages make a state: the last one, the last one of each key, or the sums of a number by key."`
	Key     string `yaml:"key" about:"With merge and sum: field that names the entry."`
	Value   string `yaml:"value" about:"With sum: field with the number."`
	Gone    string `yaml:"tombstone" about:"With merge: field that is true in a message that takes its key away."`
	Equals  string `yaml:"equals" enum:"published" about:"What it must equal."`
}
