//go:build !linux

package engine

import "time"

// threadTime is not known here.
func threadTime() (user, sys time.Duration) { return 0, 0 }
