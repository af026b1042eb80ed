//go:build !linux

package engine

const hasEpoll = false

// NewEpoll returns the portable engine: this system has no epoll.
func NewEpoll(o Options) (Loop, error) { return NewPortable(o), nil }
