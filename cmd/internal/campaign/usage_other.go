//go:build !unix

package campaign

import "time"

func usage() (cpu time.Duration, rss int64) { return 0, 0 }
