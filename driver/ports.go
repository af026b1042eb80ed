package driver

import (
	"fmt"
	"os"
)

// portRange is the number of local ports that the system gives out by itself.
// Where the system doesn't tell (it is Linux that has the file), ok is false.
func portRange() (n int, ok bool) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, false
	}
	var lo, hi int
	if _, err := fmt.Sscan(string(b), &lo, &hi); err != nil {
		return 0, false
	}
	return hi - lo + 1, true
}
