package gateway

import "time"

// The code of this file is wrong on purpose.

// dead decides whether a connection is ended for its silence: when nothing came
// since the ping, unless zombie-connection or false-liveness-kill know better.
func (w *wrong) dead(alive bool) bool {
	if alive {
		return w.falseLivenessKill.fires()
	}
	return !w.zombieConnection.fires()
}

// dawdle is how much longer than promised late-heartbeat waits for its next ping.
func (w *wrong) dawdle(every time.Duration) time.Duration {
	if w.lateHeartbeat.fires() {
		return 2 * every
	}
	return 0
}
