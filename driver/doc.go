// Package driver turns a Plan into a history: it opens the connections, paces
// the publications, injects the faults, brings clients back, and tells every
// event to a Sink. It judges nothing and knows no rule.
//
// Who does what:
//
//   - a shard owns a fixed set of clients and one engine loop. Everything that
//     happens to a client happens on its shard's loop, one thing at a time, so
//     neither clients nor sinks need locks;
//   - the fleet is the one goroutine that looks at all shards: it walks the
//     phases (arrivals, active, drain, fences, probe), and talks to shards only
//     by posting functions to their loops;
//   - a client whose upgrades are refused is carried by a detour (driver/detour): the
//     same callbacks on the same loop, over plain HTTP;
//   - what shards share is a handful of atomics (storm) and the table of names.
//
// Invariants, each of which a test would miss first and a user second:
//
//   - due times are absolute. A late shard is late; it never re-bases a schedule.
//   - Sent is read before the write, Seen after the read.
//   - every Dial is followed by exactly one Closed or Refused; every publication
//     that asked for an answer by exactly one Outcome.
//   - no draw depends on scheduling: each comes from a stream of its own.
package driver
