package engine

// The engines' names.
const (
	Epoll    = "epoll"
	Portable = "portable"
)

// Best names the engine for ws:// or wss:// on this system.
func Best(tls bool) string {
	if hasEpoll && !tls {
		return Epoll
	}
	return Portable
}

// New returns the best engine for ws:// or wss:// on this system.
func New(tls bool, o Options) (Loop, error) {
	if Best(tls) == Epoll {
		return NewEpoll(o)
	}
	return NewPortable(o), nil
}
