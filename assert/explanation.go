package assert

// Explanation tells a person who has met an anomaly what to do with it;
// `squall explain` prints it under the definition.
type Explanation struct {
	Wire   string   // how it shows in the frames of one or two connections
	Causes []string // what usually leads to it, most frequent first
	Issues []string // public reports of the same in real systems: owner/repo#number
	Look   string   // what to look at next, in the gateway and with squall
}

// Explain returns the explanation of a.
func (a Anomaly) Explain() Explanation {
	if a >= anomalies {
		return Explanation{}
	}
	return explanations[a]
}

// explanations is read only. Whoever adds an anomaly adds its explanation, too.
var explanations = [anomalies]Explanation{
	ConfirmedNotSubscribed: {
		Wire: "the subscribe command is answered with success, then no delivery of that channel follows on the connection, while other connections receive",
		Causes: []string{
			"the answer is written before, or without, the entry in the table of subscribers, and that entry fails",
			"the backend's own subscription broke earlier, and the channel still counts as joined",
			"an unsubscribe of an earlier life is handled late and takes the new entry away",
		},
		Issues: []string{"supabase/realtime#2086", "rails/rails#58698"},
		Look:   "the order of registering and answering in the subscribe path; whether the channel's table holds the connection afterwards. --trace of the witness's client shows the answer and the silence after it",
	},
	AckThenDrop: {
		Wire: "a publication is answered with success, and no connection receives it, although at least one was subscribed before it was sent and until after its fence",
		Causes: []string{
			"the acknowledgement is written before the message is handed to the queue, and the queue is full",
			"a worker takes the message and ends with an error after the answer",
			"publications are acknowledged by a node that can't reach the broker",
		},
		Issues: []string{"apache/pulsar#10757"},
		Look:   "what lies between the acknowledgement and the append to the channel; errors and drops counted there. Lower the rate with --set to see whether it depends on load",
	},
	SlowConsumerSilentDrop: {
		Wire: "offsets (or a publisher's sequence) jump on a connection that stays open and reads slowly; neither a gap notice nor a close frame comes",
		Causes: []string{
			"a send into a bounded queue that gives up when the queue is full",
			"the oldest entries of a client's queue are overwritten",
			"a broker in between drops for the gateway, which never learns of it",
		},
		Issues: []string{"sensu/sensu-go#1096", "Starcounter/Starcounter#3461", "forecast-bio/crosslink#321", "AtherEnergy/rumqtt#158"},
		Look:   "what happens at the limit of a client's queue: a correct gateway closes the connection, or says that something is missing, so that the client recovers",
	},
	LostMessage: {
		Wire: "a message is missing on one connection between two that arrived, or behind the last one; there was no disconnect between and the reader was not slow",
		Causes: []string{
			"the connection's membership of the channel was dropped while the socket stayed open",
			"the first messages behind a subscribe answer come before the backend's subscription exists",
			"an error while writing to one subscriber ends the loop over the others",
		},
		Issues: []string{"firezone/firezone#10397", "rails/actioncable#74"},
		Look:   "whether all lost messages belong to one channel, one node or one moment: the witness and the nearest fault tell. Then the fan-out loop and its error paths",
	},
	ReplayLiveOverlap: {
		Wire: "after a subscribe with a position one offset comes twice on the same connection: once in the replay, once as a live message",
		Causes: []string{
			"the subscriber is registered first and then served from the history, without dropping what both hold",
			"the limit between history and live is taken with < on one side and <= on the other",
		},
		Issues: []string{"centrifugal/centrifuge-js#425", "centrifugal/centrifuge-dart#142", "kubernetes/kubernetes#24004"},
		Look:   "the place where replay and live stream are joined: it needs one position up to which the replay goes and after which live begins",
	},
	DuplicateDelivery: {
		Wire: "the same message (publisher and sequence) comes twice to one client, or stands under two offsets of a channel",
		Causes: []string{
			"a publication whose answer was late is sent again and takes effect again",
			"a client that matches twice, by channel and by pattern, gets a copy for each",
			"a message is queued again after a failed write that had in fact gone out",
		},
		Issues: []string{"emqx/emqtt#17", "moscajs/mosca#62", "socketio/socket.io#5334", "nats-io/nats-server#7801"},
		Look:   "one offset or two: two offsets mean that it was published twice (publishers, retries, idempotency keys), one offset that it was delivered twice (fan-out, subscriptions)",
	},
	FilterFalsePositive: {
		Wire: "an event arrives on a subscription that was asked for with a filter, and the filter is not true of the event's data",
		Causes: []string{
			"the filter is applied to what is fanned out live, and not to what is read from the history or from a session's backlog",
			"the subscription of an earlier connection, with another filter, is found again and goes on",
			"the filter sees another form of the event than the one that is delivered: before a transformation, or an old row beside a new one",
		},
		Issues: []string{"supabase/realtime#585", "supabase/realtime#397", "supabase/walrus#53"},
		Look:   "the phase of the finding: replaying points to the history's path, live to the fan-out. Then every place at which an event enters a connection's queue: all must ask the same filter",
	},
	TransformSkipped: {
		Wire: "an event of a channel whose payloads the server rewrites arrives with the payload that its publisher sent, private fields and all",
		Causes: []string{
			"the rewriting stands in the live fan-out, and the history or a session's backlog holds what was published",
			"one of several ways in (another node, HTTP, a retry) does not pass through the rewriting",
			"the rewriting failed, and the code goes on with the original",
		},
		Issues: []string{"segment-boneyard/segment-docs#1375", "nats-io/nats-jms-bridge#192", "jwnichols3/rocket-on-air-sensor#88"},
		Look:   "the phase of the finding: replaying points to what the history keeps, live to the fan-out. Rewriting once, before the event is kept, leaves no other way",
	},
	TransformWrong: {
		Wire: "an event arrives with a field that the expected payload doesn't have, without one that it has, or with another value in it",
		Causes: []string{
			"the new fields are laid over the published ones, so nothing is ever taken away",
			"one object is filled again for each event, and keeps what the last one left in it",
			"a field is dropped on the way, or turned into another type: a number into a text, a large one into a rounded one",
		},
		Issues: []string{"deepstreamIO/deepstream.io#143", "apache/metron#718", "nick-pape/grackle#320"},
		Look:   "the field that the finding names, in the event of the witness and in the one before it on the channel: the same value in both means shared state, the published value means that the old payload shines through",
	},
	HeadOfLineBlock: {
		Wire: "while one connection takes its bytes slowly, or not at all, the others receive the same events later and later; when it is cut off, or reads again, all of them catch up",
		Causes: []string{
			"the fan-out writes to one socket after the other, and waits where a send buffer is full",
			"a lock over the table of subscribers is held during a write, or while a slow one is being cut off",
			"a bounded queue for each subscriber is filled by a blocking send from the loop that serves all of them",
		},
		Issues: []string{"superplanehq/superplane#6427", "sta/websocket-sharp#394", "kubestellar/console#7957", "macro-inc/macro#6385", "centrifugal/centrifuge#404"},
		Look:   "where the publish path can wait for a single subscriber: a write without a queue, a send into a full channel, a lock that a slow writer holds. A dump of the goroutines during the slow time names the place",
	},
	UrgentBehindBacklog: {
		Wire: "a subscriber with a backlog receives an urgent event only after many others, of other channels, that were still on their way when the publisher had its acknowledgement",
		Causes: []string{
			"there is one queue for each connection, and whatever is published goes to its end",
			"there are several queues, and the writer takes a large piece of the slow one before it looks at the urgent one again",
			"the priority is kept with the message and lost where it is cached, forwarded to another node or stored",
		},
		Issues: []string{"commaai/openpilot#38160", "cloudamqp/lavinmq#434", "apache/activemq#306"},
		Look:   "the path from the publish to the connection's queue: where the priority is read last. If it comes early there, how much the writer hands to the socket at once, and the size of the socket's send buffer",
	},
	CodecDesync: {
		Wire: "a header with reserved bits or a mask, a frame in the midst of another, a message marked as compressed that can't be expanded, or a text that is not UTF-8; the client closes with 1002 or 1007",
		Causes: []string{
			"two writers share a socket without a lock: a ping or a close goes out between the parts of a frame",
			"a compressor keeps its window from message to message, or is shared by connections, although no_context_takeover was agreed on",
			"a message is marked as compressed before it is decided whether it is worth it, and then sent as it is",
			"a buffer goes back to its pool, and is filled anew, while it is still being written",
			"a frame that came from a client, masked as it is, is passed on byte by byte",
		},
		Issues: []string{"netty/netty#8395", "sockudo/sockudo-ws#14", "zaphoyd/websocketpp#1144", "paritytech/soketto#49", "jaspervdj/websockets-snap#13", "denoland/std#614", "gorilla/websocket#184"},
		Look:   "the client's line says what it met. Does it happen without compression too? Then look at who writes to the socket; else at whose compressor it is, and when it is reset. Broken frames only under load, or around heartbeats, mean that two write at once",
	},
	BatchOversized: {
		Wire: "one message of the WebSocket holds more events of a channel than the configured most",
		Causes: []string{
			"the size is compared after the event was added, with > instead of >=",
			"whatever waits is flushed at once: at the end of a wait, at a disconnect, or when a slow flush returns, all that came meanwhile goes out together",
			"two batches that were ready are joined by the writer of the connection",
		},
		Issues: []string{"segmentio/analytics-go#80"},
		Look:   "the place where a batch is closed. If the size is one too high the comparison is wrong; if it is far too high look at what is flushed without being counted",
	},
	BatchHeldTooLong: {
		Wire: "an event is sent long after its publisher had the acknowledgement, while the server answers other commands",
		Causes: []string{
			"the timer is set anew with every event, so that a steady stream is only sent when the batch is full",
			"the wait is looked at only when the next event comes: the last batch of a burst waits for the next burst",
			"one timer serves all channels, and one that is slow to flush delays the others",
		},
		Issues: []string{"JasperFx/jasperfx#533", "segmentio/analytics-node#53", "akka/akka-persistence-cassandra#617"},
		Look:   "whether the late events stand in full batches (then the wait is begun anew) or in small ones that end with a burst (then nothing wakes them)",
	},
	GhostPresence: {
		Wire: "a list names a user long after the end of the last subscription, or no leave comes",
		Causes: []string{
			"the leave is sent by the handler of unsubscribe or of the close frame, and a connection that ends without a word has neither",
			"a node that dies takes the knowledge with it of who was on it, and the entries in the shared store have no lease",
			"an error between removing the connection and removing the member leaves the member",
		},
		Issues: []string{"SAGE-3/next#175", "matrix-org/synapse#1514", "centrifugal/centrifuge#395"},
		Look:   "how the ghosts ended: if all of them were lost, look at what runs when a connection dies; if some said goodbye, at how connections are counted. Is there a lease that somebody renews?",
	},
	PresenceFlap: {
		Wire: "a leave comes of a user who is subscribed on another connection, with or without a join right behind it",
		Causes: []string{
			"members are kept in a set by user, without a count: the first connection that ends takes the user out",
			"an update of a member is a leave and a join",
			"a return on a new connection is followed by the late end of the old one, which removes the new entry",
		},
		Issues: []string{"laravel/reverb#213", "supabase-community/realtime-csharp#31", "supabase-community/realtime-csharp#25"},
		Look:   "whether the users have several connections at that moment. If they have, look for the count; if not, at which connection an ending one removes",
	},
	PresenceDiffRace: {
		Wire: "a list, then joins and leaves that don't lead from it to the next list",
		Causes: []string{
			"the list is read before the watcher is registered for changes, and what changes in between is told to nobody",
			"the watcher is registered first, gets a change before the list, and the list, which is older, overwrites it",
			"changes are sent through another queue, or from another node, than lists",
		},
		Issues: []string{"phoenixframework/phoenix#2255", "Cotal-AI/Cotal#1225"},
		Look:   "what is done first, reading or registering, and under which lock. Changes between the two must be held back and sent behind the list",
	},
	PresenceNotRestored: {
		Wire: "after a return the list, and the joins, lack a user who is subscribed again, or the one who asks gets no list",
		Causes: []string{
			"the client, or a proxy, subscribes again and does not enter again",
			"the late end of the old connection removes the entry of the new one",
			"a resumed session takes its subscriptions along and not what they have asked for",
		},
		Issues: []string{"ably/ably-dotnet#329", "ably/ably-java#761", "ably/ably-js#2220"},
		Look:   "the order of the new entry and the removal of the old one. An entry must name its connection, and only that connection may remove it",
	},
	MemberMissing: {
		Wire: "the list, and the joins, lack a user whose subscribe was answered long ago",
		Causes: []string{
			"the answer is sent before the entry is made, and an error in between is only logged",
			"lists are cut at a size, or read from a replica that lags",
			"the entry's lease ends although its connection lives: it is renewed by publications, or not at all",
		},
		Issues: []string{"RocketChat/Rocket.Chat#116", "EionRobb/purple-discord#16"},
		Look:   "whether it is the same members for every watcher (then the entry is missing) or others for each (then it is lost on the way), and how many the list holds",
	},
	PhantomMember: {
		Wire: "a list, or a join, names a user who has not been subscribed to that channel by its name",
		Causes: []string{
			"subscriptions by a pattern, or of the server's own, are counted as members of every channel that they match",
			"the list is of the whole server, or of another channel with a similar key",
			"what a run before this one left behind is still in the store",
		},
		Issues: []string{"ZeroK-RTS/Zero-K-Infrastructure#607", "EionRobb/purple-discord#37"},
		Look:   "where else that user is subscribed. That tells which key, or which kind of subscription, is taken for this one",
	},
	PresenceRepeated: {
		Wire: "two joins of one user without a leave between them, or two leaves without a join",
		Causes: []string{
			"each connection of a user is told of, and not only the first and the last",
			"two nodes, or a retry after a timeout, tell of the same change",
			"a watcher is registered twice, or on two nodes",
		},
		Issues: []string{"discord/discord-api-docs#3377", "matrix-org/synapse#3337"},
		Look:   "whether every watcher gets both (then it is told twice) or only some (then they are registered twice), and how many connections the user has",
	},
	PresenceLate: {
		Wire: "a join or a leave comes long after the subscribe was answered or the connection had ended, while the server answers other commands of the same watcher",
		Causes: []string{
			"changes are gathered and sent at an interval, or behind a debounce that every further change begins anew",
			"a lost connection is noticed only by a timeout that nobody has set",
			"presence goes through a queue of its own that falls behind in a storm",
		},
		Issues: []string{"pusher/libPusher#145", "pusher/chatkit-client-js#135"},
		Look:   "whether all are late by the same time (an interval), or the later the more come and go (a queue)",
	},
	NotBatched: {
		Wire: "events of a channel come one by one, each in a message of the WebSocket of its own, however fast they are published",
		Causes: []string{
			"the pattern of the configuration matches no channel, or the option has another name",
			"the batch is gathered and then written in a loop, one frame for each event",
			"something on the path flushes after every event: a priority, a filter for each subscriber, a hook",
		},
		Issues: []string{"confluentinc/confluent-kafka-dotnet#1409"},
		Look:   "when the events of one wait arrive: all at the same moment means that they are gathered and sent apart; each at its own time means that they are not gathered",
	},
	FilterFalseNegative: {
		Wire: "an event of which the filter is true does not arrive on any subscription with that filter, while subscriptions without it receive it",
		Causes: []string{
			"an index over filters is used to find subscribers, and misses some of several that overlap",
			"values are compared by another type than the client meant: a number with a text, an absent field with null",
			"the filter is compiled once and kept under a key that two different filters share",
		},
		Issues: []string{"dotnet/MQTTnet#1612", "supabase/realtime#414"},
		Look:   "the missing event's data beside the filter that the finding names; then how the server compiles and finds filters. One subscription with that filter and one without, side by side, show it",
	},
	OverlapCopies: {
		Wire: "one message comes several times to a client that is subscribed to its channel and to a pattern that matches it, or to two such patterns",
		Causes: []string{
			"the index of subscriptions is walked, and each node that matches sends a copy",
			"channels and patterns are looked up one after the other, and what both find is not joined",
			"a subscription that is renewed is entered a second time",
		},
		Issues: []string{"emqx/emqtt#17", "GruppoFilippetti/vertx-mqtt-broker#5", "moscajs/mosca#62", "mqttjs/MQTT.js#545"},
		Look:   "how many of the client's subscriptions match the channel: as many copies mean one for each, more mean a subscription that is entered twice; a server that sends one for each on purpose says so with copies: per-subscription",
	},
	PhantomMessage: {
		Wire: "a payload arrives whose stamp belongs to no publication of this run, to one that was refused, or whose checksum doesn't fit its text; or one without a stamp of this run, where `foreign-traffic: false` is promised",
		Causes: []string{
			"an unknown position is served with old history, from an earlier run or another channel",
			"buffers are used again before they are written out",
			"a refused publication was stored before the check that refused it",
			"not the gateway's fault: another squall run publishes on the same channels",
		},
		Issues: []string{"dunglas/mercure#586"},
		Look:   "the run id in the payload's _squall: another run's means old history or a second tester (put {run} into channel names), this run's with a wrong checksum means changed bytes",
	},

	SubscribeHistoryGap: {
		Wire: "a subscribe answer names a position, the replay ends before it or the first live message begins behind it, and what lies between never comes",
		Causes: []string{
			"the history is read first and the subscriber registered afterwards; what is published in between is in neither",
			"the answer's position is read at another moment than the replay",
			"the answer is sent when the broker has been asked for the channel, not when the broker has said that it delivers",
		},
		Issues: []string{"dunglas/mercure#178", "kubernetes/kubernetes#49956", "centrifugal/centrifugo#446", "rails/actioncable#74"},
		Look:   "the subscribe path: register first, hold live messages back, read the history, then drop what both hold. A higher publish rate widens the window and shows it sooner",
	},
	LostInSocket: {
		Wire: "the old connection ended with bytes written and never received; the new one is served from behind them, although the client asked from before them",
		Causes: []string{
			"the server resumes a session from what it has written, not from the position that the client names or has acknowledged",
			"frames are taken out of the queue when they are handed to the kernel",
		},
		Issues: []string{"Yakifo/amqtt#401", "vernemq/vernemq#496"},
		Look:   "which position wins on a return, the client's or the server's own; `disconnect: {how: reset}` or `vanish` under load brings it out",
	},
	RecoveredFlagLie: {
		Wire: "the answer to a resume says recovered, and at least one offset between the asked position and the answered one comes neither in the replay nor later",
		Causes: []string{
			"the flag is set when a history was found, not when it reaches back far enough",
			"a replay is cut by a limit, a size or a time, and nobody tells",
			"an entry that can't be decoded or is filtered by a bug is skipped",
		},
		Issues: []string{"dotnet/aspnetcore#55575", "mythal/boluo#155"},
		Look:   "the witness names the offset: is it still in the history store? If it is, look at the replay's limits; if not, at the condition for recovered: first entry = asked + 1",
	},
	SilentHistoryTruncation: {
		Wire: "a client asks from a position older than the history; it gets the newest part, or nothing, and an answer that says recovered",
		Causes: []string{
			"a limit for the replay's length that is applied after the check of completeness, or without one",
			"the trimmed stream's first offset is never compared with the client's position",
			"a position that is not held any more finds nothing, and nothing found is answered like nothing missed",
		},
		Issues: []string{"centrifugal/centrifugo#165", "kubernetes/kubernetes#104171"},
		Look:   "history size and recovery limit of the gateway against the number of messages missed; a truthful answer is a refusal, on which the client reads everything anew",
	},
	StaleEpochAccepted: {
		Wire: "the client resumes with the epoch of an earlier stream, and the answer says recovered in the present one, where its offsets mean other messages",
		Causes: []string{
			"only offsets are compared, or an empty epoch passes as equal",
			"the stream was lost with a restart and its numbers began anew with the same epoch",
		},
		Issues: []string{"centrifugal/centrifuge-go#159", "centrifugal/centrifuge-go#160", "ably/ably-js#540"},
		Look:   "where epochs are made (per start, per channel, stored?) and compared; both epochs stand in the witness",
	},
	FalseUnrecovered: {
		Wire: "a resume is refused although the epoch is the same, nothing was trimmed and the missed messages are young enough",
		Causes: []string{
			"a client that has received nothing yet has a position that looks like none",
			"a quiet channel's metadata expired before its promise did",
			"the resume goes to a node that doesn't have the session or the history yet",
		},
		Issues: []string{"socketio/socket.io#4888", "socketio/socket.io#5282", "socketio/socket.io#5538", "centrifugal/centrifugo#230"},
		Look:   "position and top in the witness, against `promises.history`: if the server's configuration keeps less than the scenario says, correct the promise. Otherwise the condition that refuses",
	},
	IncompleteRecovery: {
		Wire: "a resume is answered with a refusal, so the client misses messages, while the scenario expects `recovery: complete`",
		Causes: []string{
			"the history is too small or too short-lived for this load and this time away",
			"a second recovery of one session is refused by mistake",
			"the history was lost with a restart",
		},
		Issues: []string{"socketio/socket.io#4880", "centrifugal/centrifugo#230"},
		Look:   "rate × time away against the history's size; a larger history or a shorter `away` settles whether it is the limit. `recovery: honest` accepts justified refusals",
	},
	DoubleReplay: {
		Wire: "messages that the client had received in an earlier life, before the position that it asked from, come again in the replay",
		Causes: []string{
			"the position is taken as inclusive on one side",
			"the batch of an old connection is still delivered after the new one replaced it",
			"the server uses its own, older position instead of the client's",
		},
		Issues: []string{"centrifugal/centrifuge-go#150", "shyiko/mysql-binlog-connector-java#113"},
		Look:   "asked position and first replayed offset in the witness: the same number is an off-by-one, a much smaller one a wrong session position",
	},
	SlowResync: {
		Wire: "subscribe answers or the replay behind them come later after a return than `within` allows",
		Causes: []string{
			"all who return are served by one queue or one lock",
			"replays are read from a slow store, one channel after the other",
			"resent messages wait for a timer instead of for the connection",
		},
		Issues: []string{"nats-io/nats-server#4627"},
		Look:   "the rows catch-up and resync of the latency table and the peak of returns: does it get better with fewer victims or a wider `over`? Then it is the herd",
	},

	FIFOViolation: {
		Wire: "two messages of one publisher, sent one after the other on one connection, arrive (or are numbered) in the reverse order",
		Causes: []string{
			"one goroutine, task or thread a message, with no queue behind them",
			"a pool of connections to the broker, used in turn",
			"large messages take another way (compression, upload) and small ones overtake them",
		},
		Issues: []string{"olahol/melody#6", "graarh/golang-socketio#50", "grafov/bcast#9", "uNetworking/uWebSockets#1350", "zaphoyd/websocketpp#1070", "commontoolsinc/labs#6474"},
		Look:   "whether offsets are reversed as well: then the publish path did it, before the channel; otherwise the fan-out to this subscriber",
	},
	OrderDivergence: {
		Wire: "two subscribers of one channel receive two messages in opposite orders",
		Causes: []string{
			"each publisher's connection fans out by itself, with no common queue of the channel",
			"nodes deliver their own publications at once and those of others through the broker",
		},
		Issues: []string{"tudo-aqua/bgw#465"},
		Look:   "the two publishers of the witness: on one node or on two? If the gateway doesn't mean to keep one order a channel, promise `order: per-publisher`",
	},
	OffsetDivergence: {
		Wire: "one offset of one channel and epoch carries one message on one connection and another message on another",
		Causes: []string{
			"the offset is drawn outside the lock or the atomic step that appends",
			"two nodes number one channel, each for itself",
			"a fail-over took back entries that were delivered already",
		},
		Issues: []string{"dunglas/mercure#1347", "kurrent-io/KurrentDB#1013"},
		Look:   "how offsets are given: one writer a channel, or an atomic append that returns the number",
	},
	LiveBeforeReplay: {
		Wire: "behind the answer of a resume a live message comes first, then replayed ones with smaller offsets",
		Causes: []string{
			"the subscriber goes live before its replay is written out",
			"replay and live messages leave through two queues of one connection",
		},
		Issues: []string{"eclipse-mosquitto/mosquitto#192", "eclipse-paho/paho.mqtt.c#807", "nanomq/nanomq#897"},
		Look:   "the writer of one connection: live messages must wait until the last replayed one is in its queue",
	},
	OffsetRegress: {
		Wire: "an offset, or the position in a subscribe answer, is smaller than one seen before in the same epoch",
		Causes: []string{
			"the answer comes from a replica that lags behind",
			"a counter was restored from a snapshot while the epoch stayed",
		},
		Issues: []string{"elastic/cloud-on-k8s#4956"},
		Look:   "which node or replica answered; a stream that starts again needs a new epoch",
	},
	CausalInversion: {
		Wire: "a subscriber of two channels gets a reply first and what it answers later, though the replier had received that before it sent",
		Causes: []string{
			"channels are spread over shards or nodes, and one is slower than the other",
			"batches or queues per channel that are flushed independently",
		},
		Issues: []string{"tudo-aqua/bgw#465"},
		Look:   "where the two channels of the witness are served. Few systems promise this across channels; leave `order: causal` out if yours doesn't",
	},
	DrainLoss: {
		Wire: "after the notice of a drain, messages of a channel no longer come, the connection is closed in good order, and the replay on the next connection begins behind them",
		Causes: []string{
			"the sockets are closed before their writers have flushed, and the position that the server keeps of the client counts what was queued as delivered",
			"a node that drains is taken out of the fan-out before its clients have left",
		},
		Issues: []string{"pal-tamas/rask#560", "block/buzz#2575"},
		Look:   "the order in the shutdown path: stop accepting, announce, flush each queue, close frame, wait for the answer. Whose position decides where a replay begins: the client's own must",
	},
	ResumeLivelock: {
		Wire: "a client connects, asks to resume, and is closed before the answers, again and again, while other clients get through",
		Causes: []string{
			"the resume fails in the same way each time (a sequence, an epoch or a session that the server no longer accepts), and the server hangs up instead of refusing the recovery",
			"state kept of the session is not reset when the client gets a new one",
		},
		Issues: []string{"mattermost/mattermost#30388", "mattermost/mattermost-mobile#10183"},
		Look:   "the close code and reason of the repeated ends, and the server's log of that session: what can't be resumed must be answered, so that the client begins afresh",
	},
	LockstepReconnect: {
		Wire: "the notices of one drain carry the same wait for all connections, or one of a few, and the upgrades that follow come in ticks",
		Causes: []string{
			"a fixed Retry-After, or a constant retry time in the notice",
			"jitter that is smaller than a tick, or whole seconds of it",
		},
		Issues: []string{"coder/coder#24096", "mattermost/mattermost-webapp#10960", "django/channels#568", "nats-io/nats.go#563"},
		Look:   "how the notice's time is made: it should be drawn anew for each connection, over a span that grows with the number of connections",
	},
	WrongCloseCode: {
		Wire: "on a drain or a restart the connection ends without a close frame, with a code that means something else (1000: all is well, don't return), or with 1005, 1006 or 1015, which no endpoint may send",
		Causes: []string{
			"the library's default code is used for every end",
			"the process exits before the close frames are written",
			"an internal error code, or a missing one, is copied into the frame",
		},
		Issues: []string{"facebookincubator/SocketRocket#605", "pgjones/hypercorn#112", "python-hyper/wsproto#182", "block/buzz#2575"},
		Look:   "the shutdown path's call that closes, and a proxy in between that may close by itself; RFC 6455, 7.4.1 lists the codes, 1012 is in the registry",
	},

	OfflineQueueDrop: {
		Wire: "the connect answer says that the session goes on, and what was published while the client was away comes with holes, or not at all",
		Causes: []string{
			"nothing is queued between the end of the old connection and the moment at which the session counts as detached, or during a takeover",
			"the queue of a detached session is shorter than documented, or drops without counting",
			"what was written to the old socket is taken for delivered",
		},
		Issues: []string{"emqx/emqx#6396", "thingsboard/tbmq#320", "eclipse-mosquitto/mosquitto#2349"},
		Look:   "the time at which the missing messages were sent, in the witness, against the loss: right after it the hand-over is at fault, in the midst the queue. Size and ttl of `promises.queue` must be what the server is configured for",
	},
	DoubleFlush: {
		Wire: "behind the connect answer of a resumed session come messages that the client received and confirmed on an earlier connection",
		Causes: []string{
			"acknowledgements are handled behind the resume, or not stored",
			"the batch of the old connection is still delivered after the new one has replaced it",
			"the client's count is off by one from the server's",
		},
		Issues: []string{"centrifugal/centrifuge-go#150", "shyiko/mysql-binlog-connector-java#113"},
		Look:   "how far the client said to have come, and the first message behind the answer. Where redelivery is part of the protocol (MQTT, QoS 1), promise `delivery: at-least-once`",
	},
	ResubscribePartial: {
		Wire: "after a resumed session some channels are delivered and others stay silent, although messages were published there",
		Causes: []string{
			"subscriptions are restored one by one, and the first failure or a time limit ends it",
			"the list of subscriptions is stored when the session begins and not when it changes",
			"a limit of subscriptions counts the restored ones twice",
		},
		Issues: []string{"enisdenjo/graphql-ws#85", "enisdenjo/graphql-ws#99", "phoenixframework/phoenix#3458", "dsrees/JavaPhoenixClient#91"},
		Look:   "whether it is always the later subscriptions; then the loop that restores them",
	},
	RecoversOnlyOnce: {
		Wire: "the first return of a session is answered as resumed, every later one as new",
		Causes: []string{
			"the session is taken out of the store when it is resumed and not put back when the connection ends",
			"the id under which it is stored changes with the resume, and the client is not told",
		},
		Issues: []string{"socketio/socket.io#4880"},
		Look:   "what the end of a resumed connection does to its session, compared with the end of a first one",
	},
	SessionForgotten: {
		Wire: "a client returns within the promised time, with fewer messages waiting than promised, and the connect answer says that its session is new",
		Causes: []string{
			"the session is dropped with an abnormal close, and kept with a normal one, or the other way round",
			"the return goes to a node that doesn't have the session",
			"the client's word about what it received doesn't fit the server's count",
		},
		Issues: []string{"socketio/socket.io#5282", "mattermost/mattermost#29489"},
		Look:   "how the connection before had ended (the fault in the witness), and the expiry that the server was configured with against `promises.queue`",
	},
	SessionRefused: {
		Wire: "a client returns later than the promised time, or with more waiting than promised, and the connect answer says that its session is new",
		Causes: []string{
			"the queue is too small or too short-lived for this load and this time away",
			"the server was restarted",
		},
		Look: "rate × time away against `queue.size`; a larger queue or a shorter `away` settles whether it is the limit",
	},

	DuplicateLiveSession: {
		Wire: "a client returns under its session's name while its old socket is still open, is answered, and then both sockets receive what is published",
		Causes: []string{
			"the old connection is ended by a message to another node or task, and the answer does not wait for it",
			"the table of sessions is keyed by connection, so that a second one is nothing special",
			"the old connection's subscriptions are removed only when its socket reports an error",
		},
		Issues: []string{"socketio/socket.io#4880", "apollographql/subscriptions-transport-ws#732", "HarperFast/harper#1604"},
		Look:   "what happens between the lookup of the session and the answer to the connect. If two connections of one session are meant to live side by side, promise `takeover: keeps-both`",
	},
	MembershipLostSilent: {
		Wire: "deliveries of one channel cease in the midst of a connection that goes on answering pings, while other connections receive",
		Causes: []string{
			"a sweep or a failed write takes the connection out of a room and leaves the socket open",
			"an unsubscribe of another connection of the same user removes the wrong entry",
			"the node lost its own subscription to the broker and did not renew it",
		},
		Issues: []string{"firezone/firezone#10397"},
		Look:   "whether the channel's table still holds the connection; what else happened to that user or room at the time of the last delivery",
	},
	CrossChannelLeak: {
		Wire: "an event names a channel that this connection never subscribed to",
		Causes: []string{
			"a room that is not found falls back to everybody",
			"a table of subscribers is shared by two channels, by a key that is not unique",
		},
		Issues: []string{"kataras/go-websocket#30", "xcanchal/scrum-poker#3"},
		Look:   "how the list of receivers is found for the channel of the witness, and what happens if there is none",
	},
	CrossTenantLeak: {
		Wire: "an event of a channel that is named after one user comes to a connection of another",
		Causes: []string{
			"a hub or cache is keyed by the channel without the user or tenant",
			"a connection is taken from a pool with the user of its previous holder",
		},
		Issues: []string{"Senthil455/Atlas-Workforce-System#196", "mcdonc/klangk#1714", "winsenlabs/platos#46"},
		Look:   "every place that keys by channel; whether history and snapshots ask for the user, too",
	},
	ConnectionIDReuseLeak: {
		Wire: "two connections are told the same id, one after the other, and the later one gets events of the earlier one's channels",
		Causes: []string{
			"ids or slots are given again without a generation count, while messages to the old holder are still queued",
			"subscriptions are removed by connection id after the id was given away",
		},
		Issues: []string{"sibidharan/zealphp#246"},
		Look:   "where connection ids come from, and in which order a closed connection's entries and its id are released",
	},
	WildcardOvermatch: {
		Wire: "a connection subscribed to a pattern gets an event of a channel that the pattern does not stand for, such as one segment more",
		Causes: []string{
			"a wildcard for one segment is matched as a prefix",
			"a pattern is turned into a regular expression without anchors or escapes",
		},
		Issues: []string{"nanomq/NanoNNG#1473"},
		Look:   "the matcher, with the pattern and the channel of the witness as its input",
	},
	ExpiredTokenAlive: {
		Wire: "a connection's token expires, and events that are published later go on coming on it",
		Causes: []string{
			"the token is looked at when a client connects, and never again",
			"the end of a token is checked only when the client asks for something, and a reader asks for nothing",
			"the timer belongs to something that is made anew when a session is resumed or moves to another node",
		},
		Issues: []string{"hasura/graphql-engine#578", "dunglas/mercure#472", "supabase/supabase-js#2613"},
		Look:   "whether anything happens at the time of exp: a timer, or a sweep over all connections. The clocks of the server and of this machine; how much time the server gives its clients to show a new token (then promise expiry accordingly)",
	},
	PostRevocationDelivery: {
		Wire: "a user's rights are taken away (a ban, a logout everywhere, a role that was withdrawn), the target says that it has done so, and events that are published later go on coming",
		Causes: []string{
			"rights are looked at when a client subscribes, and never again",
			"the connections of the user on this node are closed, those on other nodes are not",
			"the subscriptions are removed, and a session that was detached at that moment brings them back",
		},
		Issues: []string{"HarperFast/harper#1414", "hasura/graphql-engine#3602", "mattermost/mattermost#7981", "pubky/pubky-homeserver#492"},
		Look:   "the way from the place where a right is withdrawn to the connections that live by it; whether every node hears of it before the answer is given",
	},
	PostUnsubscribeDelivery: {
		Wire: "unsubscribed is answered, and events of the channel go on coming that were published later",
		Causes: []string{
			"subscribers are removed lazily, or by a worker that lags behind",
			"the entry is removed on one node only",
			"a second entry of the same connection stays",
		},
		Issues: []string{"logos-messaging/logos-delivery#4065", "braverhealth/phoenix-socket-dart#15", "pusher/pusher-websocket-java#158"},
		Look:   "the order of removing and answering in the unsubscribe path",
	},
	CommandInversion: {
		Wire: "unsubscribe and subscribe of one channel are sent at once and both answered, and then nothing comes; or, the other way round, events go on",
		Causes: []string{
			"commands of one connection are handled by a pool of workers",
			"an unsubscribe is finished in the background and removes the newer subscription",
		},
		Issues: []string{"rails/rails#38668", "rails/rails#41581", "phoenixframework/phoenix#1483", "phoenixframework/phoenix#1615"},
		Look:   "whether the commands of one connection are obeyed strictly one after the other",
	},
	RightNotEnforced: {
		Wire: "a connect, subscribe or publish without the right to it is answered with success",
		Causes: []string{
			"rights are checked on one path and not on another, such as resuming or publishing",
			"a missing or unreadable token counts as a valid one",
		},
		Issues: []string{"dunglas/mercure#472", "hasura/graphql-engine#3602"},
		Look:   "the check of rights for the command of the witness, and the role that the server believes the user has",
	},
	DeliveredDespiteRefusal: {
		Wire: "a subscribe is answered with an error such as 403, and messages of the channel follow on the same connection",
		Causes: []string{
			"the subscription is registered first, and the check that fails later doesn't undo it",
			"the answer comes from one component, such as a gateway, and the subscription is made by another, such as the broker behind it",
			"a refused subscribe leaves an older subscription of the user in place",
		},
		Issues: []string{"mattermost/mattermost#7981"},
		Look:   "the order of checking and registering, and what the error path takes back. In the witness: whether messages came at once or only of what was published later",
	},
	WronglyRefused: {
		Wire: "a connect or a subscribe is answered with an error that denies the right, such as 401 or 403, though the scenario counts on it",
		Causes: []string{
			"the scenario: the role lacks the right, or the token its claim; then write refused: true, or give the right",
			"rights are cached for longer than they hold, or under a key that two users share",
			"clocks differ, and a fresh token is not valid yet or no longer",
		},
		Issues: []string{"supabase/supabase-js#2613"},
		Look:   "what the server knew of the client when it answered: user, role, the token's times; and whether others with the same role were let through",
	},
	RetryDoublePublish: {
		Wire: "the answer to a publication is lost with its connection, the client sends it once more with the same key, and subscribers receive it under two offsets",
		Causes: []string{
			"the key is looked up before the first attempt has been stored, and both pass",
			"keys are remembered by connection or by node, and the second attempt comes over another",
			"the window of deduplication is shorter than the client's patience",
		},
		Issues: []string{"socketio/socket.io#5334", "socketio/socket.io-client-java#519", "nats-io/nats-server#7801", "discord/discord-api-docs#3377"},
		Look:   "the time between the two attempts in the witness against the window of deduplication; whether both answers tell one offset. Without such a promise, say `idempotency: false`: then nothing is sent again",
	},
	SendBufferInversion: {
		Wire: "right after a return one connection carries several publications in a row, and the channel has them in another order",
		Causes: []string{
			"what arrives while the connection is still being set up is queued, and what comes later overtakes it",
			"publications of one connection are handled by a pool of workers",
			"the first ones wait for an authorisation that the later ones find cached",
		},
		Issues: []string{"socketio/socket.io-client#1458", "purplefish-ai/factory-factory#1425"},
		Look:   "what the server does with publications that stand in one read with the connect and the subscribes",
	},
	InterestLostRemote: {
		Wire: "an offset is missing on every connection to one node, while connections to the publisher's node have it",
		Causes: []string{
			"the link between two nodes was made anew, and what the other node's subscribers want was not told again",
			"a node counts subscribers per channel and loses the count when two events cross",
			"a full buffer between nodes drops",
		},
		Issues: []string{"nats-io/nats-server#3515", "nats-io/nats-server#2448", "nats-io/nats-server#3031", "nats-io/nats-server#6607"},
		Look:   "the table of remote interest on the publisher's node at that time; restarts and link failures just before the first loss",
	},
	RestartDup: {
		Wire: "offsets that a connection has had come again, not marked as a replay, just when some node comes up",
		Causes: []string{
			"a node that starts replays the end of its log to whoever is subscribed",
			"a consumer's position is stored less often than its messages are sent",
		},
		Issues: []string{"nats-io/nats-server#3006"},
		Look:   "what a node does between its start and its first new message, and where it takes its position from",
	},
	AckedLostOnCrash: {
		Wire: "a replay that is said to be complete leaves out the messages just before a crash, on every connection, though they were acknowledged and others had received them",
		Causes: []string{
			"acknowledged before the write is on disk, or on a second node",
			"a node that returns brings an older copy of the log, and it is preferred",
		},
		Issues: []string{"nats-io/nats-server#7564"},
		Look:   "when the broker acknowledges and when it syncs; what must be lost with a crash has to change the epoch, so that clients know",
	},
	OffenceTolerated: {
		Wire: "a frame breaks RFC 6455 (no mask, a reserved bit or opcode, a control frame over 125 bytes, a text that is not UTF-8, a length beyond all limits), and neither a close frame nor the end of TCP follows; a ping behind it may even be answered. Or a command that must be refused is answered as if it were right: a position of another epoch, or from the future, as recovered; another user's session as resumed; an expired token as good",
		Causes: []string{
			"the library checks nothing unless it is told to: masks, UTF-8 and the largest message are options",
			"the length of a frame is believed, and memory is kept for it until it is full",
			"a handler swallows the library's error and reads on",
			"the epoch is compared only if the server's own store has one, or an offset is only compared downwards",
			"a position that is not known is taken for the beginning, and all that the store has is replayed",
			"sessions are found by their name alone, and a name is no secret",
			"a resume, or a connection of somebody who is known already, skips the check of the token",
		},
		Issues: []string{"theturtle32/WebSocket-Node#226", "novnc/websockify#164", "gobwas/ws#223", "pal-tamas/rask#1075", "dunglas/mercure#472", "ably/ably-js#540", "dunglas/mercure#586", "kubernetes-client/python#819"},
		Look:   "the options of the WebSocket library on the server's side, and what is done with the errors of its reader. A proxy in between may mend frames, or hide that they were wrong",
	},
	CollateralClose: {
		Wire: "one client breaks the protocol and is closed, and within seconds another connection, on which nothing was wrong, is closed with a code that blames it, or just ends",
		Causes: []string{
			"an exception in one connection's handler ends the loop, the worker or the process that serves many",
			"an error is told to a whole room or to a whole broadcast, which is then given up",
			"buffers or decoder state are shared between connections, and one leaves them broken",
		},
		Issues: []string{"ueberdosis/hocuspocus#392", "ueberdosis/hocuspocus#418", "dyc3/opentogethertube#784"},
		Look:   "what connections share: the loop, the pool of buffers, the decoder. The server's log at the time of the author's offence, which the witness names; whether the process has the same id afterwards",
	},
	OffencePassedOn: {
		Wire: "one client sends what breaks RFC 6455, such as a text that is not UTF-8, and the server sends it to others, whose libraries then close their own connections with 1007 or 1002",
		Causes: []string{
			"payloads are passed on as bytes, and checked by nobody",
			"the check comes when the whole message has been handled already",
			"frames are forwarded as they come, fragments and reserved bits included",
		},
		Issues: []string{"ballerina-platform/ballerina-lang#12696", "aspnet/WebSockets#99"},
		Look:   "where text is checked on its way in. Every client of the channel is disconnected by one such message, again and again if it stands in the history",
	},
	ZombieConnection: {
		Wire: "a client sends nothing any more (no pongs, or nothing at all), and the server neither closes nor resets the connection in time; it may go on writing to it",
		Causes: []string{
			"only a failed write ends a connection, and the kernel of a dead peer goes on acknowledging",
			"the deadline is set anew by the server's own writes, or by its own pings",
			"the task that looks for silent connections has stopped, or skips those that are blocked in a write",
		},
		Issues: []string{"instantdb/instant#207", "amiantos/lurker#255", "phasor-labs/NovaSDR#22", "pusher/chatkit-client-js#135"},
		Look:   "what resets the read deadline, and whether a proxy in between answers pings for the client. `mute: {what: pongs}` on one client with --trace shows what the server does meanwhile",
	},
	FalseLivenessKill: {
		Wire: "a ping comes, its pong goes out at once, and without a further ping the server closes with the code that blames silence",
		Causes: []string{
			"the time for the answer begins when the ping is queued, and it leaves much later",
			"pongs are read by the task that is busy with a large message, or only pongs count while data flows",
			"the answer is matched with the wrong ping",
		},
		Issues: []string{"sockjs/sockjs-node#219", "hapijs/nes#93", "beyondcode/laravel-websockets#778"},
		Look:   "where the time for the answer begins, and what counts as a sign of life. Compare the ping's and the close's times in the witness with the server's log",
	},
	LateHeartbeat: {
		Wire: "more time than the limit passes between two pings of a connection, or none comes at all",
		Causes: []string{
			"one timer serves all connections, and a slow one holds it up",
			"pings wait in the queue of the connection behind data",
			"the interval that is told to clients is not the one that is used",
		},
		Issues: []string{"aspnet/WebSockets#204", "processone/ejabberd#698"},
		Look:   "the interval in the configuration, and the length of the connection's queue when a ping is due; clients with a watchdog drop such connections as dead",
	},
	RetainedMissing: {
		Wire: "a publication with the retain mark is acknowledged, then a client subscribes to its channel and gets the answer, and nothing that is marked as retained",
		Causes: []string{
			"what is kept stands on the node of its publisher, and the subscriber is on another one",
			"a pattern brings what the first matching channel keeps, and the search ends there",
			"only a subscription that is new to its session gets it, and not one that a client asks for again",
		},
		Issues: []string{"rabbitmq/rabbitmq-server#2557", "emqx/emqx#1314", "vernemq/vernemq#507", "redboltz/async_mqtt#442"},
		Look:   "the node of the witness's client and that of the publisher; whether the subscription is to a pattern, or one that its session has had before; limits and expiry of the store of retained messages",
	},
	RetainedStale: {
		Wire: "two publications with the retain mark are acknowledged one after the other, then a client subscribes and gets the first one, marked as retained",
		Causes: []string{
			"what is kept is copied to other nodes after the acknowledgement, or a cache there is never told",
			"the store takes the first message of a channel, and does not replace it",
			"two publications are stored by two workers, and the older one comes last",
		},
		Issues: []string{"emqx/emqx#11711", "lpeterse/haskell-mqtt#6", "nats-io/nats-server#2179"},
		Look:   "what lies between the acknowledgement and the store; whether it is always the same node that gives old ones; how much older they are. `retain: true` says that the latest counts, so an old one is a wrong state for as long as nothing new comes",
	},
	RetainedUnasked: {
		Wire: "a client subscribes and gets a message marked as retained that was published without the retain mark",
		Causes: []string{
			"the mark of a publication is never looked at, and everything is stored",
			"a setting of the channel keeps the last message of any kind",
			"a publication without the mark replaces what is stored instead of passing it by",
		},
		Issues: []string{"apache/shenyu#6849"},
		Look:   "where the mark is read on the way in. Such a message takes the place of what was to be kept, so that whoever comes later sees an event where the state should be",
	},
	WillMissing: {
		Wire: "a client hands over a will when it connects and is answered, its connection is reset or ends without a goodbye, and the will comes to nobody who is subscribed to its channel",
		Causes: []string{
			"the client is back before the server has noticed the loss, and the newer connection takes the will's place",
			"a loss that the server meets while it writes is handled elsewhere than one that it meets while it reads",
			"the will is published after the client's session is gone, and rights or names are looked up there",
		},
		Issues: []string{"emqx/emqx#10551", "emqx/emqx#18565", "streamnative/mop#97"},
		Look:   "how the connection ended (the witness says how) and how soon the client was back; whether the server logs a publication at that time. A server that waits for its heartbeat to notice a reset publishes it later than five seconds",
	},
	WillMisfire: {
		Wire: "a will comes to a subscriber while the connection that handed it over is up, or after its client has said goodbye on it",
		Causes: []string{
			"the end of the connection publishes the will, whatever was said before it",
			"the goodbye is read after the end of the connection was met",
			"the will of an older connection of the same client is published for the newer one",
		},
		Issues: []string{"Yakifo/amqtt#200", "njouanin/hbmqtt#201"},
		Look:   "what takes the will away at a goodbye, and whether that comes before the connection is given up. With MQTT the goodbye is DISCONNECT, and a WebSocket close frame alone is none",
	},
	ThrottleExceeded: {
		Wire: "on one connection more live messages of a throttled channel come one after the other than the time since the first of them lets through, even if each was sent at the earliest moment",
		Causes: []string{
			"the timer is kept for each publisher, node or worker, and the limit holds for each of them only",
			"the time of the last message is read and written without a lock, and two pass at once",
			"a message that is sent at the end of the time does not begin a new one",
		},
		Issues: []string{"ReactiveX/rxdart#791", "Koenkk/zigbee2mqtt#31351"},
		Look:   "where the time of the last message is kept, and who writes it: on the leading edge, on the trailing one, and on each node",
	},
	LastValueSwallowed: {
		Wire: "publications are acknowledged and then end; the connection answers pings long after, and the last message of the channel that came on it is older than the last one published",
		Causes: []string{
			"the throttle has a leading edge only: what comes before the time is over is dropped, and nothing is sent at its end",
			"the timer that would send the last one is cancelled when the publisher, or the source, ends",
			"a client that returns is given the history without what the throttle still holds, and is not registered for it either",
		},
		Issues: []string{"bigbluebutton/bigbluebutton#25693", "sindresorhus/throttleit#2", "gethopp/hopp#294", "tiny-pilot/tinypilot#250", "Clooos/Bubble-Card#1395", "ReactiveX/rxjs#3351"},
		Look:   "what is done with a message that comes within the time: it must be kept, replaced by newer ones, and sent when the time is over. The witness shows what the client ended on, and what was published after it",
	},
	StaleLastValue: {
		Wire: "the last message that was published comes, and after it on the same connection an older one of the channel, and nothing more",
		Causes: []string{
			"two timers are pending, and the one with the older message fires last",
			"the trailing edge sends what was held when its timer was set, not what is held when it fires",
			"a cache is read again after the newest message went out past it",
		},
		Issues: []string{"solidjs-community/solid-primitives#133", "jayphelps/core-decorators#94"},
		Look:   "which message a timer sends, and whether sending at once cancels what is pending",
	},
	ThrottleSettlesLate: {
		Wire: "the last message of a throttled channel comes, but later after its publication than the scenario allows",
		Causes: []string{
			"each dropped message begins the time anew, so that it ends only when nothing more comes",
			"timers of all channels are worked off by one loop that is behind",
			"the throttle's time is longer than the limit of the expectation",
		},
		Issues: []string{"MarineYachtRadar/mayara-server#363"},
		Look:   "the configured time beside `settles-within`; then how long the timer is behind when it fires",
	},
	AggregateLost: {
		Wire: "added up over a whole run, or over a disconnect and the replay behind it, the sums that one connection got of an option are less than what publishers were told is counted",
		Causes: []string{
			"a vote that comes while a window is being sent is added to the one that has just been read, and cleared with it",
			"what is being added up lives with a connection, or in a process, that ends before its window does",
			"sums are kept as whole numbers, or rounded, before they are sent",
		},
		Issues: []string{"micrometer-metrics/micrometer#759", "fleaktech/zephflow-core#250", "tandg-digital/objection-filter#65", "datafusion-contrib/StreamFusion#221"},
		Look:   "the moment at which a window is read and cleared: both under one lock, or by swapping it; and who holds the window when its node, or its last subscriber, goes",
	},
	AggregateOvercounted: {
		Wire: "added up, the sums that one connection got of an option are more than all that was published of it, or one offset came twice",
		Causes: []string{
			"a vote at the edge of two windows is counted in both",
			"after a restart, or a recovery, what had been counted is read from a log and counted again",
			"a vote is counted before it is decided whether its sender may vote, or the poll is still open",
		},
		Issues: []string{"influxdata/influxdb#14717", "ArcadeData/arcadedb#7126", "superseriousbusiness/gotosocial#2463", "matnad/pollmaster#73"},
		Look:   "where a vote is added, beside where it is refused and where retries are recognised; what a replay does to the window that is open",
	},
	AggregateMisattributed: {
		Wire: "the sums of all options together are right, and one option has too much by as much as another has too little",
		Causes: []string{
			"the option is read after the lock is gone, from a buffer that the next message has overwritten",
			"options are numbered anew in each window, and a late vote brings the number of the one before",
		},
		Issues: []string{"open-telemetry/opentelemetry-go#333"},
		Look:   "how an option is turned into the place of its sum, and for how long that is valid",
	},
	NotAggregated: {
		Wire: "on a channel of sums a message comes as somebody published it, or one without the fields of a sum",
		Causes: []string{
			"a second way in (another node, HTTP, a retry) that goes round the adding up",
			"a window with one message only is sent as that message",
		},
		Issues: []string{"huggingface/lighteval#1067"},
		Look:   "all callers of the fan-out of this channel; the names of the fields, if each message lacks them: by and value of the expectation say what is looked for",
	},
	DebouncedEarly: {
		Wire: "a message of a debounced channel comes sooner after its publication than the quiet time, even by the time at which its publisher meant to send it",
		Causes: []string{
			"the timer runs from the first message of a burst and is not moved by the next ones",
			"a longest wait, or a leading edge, is on by default",
			"the timer fires while a new message is being taken, and sends that",
		},
		Issues: []string{"chodorowicz/ts-debounce#69"},
		Look:   "what a new message does to the pending timer, and what the timer checks when it fires",
	},
	DebouncedSuperseded: {
		Wire: "a message of a debounced channel comes although its publisher's next one was acknowledged before the quiet time behind the first was over",
		Causes: []string{
			"the message is captured when the timer is set, and the timer alone is moved",
			"each node, or each connection, debounces for itself what the others go on publishing",
			"what is replaced is put into another queue, and comes out of it later",
		},
		Issues: []string{"imbhargav5/rooks#1575"},
		Look:   "which message the timer sends: the one that set it, or the newest. The witness names both",
	},
	DebounceUnsettled: {
		Wire: "publications end, the quiet time passes many times over, the connection answers pings, and the last message never comes on it",
		Causes: []string{
			"a message that comes while the timer fires is lost between taking the old one and setting the new",
			"the timer is cancelled when a message is replaced, and not set again",
			"steady traffic moves the timer for ever, and its end is forgotten when the publisher leaves",
		},
		Issues: []string{"svecosystem/runed#139"},
		Look:   "the moment at which the timer fires and a message comes, and what happens to what is held when its publisher goes",
	},
	DebounceSettlesLate: {
		Wire: "the last message of a debounced channel comes, but later after its publication than the scenario allows",
		Causes: []string{
			"other publishers, or messages that the subscriber does not see, move the timer on",
			"the quiet time is longer than the limit of the expectation",
			"timers wait behind other work of the same loop",
		},
		Look: "the configured quiet time beside `settles-within`, and who else publishes on the channel",
	},
	StateDiverged: {
		Wire: "the connection is alive at the end, and the last message of the channel on it is not the last one that was published and acknowledged",
		Causes: []string{
			"messages were lost, or came in another order, and no expectation judges that",
			"what is replayed after a return is older than what the client had, and nothing follows",
			"two publishers' messages are applied in one order by the server and in another by its cache",
		},
		Look: "add `delivery`, `order` and `recovery` for the same channels, which name the cause; the witness shows what the client ended on",
	},
	SnapshotDeltaSkew: {
		Wire: "a subscribe is answered at a position, the rows that come are those of an earlier or a later one, and the events behind the answer's position follow",
		Causes: []string{
			"the rows are read first and the subscription is entered after that, or the reverse, without a lock over both",
			"rows come from a cache or a replica that is behind the stream",
			"a snapshot is sent in parts, and the rows change between them",
		},
		Issues: []string{"bmoscon/cryptofeed#1082", "danpaquin/coinbasepro-python#212", "risa-labs-inc/BossConsole#1179"},
		Look:   "which comes first, reading the rows or entering the subscription, and what holds publishers off meanwhile. A client that adds what follows to such rows is wrong until the key is written again",
	},
	RowMissing: {
		Wire: "a subscribe is answered at a position, a key was written at it or before and not taken away, and the rows that come have none of it",
		Causes: []string{
			"rows expire with the history, or by a time that counts from their first write",
			"a limit of rows, or of the size of a message, cuts the list off without a word",
			"the rows are those of the node that was asked, and the key was written on another",
		},
		Issues: []string{"garden-co/jazz#1600"},
		Look:   "whether it is always the oldest keys, the largest rows or the last in some order; whether another client that asks at the same time gets them",
	},
	RemovedRowKept: {
		Wire: "an event that takes a key away was published and has its place at the snapshot's position or before, and the rows that come still have the key",
		Causes: []string{
			"a deletion goes out to subscribers and is not made in what snapshots are read from",
			"the event that deletes is stored as the row itself",
			"a snapshot is kept for some time, and deletions don't end it",
		},
		Issues: []string{"superset-sh/superset#5731"},
		Look:   "the way of a deletion from the publish to the store of the rows. Nothing corrects this later: no event of the key is to come",
	},
	SnapshotMissing: {
		Wire: "a subscribe asks for the rows, its answer does not say that everything is replayed, and events follow without a snapshot, or nothing does",
		Causes: []string{
			"only the first subscription of a client or a session gets one, and not who returns",
			"it is sent by another task than the events, which overtake it",
			"whoever names a position is taken for somebody who has the rows, although the position can't be replayed",
		},
		Issues: []string{"superfly/corrosion#521", "assistant-ui/assistant-ui#6321"},
		Look:   "what differs between a client that gets one and one that does not: first visit or return, with a position or without, refused or not",
	},
	TombstoneLost: {
		Wire: "the connection is alive at the end, the message that deletes the key was published and acknowledged, and it is not among the events on it",
		Causes: []string{
			"events of one key are merged before they are sent, and the deletion loses against an older update",
			"a deletion has no payload, and what has none is taken for nothing to send",
			"a cache that is keyed by row forgets the row before its deletion has been written to everybody",
		},
		Issues: []string{"kubernetes/kubernetes#123072"},
		Look:   "other clients of the channel: if all lack the deletion, it was never sent; if one does, look at what its connection was doing then",
	},
	PayloadAltered: {
		Wire: "an event carries the stamp of a publication, and beside it another payload than that publication",
		Causes: []string{
			"two messages of one key are laid together under the later one's identity",
			"numbers pass through a type that can't hold them: money as binary fractions, large ones as 32 bits",
			"one buffer is filled again while an earlier event is still being written from it",
		},
		Look: "the field that the finding names, in the event of the witness: the sum with the message before means merging, a rounded number a conversion, the value of another key a shared buffer",
	},
}
