package gateway

import (
	"bufio"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"squall/driver/dialect"
)

// conn is one connection. Its reader goroutine owns it from the upgrade to the
// end; a writer goroutine lives while there is something to write.
type conn struct {
	gateway *Gateway
	nc      net.Conn
	number  uint64
	queue   queue

	packs    bool   // permessage-deflate was agreed on
	upgraded bool   // under the gateway's lock, as
	posts    bool   // … this: it brings requests over HTTP
	tied     string // under that of the carriers: whose requests; "": nobody's

	// Of the reader.
	connected bool
	user      string
	role      string
	rights    []right // what the role may do; see rights.go
	subs      map[string]*subscription
	patterns  []*pattern
	id        string
	ghosts    ghosts   // of the defects that leave subscriptions behind
	session   *session // that it named; nil: none
	will      *will    // what it leaves behind if it is lost; nil: nothing
	goodbye   bool     // it has said that it goes
	obeying   latch
	displaced bool        // under obeying: the session is another connection's
	torn      atomic.Bool // the queue was cut, and the session doesn't know it yet
	cursor    dialect.Cursor
	expiry    *time.Timer // of its token; nil: that doesn't expire

	// Of the heartbeat; see heartbeat.go.
	timer    *time.Timer
	pingAt   time.Time   // owned by the timer's function, as
	answerBy time.Time   // … this is; zero: no ping is unanswered
	ready    atomic.Bool // the connect command was obeyed
	alive    atomic.Bool // something came since the last ping
	busy     atomic.Bool // the reader is obeying a command
}

// closeTimeout bounds a closing handshake, and a last flush.
const closeTimeout = 2 * time.Second

// batch is about how many bytes one write carries.
const batch = 64 << 10

// readBuffer is what an idle connection keeps for reading.
const readBuffer = 512

// begin upgrades and hands over to a goroutine with a fresh, small stack.
func (c *conn) begin() {
	g := c.gateway
	g.awake()
	c.nc.SetDeadline(time.Now().Add(g.cfg.ConnectTimeout))
	if t, ok := c.nc.(*net.TCPConn); ok {
		t.SetWriteBuffer(g.wrong.socketBuffer(64 << 10)) // what waits shall wait in the queue, where it is counted
	}
	early, err := c.upgrade()
	if err != nil {
		c.linger()
		c.nc.Close()
		g.release(c)
		return
	}
	c.nc.SetDeadline(time.Time{})
	c.startTimer()
	g.welcome(c)
	g.wg.Go(func() { c.serve(early) })
}

// serve reads until the connection ends, then lets go of everything.
func (c *conn) serve(early []byte) {
	r := reader{c: c, early: early}
	r.buffered = bufio.NewReaderSize(&r, readBuffer)
	err := c.read(&r)
	var bad *violation
	switch {
	case errors.Is(err, errPeerClosed):
	case errors.As(err, &bad):
		c.gateway.wrong.expels(c)
		c.close(c.gateway.wrong.verdict(bad), bad.reason)
		c.flushed()
		c.linger()
	}
	c.end()
}

func (c *conn) read(r *reader) error {
	for {
		message, err := r.message()
		if err != nil {
			return err
		}
		c.gateway.awake()
		c.busy.Store(true)
		if !c.closing() {
			c.obey(message)
		}
		c.busy.Store(false)
		c.alive.Store(true)
		r.release()
	}
}

// end lets what is queued be written, within bounds if the connection is
// closing, and forgets the connection.
func (c *conn) end() {
	c.timer.Stop()
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.dropPatterns() // before the session is free: it doesn't keep them
	if !c.leave() {
		c.unsubscribeAll()
	}
	c.execute()
	c.ghosts.lay()
	c.flushed()
	c.queue.mu.Lock()
	c.queue.dead = true
	c.queue.drop()
	c.queue.mu.Unlock()
	c.nc.Close()
	c.gateway.release(c)
}

// linger reads on for a moment, so that what was written last is not lost to a
// reset by unread input (RFC 6455 §7.1.1).
func (c *conn) linger() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	c.nc.SetReadDeadline(time.Now().Add(closeTimeout))
	var waste [512]byte
	for {
		if _, err := c.nc.Read(waste[:]); err != nil {
			return
		}
	}
}

// obey does what the commands of one message say.
func (c *conn) obey(message []byte) {
	c.obeying.Lock()
	defer c.obeying.Unlock()
	if c.displaced {
		return
	}
	c.cursor.Reset(message)
	var m command
	for m.read(&c.cursor) {
		if r := c.do(&m); r != nil {
			c.send(item{frame: sayError(m.id, r)})
		}
	}
	if err := c.cursor.Err(); err != nil {
		c.send(item{frame: sayError(m.id, refuse(400, "bad-request", err.Error()))})
	}
}

func (c *conn) do(m *command) *refusal {
	kind := string(m.kind)
	switch {
	case kind == "connect":
		return c.connect(m)
	case kind == "pong":
		return nil
	case !c.connected:
		return refuse(428, "not-connected", "the first command must be connect")
	}
	switch kind {
	case "subscribe":
		return c.subscribe(m)
	case "unsubscribe":
		return c.unsubscribe(m)
	case "publish":
		return c.publish(m)
	case "presence":
		return c.who(m)
	case "ping":
		c.send(item{frame: sayPong(m.id), free: true})
		return nil
	case "":
		return refuse(400, "bad-request", "a command needs a type")
	}
	return refuse(404, "unknown-command", "unknown command "+kind)
}

func (c *conn) connect(m *command) *refusal {
	if c.connected {
		return refuse(409, "already-connected", "connect was obeyed already")
	}
	g := c.gateway
	c.user = string(m.user)
	var expires time.Time
	if g.cfg.Authenticate != nil {
		who, err := g.cfg.Authenticate(string(m.token), c.user)
		if err != nil && !g.wrong.believes(err) && !g.wrong.trusts(who, err) {
			c.send(item{frame: sayError(m.id, refuse(401, "unauthorized", err.Error()))})
			c.close(CloseUnauthorized, "unauthorized")
			return nil
		}
		c.user, c.role, expires = who.User, who.Role, who.Expires
		g.wrong.meets(who)
		if err != nil {
			expires = time.Time{} // what is believed once is not doubted later
		}
	}
	c.rights = g.rightsOf(c)
	if r := c.leaveWill(m.will); r != nil {
		return r
	}
	c.connected = true
	c.id = g.wrong.identify(c)
	c.ready.Store(true)
	if g.hub.outcasts.has(c.user) && !g.wrong.revokedReadmitted.fires() {
		c.connected = false
		c.send(item{frame: sayError(m.id, refuse(401, "unauthorized", "the rights were taken away"))})
		c.close(CloseUnauthorized, "unauthorized")
		return nil
	}
	if len(m.session) > 0 {
		c.enterSession(m, func(kept, resumed bool, began uint64) []byte {
			return sayConnected(m.id, c.id, g.cfg.HeartbeatEvery, g.cfg.HeartbeatTimeout, kept, resumed, began)
		})
	} else {
		c.send(item{frame: sayConnected(m.id, c.id, g.cfg.HeartbeatEvery, g.cfg.HeartbeatTimeout, false, false, 0)})
	}
	c.startBeat()
	c.startExpiry(expires)
	return nil
}

// send queues a frame. It never blocks; a full queue meets the policy for slow
// consumers. Callers may hold a stream's lock, never the queue's.
func (c *conn) send(it item) {
	one := [1]outgoing{{item: it}}
	c.sendAll(one[:])
}

// sendAll queues several frames, between which nothing else comes.
func (c *conn) sendAll(list []outgoing) {
	q := &c.queue
	q.mu.Lock()
	if q.dead || q.ended {
		q.mu.Unlock()
		return
	}
	for i := range list {
		if !c.gateway.wrong.swallows(q, list[i].item) {
			q.push(list[i].item)
		}
	}
	limit := c.gateway.cfg.Limits.Backlog
	if q.bytes > limit && c.gateway.cfg.Slow == DropOldest {
		q.dropOldest(limit)
		c.torn.Store(true)
	}
	slow := q.bytes > limit
	if !slow {
		c.wake()
	}
	q.mu.Unlock()
	if slow {
		c.abandon(CloseSlow, "slow consumer")
	}
}

// close queues a close frame behind everything else. What is queued has
// closeTimeout to be written, and the peer as long to answer.
func (c *conn) close(code ws.StatusCode, reason string) {
	c.shut(ws.NewCloseFrameBody(code, reason), false)
}

// abandon does the same with an empty queue: the peer doesn't read anyway.
func (c *conn) abandon(code ws.StatusCode, reason string) {
	c.shut(ws.NewCloseFrameBody(code, reason), true)
}

func (c *conn) shut(body []byte, empty bool) {
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dead || q.ended {
		return
	}
	if empty {
		q.drop()
	}
	q.ended = true
	q.push(item{frame: control(ws.OpClose, body)})
	c.nc.SetWriteDeadline(time.Now().Add(closeTimeout))
	c.wake()
}

// closing reports whether the last word has been said.
func (c *conn) closing() bool {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	return c.queue.ended
}

// wake starts the writer. The caller holds the queue's lock, and the reader has
// not ended, so the gateway can't have been waited for.
func (c *conn) wake() {
	if !c.queue.writing {
		c.queue.writing = true
		c.gateway.wg.Add(1)
		go c.write()
	}
}

// write writes until the queue is empty.
func (c *conn) write() {
	defer c.gateway.wg.Done()
	buf := c.gateway.buffers.Get().(*[]byte)
	defer c.gateway.buffers.Put(buf)
	q := &c.queue
	for {
		q.mu.Lock()
		*buf = q.take((*buf)[:0], batch)
		if len(*buf) == 0 || q.dead {
			q.writing = false
			if q.idle != nil {
				close(q.idle)
				q.idle = nil
			}
			if q.ended { // the close frame is out: wait for the answer, not for ever
				c.nc.SetReadDeadline(time.Now().Add(closeTimeout))
			}
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		c.gateway.awake()
		out := *buf
		c.gateway.wrong.misspell(out)
		if c.packs {
			out = c.gateway.pack(c, out)
		}
		out = c.gateway.wrong.misframe(out)
		if _, err := c.nc.Write(out); err != nil {
			q.mu.Lock()
			q.dead = true
			q.drop()
			q.mu.Unlock()
			c.nc.Close()
		}
	}
}

// flushed waits until a close frame, if there is one, has been written or has
// failed to be.
func (c *conn) flushed() {
	q := &c.queue
	q.mu.Lock()
	if !q.ended || !q.writing {
		q.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	q.idle = idle
	q.mu.Unlock()
	<-idle
}
