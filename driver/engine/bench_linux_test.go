package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is what the calling thread has used.
func threadTime() (user, sys time.Duration) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}
