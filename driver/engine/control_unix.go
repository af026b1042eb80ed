//go:build unix

package engine

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// control sets what must be set before connecting: the receive buffer, and that
// binding to an address takes no port yet.
func control(readBuffer int, bound bool) func(network, address string, c syscall.RawConn) error {
	if readBuffer == 0 && !bound {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) (err error) {
		err2 := c.Control(func(fd uintptr) {
			if readBuffer > 0 {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, readBuffer)
			}
			if bound {
				bindLate(int(fd))
			}
		})
		if err == nil {
			err = err2
		}
		return err
	}
}
