//go:build !unix

package engine

import "syscall"

// control sets nothing here: the system's own receive buffer is used.
func control(int, bool) func(network, address string, c syscall.RawConn) error { return nil }
