// Package detour carries the messages of a client over plain HTTP where a WebSocket
// can't be had: with an event stream, or by polling. What the client says is posted. To
// the driver a detour is a connection like any other: it has an engine.Conn and the same
// callbacks on the same loop, so a session does not know how it is carried.
//
// The way is that of the reference gateway (see the comment of driver/gateway):
//
//	GET /events           Accept: text/event-stream      the answer is the event stream
//	GET /events           … and Prefer: wait=25          the answer is what there is, or will be soon
//	POST /events          Connection-Id: …               commands, one a line
//	DELETE /events        Connection-Id: …               a goodbye
//
// The first event is called open and brings the id; an event called close is the
// server's close frame. All others are messages.
//
// Nothing here is on the path of a WebSocket: a detour has goroutines of its own, and
// comes to the loop by Post alone.
package detour
