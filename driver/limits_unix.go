//go:build unix

package driver

import "golang.org/x/sys/unix"

// descriptorLimit is the hard limit: the Go runtime raises the soft one to it.
func descriptorLimit() (uint64, bool) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return uint64(r.Max), true
}
