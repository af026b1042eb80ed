package dialect

import "fmt"

// reason says what a code means, in words.
func reason(version byte, connack bool, code byte) string {
	words := reasons[code]
	if version != 5 && connack {
		words = refusals[code]
	}
	if words == "" {
		return fmt.Sprintf("reason 0x%02x", code)
	}
	return words
}

// refusals are the return codes of a CONNACK of version 3.1.1.
var refusals = map[byte]string{
	1: "this version of the protocol is not accepted",
	2: "the client identifier is not allowed",
	3: "the server is not available",
	4: "user name or password are malformed",
	5: "not authorized",
}

// reasons are the codes of version 5, and the one of a SUBACK of 3.1.1.
var reasons = map[byte]string{
	0x00: "disconnected",
	0x80: "refused",
	0x81: "malformed packet",
	0x82: "protocol error",
	0x83: "refused by this server",
	0x84: "this version of the protocol is not accepted",
	0x85: "the client identifier is not allowed",
	0x86: "bad user name or password",
	0x87: "not authorized",
	0x88: "the server is not available",
	0x89: "the server is busy",
	0x8A: "banned",
	0x8B: "the server is shutting down",
	0x8C: "bad authentication method",
	0x8D: "nothing was heard for longer than the keep-alive",
	0x8E: "another connection took the session over",
	0x8F: "invalid topic filter",
	0x90: "invalid topic name",
	0x91: "packet identifier in use",
	0x92: "packet identifier not found",
	0x93: "more than the receive maximum was under way",
	0x94: "invalid topic alias",
	0x95: "packet too large",
	0x96: "too many messages",
	0x97: "quota exceeded",
	0x98: "closed by an administrator",
	0x99: "the payload has another format than it says",
	0x9A: "retained messages are not supported",
	0x9B: "this QoS is not supported",
	0x9C: "use another server",
	0x9D: "the server has moved",
	0x9E: "shared subscriptions are not supported",
	0x9F: "too many connections in a short time",
	0xA0: "connected for as long as is allowed",
	0xA1: "subscription identifiers are not supported",
	0xA2: "wildcards are not supported",
}

// parting says what a DISCONNECT is: the announcement of a server that goes away
// or sends its clients away, no more than the end of a connection that the
// client has given up itself, or the complaint about a mistake.
func parting(code byte) Kind {
	switch code {
	case 0x88, 0x89, 0x8B, 0x98, 0x9C, 0x9D, 0xA0:
		return Draining
	case 0x00, 0x8D, 0x8E:
		return Ignored
	}
	return Error
}
