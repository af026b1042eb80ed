package history

// Transport is what carries a connection: the Offset of its Dial and its Open.
type Transport uint64

// The transports.
const (
	WebSocket   Transport = iota
	EventStream           // server-sent events, and a request for whatever the client says
	LongPoll              // one request after the other for what there is

	Transports // how many there are
)

func (t Transport) String() string {
	if t < Transports {
		return [...]string{"WebSocket", "event stream", "long polling"}[t]
	}
	return "unknown transport"
}
