package gateway

import (
	"time"

	"github.com/gobwas/ws"
)

// Close codes of the gateway's own (RFC 6455 §7.4.2: 4000–4999 are private).
const (
	CloseNoConnect    ws.StatusCode = 4001 // no connect command in time
	CloseUnauthorized ws.StatusCode = 4002 // the token was refused
	CloseNoHeartbeat  ws.StatusCode = 4003 // no sign of life after a ping
	CloseSlow         ws.StatusCode = 4008 // the backlog is full
)

// One timer a connection serves, in turn: the time limit for the connect
// command, the wait before the next ping, the wait for its answer.

// startTimer starts the time limit for the connect command.
func (c *conn) startTimer() {
	c.timer = time.AfterFunc(c.gateway.cfg.ConnectTimeout, c.beat)
}

// startBeat plans the first ping, at a random time, so that clients that came
// together are not pinged together.
func (c *conn) startBeat() {
	every := c.gateway.cfg.HeartbeatEvery
	if every == 0 {
		c.timer.Stop()
		return
	}
	c.timer.Reset(time.Duration((1 - c.gateway.chance()) * float64(every)))
}

// beat is the timer's function.
func (c *conn) beat() {
	cfg := &c.gateway.cfg
	switch {
	case c.ready.Load() && cfg.HeartbeatEvery == 0:
	case c.gateway.paused.Load() != nil: // who sleeps has no right to complain
		c.alive.Store(true)
		c.timer.Reset(cfg.HeartbeatTimeout)
	case !c.ready.Load():
		c.close(CloseNoConnect, "no connect command in time")
	case !c.awaiting:
		c.awaiting = true
		c.alive.Store(c.busy.Load())
		c.send(item{frame: sayPing()})
		c.timer.Reset(cfg.HeartbeatTimeout)
	case !c.alive.Load() && !c.busy.Load():
		c.abandon(CloseNoHeartbeat, "no heartbeat")
	default:
		c.awaiting = false
		c.timer.Reset(max(cfg.HeartbeatEvery-cfg.HeartbeatTimeout, time.Millisecond))
	}
}
