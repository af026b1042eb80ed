//go:build unix

package campaign

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what this process has taken from the machine so far: user and system
// time together, and the largest resident size in bytes.
func usage() (cpu time.Duration, rss int64) {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0, 0
	}
	rss = int64(r.Maxrss)
	if runtime.GOOS == "linux" {
		rss *= 1024 // Linux counts in KiB, macOS in bytes
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), rss
}
