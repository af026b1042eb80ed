// Package fault says how faults are done to a connection. What is pure about
// them lives here: the byte budgets of a slow reader, the place of a cut,
// the delays of a bad network. What
// touches a socket (linger, half-close, readiness) is a method of the engine's
// connection that the Action's Kind selects. When faults happen, and to whom,
// is the plan's business.
package fault

import "time"

// Kind names a fault of one connection.
type Kind uint8

// The kinds. Reset, Fin and Cut end the connection; Abandon gives it up without
// touching it; Freeze lasts until Heal; Slow and
// Degrade last until another of their kind, and Slow until Heal too.
const (
	Reset   Kind = iota + 1 // RST: unread and unsent bytes are lost
	Fin                     // FIN without a close frame, then stop reading
	Cut                     // read After more bytes, to a place inside a frame, then Reset
	Freeze                  // neither read nor write; Heal goes on with the same socket
	Abandon                 // never touch the socket again (the other side still sees it open); Closed follows at once
	Slow                    // read at most Rate bytes a second; 0: as fast as it comes
	Heal                    // end Freeze and Slow
	Raw                     // write Bytes as they are, whatever they are; the connection goes on
	Degrade                 // what is read and written comes out by Line; the zero Line ends it
)

// Action is one fault applied.
type Action struct {
	Kind  Kind
	After int           // Cut: bytes; 0: inside the next frame
	Rate  int           // Slow: bytes per second
	Bytes []byte        // Raw
	Line  Line          // Degrade: of both directions; its Rate is that of writing, since reading has Slow
	Seed  uint64        // Degrade: of the jitter
	Grace time.Duration // Cut: when nothing arrives for so long, half a frame of ours is written and the socket reset; 0: 500ms
}
