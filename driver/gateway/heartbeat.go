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
	wait := time.Duration((1 - c.gateway.chance()) * float64(every))
	c.pingAt = time.Now().Add(wait)
	c.timer.Reset(wait)
}

// beat is the timer's function. A ping is due at pingAt; when one is unanswered,
// answerBy is the end of the patience.
func (c *conn) beat() {
	cfg := &c.gateway.cfg
	switch {
	case !c.ready.Load():
		c.close(CloseNoConnect, "no connect command in time")
		return
	case cfg.HeartbeatEvery == 0:
		return
	}
	if c.gateway.paused.Load() != nil { // who sleeps has no right to complain
		c.answerBy = time.Time{}
		c.timer.Reset(cfg.HeartbeatTimeout)
		return
	}
	now := time.Now()
	alive := c.alive.Load() || c.busy.Load()
	if !c.answerBy.IsZero() && !now.Before(c.answerBy) {
		if c.gateway.wrong.dead(alive) {
			c.abandon(CloseNoHeartbeat, "no heartbeat")
			return
		}
		c.answerBy = time.Time{}
	}
	if !now.Before(c.pingAt) {
		if alive || c.answerBy.IsZero() {
			c.answerBy = now.Add(cfg.HeartbeatTimeout)
		}
		c.alive.Store(c.busy.Load())
		c.send(item{frame: sayPing(), free: true})
		c.pingAt = now.Add(cfg.HeartbeatEvery + c.gateway.wrong.dawdle(cfg.HeartbeatEvery))
	}
	next := c.pingAt
	if !c.answerBy.IsZero() && c.answerBy.Before(next) {
		next = c.answerBy
	}
	c.timer.Reset(next.Sub(now))
}
