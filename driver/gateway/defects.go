package gateway

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Defect switches a deliberate wrongness on.
type Defect struct {
	Name   string  // one of Defects
	Every  int     // happen at every so-manieth opportunity; 0: the default of the defect
	Chance float64 // happen with this probability instead; 0: go by Every
}

// DefectInfo describes a defect that a gateway can have.
type DefectInfo struct {
	Name    string
	About   string   // what the gateway does wrong, and when
	Anomaly string   // the name under which a judge must report it
	Every   int      // the default trigger
	Issues  []string // public reports of the same in real systems
}

// Defects lists every defect, in the order of the documentation.
func Defects() []DefectInfo {
	return []DefectInfo{
		{"subscribe-history-gap", "reads the history, waits 30 ms, then registers; what is published meanwhile is lost", "subscribe-history-gap", 1,
			[]string{"dunglas/mercure#178", "kubernetes/kubernetes#49956", "centrifugal/centrifugo#446"}},
		{"lost-in-socket", "resumes a user from what it has written to the old connection, not from what the client says to have", "lost-in-socket", 1,
			[]string{"Yakifo/amqtt#401", "vernemq/vernemq#496"}},
		{"recovered-flag-lie", "loses one event of a replay of two or more and says recovered all the same", "recovered-flag-lie", 3,
			[]string{"dotnet/aspnetcore#55575", "mythal/boluo#155"}},
		{"stale-epoch-accepted", "has lost the channel's stream and still answers a resume with the old epoch as recovered", "stale-epoch-accepted", 5,
			[]string{"centrifugal/centrifuge-go#159", "centrifugal/centrifuge-go#160", "ably/ably-js#540"}},
		{"replay-live-overlap", "sends the last replayed events once more as live ones", "replay-live-overlap", 3,
			[]string{"centrifugal/centrifuge-js#425", "centrifugal/centrifuge-dart#142", "kubernetes/kubernetes#24004"}},
		{"fifo-violation", "swaps two consecutive events of one publisher for one subscriber", "fifo-violation", 5,
			[]string{"olahol/melody#6", "graarh/golang-socketio#50", "grafov/bcast#9"}},
		{"order-divergence", "swaps two consecutive events of different publishers for half of the subscribers", "order-divergence", 5,
			[]string{"tudo-aqua/bgw#465"}},
		{"live-before-replay", "sends a live event before the events that a resuming client has missed", "live-before-replay", 1,
			[]string{"eclipse-mosquitto/mosquitto#192", "eclipse-paho/paho.mqtt.c#807", "nanomq/nanomq#897"}},
		{"slow-consumer-silent-drop", "drops events for a connection with more than 32 KiB queued, and tells nobody", "slow-consumer-silent-drop", 1,
			[]string{"sensu/sensu-go#1096", "Starcounter/Starcounter#3461", "AtherEnergy/rumqtt#158"}},
		{"ack-then-drop", "acknowledges a publication and forgets it, without an offset", "ack-then-drop", 20,
			[]string{"apache/pulsar#10757"}},
		{"confirmed-not-subscribed", "answers a subscribe without registering it", "confirmed-not-subscribed", 7,
			[]string{"supabase/realtime#2086", "rails/rails#58698"}},
		{"causal-inversion", "keeps every 5th event, and what follows it on its channel, from half of the subscribers for 30 ms", "causal-inversion", 5,
			[]string{"tudo-aqua/bgw#465"}},
		{"drain-loss", "after announcing a drain it drops what comes for every other connection, and resumes its user behind that", "drain-loss", 2,
			[]string{"pal-tamas/rask#560", "block/buzz#2575"}},
		{"wrong-close-code", "drains connections with code 1000, with 1006 on the wire, or without a close frame, in turn", "wrong-close-code", 2,
			[]string{"facebookincubator/SocketRocket#605", "pgjones/hypercorn#112", "block/buzz#2575"}},
		{"lockstep-reconnect", "tells all connections of a drain the same time to return", "lockstep-reconnect", 1,
			[]string{"coder/coder#24096", "django/channels#568", "nats-io/nats.go#563"}},
		{"offline-queue-drop", "loses every 5th message for a session whose client is away", "offline-queue-drop", 5,
			[]string{"emqx/emqx#6396", "thingsboard/tbmq#320", "eclipse-mosquitto/mosquitto#2349"}},
		{"double-flush", "begins what a resumed session missed with the last two messages that the client has", "double-flush", 1,
			[]string{"centrifugal/centrifuge-go#150", "shyiko/mysql-binlog-connector-java#113"}},
		{"duplicate-live-session", "goes on serving the older connection of a session that a newer one has taken over", "duplicate-live-session", 1,
			[]string{"socketio/socket.io#4880", "apollographql/subscriptions-transport-ws#732", "HarperFast/harper#1604"}},
		{"retry-double-publish", "ignores idempotency keys", "retry-double-publish", 1,
			[]string{"socketio/socket.io#5334", "nats-io/nats-server#7801", "discord/discord-api-docs#3377"}},
		{"send-buffer-inversion", "puts the first publication of a user that returns behind the next one", "send-buffer-inversion", 1,
			[]string{"socketio/socket.io-client#1458", "purplefish-ai/factory-factory#1425"}},
		{"recovers-only-once", "never resumes a session a second time", "recovers-only-once", 1,
			[]string{"socketio/socket.io#4880"}},
		{"resubscribe-partial", "resumes a session with the first half of its subscriptions", "resubscribe-partial", 1,
			[]string{"enisdenjo/graphql-ws#85", "phoenixframework/phoenix#3458", "dsrees/JavaPhoenixClient#91"}},
		{"resume-livelock", "ends every connection of every 40th user that wants to resume, from then on", "resume-livelock", 40,
			[]string{"mattermost/mattermost#30388", "mattermost/mattermost-mobile#10183"}},
		{"membership-lost-silent", "forgets at every 30th event one of four or more subscribers of its channel, and leaves its connection open", "membership-lost-silent", 30,
			[]string{"firezone/firezone#10397"}},
		{"cross-channel-leak", "sends every 25th event of a channel that is named after no user also to a connection that did not subscribe to it", "cross-channel-leak", 25,
			[]string{"kataras/go-websocket#30", "xcanchal/scrum-poker#3"}},
		{"cross-tenant-leak", "sends every 25th event of a channel that is named after a user also to another user's connection", "cross-tenant-leak", 25,
			[]string{"Senthil455/Atlas-Workforce-System#196", "mcdonc/klangk#1714", "winsenlabs/platos#46"}},
		{"connection-id-reuse-leak", "gives the id of every 2nd connection that ends to the next one, and its subscriptions with it", "connection-id-reuse-leak", 2,
			[]string{"sibidharan/zealphp#246"}},
		{"wildcard-overmatch", "takes the first * of a pattern for the rest of a channel's name", "wildcard-overmatch", 1,
			[]string{"nanomq/NanoNNG#1473"}},
		{"post-unsubscribe-delivery", "answers every 3rd unsubscribe and goes on delivering", "post-unsubscribe-delivery", 3,
			[]string{"logos-messaging/logos-delivery#4065", "braverhealth/phoenix-socket-dart#15", "pusher/pusher-websocket-java#158"}},
		{"command-inversion", "obeys an unsubscribe and a subscribe that come one right after the other in reverse, every 2nd time", "command-inversion", 2,
			[]string{"rails/rails#38668", "rails/rails#41581", "phoenixframework/phoenix#1483"}},
		{"acked-lost-on-crash", "loses the last second of every history when a node is killed or restarted, and keeps epoch and offsets", "acked-lost-on-crash", 1,
			[]string{"nats-io/nats-server#7564"}},
		{"interest-lost-remote", "keeps every 7th event from the subscribers on other nodes", "interest-lost-remote", 7,
			[]string{"nats-io/nats-server#3515", "nats-io/nats-server#2448", "nats-io/nats-server#6607"}},
		{"restart-dup", "sends the last two events of every channel again when a node comes up", "restart-dup", 1,
			[]string{"nats-io/nats-server#3006"}},
		{"zombie-connection", "never ends a connection for its silence", "zombie-connection", 1,
			[]string{"instantdb/instant#207", "amiantos/lurker#255", "phasor-labs/NovaSDR#22"}},
		{"false-liveness-kill", "overlooks the answer to every 40th ping and closes for silence", "false-liveness-kill", 40,
			[]string{"sockjs/sockjs-node#219", "hapijs/nes#93", "beyondcode/laravel-websockets#778"}},
		{"late-heartbeat", "waits three times as long as it told between its pings", "late-heartbeat", 1,
			[]string{"aspnet/WebSockets#204", "processone/ejabberd#698"}},
		{"collateral-close", "when a client breaks RFC 6455, closes another one's connection with 1011, too", "collateral-close", 1,
			[]string{"ueberdosis/hocuspocus#392", "ueberdosis/hocuspocus#418", "dyc3/opentogethertube#784"}},
		{"bad-utf8-passed-on", "sends a text that is not UTF-8 to another connection before it closes its author", "offence-passed-on", 1,
			[]string{"ballerina-platform/ballerina-lang#12696"}},
		{"oversize-buffered", "waits for every byte that a frame announces, and keeps them", "offence-tolerated", 1,
			[]string{"gobwas/ws#223"}},
		{"unmasked-accepted", "obeys frames without a mask", "offence-tolerated", 1,
			[]string{"theturtle32/WebSocket-Node#226", "novnc/websockify#164"}},
		{"wrong-violation-code", "closes with 1000 whatever a client has done wrong", "wrong-close-code", 1,
			[]string{"nodejs/undici#5051", "python-hyper/wsproto#182"}},
		{"resubscribe-obeyed", "answers a subscribe to a channel that is subscribed to as if it were the first", "offence-tolerated", 1,
			[]string{"rails/rails#24875", "hiero-ledger/hiero-json-rpc-relay#987"}},
		{"right-not-enforced", "obeys every 3rd subscribe to a channel that the client's role may not use", "right-not-enforced", 3,
			[]string{"HarperFast/harper#1414", "hasura/graphql-engine#3602"}},
		{"expired-token-accepted", "lets clients in whose token has expired", "right-not-enforced", 1,
			[]string{"dunglas/mercure#472"}},
		{"forged-token-accepted", "reads tokens without checking their signature", "right-not-enforced", 1,
			[]string{"dunglas/mercure#472"}},
		{"delivered-despite-refusal", "refuses every 2nd subscribe that a role may not do only after it has registered it", "delivered-despite-refusal", 2,
			[]string{"mattermost/mattermost#7981"}},
		{"wrongly-refused", "refuses every 25th subscribe that the client's role may do", "wrongly-refused", 25,
			[]string{"supabase/supabase-js#2613"}},
		{"silent-history-truncation", "replays what is left of a history that has lost a part of what a client missed, and says recovered", "silent-history-truncation", 1,
			[]string{"centrifugal/centrifugo#165"}},
		{"false-unrecovered", "refuses every 10th resume that its history allows", "false-unrecovered", 10,
			[]string{"socketio/socket.io#4888", "socketio/socket.io#5282", "centrifugal/centrifugo#230"}},
		{"double-replay", "begins every 3rd replay two events before the position that the client asked from", "double-replay", 3,
			[]string{"centrifugal/centrifuge-go#150", "shyiko/mysql-binlog-connector-java#113"}},
		{"offset-regress", "answers every 5th resume with a position before that of the client", "offset-regress", 5,
			[]string{"elastic/cloud-on-k8s#4956"}},
		{"offset-divergence", "gives every 40th event the offset of the one before it", "offset-divergence", 40,
			[]string{"dunglas/mercure#1347", "kurrent-io/KurrentDB#1013"}},
		{"phantom-message", "changes a digit of every 60th event for one of its subscribers", "phantom-message", 60,
			[]string{"dunglas/mercure#586"}},
		{"duplicate-delivery", "sends every 40th event twice to one of its subscribers", "duplicate-delivery", 40,
			[]string{"eclipse-mosquitto/mosquitto#1751", "astrorafael/twisted-mqtt#1"}},
		{"lost-message", "sends every 40th event to all subscribers but one, who has had the one before", "lost-message", 40,
			[]string{"uNetworking/uWebSockets#1673"}},
		{"overlap-copies", "sends every 10th event of those with several subscriptions that match it once for each of them", "overlap-copies", 10,
			[]string{"emqx/emqtt#17", "GruppoFilippetti/vertx-mqtt-broker#5", "moscajs/mosca#62"}},
		{"foreign-epoch-accepted", "resumes from any epoch as if it were the channel's", "offence-tolerated", 1,
			[]string{"centrifugal/centrifuge-go#159", "centrifugal/centrifuge-go#160", "ably/ably-js#540"}},
		{"future-offset-accepted", "takes an offset that a channel has not reached for the latest, and says recovered", "offence-tolerated", 1,
			[]string{"dunglas/mercure#586"}},
		{"session-hijack", "serves a session to every user who knows its name", "offence-tolerated", 1,
			[]string{"pal-tamas/rask#1075", "hrygo/hotplex#240", "fafhrd91/pyramid_sockjs#7"}},
		{"other-session-evicted", "begins a new session for a user who names another one's, and closes that one's connection with 4009", "collateral-close", 1,
			[]string{"pal-tamas/rask#1075"}},
		{"expired-token-trusted", "lets in with an expired token a user whom it has let in before", "offence-tolerated", 1,
			[]string{"dunglas/mercure#472"}},
		{"expired-token-alive", "goes on serving every 2nd connection whose token expires", "expired-token-alive", 2,
			[]string{"hasura/graphql-engine#578", "dunglas/mercure#472", "supabase/supabase-js#2613"}},
		{"revocation-ignored", "goes on serving every 2nd connection of users whose rights are taken away", "post-revocation-delivery", 2,
			[]string{"HarperFast/harper#1414", "hasura/graphql-engine#3602", "mattermost/mattermost#7981", "pubky/pubky-homeserver#492"}},
		{"revoked-readmitted", "lets users in again whose rights were taken away", "right-not-enforced", 1,
			[]string{"dunglas/mercure#472"}},
		{"invented-message", "puts behind every 40th event one that nobody published", "phantom-message", 40,
			[]string{"dunglas/mercure#586"}},
		{"filter-false-positive", "sends every 25th event that the filter of a subscription keeps back all the same", "filter-false-positive", 25,
			[]string{"supabase/realtime#585", "supabase/realtime#397"}},
		{"unfiltered-replay", "replays every 2nd event that the filter of a subscription keeps back all the same", "filter-false-positive", 2,
			[]string{"supabase/walrus#53"}},
		{"unfiltered-queue", "keeps for a session whose client is away every 2nd event that the filter of its subscription keeps back", "filter-false-positive", 2,
			[]string{"supabase/walrus#53"}},
		{"stale-filter", "goes on with the filter that a user had first on a channel when he subscribes to it with another", "filter-false-positive", 1,
			[]string{"supabase/realtime#397"}},
		{"filter-false-negative", "keeps every 15th event back from all subscriptions that have a filter", "filter-false-negative", 15,
			[]string{"dotnet/MQTTnet#1612", "supabase/realtime#414"}},
		{"expired-position-no-error", "answers a resume from before its history as recovered, and replays nothing", "silent-history-truncation", 1,
			[]string{"kubernetes/kubernetes#104171"}},
		{"large-overtaken", "sends every 3rd event of 1 KiB or more to half of the subscribers behind the next one, if that is a smaller one of its publisher", "fifo-violation", 3,
			[]string{"uNetworking/uWebSockets#1350", "zaphoyd/websocketpp#1070", "commontoolsinc/labs#6474"}},
		{"stale-store-replay", "takes a position of an epoch that it doesn't know for the beginning, replays all that it has, and says recovered", "offence-tolerated", 1,
			[]string{"dunglas/mercure#586", "kubernetes-client/python#819"}},
		{"retained-dropped", "gives every 4th of those who subscribe to a channel that keeps a message nothing of it", "retained-missing", 4,
			[]string{"rabbitmq/rabbitmq-server#2557", "emqx/emqx#1314", "vernemq/vernemq#507"}},
		{"retained-one-match", "gives who subscribes to a pattern what one of the channels keeps, and no more", "retained-missing", 1,
			[]string{"redboltz/async_mqtt#442"}},
		{"retained-outdated", "goes on keeping the message before every 2nd one that a channel is to keep", "retained-stale", 2,
			[]string{"emqx/emqx#11711", "lpeterse/haskell-mqtt#6"}},
		{"retained-any", "keeps every 2nd message of a channel whose publisher has not asked for that", "retained-unasked", 2,
			[]string{"apache/shenyu#6849"}},
		{"will-dropped", "publishes nothing for every 3rd client that is lost and has a will", "will-missing", 3,
			[]string{"emqx/emqx#10551", "emqx/emqx#18565", "streamnative/mop#97"}},
		{"will-at-goodbye", "publishes the will of every 2nd client that says goodbye", "will-misfire", 2,
			[]string{"Yakifo/amqtt#200", "njouanin/hbmqtt#201"}},
		{"last-value-swallowed", "sends the first event of a throttle's time, and nothing of what comes before it is over", "last-value-swallowed", 1,
			[]string{"bigbluebutton/bigbluebutton#25693", "sindresorhus/throttleit#2", "gethopp/hopp#294", "tiny-pilot/tinypilot#250", "Clooos/Bubble-Card#1395"}},
		{"throttle-exceeded", "lets every 10th event through a throttle that should have waited", "throttle-exceeded", 10,
			[]string{"ReactiveX/rxdart#791", "Koenkk/zigbee2mqtt#31351"}},
		{"stale-last-value", "sends the event before the last one of a throttled channel again, when nothing more comes", "stale-last-value", 1,
			[]string{"solidjs-community/solid-primitives#133", "jayphelps/core-decorators#94"}},
		{"debounced-early", "waits a third of a debounce's quiet time", "debounced-early", 1,
			[]string{"chodorowicz/ts-debounce#69"}},
		{"debounced-superseded", "sends the first event that a debounce holds back, not the last", "debounced-superseded", 1,
			[]string{"imbhargav5/rooks#1575"}},
		{"debounce-unsettled", "forgets what a debounce holds back when more comes, and that, too", "debounce-unsettled", 1,
			[]string{"svecosystem/runed#139"}},
		{"transform-skipped", "sends every 25th event of a channel with a transformation as it was published", "transform-skipped", 25,
			[]string{"jwnichols3/rocket-on-air-sensor#88"}},
		{"untransformed-replay", "replays every 2nd event of a channel with a transformation as it was published", "transform-skipped", 2,
			[]string{"segment-boneyard/segment-docs#1375", "nats-io/nats-jms-bridge#192"}},
		{"transform-merged", "lays what a transformation makes over what was published, so that nothing is taken away", "transform-wrong", 1,
			[]string{"apache/metron#718"}},
		{"transform-field-lost", "leaves the last field out of every 20th event that a transformation has made", "transform-wrong", 20,
			[]string{"nick-pape/grackle#320"}},
		{"transform-state-shared", "leaves in every 10th event that a transformation has made one value of the event before", "transform-wrong", 10,
			[]string{"deepstreamIO/deepstream.io#143"}},
		{"switch-cuts-replay", "answers a resume over plain HTTP as recovered, replays the first event, and goes on at the end of the channel", "recovered-flag-lie", 1,
			[]string{"EventSource/eventsource#291", "growthbook/growthbook-golang#51"}},
		{"switch-doubles-replay", "begins the first replay of a user who is back from plain HTTP on a WebSocket two events too early", "double-replay", 1,
			[]string{"athrvk/vayu#21"}},
		{"sse-without-recovery", "never resumes over plain HTTP, although the history allows it", "false-unrecovered", 1,
			[]string{"growthbook/growthbook-golang#51", "modelcontextprotocol/typescript-sdk#2809"}},
		{"stream-loses-joined", "takes what comes within 30 ms of an event for a part of it, on an event stream, and drops it", "lost-message", 1,
			[]string{"launchdarkly/rust-eventsource-client#6"}},
		{"poll-gap", "drops the events that come within 30 ms of an event that has answered a poll, as if no other could be waiting yet", "lost-message", 1,
			[]string{"wandenberg/nginx-push-stream-module#268", "devicehive/devicehive-java-server#147", "Atmosphere/atmosphere#2063"}},
		{"head-of-line-block", "waits with an event until no subscriber of its channel has more than 32 KiB queued, 10 ms at most", "head-of-line-block", 1,
			[]string{"superplanehq/superplane#6427", "sta/websocket-sharp#394", "centrifugal/centrifuge#404"}},
		{"urgent-waits", "queues every urgent event behind the backlog", "urgent-behind-backlog", 1,
			[]string{"commaai/openpilot#38160", "charmplusplus/charm#697"}},
		{"window-lost-at-disconnect", "forgets what is being added up of a channel when one of its subscribers goes", "aggregate-lost", 1,
			[]string{"micrometer-metrics/micrometer#759", "fleaktech/zephflow-core#250"}},
		{"window-boundary-dropped", "drops what comes within 30 ms of an aggregate, as if that had counted it", "aggregate-lost", 1,
			[]string{"datafusion-contrib/StreamFusion#221"}},
		{"sum-truncated", "leaves the decimals of every sum out", "aggregate-lost", 1,
			[]string{"tandg-digital/objection-filter#65", "nocodb/nocodb#12040"}},
		{"window-boundary-doubled", "counts the last publication before every 2nd aggregate again behind it", "aggregate-overcounted", 2,
			[]string{"influxdata/influxdb#14717", "superseriousbusiness/gotosocial#2463"}},
		{"replay-recounts", "adds every 5th sum that it replays up again", "aggregate-overcounted", 5,
			[]string{"ArcadeData/arcadedb#7126", "JiRaska/open-bank-oss#6040"}},
		{"counts-refused", "adds up what it refuses its publisher", "aggregate-overcounted", 1,
			[]string{"matnad/pollmaster#73"}},
		{"sum-misattributed", "adds every 20th number to the option of the one before", "aggregate-misattributed", 20,
			[]string{"open-telemetry/opentelemetry-go#333"}},
		{"aggregate-skipped", "sends every 25th publication that is to be added up as it was published", "not-aggregated", 25,
			[]string{"huggingface/lighteval#1067"}},
		{"urgent-last", "takes priorities the wrong way round for every 2nd urgent event", "urgent-behind-backlog", 2,
			[]string{"cloudamqp/lavinmq#434", "apache/activemq#306"}},
		{"batch-oversized", "sends a batch when it holds one event more than the most", "batch-oversized", 1,
			[]string{"segmentio/analytics-go#80"}},
		{"batch-held-too-long", "begins a batch's wait anew with every event", "batch-held-too-long", 1,
			[]string{"JasperFx/jasperfx#533", "segmentio/analytics-node#53", "akka/akka-persistence-cassandra#617"}},
		{"batch-reordered", "swaps two consecutive events of one publisher inside every 5th batch that has such", "fifo-violation", 5,
			[]string{"googleapis/google-cloud-java#4578", "googleapis/java-pubsublite#1031"}},
		{"batch-tail-lost", "leaves the last event out of every 5th batch that a connection is sent before it is full", "lost-message", 5,
			[]string{"calrissian/mango#202", "buoyant-data/hotdog#59"}},
		{"batch-repeats-last", "begins every 5th batch that is not full with the last event of the batch before", "duplicate-delivery", 5,
			[]string{"snowplow/snowplow-javascript-tracker#438", "ArieGato/serilog-sinks-rabbitmq#311"}},
		{"batch-not-recovered", "takes what is gathered for sent when a client resumes, and does not replay it", "recovered-flag-lie", 1,
			[]string{"exowarexyz/monorepo#39"}},
		{"not-batched", "gathers events, and sends each in a message of its own", "not-batched", 1,
			[]string{"confluentinc/confluent-kafka-dotnet#1409"}},
		{"delta-rounded", "leaves the decimals out of the last number of every 25th event that has any", "payload-altered", 25,
			[]string{"nautechsystems/nautilus_trader#2904", "FuelLabs/fuels-wallet#312"}},
		{"update-swallowed", "takes an event that follows another of its channel within 60 ms for the same change, and sends it to nobody", "state-diverged", 1,
			[]string{"bigbluebutton/bigbluebutton#25693", "tiny-pilot/tinypilot#250"}},
		{"snapshot-delta-skew", "sends every 2nd snapshot with the row that the latest event has replaced", "snapshot-delta-skew", 2,
			[]string{"bmoscon/cryptofeed#1082", "risa-labs-inc/BossConsole#1179"}},
		{"snapshot-elsewhere", "says of every 2nd snapshot that it is of the position before", "snapshot-delta-skew", 2,
			[]string{"danpaquin/coinbasepro-python#212"}},
		{"row-missing", "leaves the oldest row out of every 2nd snapshot", "row-missing", 2,
			[]string{"garden-co/jazz#1600"}},
		{"removed-row-kept", "goes on keeping every 2nd row that an event takes away", "removed-row-kept", 2,
			[]string{"superset-sh/superset#5731"}},
		{"tombstone-row", "keeps every 2nd event that takes a row away as the row itself", "removed-row-kept", 2,
			[]string{"superset-sh/superset#5731"}},
		{"snapshot-missing", "sends every 3rd who asks for a snapshot none", "snapshot-missing", 3,
			[]string{"superfly/corrosion#521", "assistant-ui/assistant-ui#6321"}},
		{"tombstone-lost", "sends every 2nd event that says that something is true, as deletions do, to nobody", "tombstone-lost", 2,
			[]string{"kubernetes/kubernetes#123072"}},
		{"ghost-presence", "goes on counting every 3rd who leaves a channel, and tells nobody", "ghost-presence", 3,
			[]string{"SAGE-3/next#175", "matrix-org/synapse#1514", "centrifugal/centrifuge#395"}},
		{"presence-flap", "says of every 2nd user who has lost one of several connections that he has gone, and that he has come", "presence-flap", 2,
			[]string{"laravel/reverb#213", "supabase-community/realtime-csharp#31", "supabase-community/realtime-csharp#25"}},
		{"presence-diff-race", "lists who is there for every 2nd who asks, and only behind the next who comes or goes tells him of such", "presence-diff-race", 2,
			[]string{"phoenixframework/phoenix#2255", "Cotal-AI/Cotal#1225"}},
		{"presence-not-restored", "does not count every 2nd who is subscribed to a channel again", "presence-not-restored", 2,
			[]string{"ably/ably-dotnet#329", "ably/ably-java#761", "ably/ably-js#2220"}},
		{"member-missing", "does not count every 5th who has never been subscribed to a channel before", "member-missing", 5,
			[]string{"RocketChat/Rocket.Chat#116", "EionRobb/purple-discord#16"}},
		{"phantom-member", "counts those in who have subscribed to a pattern", "phantom-member", 1,
			[]string{"ZeroK-RTS/Zero-K-Infrastructure#607", "EionRobb/purple-discord#37"}},
		{"presence-repeated", "says of every 5th who comes or goes twice that he does", "presence-repeated", 5,
			[]string{"discord/discord-api-docs#3377", "matrix-org/synapse#3337"}},
		{"presence-late", "says 1.5 s late who comes and goes", "presence-late", 1,
			[]string{"pusher/libPusher#145", "pusher/chatkit-client-js#135"}},
		{"compress-desync", "compresses each message of every 5th connection behind those before it, although it said that it would not", "codec-desync", 5,
			[]string{"netty/netty#8395", "sockudo/sockudo-ws#14"}},
		{"raw-in-compressed", "marks every 300th message as compressed and sends it as it is", "codec-desync", 300,
			[]string{"zaphoyd/websocketpp#1144", "paritytech/soketto#49"}},
		{"interleaved-frames", "writes a ping between the header and the payload of a frame, at every 300th write", "codec-desync", 300,
			[]string{"jaspervdj/websockets-snap#13", "hew-lang/hew#1632"}},
		{"server-masks", "masks a frame at every 300th write", "codec-desync", 300,
			[]string{"denoland/std#614", "websockets-rs/rust-websocket#61"}},
		{"reserved-bit-set", "sets the second reserved bit of a frame at every 300th write", "codec-desync", 300,
			[]string{"ghedipunk/PHP-Websockets#77", "faye/websocket-driver-ruby#19"}},
		{"text-not-utf8", "puts a byte that is not UTF-8 into a text at every 300th write", "codec-desync", 300,
			[]string{"gorilla/websocket#184", "radu-matei/websocket-manager#40"}},
	}
}

// wrong holds the triggers of the defects that are on. Each of its methods is
// one place where the gateway asks whether to go wrong; with nothing on they
// all say no.
type wrong struct {
	subscribeHistoryGap    *trigger
	lostInSocket           *trigger
	recoveredFlagLie       *trigger
	staleEpochAccepted     *trigger
	replayLiveOverlap      *trigger
	fifoViolation          *trigger
	orderDivergence        *trigger
	liveBeforeReplay       *trigger
	slowConsumerSilentDrop *trigger
	ackThenDrop            *trigger
	confirmedNotSubscribed *trigger
	causalInversion        *trigger
	offlineQueueDrop       *trigger
	doubleFlush            *trigger
	duplicateLiveSession   *trigger
	retryDoublePublish     *trigger
	sendBufferInversion    *trigger
	recoversOnce           *trigger
	resubscribePartial     *trigger
	drainLoss              *trigger
	wrongCloseCode         *trigger
	lockstepReconnect      *trigger
	resumeLivelock         *trigger
	membershipLost         *trigger
	crossChannelLeak       *trigger
	crossTenantLeak        *trigger
	connectionIDReuse      *trigger
	wildcardOvermatch      *trigger
	postUnsubscribe        *trigger
	commandInversion       *trigger
	ackedLostOnCrash       *trigger
	interestLostRemote     *trigger
	restartDup             *trigger
	zombieConnection       *trigger
	falseLivenessKill      *trigger
	lateHeartbeat          *trigger
	collateralClose        *trigger
	badUTF8PassedOn        *trigger
	oversizeBuffered       *trigger
	unmaskedAccepted       *trigger
	wrongViolationCode     *trigger
	resubscribeObeyed      *trigger
	rightNotEnforced       *trigger
	expiredToken           *trigger
	forgedToken            *trigger
	despiteRefusal         *trigger
	wronglyRefused         *trigger
	silentTruncation       *trigger
	falseUnrecovered       *trigger
	doubleReplay           *trigger
	offsetRegress          *trigger
	offsetDivergence       *trigger
	phantomMessage         *trigger
	duplicateDelivery      *trigger
	lostMessage            *trigger
	overlapCopies          *trigger
	inventedMessage        *trigger
	foreignEpoch           *trigger
	futureOffset           *trigger
	sessionHijack          *trigger
	sessionEvicted         *trigger
	trustedToken           *trigger
	filterFalsePositive    *trigger
	unfilteredReplay       *trigger
	unfilteredQueue        *trigger
	staleFilter            *trigger
	filterFalseNegative    *trigger
	expiredAlive           *trigger
	expiredPosition        *trigger
	largeOvertaken         *trigger
	staleStore             *trigger
	revocationIgnored      *trigger
	revokedReadmitted      *trigger
	retainedDropped        *trigger
	retainedOneMatch       *trigger
	retainedOutdated       *trigger
	retainedAny            *trigger
	willDropped            *trigger
	willAtGoodbye          *trigger
	lastSwallowed          *trigger
	throttleLeak           *trigger
	staleLast              *trigger
	debounceEarly          *trigger
	debounceFirst          *trigger
	debounceLost           *trigger
	transformSkipped       *trigger
	untransformedReplay    *trigger
	transformMerged        *trigger
	transformFieldLost     *trigger
	transformShared        *trigger
	switchCuts             *trigger
	switchDoubles          *trigger
	sseUnrecovered         *trigger
	streamLosesJoined      *trigger
	pollGap                *trigger
	urgentWaits            *trigger
	urgentLast             *trigger
	headOfLineBlock        *trigger
	windowLost             *trigger
	boundaryDropped        *trigger
	sumTruncated           *trigger
	boundaryDoubled        *trigger
	replayRecounts         *trigger
	countsRefused          *trigger
	misattributed          *trigger
	aggregateSkipped       *trigger
	batchOversized         *trigger
	batchHeld              *trigger
	batchReordered         *trigger
	batchTail              *trigger
	batchRepeats           *trigger
	batchForgotten         *trigger
	ghostPresence          *trigger
	presenceFlap           *trigger
	presenceDiffRace       *trigger
	presenceNotRestored    *trigger
	memberMissing          *trigger
	phantomMember          *trigger
	presenceRepeated       *trigger
	presenceLate           *trigger
	notBatched             *trigger

	deltaRounded    *trigger
	updateSwallowed *trigger
	tombstoneLost   *trigger

	snapshotDeltaSkew *trigger
	snapshotElsewhere *trigger
	rowMissing        *trigger
	removedRowKept    *trigger
	tombstoneRow      *trigger
	snapshotMissing   *trigger

	compressDesync  *trigger
	rawInCompressed *trigger
	interleaved     *trigger
	serverMasks     *trigger
	reservedBit     *trigger
	notUTF8         *trigger

	none    bool               // no defect is on
	windows map[uint64]*window // compress-desync: by connection; nil: it is not struck

	mu      sync.Mutex
	heirs   []inheritance       // connection-id-reuse-leak
	written map[cursor]position // lost-in-socket
	aside   map[cursor]bool     // switch-doubles-replay: who was served without a WebSocket last
	visits  map[string]*visitor // send-buffer-inversion
	drained map[cursor]position // drain-loss
	stuck   map[string]bool     // resume-livelock
	met     map[string]bool     // expired-token-trusted
	filters map[cursor]*filter  // stale-filter
}

// Shown tells how often a defect has had its way so far, so that a test of
// judges can tell what was missed from what never happened.
func (g *Gateway) Shown(defect string) uint64 {
	if t := g.wrong.places()[defect]; t != nil && *t != nil {
		return (*t).shown.Load()
	}
	return 0
}

// places is where the trigger of each defect stands.
func (w *wrong) places() map[string]**trigger {
	return map[string]**trigger{
		"subscribe-history-gap":     &w.subscribeHistoryGap,
		"lost-in-socket":            &w.lostInSocket,
		"recovered-flag-lie":        &w.recoveredFlagLie,
		"stale-epoch-accepted":      &w.staleEpochAccepted,
		"replay-live-overlap":       &w.replayLiveOverlap,
		"fifo-violation":            &w.fifoViolation,
		"order-divergence":          &w.orderDivergence,
		"live-before-replay":        &w.liveBeforeReplay,
		"slow-consumer-silent-drop": &w.slowConsumerSilentDrop,
		"ack-then-drop":             &w.ackThenDrop,
		"confirmed-not-subscribed":  &w.confirmedNotSubscribed,
		"drain-loss":                &w.drainLoss,
		"wrong-close-code":          &w.wrongCloseCode,
		"lockstep-reconnect":        &w.lockstepReconnect,
		"resume-livelock":           &w.resumeLivelock,
		"acked-lost-on-crash":       &w.ackedLostOnCrash,
		"interest-lost-remote":      &w.interestLostRemote,
		"restart-dup":               &w.restartDup,
		"causal-inversion":          &w.causalInversion,
		"offline-queue-drop":        &w.offlineQueueDrop,
		"double-flush":              &w.doubleFlush,
		"duplicate-live-session":    &w.duplicateLiveSession,
		"retry-double-publish":      &w.retryDoublePublish,
		"send-buffer-inversion":     &w.sendBufferInversion,
		"recovers-only-once":        &w.recoversOnce,
		"resubscribe-partial":       &w.resubscribePartial,
		"membership-lost-silent":    &w.membershipLost,
		"cross-channel-leak":        &w.crossChannelLeak,
		"cross-tenant-leak":         &w.crossTenantLeak,
		"connection-id-reuse-leak":  &w.connectionIDReuse,
		"wildcard-overmatch":        &w.wildcardOvermatch,
		"post-unsubscribe-delivery": &w.postUnsubscribe,
		"command-inversion":         &w.commandInversion,
		"zombie-connection":         &w.zombieConnection,
		"false-liveness-kill":       &w.falseLivenessKill,
		"late-heartbeat":            &w.lateHeartbeat,
		"collateral-close":          &w.collateralClose,
		"bad-utf8-passed-on":        &w.badUTF8PassedOn,
		"oversize-buffered":         &w.oversizeBuffered,
		"unmasked-accepted":         &w.unmaskedAccepted,
		"wrong-violation-code":      &w.wrongViolationCode,
		"resubscribe-obeyed":        &w.resubscribeObeyed,
		"right-not-enforced":        &w.rightNotEnforced,
		"expired-token-accepted":    &w.expiredToken,
		"forged-token-accepted":     &w.forgedToken,
		"delivered-despite-refusal": &w.despiteRefusal,
		"wrongly-refused":           &w.wronglyRefused,
		"silent-history-truncation": &w.silentTruncation,
		"false-unrecovered":         &w.falseUnrecovered,
		"double-replay":             &w.doubleReplay,
		"offset-regress":            &w.offsetRegress,
		"offset-divergence":         &w.offsetDivergence,
		"phantom-message":           &w.phantomMessage,
		"duplicate-delivery":        &w.duplicateDelivery,
		"lost-message":              &w.lostMessage,
		"overlap-copies":            &w.overlapCopies,
		"invented-message":          &w.inventedMessage,
		"foreign-epoch-accepted":    &w.foreignEpoch,
		"future-offset-accepted":    &w.futureOffset,
		"session-hijack":            &w.sessionHijack,
		"other-session-evicted":     &w.sessionEvicted,
		"expired-token-trusted":     &w.trustedToken,
		"filter-false-positive":     &w.filterFalsePositive,
		"unfiltered-replay":         &w.unfilteredReplay,
		"unfiltered-queue":          &w.unfilteredQueue,
		"stale-filter":              &w.staleFilter,
		"filter-false-negative":     &w.filterFalseNegative,
		"expired-token-alive":       &w.expiredAlive,
		"expired-position-no-error": &w.expiredPosition,
		"large-overtaken":           &w.largeOvertaken,
		"stale-store-replay":        &w.staleStore,
		"revocation-ignored":        &w.revocationIgnored,
		"revoked-readmitted":        &w.revokedReadmitted,
		"retained-dropped":          &w.retainedDropped,
		"retained-one-match":        &w.retainedOneMatch,
		"retained-outdated":         &w.retainedOutdated,
		"retained-any":              &w.retainedAny,
		"will-dropped":              &w.willDropped,
		"will-at-goodbye":           &w.willAtGoodbye,
		"last-value-swallowed":      &w.lastSwallowed,
		"throttle-exceeded":         &w.throttleLeak,
		"stale-last-value":          &w.staleLast,
		"debounced-early":           &w.debounceEarly,
		"debounced-superseded":      &w.debounceFirst,
		"debounce-unsettled":        &w.debounceLost,
		"transform-skipped":         &w.transformSkipped,
		"untransformed-replay":      &w.untransformedReplay,
		"transform-merged":          &w.transformMerged,
		"transform-field-lost":      &w.transformFieldLost,
		"transform-state-shared":    &w.transformShared,
		"switch-cuts-replay":        &w.switchCuts,
		"switch-doubles-replay":     &w.switchDoubles,
		"sse-without-recovery":      &w.sseUnrecovered,
		"stream-loses-joined":       &w.streamLosesJoined,
		"poll-gap":                  &w.pollGap,
		"urgent-waits":              &w.urgentWaits,
		"urgent-last":               &w.urgentLast,
		"head-of-line-block":        &w.headOfLineBlock,
		"batch-oversized":           &w.batchOversized,
		"batch-held-too-long":       &w.batchHeld,
		"batch-reordered":           &w.batchReordered,
		"batch-tail-lost":           &w.batchTail,
		"batch-repeats-last":        &w.batchRepeats,
		"batch-not-recovered":       &w.batchForgotten,
		"ghost-presence":            &w.ghostPresence,
		"presence-flap":             &w.presenceFlap,
		"presence-diff-race":        &w.presenceDiffRace,
		"presence-not-restored":     &w.presenceNotRestored,
		"member-missing":            &w.memberMissing,
		"phantom-member":            &w.phantomMember,
		"presence-repeated":         &w.presenceRepeated,
		"presence-late":             &w.presenceLate,
		"not-batched":               &w.notBatched,
		"delta-rounded":             &w.deltaRounded,
		"update-swallowed":          &w.updateSwallowed,
		"tombstone-lost":            &w.tombstoneLost,
		"snapshot-delta-skew":       &w.snapshotDeltaSkew,
		"snapshot-elsewhere":        &w.snapshotElsewhere,
		"row-missing":               &w.rowMissing,
		"removed-row-kept":          &w.removedRowKept,
		"tombstone-row":             &w.tombstoneRow,
		"snapshot-missing":          &w.snapshotMissing,
		"window-lost-at-disconnect": &w.windowLost,
		"window-boundary-dropped":   &w.boundaryDropped,
		"sum-truncated":             &w.sumTruncated,
		"window-boundary-doubled":   &w.boundaryDoubled,
		"replay-recounts":           &w.replayRecounts,
		"counts-refused":            &w.countsRefused,
		"sum-misattributed":         &w.misattributed,
		"aggregate-skipped":         &w.aggregateSkipped,
		"compress-desync":           &w.compressDesync,
		"raw-in-compressed":         &w.rawInCompressed,
		"interleaved-frames":        &w.interleaved,
		"server-masks":              &w.serverMasks,
		"reserved-bit-set":          &w.reservedBit,
		"text-not-utf8":             &w.notUTF8,
	}
}

func newWrong(defects []Defect, seed uint64) (*wrong, error) {
	w := &wrong{none: len(defects) == 0}
	places := w.places()
	every := make(map[string]int)
	for _, d := range Defects() {
		every[d.Name] = d.Every
	}
	for i, d := range defects {
		place := places[d.Name]
		switch {
		case place == nil:
			return nil, fmt.Errorf("unknown defect %q", d.Name)
		case d.Every < 0, d.Chance < 0, d.Chance > 1:
			return nil, fmt.Errorf("defect %s: every is at least 1 and chance within 0..1", d.Name)
		case d.Every == 0:
			d.Every = every[d.Name]
		}
		*place = &trigger{every: uint64(d.Every), chance: d.Chance, rng: rand.New(rand.NewPCG(seed, uint64(i)+1))}
	}
	return w, nil
}

// trigger decides at which opportunities a defect shows. The zero pointer never
// fires.
type trigger struct {
	every  uint64
	chance float64
	seen   atomic.Uint64
	shown  atomic.Uint64

	mu  sync.Mutex
	rng *rand.Rand
}

func (t *trigger) fires() bool {
	if t == nil {
		return false
	}
	if t.chance > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.show(t.rng.Float64() < t.chance)
	}
	return t.show(t.seen.Add(1)%t.every == 0)
}

func (t *trigger) show(fires bool) bool {
	if fires {
		t.shown.Add(1)
	}
	return fires
}
