package assert

// Anomaly names one way in which a target can be wrong. Each has exactly one
// owner: the rule that fails for it. Other rules list it and point to the owner.
type Anomaly uint8

// The anomalies.
const (
	NoAnomaly Anomaly = iota

	// Owned by delivery.
	ConfirmedNotSubscribed
	AckThenDrop
	SlowConsumerSilentDrop
	LostMessage
	ReplayLiveOverlap
	DuplicateDelivery
	PhantomMessage
	MembershipLostSilent
	InterestLostRemote
	RestartDup

	// Owned by recovery.
	SubscribeHistoryGap
	LostInSocket
	RecoveredFlagLie
	SilentHistoryTruncation
	StaleEpochAccepted
	FalseUnrecovered
	IncompleteRecovery
	DoubleReplay
	SlowResync
	DrainLoss
	AckedLostOnCrash

	// Owned by order.
	FIFOViolation
	OrderDivergence
	OffsetDivergence
	LiveBeforeReplay
	OffsetRegress
	CausalInversion

	// Owned by reconnect.
	LockstepReconnect
	ResumeLivelock

	// Owned by close.
	WrongCloseCode
	// Owned by queue.
	OfflineQueueDrop
	DoubleFlush
	ResubscribePartial
	RecoversOnlyOnce
	SessionForgotten
	SessionRefused
	// Owned by isolation.
	CrossChannelLeak
	CrossTenantLeak
	ConnectionIDReuseLeak
	WildcardOvermatch
	PostUnsubscribeDelivery
	CommandInversion
	RightNotEnforced
	DeliveredDespiteRefusal
	WronglyRefused
	// Owned by heartbeat.
	ZombieConnection
	FalseLivenessKill
	LateHeartbeat
	// Owned by close.
	OffenceTolerated
	CollateralClose
	OffencePassedOn

	// Owned by delivery.
	DuplicateLiveSession
	RetryDoublePublish
	OverlapCopies

	// Owned by order.
	SendBufferInversion

	// Owned by isolation.
	FilterFalsePositive
	// Owned by delivery.
	FilterFalseNegative
	// Owned by isolation.
	ExpiredTokenAlive
	PostRevocationDelivery
	// Owned by retained.
	RetainedMissing
	RetainedStale
	RetainedUnasked
	// Owned by will.
	WillMissing
	WillMisfire
	// Owned by transform.
	TransformSkipped
	TransformWrong
	// Owned by priority.
	UrgentBehindBacklog

	// Owned by latency.
	HeadOfLineBlock
	// Owned by batch.
	BatchOversized
	BatchHeldTooLong
	NotBatched

	// Owned by presence.
	GhostPresence
	PresenceFlap
	PresenceDiffRace
	PresenceNotRestored
	MemberMissing
	PhantomMember
	PresenceRepeated
	PresenceLate

	// Owned by errors.
	CodecDesync

	// Owned by throttle.
	ThrottleExceeded
	LastValueSwallowed
	StaleLastValue
	ThrottleSettlesLate
	// Owned by aggregate.
	AggregateLost
	AggregateOvercounted
	AggregateMisattributed
	NotAggregated
	// Owned by debounce.
	DebouncedEarly
	DebouncedSuperseded
	DebounceUnsettled
	DebounceSettlesLate
	// Owned by state.
	StateDiverged
	TombstoneLost
	PayloadAltered

	// Owned by snapshot.
	SnapshotDeltaSkew
	RowMissing
	RemovedRowKept
	SnapshotMissing

	anomalies // how many there are
)

// harm is what an anomaly does to a subscriber; rules look at it to know which
// foreign anomalies concern them.
type harm uint32

const (
	loses harm = 1 << iota
	repeats
	invents
	reorders
	refuses
	delays
	herds // brings clients back together
	parts // ends connections in the wrong way
	leaks
	lingers   // keeps what is dead
	kills     // ends what is alive
	offends   // lets pass what is wrong
	spreads   // makes one client suffer for another
	bars      // turns away who may come in
	keeps     // gives newcomers something else than what is kept for them
	floods    // sends what should have been thinned out
	stales    // leaves somebody with an old value
	alters    // delivers something else than it should be
	waits     // comes behind what it should overtake
	gathers   // comes with too many others, too late for them, or with none
	miscounts // makes a sum of something else than it should be
	garbles   // can't be read
	misleads  // says wrongly who is there
	misstates // says something else of what there is than it should
)

// Definition explains one anomaly; `squall explain` prints it.
type Definition struct {
	Name    string
	Owner   string // the rule that fails for it
	Promise string // what is broken, in the scenario's words
	Means   string // the definition on the history, in a sentence
	harm    harm
}

// Define returns the definition of a.
func (a Anomaly) Define() Definition {
	if a >= anomalies {
		return Definition{}
	}
	return definitions[a]
}

func (a Anomaly) String() string { return a.Define().Name }

// AnomalyOf returns the anomaly of that name, or NoAnomaly.
func AnomalyOf(name string) Anomaly {
	for a := range anomalies {
		if a != NoAnomaly && definitions[a].Name == name {
			return a
		}
	}
	return NoAnomaly
}

// Anomalies lists them all, in the order of their owners.
func Anomalies() []Anomaly {
	all := make([]Anomaly, 0, anomalies-1)
	for a := NoAnomaly + 1; a < anomalies; a++ {
		all = append(all, a)
	}
	return all
}

// definitions is read only.
var definitions = [anomalies]Definition{
	ConfirmedNotSubscribed: {"confirmed-not-subscribed", "delivery", "delivery", "a subscription was answered, then nothing of what it was owed came in that life", loses},
	AckThenDrop:            {"ack-then-drop", "delivery", "delivery", "a publication was acknowledged and delivered to no subscriber, although one was subscribed throughout", loses},
	SlowConsumerSilentDrop: {"slow-consumer-silent-drop", "delivery", "delivery", "messages are missing inside one life of a client that read slowly, without a gap notice and without a close", loses},
	LostMessage:            {"lost-message", "delivery", "delivery", "messages that were owed to a subscription never came, with no disconnect between", loses},
	ReplayLiveOverlap:      {"replay-live-overlap", "delivery", "delivery", "one message came both in the replay and live, in one life", repeats},
	DuplicateDelivery:      {"duplicate-delivery", "delivery", "delivery", "one message was delivered to a client twice, or published under two offsets", repeats},
	PhantomMessage:         {"phantom-message", "delivery", "delivery", "a message came that was never published in this run, was refused, or was changed on the way", invents},
	InterestLostRemote:     {"interest-lost-remote", "delivery", "delivery", "messages are missing only at subscribers on other nodes than the one to which they were published", loses},
	RestartDup:             {"restart-dup", "delivery", "delivery", "messages that had been delivered came again, live, around the restart of a node", repeats},

	SubscribeHistoryGap:     {"subscribe-history-gap", "recovery", "recovery", "messages between the position of a subscribe answer and the first live delivery are missing", loses},
	LostInSocket:            {"lost-in-socket", "recovery", "recovery", "what the server had written to the old connection and the client never received is missing after the return", loses},
	RecoveredFlagLie:        {"recovered-flag-lie", "recovery", "recovery", "the server said recovered, and messages between the client's position and the answer's are missing", loses},
	SilentHistoryTruncation: {"silent-history-truncation", "recovery", "recovery", "more was missed than the history holds; the rest, or nothing, was replayed as if it were everything", loses},
	StaleEpochAccepted:      {"stale-epoch-accepted", "recovery", "recovery", "a position of another epoch was accepted as recovered", loses},
	FalseUnrecovered:        {"false-unrecovered", "recovery", "recovery", "a recovery was refused although size, age and epoch allowed it", refuses},
	IncompleteRecovery:      {"incomplete-recovery", "recovery", "recovery: complete", "a return was refused its recovery and so missed messages", refuses},
	DoubleReplay:            {"double-replay", "recovery", "recovery", "a replay repeated what the client had received in an earlier life, before the position it asked from", repeats},
	SlowResync:              {"slow-resync", "recovery", "recovery within", "a client took longer than the limit to have everything again", delays},
	DrainLoss:               {"drain-loss", "recovery", "recovery", "what was sent to a connection before the server drained and closed it neither came there nor in the replay after the return", loses},
	AckedLostOnCrash:        {"acked-lost-on-crash", "recovery", "recovery", "messages that were acknowledged, and received by others, before a node was killed or restarted are missing in all replays after it, in the same epoch", loses},

	FIFOViolation:    {"fifo-violation", "order", "order: per-publisher", "two messages of one publisher came, or were given offsets, in the reverse of the order in which they were published", reorders},
	OrderDivergence:  {"order-divergence", "order", "order: per-channel", "two subscribers saw two messages of one channel in opposite orders", reorders},
	OffsetDivergence: {"offset-divergence", "order", "order: per-channel", "one offset of one epoch stands for two messages", reorders},
	LiveBeforeReplay: {"live-before-replay", "order", "order", "a live message was delivered before replayed ones with smaller offsets", reorders},
	OffsetRegress:    {"offset-regress", "order", "order: per-channel", "an offset or an answered position went back within one epoch", reorders},
	CausalInversion:  {"causal-inversion", "order", "order: causal", "a message came before the one that its publisher had received before it said this", reorders},

	ResumeLivelock:    {"resume-livelock", "reconnect", "reconnect", "the server ends one connection of a client after the other before its subscriptions are answered, while others get through", parts},
	LockstepReconnect: {"lockstep-reconnect", "reconnect", "reconnect", "the server told the clients of a drain when to return, and nearly all of them at the same moments", herds},

	WrongCloseCode:     {"wrong-close-code", "close", "close", "the server closed a connection with a code that is not meant for this cause, with one that may not be sent, or without a close frame", parts},
	OfflineQueueDrop:   {"offline-queue-drop", "queue", "queue", "a session was resumed, and messages sent while its client was away, or on their way when it went, never came", loses},
	DoubleFlush:        {"double-flush", "queue", "queue", "a resumed session brought messages again that the client had received before", repeats},
	ResubscribePartial: {"resubscribe-partial", "queue", "queue", "a session was resumed, some of its subscriptions received, and others nothing of what they were owed", loses},
	RecoversOnlyOnce:   {"recovers-only-once", "queue", "queue", "a session that had been resumed before was not resumed again, although size and age allowed it", refuses},
	SessionForgotten:   {"session-forgotten", "queue", "queue", "a session was not resumed although size and age allowed it", refuses},
	SessionRefused:     {"session-refused", "queue", "queue: complete", "a session was not resumed, for which its size, its age or a restart is a reason", refuses},

	DuplicateLiveSession: {"duplicate-live-session", "delivery", "takeover: closes-old", "a message that was sent after the newer connection of a session was answered came on the older one", repeats},
	MembershipLostSilent: {"membership-lost-silent", "delivery", "delivery", "a subscription that had been receiving got nothing more, to the end of a connection that was alive", loses},

	CrossChannelLeak:        {"cross-channel-leak", "isolation", "isolation", "a message came of a channel that the client has never asked for", leaks},
	CrossTenantLeak:         {"cross-tenant-leak", "isolation", "isolation", "a message came of a channel that belongs to another user", leaks},
	ConnectionIDReuseLeak:   {"connection-id-reuse-leak", "isolation", "isolation", "a connection with the id of an earlier one got messages that were meant for that one's client", leaks},
	WildcardOvermatch:       {"wildcard-overmatch", "isolation", "isolation", "a message came of a channel that none of the client's patterns matches, although one comes near", leaks},
	PostUnsubscribeDelivery: {"post-unsubscribe-delivery", "isolation", "isolation", "a message came that was published after the answer to the client's unsubscribe was there", leaks},
	CommandInversion:        {"command-inversion", "isolation", "isolation", "an unsubscribe and a subscribe, or the reverse, that a client sent one after the other took effect the other way round", leaks | loses},
	RightNotEnforced:        {"right-not-enforced", "isolation", "isolation", "what the scenario says must be refused was let through", leaks},
	DeliveredDespiteRefusal: {"delivered-despite-refusal", "isolation", "isolation", "a message came on a subscription that the server had refused", leaks},
	WronglyRefused:          {"wrongly-refused", "isolation", "isolation", "a client was told that it has no right to what the scenario doesn't say must be refused", bars},
	RetryDoublePublish:      {"retry-double-publish", "delivery", "idempotency", "a publication was sent again with its key, and took effect twice", repeats},

	FilterFalsePositive: {"filter-false-positive", "isolation", "filter", "a message came to a subscription whose filter keeps it back", leaks},
	FilterFalseNegative: {"filter-false-negative", "delivery", "filter", "a message is missing at all who have a filter that lets it through, and others received it", loses},
	OverlapCopies:       {"overlap-copies", "delivery", "copies", "a client with several subscriptions that match a channel got more copies of a message than the target promises", repeats},

	SendBufferInversion:    {"send-buffer-inversion", "order", "order: per-publisher", "a message that its client had kept while it was offline was put behind one that the client sent after it", reorders},
	OffenceTolerated:       {"offence-tolerated", "close", "close: abuse", "a client broke the protocol, and its connection went on, or its command was obeyed", offends},
	CollateralClose:        {"collateral-close", "close", "close: abuse", "the server ended the connection of a client that had done nothing wrong, while another broke the protocol", spreads},
	OffencePassedOn:        {"offence-passed-on", "close", "close: abuse", "a frame that breaks RFC 6455 came to a client that had done nothing wrong, while another broke the protocol", spreads},
	ZombieConnection:       {"zombie-connection", "heartbeat", "heartbeat: reaps-silent-within", "a client said nothing for longer than the limit, and the server kept its connection", lingers},
	FalseLivenessKill:      {"false-liveness-kill", "heartbeat", "heartbeat", "a connection was closed for silence although its client had answered the last ping at once", kills},
	LateHeartbeat:          {"late-heartbeat", "heartbeat", "heartbeat: server-every", "the server let more time pass between two pings of a connection than the limit", delays},
	ExpiredTokenAlive:      {"expired-token-alive", "isolation", "expiry", "a message came that was published after the client's token had expired, and the time was over that the target promises to need", leaks},
	PostRevocationDelivery: {"post-revocation-delivery", "isolation", "isolation", "a message came that was published after the target had confirmed that the client has no rights any more", leaks},

	RetainedMissing: {"retained-missing", "retained", "retained: latest", "who subscribed was not given what the channel had been told to keep before", keeps},
	RetainedStale:   {"retained-stale", "retained", "retained: latest", "who subscribed was given a message that another one had replaced before", keeps},
	RetainedUnasked: {"retained-unasked", "retained", "retained: latest", "who subscribed was given a message as retained whose publisher had not asked for that", keeps},

	WillMissing:         {"will-missing", "will", "will: when-lost", "a connection was lost without a goodbye, and what its client wanted to leave behind came to nobody", keeps},
	WillMisfire:         {"will-misfire", "will", "will: when-lost", "the will of a client came that was connected, or had said goodbye", keeps},
	ThrottleExceeded:    {"throttle-exceeded", "throttle", "throttle", "more messages came in a time than the limit, whatever the schedule by which the target sent them", floods},
	LastValueSwallowed:  {"last-value-swallowed", "throttle", "throttle", "the last message of a throttled channel never came to a subscription that had been there before it was sent, or had recovered", stales},
	StaleLastValue:      {"stale-last-value", "throttle", "throttle", "the last message of a throttled channel came, and an older one after it, which stayed", stales},
	HeadOfLineBlock:     {"head-of-line-block", "latency", "latency", "deliveries to clients that read well were too late while others read slowly, and at no other time", delays},
	ThrottleSettlesLate: {"throttle-settles-late", "throttle", "throttle: settles-within", "the last message of a throttled channel came later than the limit", delays},
	DebouncedEarly:      {"debounced-early", "debounce", "debounce", "a message of a debounced channel came before the quiet time was over after its publication", floods},
	DebouncedSuperseded: {"debounced-superseded", "debounce", "debounce", "a message of a debounced channel came although another had followed it within the quiet time, or had come already", floods},
	DebounceUnsettled:   {"debounce-unsettled", "debounce", "debounce", "the last message of a debounced channel never came to a subscription that had been there before it was sent, or had recovered", stales},
	DebounceSettlesLate: {"debounce-settles-late", "debounce", "debounce: settles-within", "the last message of a debounced channel came later than the limit", delays},
	StateDiverged:       {"state-diverged", "state", "state", "a subscription did not end on the state that the publications of its channel make", stales},
	TombstoneLost:       {"tombstone-lost", "state", "state", "the message that takes a key away never came to a subscription, which keeps the key", stales},
	PayloadAltered:      {"payload-altered", "state", "state", "the payload of a message on a channel whose state is expected is not the published one", alters},

	SnapshotDeltaSkew: {"snapshot-delta-skew", "snapshot", "snapshot", "a snapshot is not the state at the position that it tells, so that what follows is added to something else", misstates},
	RowMissing:        {"row-missing", "snapshot", "snapshot", "a snapshot has no row of a key whose latest message stands at its position or before", misstates},
	RemovedRowKept:    {"removed-row-kept", "snapshot", "snapshot", "a snapshot has a row that a message at its position or before had taken away", misstates},
	SnapshotMissing:   {"snapshot-missing", "snapshot", "snapshot", "who had asked for a snapshot, and was not told that everything is replayed, got messages before it, or never got one", misstates},

	AggregateLost:          {"aggregate-lost", "aggregate", "aggregate", "the sums that a subscription has received are less than what was published, although it was there all the time, or recovered", miscounts},
	AggregateOvercounted:   {"aggregate-overcounted", "aggregate", "aggregate", "the sums that a subscription has received are more than what was published, or hold what was refused, or one of them came again", miscounts},
	AggregateMisattributed: {"aggregate-misattributed", "aggregate", "aggregate", "the sums that a subscription has received are right together, but something was added to another key than it was published under", miscounts},
	NotAggregated:          {"not-aggregated", "aggregate", "aggregate", "a message came that holds no sum, where the target sends sums", miscounts},

	TransformSkipped: {"transform-skipped", "transform", "transform", "a message came as it was published, although the target is to transform it", alters},
	TransformWrong:   {"transform-wrong", "transform", "transform", "the payload of a message is not what the transformation makes of the published one: a field is missing, is one too many, or has another value", alters},

	UrgentBehindBacklog: {"urgent-behind-backlog", "priority", "priority", "an urgent message came behind more bytes of others than are allowed, all of which came after the target had acknowledged it", waits},

	GhostPresence:       {"ghost-presence", "presence", "presence", "somebody is said to be there who had left, and could not be there any more for longer than presence may take to settle", misleads},
	PresenceFlap:        {"presence-flap", "presence", "presence", "somebody is said to leave who stays: the target went on serving a subscription of theirs that it had answered long before", misleads},
	PresenceDiffRace:    {"presence-diff-race", "presence", "presence", "the list that a watcher got first, and whoever was said to come and go since, do not make the list that the target gives, or that is true: somebody's coming or going was not told", misleads},
	PresenceNotRestored: {"presence-not-restored", "presence", "presence", "somebody is not said to be there who had been lost or had left, and is subscribed again; or who asks again who is there is not told", misleads},
	MemberMissing:       {"member-missing", "presence", "presence", "somebody is not said to be there whose first subscription the target has answered, and goes on serving; or who asks who is there is not told", misleads},
	PhantomMember:       {"phantom-member", "presence", "presence", "somebody is said to be there who has not been subscribed to the channel until then", misleads},
	PresenceRepeated:    {"presence-repeated", "presence", "presence", "somebody is said to come who is said to be there, or to leave who is not, and has done nothing meanwhile", misleads},
	PresenceLate:        {"presence-late", "presence", "presence", "a watcher is told of somebody's coming or going later than presence may take to settle, although the target answered the watcher meanwhile", misleads},

	BatchOversized:   {"batch-oversized", "batch", "batch", "more messages of a channel came in one message of the WebSocket than a batch may hold", gathers},
	BatchHeldTooLong: {"batch-held-too-long", "batch", "batch", "a message came later after its acknowledgement than a batch may wait, while the target answered others", gathers},
	CodecDesync:      {"codec-desync", "errors", "errors", "a frame or a compressed message can't be read as RFC 6455 and RFC 7692 say, so the client had to end the connection", garbles},

	NotBatched: {"not-batched", "batch", "batch", "a subscription was sent each message alone, although again and again the next one was with the target before the wait of a batch was over", gathers},
}
