// Package history is the vocabulary that the driver, the rules and the reports
// share: what happened, to whom, when, and what came of it.
//
// A history is a stream of Events per shard. Inside one shard events stand in
// the order in which the shard learned of them; between shards only the clock
// relates them, and only as far as its readings are conservative: Sent is read
// before the bytes were handed over, Seen after the read that completed the
// frame. A rule that compares facts of two clients uses Sent and Seen in that
// sense and never assumes more.
//
// The package is a leaf. It knows no rule, no socket and no scenario.
package history

import "time"

// Kind says what an Event reports.
type Kind uint8

// The kinds. The comment names the fields that carry a meaning beside Client,
// Life and Seen, which every kind but Phase, Say and Fence-less events has.
const (
	KindNone Kind = iota

	// Connection.
	Dial      // an attempt begins. Due: when the plan or the backoff wanted it. Sent: when it began. Code: the node. Offset: the Transport. FlagServer: the server had asked for that time.
	Open      // the upgrade was accepted, or what is asked for in its place. Due: the Dial's Sent. Offset: the Transport.
	Refused   // the attempt failed. Code: HTTP status or 0. Note: what was met. FlagExcused: a fault or drain explains it.
	Connected // the dialect's handshake was answered. Due: the Dial's Due. Offset: a digest of the id that the server gave the connection; 0 if it told none. FlagSession; FlagRecover: the client asked for its kept session to go on, and FlagResumed: it does.
	Ready     // every planned subscription is answered. Due: when the client wanted in (Dial's Due of the first attempt since the loss).
	Resynced  // everything up to the positions of the answers is here. Due: the end of `away` (or the loss, if no fault).
	Closed    // the connection is over. Who: who ended it. Code: close code or 0. Note: reason.

	// Subscription.
	Subscribe    // sent. FlagPresence: it asks who is there. FlagRows: the rows of the channel are asked for. Channel may be a pattern: its name has a *. Publisher: number of its filter in the plan; 0: it has none, now or ever. FlagRecover with Epoch and Offset: the position asked from.
	Subscribed   // answered, or by the server itself, without a question (FlagServer). Epoch, Offset: the server's top at its answer. FlagPositioned, FlagRecovering, FlagRecovered. Due: the Subscribe's Sent.
	Unsubscribe  // sent.
	Unsubscribed // answered, or revoked by the server (FlagServer).
	Gap          // the server announces loss: what lies between the last position and (Epoch, Offset) will not come.

	// Publication. Publisher, Incarnation, Seq and Channel name the message.
	Publish // written. Offset: which filters of the plan let it through, bit n−1 for number n. Due: the schedule's time. Sent: before the write. FlagFence for fences.
	Outcome // what came of it: Result; Offset if the server told; Due and Sent as in Publish.
	Missed  // a publication was due while the publisher was away: it was never written.

	// Delivery. Publisher.. if FlagStamped; Epoch, Offset if FlagPositioned; FlagReplay; FlagFence.
	Deliver

	// Liveness.
	Beat  // a heartbeat answer to our ping (Due: ping sent).
	Probe // the answer to a drain probe: everything the server wrote to this connection before it is here. Due: probe sent.

	// The run.
	FaultBegin // Note: the fault's name as in the scenario (`disconnect reset`, `slow`; `read` and `link` for what a client's group says; `scale` when it leaves for good; `block` when its upgrades begin to be refused, and `switch` when it leaves one transport to try WebSocket again; `revoke` when the target is asked to take its rights away). Due: planned time. Code: of what limits reading, bytes per second; 0 if it doesn't. Client −1: it happens to the target (`gateway drain`); Code: to which node, −1 all. Every shard is told before it is done.
	FaultEnd   // healed; for a disconnect the end of `away`; for an abuse that did not end the connection what came of it, as Result: OK it was obeyed, Failed it was refused, Unknown neither within five seconds, and FlagExcused then if the server may have had more to read before it. Client −1: the node is up again.
	Problem    // an error reply or a broken frame that no fault explains. Code, Note. FlagPosted: of a request over HTTP, from Sent, to the node Offset.
	Phase      // Note: one of the Phase names. Client is -1.
	Say        // Note: the text. Client is -1.
	Ending     // what the driver says of the whole run, last in a recording. Note: JSON. Client is -1.
	Caused     // of the Deliver before it, of the same client: its publisher had received the message Publisher, Incarnation, Seq of Channel, at Offset, before it said this
	Pinged     // the server asks for a sign of life, in its own words or by a WebSocket ping. Sent: when it was answered; 0: it was not
	Pinging    // our own ping is written. Sent: before the write

	// A connection that its client has left without closing it and replaced by a
	// new one. It is read on only to learn whether the server still serves it; what
	// comes on it is no delivery. Life: of the old connection.
	Leftover  // a message came on it, after the new one was connected. Fields as in Deliver.
	Displaced // it ended. Who, Code and Note as in Closed.

	Announced // the server says that it will end the connection. Code: the wait until the return that it asks for, ms; 0 if it told none.

	Denied // the server says that the client may not: Channel, of a subscribe; −1: it is not let in at all. Code, Note. FlagForbidden: as the plan wants

	Passed  // whatever the filter of a subscription lets through, up to and including (Epoch, Offset), has come. Channel
	Expires // the connect that is being sent carries a token with an end. Sent: when that is
	Revoked // the target has confirmed that the client has no rights any more: what is published later is not for it. The FaultBegin `revoke` before it says when the target was asked

	Retained // the message that a channel keeps was given, because of a subscribe: no delivery. Fields as in Deliver; no position.
	Altered  // the payload of the Deliver or Retained before it, of the same client, is not what the plan's transformation makes of the published one. Fields as in Deliver. Result: OK it is the published one itself, Failed it is neither. Note: what is wrong

	Will // the connect that is being sent names a message that the target is to publish if this connection ends without a goodbye: Publisher, Incarnation, Seq, Channel. Offset: which filters let it through, as in Publish. Sent: before the write.

	Booked // of a Publish or Will, told right after it: what is entered of it in a book of the plan. Publisher, Incarnation, Seq, Channel: as there. Code: number of the book. Epoch: the key, a name of the run's Names. Offset: the amount in millionths, two's complement; FlagGone. Result: OK; Failed: there is no entry, and Note says why

	Told // of the Deliver before it, of the same client: the sum that it holds. Code: how it was read, as the plan numbers it. Epoch: the key, a name of the run's Names. Offset: the amount in millionths, two's complement. Result: OK; Failed: it holds none, and Note says why

	Present // who is there now: so many Members, which follow. Channel; Code: how many. Due: when it was asked for, with the subscribe or later
	Member  // of the Present before it, of the same client: one of those who are there. Epoch: their name, of the run's Names
	Joined  // somebody has come. Channel; Epoch: their name, of the run's Names
	Left    // and gone. Likewise

	Row      // a row of the Snapshot that follows, of the same client: no delivery. Fields as in Deliver; Epoch, Offset: where its message is said to stand. Note: what is wrong with its payload, where payloads are compared
	Snapshot // the Rows since the Subscribed are those of (Epoch, Offset) of Channel. Code: 1 if they are all that there are, 0 if more follow

	kinds // how many there are
)

// Names of the phases, in their order. They are Notes of Phase events.
const (
	PhaseArrivals = "arrivals" // from the epoch of the run
	PhaseActive   = "active"   // time 0 of the timeline
	PhaseDrain    = "drain"    // publishers have stopped
	PhaseFences   = "fences"   // every outcome is known or unknown; fences are being sent
	PhaseProbe    = "probe"    // fences are answered and waited for; probes are being sent
	PhaseEnd      = "end"
)

// Result of a publication (Kind Outcome).
type Result uint8

// Results. Unknown is the zero value on purpose: an unanswered publication may
// still take effect.
const (
	Unknown Result = iota // the connection died, or time ran out, before an answer
	OK                    // acknowledged
	Failed                // definitely refused
)

// Who ended a connection (Kind Closed).
type Who uint8

// Enders of connections.
const (
	NoOne  Who = iota
	Server     // a close frame, a FIN or a reset by the other side
	Fault      // a fault of the plan
	Client     // the client itself: no heartbeat, bad frame, or the end of the run
)

// Flags refine an Event.
type Flags uint32

// The flags.
const (
	FlagReplay     Flags = 1 << iota // sent as part of a recovery, not live
	FlagPositioned                   // Epoch and Offset are meaningful
	FlagStamped                      // Publisher, Incarnation, Seq and Due come from a valid stamp
	FlagCorrupt                      // a stamp was there and its checksum, run or channel does not fit
	FlagFence                        // the publication is a fence
	FlagRecover                      // a position was sent along (Subscribe)
	FlagRecovering                   // the answer is about a recovery (Subscribed)
	FlagRecovered                    // the server says that the recovery is complete (Subscribed)
	FlagStorm                        // during a storm, for latency
	FlagExcused                      // a fault, drain or block of the plan explains it
	FlagServer                       // the server's own initiative
	FlagKernel                       // Arrived is the kernel's receive stamp
	FlagUnordered                    // this position does not promise density: holes are legal, since the subscription has a filter
	FlagResumed                      // the server had kept this client's session: its subscriptions and their backlog go on (Connected)
	FlagSession                      // the client named a session, so that the server may keep it (Connected)
	FlagKept                         // the client relies on its session to keep this subscription's backlog (Subscribe)
	FlagRetry                        // sent again, with the same stamp and key (Publish, Outcome)
	FlagOutbox                       // was said while offline and kept until the return (Publish)
	FlagApart                        // its time is also that of a link, or a reading, which the plan limits: the client's own, or the publisher's
	FlagForbidden                    // the plan says that the target must refuse it (Dial, Subscribe, their answers, Denied)
	FlagOverdue                      // an error because an answer did not come in time (Refused, Problem)
	FlagRetain                       // the channel is to keep it, and to give it to whoever subscribes (Publish)
	FlagPosted                       // said over HTTP, on none of the client's connections (Publish, Outcome). Arrived of the Publish: since when it could have been sent
	FlagWeighed                      // its payload was compared with what the plan's transformation makes of the published one (Deliver)
	FlagGone                         // it takes its key away (Booked)
	FlagBroken                       // what the target sent can't be read as RFC 6455 and RFC 7692 say (Problem)
	FlagJoined                       // it came in the same message of the WebSocket, or the same event of a stream, as the Deliver before it, of the same client (Deliver)
	FlagPresence                     // who is there is asked for, and to be told of whoever comes and goes (Subscribe)
	FlagRows                         // the channel's latest message of each key is asked for, unless what was missed is replayed (Subscribe)
)

// ClientID numbers the clients of a run, from 0. -1: nobody in particular.
type ClientID int32

// ChannelID and EpochID are names interned in the run's Names. So is KeyID, the key of
// an entry in a book, and MemberID, whoever is there.
type (
	ChannelID int32
	EpochID   int32
	KeyID     = EpochID
	MemberID  = EpochID
)

// Event is one fact. It is passed by value and holds no reference to any
// buffer; Note is set on rare kinds only, so the hot path allocates nothing.
//
// Times are durations since the run's one monotonic epoch.
type Event struct {
	Kind   Kind
	Result Result
	Who    Who
	Flags  Flags

	Client ClientID
	Life   int32 // counts the connection attempts of one client, from 1
	Code   int32

	Channel ChannelID
	Epoch   EpochID
	Offset  uint64

	Publisher   int32  // numbers the publishers of a run: the plan's publisher number
	Incarnation uint32 // grows when an outcome becomes unknown
	Seq         uint64 // counted per (publisher, incarnation, channel), from 1, without holes

	Due     time.Duration // when the plan meant it, or when what it answers began
	Sent    time.Duration // before the write
	Arrived time.Duration // kernel receive stamp if FlagKernel, else equal to Seen; for latency, and to excuse what waited here
	Seen    time.Duration // after the read that completed it; for the order of facts

	Bytes int32 // size of the message on the wire, where known; of those that came joined the first has that of all
	Note  string
}

// Has reports whether all flags of f are set.
func (e *Event) Has(f Flags) bool { return e.Flags&f == f }
