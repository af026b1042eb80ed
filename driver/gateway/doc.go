// Package gateway is the reference gateway: a small publish/subscribe server
// over WebSocket with positions, recovery, acknowledgements, heartbeats, bounded
// queues and drain. It is correct by default; the names in Defects make it wrong
// on purpose, so that every rule of Squall has a server that must make it fail.
//
// # The events protocol
//
// What follows is the whole protocol; a client or a server can be written from
// it alone. MUST, SHOULD and MAY are meant as in RFC 2119.
//
// Transport. The client opens a WebSocket (RFC 6455) at /events, without a
// subprotocol and without extensions. All messages are text. A message holds one
// or more JSON objects, separated by a line feed; inside an object there is no
// raw line feed. Both sides MUST ignore members they don't know; a client MUST
// ignore objects whose type it doesn't know. The order of members is free.
// Offsets are whole numbers up to 2^64−1. Ids are whole numbers from 1.
//
// Commands. A client sends objects with a type and an id; the answer repeats the
// id. Ids are chosen by the client, unique on the connection. A publish, ping or
// pong MAY have no id: then it has no answer (a ping's pong has no id). Answers
// come in the order of their commands; events come between them at any place,
// except where this text says otherwise.
//
//	{"id":1,"type":"connect","token":"…","user":"alice"}
//	{"id":1,"type":"connected","client":"x7Kq…","heartbeat_ms":25000,"timeout_ms":10000}
//
// Connect MUST be the first command and comes once; token and user are optional.
// Further commands MAY be sent without waiting for the answer. The server closes
// with 4001 what does not connect within some seconds, and with 4002, after an
// error 401, what it doesn't let in. Where a server asks for tokens they say who
// the user is and which role he has; the member user counts for nothing then. A
// token is looked at when its client connects; when it expires, the server sends
// nothing that is published later, and closes with 4004. When a user's rights are
// taken away, it does so at once, with 4005, and lets the user in no more. The role
// says which channels the client may subscribe to and publish on; a pattern is allowed if everything that
// it matches is.
//
//	{"id":2,"type":"subscribe","channel":"vote.1"}
//	{"id":2,"type":"subscribed","channel":"vote.1","epoch":"fZ3kQ0aT","offset":15}
//	{"type":"event","channel":"vote.1","offset":16,"data":{…}}
//
// Every event of a channel has an offset, one more than the one before, the
// first being 1. Offsets count within an epoch, an opaque text. When a channel's
// offsets begin anew its epoch changes. The answer's epoch and offset are the
// position of the channel at that moment: the next event is offset+1, and from
// there on every event comes, once, in the order of the offsets. The same holds
// for all subscribers, so all see the same order. Data is any JSON value, as it
// was published. A server that keeps no history leaves epoch and offset out
// everywhere; then events come at most once, still in one order for all.
//
//	{"id":2,"type":"subscribe","channel":"vote.1","recover":{"epoch":"fZ3kQ0aT","offset":12}}
//	{"id":2,"type":"subscribed","channel":"vote.1","epoch":"fZ3kQ0aT","offset":15,"recovering":true,"recovered":true}
//	{"type":"event","channel":"vote.1","offset":13,"replay":true,"data":{…}}
//	{"type":"event","channel":"vote.1","offset":14,"replay":true,"data":{…}}
//	{"type":"event","channel":"vote.1","offset":15,"replay":true,"data":{…}}
//	{"type":"event","channel":"vote.1","offset":16,"data":{…}}
//
// Causality. A publish is obeyed after every event of a channel that the client is
// subscribed to, and had been sent before, is queued for all its subscribers: an
// answer reaches nobody before what it answers, on whatever channel it is given.
//
// Compression. A server MAY agree to an offered permessage-deflate (RFC 7692). Each
// message is then compressed alone, both ways, or not at all.
//
// Shaping. A server MAY thin out a channel: a throttle sends at most one event in a
// time, the last of those that came; a debounce sends the last one when none has come
// for a time. What is left out gets no offset and is not replayed, so the offsets of
// what is sent have no holes. The answer to a publish on such a channel means that the
// event is with the server, and has no offset; the last event always comes.
//
//	{"type":"event","channel":"activity.1","offset":7,"data":{…}}
//	{"type":"event","channel":"activity.1","offset":8,"data":{…}}
//
// Batches. A server MAY gather the events of a channel, and send each subscriber several in
// one message, a line each: some number of them at most, and at the latest some time after
// the first of them was published. All else is as elsewhere: each has its offset, stands in
// the history and is acknowledged when it is published, and none is left out. Who
// unsubscribes gets what is gathered before the answer; who subscribes gets of it only what
// is replayed. A batch MAY be sent earlier. Causality does not hold on such a channel.
//
//	{"type":"event","channel":"votes.1","offset":7,"data":{"option":"yes","sum":42.5,"count":3}}
//
// Sums. On a channel a server MAY send sums instead of events: every so often one event
// for each value of a member of what was published since then, with that value, the sum of
// the numbers in another member, and how many events it is of. They are events like
// others. What has no such members is refused with an error 400; what is answered counts,
// once, and what is refused does not.
//
// Recovery. A client that returns names its position: the epoch, and the offset
// of the last event it has. If the epoch is still the channel's and every later
// event is still in the history, the answer says recovered true, and all events
// after the client's offset up to the answer's follow, marked replay, before any
// live event of the channel. Otherwise the answer says recovered false; nothing
// is replayed, and the client goes on from the answer's position, knowing that
// it may have missed something. The answer to a plain subscribe has neither
// member. The server keeps a number of events per channel for some time. It MAY
// forget a channel that has no subscribers and no history.
//
//	{"id":1,"type":"connect","user":"alice","session":"phone","keep":true,"received":312,"began":1751}
//	{"id":1,"type":"connected","client":"x7Kq…","resumed":true,"began":1751}
//	{"type":"event","channel":"vote.1","offset":16,"replay":true,"data":{…}}
//
// Sessions. A connect MAY name a session, a text of the client's own; sessions of
// different users are different whatever their names, and so are those of one user
// in different roles. At most one connection
// serves a session: when another one names it, the older is closed with 4009 and
// is sent nothing that is published after the newer one's answer. If the connect
// says keep and the server keeps sessions, the answer says resumed, true or
// false. A kept session's subscriptions go on when its connection ends; the
// server remembers some number of the messages (events and gaps) that it sent or
// would have sent, for some time. Received is how many messages the client has
// received since the session began, on all its connections. If the server has all
// that were sent after these it says resumed true: the subscriptions are there,
// need no subscribe, and what is after the received ones comes first, in the order
// in which it was or would have been sent; events are marked replay. A subscribe
// to a channel that the session brought along begins that subscription anew.
// Otherwise it says resumed false: the session begins now, with no subscription
// and nothing received. Fresh true asks for that. Began is a number that tells this
// beginning from all others, and a client SHOULD give the one of the last answer that
// it has got: an answer may be lost with its connection, and the client then does not
// know that the session has begun anew. It is resumed only if it is still the one that
// the client means; a connect without a number means whichever there is.
//
//	{"id":1,"type":"connect","user":"alice","will":{"channel":"presence.1","data":{"lost":"alice"}}}
//
// Wills. A connect MAY carry a will: a channel, and data for it. If the connection ends
// and its client has sent no close frame, the server publishes the data there, as if
// the client had: once, and as soon as it notices. A client that has sent a close
// frame, with whatever code, leaves no will, whoever sent one first. A will for a
// channel on which the client may not publish is refused with an error 403, and the
// connect with it.
//
//	{"type":"gap","channel":"vote.1","epoch":"fZ3kQ0aT","offset":40,"reason":"slow"}
//
// A gap says: what lies up to and including this position and has not come will
// not come; go on from there. It stands in the channel's order where the missing
// events would have stood. Reasons: slow (the backlog was full and the server
// drops the oldest), stream lost (the epoch is new). Without history it has no
// position.
//
//	{"id":2,"type":"subscribe","channel":"vote.1","filter":"msg.option == 3 && msg.weight > 1"}
//	{"id":2,"type":"subscribed","channel":"vote.1","epoch":"fZ3kQ0aT","offset":15}
//	{"type":"event","channel":"vote.1","offset":18,"data":{…}}
//	{"type":"position","channel":"vote.1","epoch":"fZ3kQ0aT","offset":82}
//
// Filters. A subscribe MAY carry a filter, where the server has filters: an
// expression over msg, the data of an event, with msg.NAME for its members. Only
// events of which it is true come: live, in replays, and from a kept session alike.
// An event for which it has no value, or none that is true or false, does not come;
// nor does data that is no object. A filter that the server can't read is refused
// with an error 400. It belongs to the one subscription: whoever subscribes again,
// after an unsubscribe, on a new connection or anew within a session, says it again,
// or another one. Events keep their offsets, so those that come skip what was kept
// back. A position says that whatever the filter lets through, up to and including
// this offset, has come; the client goes on from there, and names it when it returns.
// One ends each replay that does not end with the event at the answer's offset, and
// one is sent now and then while many events in a row are kept back. A position is
// no message of a session. If several subscriptions match an event it comes if one of
// them lets it through; patterns have no positions, with a filter or without.
//
//	{"id":2,"type":"subscribe","channel":"room.1","presence":true}
//	{"id":2,"type":"subscribed","channel":"room.1","epoch":"fZ3kQ0aT","offset":15}
//	{"type":"presence","channel":"room.1","members":["alice","bob"]}
//	{"type":"join","channel":"room.1","member":"carol"}
//	{"type":"leave","channel":"room.1","member":"bob"}
//
// Presence. A member of a channel is a user who is subscribed to it by its name, on one
// connection or several; a pattern makes nobody a member, and a connection without a
// user neither. A subscribe to a channel MAY say presence: then behind the answer, what
// the channel keeps and what is replayed, comes once who is there, the client itself
// included. From then on each join and each leave comes, in one order with the channel's
// events, until the subscription or the connection ends. A user joins with the first
// subscription and leaves with the last. Who subscribes anew within a session may leave
// and join. A kept session's user stays while there is no connection; but what presence
// says is no message of a session, and who returns asks for it by subscribing anew.
//
//	{"id":7,"type":"presence","channel":"room.1"}
//	{"id":7,"type":"presence","channel":"room.1","members":["alice","carol"]}
//
// Who subscribes with presence MAY ask who is there now. The answer stands in the same
// order. Of anybody else it is refused with an error 404.
//
//	{"id":2,"type":"subscribe","channel":"board.1","snapshot":true}
//	{"id":2,"type":"subscribed","channel":"board.1","epoch":"fZ3kQ0aT","offset":15}
//	{"type":"snapshot","channel":"board.1","epoch":"fZ3kQ0aT","offset":15,"rows":[{"offset":3,"data":{…}},…]}
//	{"type":"snapshot","channel":"board.1","epoch":"fZ3kQ0aT","offset":15,"rows":[{"offset":14,"data":{…}}],"last":true}
//	{"type":"event","channel":"board.1","offset":16,"data":{…}}
//
// Rows. A channel MAY keep rows: the latest event of each key, which is a text, number or
// truth in some member of the data, as it was published. An event with a tombstone, a
// member that is true, takes its row away. What has no key there, or would make more rows
// than the channel has room for, is refused, with an error 400 or 413. A subscribe to the
// channel MAY say snapshot: then right behind the answer the rows come as they were at the
// answer's position, each with the offset of its event, in the order of these, and after
// them exactly the events after that position. A snapshot has one message or several; the
// last one says so. There is one even if there are no rows. Who names a position and is
// recovered gets no snapshot, since he has the rows; who is not recovered gets one. It is
// no message of a session, and a resumed session is no subscribe: who has lost a part of a
// snapshot subscribes anew. The rows are kept however old they are, until the channel's
// offsets begin anew: with a new epoch they are lost, and the first event makes the first
// row. Snapshot goes without filter and pattern, and is refused with an error 400 on a
// channel that keeps no rows.
//
// Transformations. A server may rewrite the data of some channels. It does so once,
// when an event is published: everybody gets the result, live, in replays, by patterns
// and from kept sessions, and filters see what was published. Members that begin with
// a low line are the sender's own and come along.
//
// Publishing over HTTP. POST /publish, with a JSON object that has channel, data and
// perhaps key, does what a publish does, and answers 200 with the offset, if there is
// one. Where tokens are asked for, the header Authorization carries one: Bearer and the
// token. A refusal has its code as status, and code, error and message in the body.
//
//	GET /events           Accept: text/event-stream
//	POST /events          Connection-Id: 8sQ…            {"id":1,"type":"connect","user":"alice"}
//	DELETE /events        Connection-Id: 8sQ…
//
// Without a WebSocket. Where the upgrade is refused on the way, a client MAY ask for an
// event stream (server-sent events) instead. Its first event is called open, and its data
// names the connection. Each message of the server is the data of an event without a name.
// The client posts its commands, one a line, with that name in the header Connection-Id;
// the answer 202 says that they were read, and what they are answered with comes as an
// event. Requests of one connection MUST follow each other, each after the answer to the
// one before. DELETE is the client's close frame. The server's is an event called close,
// with code and reason as its data; it is the last. A request for a connection that is over
// is answered with 410.
//
// A request for events that prefers to wait (the header Prefer: wait=25, of seconds) polls:
// the first one is answered with the event open, and those that follow, with the name of
// the connection, with the events that there are, or will be within that time; or with
// none. What comes between two polls waits. Who does not poll for ten seconds is lost, and
// so is who leaves while a poll waits. There are no WebSocket pings here; all else is as it
// is on a WebSocket.
//
//	{"id":4,"type":"publish","channel":"alarm","priority":"urgent","data":{…}}
//
// Priority. A publish MAY carry a priority, urgent, normal (the default) or low. Where
// the server has priorities, what is higher goes before what is lower and waits for the
// same connection, but for events of the same channel, answers about subscriptions, and
// the messages of a kept session. One in 64 that are urgent lets something by.
//
//	{"id":3,"type":"unsubscribe","channel":"vote.1"}
//	{"id":3,"type":"unsubscribed","channel":"vote.1"}
//
// After the answer no event of the channel comes.
//
//	{"id":8,"type":"subscribe","pattern":"notice.*"}
//	{"id":8,"type":"subscribed","pattern":"notice.*"}
//	{"type":"event","channel":"notice.fire","epoch":"p0Zt7xYa","offset":3,"data":{…}}
//	{"id":9,"type":"unsubscribe","pattern":"notice.*"}
//	{"id":9,"type":"unsubscribed","pattern":"notice.*"}
//
// Patterns. The segments of a channel's name are parted by dots. In a pattern,
// the segment * stands for any one segment, and ** as the last one for the rest,
// one segment or more. After the answer every event of every channel that the
// pattern matches comes, in the order of the offsets of its channel, also of
// channels that come into being later. A pattern has no position and can't be
// recovered; its events name the epoch themselves. An event comes once to a
// connection, however many of its subscriptions match; where the connection has
// subscribed to the channel itself, as that subscription's event.
//
//	{"id":4,"type":"publish","channel":"vote.1","key":"a-17","data":{"option":3}}
//	{"id":4,"type":"published","offset":17}
//
// The answer means that the event is in the channel, at that offset (which is
// left out without history). If the publisher is subscribed, its own event may
// come before or after the answer. A publication whose answer is lost may have
// taken effect. Key is optional: publishing again with a key that was used on the
// channel within the last two minutes has no effect and is answered with the
// first one's offset.
//
//	{"id":4,"type":"publish","channel":"status.1","retain":true,"data":{"open":false}}
//	{"id":2,"type":"subscribed","channel":"status.1","epoch":"fZ3kQ0aT","offset":15}
//	{"type":"event","channel":"status.1","retained":true,"data":{"open":false}}
//
// Retained. A publish MAY say retain: then its data is also what the channel keeps, in
// the place of what it kept before. Other publications change nothing about that. Who
// subscribes to a channel that keeps something, by its name or by a pattern, anew or
// from a position, is sent that behind the answer, marked retained, if their filter
// lets it through; at a subscribe to the channel it is what the channel kept at the
// answer's position, and comes before any other event of the channel. It is no event
// of the stream: it has no offset, and no session counts it. A resumed session is no
// subscribe. It is kept until the channel's offsets begin anew, whatever the history
// has room for.
//
//	{"id":5,"type":"error","code":409,"error":"already-subscribed","message":"already subscribed to vote.1"}
//
// A command that is refused has had no effect; the connection stays. An error
// about something that could not be read as a command has an id only if one was
// read; the rest of that message was not obeyed. Code and error are one of
//
//	400 bad-request          malformed JSON, a member of a wrong type or missing
//	401 unauthorized         the token was refused
//	403 forbidden            the client's role may not do this
//	404 unknown-command      404 not-subscribed
//	409 already-connected    409 already-subscribed
//	413 too-many-rows        the channel has no room for the row
//	428 not-connected        a command before connect
//
// and message is for people.
//
//	{"type":"ping"}                        {"type":"pong"}
//	{"id":7,"type":"ping"}                 {"id":7,"type":"pong"}
//
// Heartbeat. If connected told heartbeat_ms, the server pings that often, the
// first time at a random moment within the interval; the client answers with a
// pong. A client that sends nothing at all within timeout_ms after a ping is
// closed with 4003; any bytes count. A client that hears nothing for longer than
// heartbeat_ms SHOULD, after some grace, take the connection for dead. A client
// MAY ping as it likes, and both MUST answer WebSocket pings.
//
//	{"type":"drain","retry_ms":2000}
//
// The server is going to close this connection soon, with 1001 or 1012, after
// writing what is queued. The client SHOULD return after retry_ms, or elsewhere.
// The time is for this client alone: the server MUST spread the times that it tells
// to many, because clients return when they are told to. A client that knows of
// others SHOULD spread itself all the same, by a random wait of up to retry_ms more.
//
// Closing. Beside the codes of RFC 6455 (1002 protocol error, 1003 binary, 1007
// not UTF-8, 1009 message too big, 1001 going away, 1012 restart) the server
// uses
//
//	4001  no connect command in time
//	4002  the token was refused
//	4003  no sign of life after a ping
//	4004  the token has expired; come back with a new one
//	4008  slow consumer: the backlog is full
//	4009  another connection has taken the session over
//
// After 4002 a client SHOULD NOT come back by itself; after all others it
// SHOULD (but for 4009, if it has the newer connection itself), with a growing,
// random wait, and with its positions. A full server
// answers the upgrade with 503.
//
// # How it is made
//
// A stream is a channel: under its one lock an event gets its offset, enters the
// history and is queued for every subscriber, so all queues agree with the
// offsets. A frame is encoded once and shared. A subscription registers first
// and buffers while the history is read; then answer, history and buffer are
// joined. Each connection has one reader goroutine; a writer lives only while
// something is queued and writes many frames at once. Locks are taken in the
// order hub, stream, session, queue; no one is held while anything blocks. Everything
// that was started is joined by Close.
//
// # What it can't do wrong
//
// Some wrongness that real systems have has no defect here. A second copy of an
// event that should come exactly once by agreement, one that comes again without
// being marked as such, and one that comes again too late (exactly-once-dup,
// dup-unmarked, redelivery-late) need acknowledged deliveries, as MQTT has them;
// this protocol has none. An event before the answer to its subscribe
// (data-before-confirm) breaks no promise that a scenario can name. What is lost
// in the moment of an unsubscribe (publish-unsubscribe-race), and a client that
// is cut off for a short burst (burst-kill), no rule judges yet.
package gateway
