package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// publishPath is where events are published over HTTP.
const publishPath = "/publish"

// postIdle is how long a connection without a request is kept.
const postIdle = time.Minute

// errPosted ends a connection that was never to become a WebSocket.
var errPosted = errors.New("it published over HTTP")

// isPost reports whether a request publishes.
func isPost(req *http.Request) bool {
	return req.URL.Path == publishPath && req.Method == http.MethodPost
}

// servePosts answers requests that publish, one after the other, until the
// connection ends or one asks for that. What was read of the first comes before
// the rest of the connection.
func (c *conn) servePosts(read []byte) error {
	r := bufio.NewReader(io.MultiReader(bytes.NewReader(read), c.nc))
	c.gateway.postsBegin(c)
	for {
		c.nc.SetDeadline(time.Now().Add(postIdle))
		if c.gateway.leaving() && !c.gateway.carriers.ties(c) {
			return errPosted
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			return err
		}
		c.gateway.awake()
		if belongs(req) {
			status, events := c.uplink(req, r)
			keep := !req.Close
			if err := c.respond(status, events, keep); err != nil || !keep {
				return errPosted
			}
			continue
		}
		status, answer := c.post(req)
		if status == 0 {
			return errPosted // closing: no answer
		}
		keep := !req.Close && status < 500
		if err := c.reply(status, answer, keep); err != nil || !keep {
			return errPosted
		}
	}
}

// post obeys one request.
func (c *conn) post(req *http.Request) (status int, answer any) {
	g := c.gateway
	no := func(r *refusal) (int, any) {
		return r.code, map[string]any{"code": r.code, "error": r.name, "message": r.message}
	}
	if !isPost(req) {
		return no(refuse(http.StatusNotFound, "not-found", "events are published with POST "+publishPath))
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, int64(g.cfg.Limits.Message)+1))
	switch {
	case err != nil:
		return no(refuse(http.StatusBadRequest, "bad-request", "the body ends early"))
	case len(body) > g.cfg.Limits.Message:
		req.Close = true
		return no(refuse(http.StatusRequestEntityTooLarge, "too-large", fmt.Sprintf("more than %d bytes", g.cfg.Limits.Message)))
	case g.leaving():
		return no(refuse(http.StatusServiceUnavailable, "draining", "the gateway is closing"))
	}
	if r := c.identify(req); r != nil {
		return no(r)
	}
	var m command
	c.cursor.Reset(body)
	if !m.read(&c.cursor) {
		return no(refuse(http.StatusBadRequest, "bad-request", "the body is no JSON object"))
	}
	if r := c.publishable(&m); r != nil {
		return no(r)
	}
	offset, r, ok := c.place(&m)
	switch {
	case r != nil:
		return no(r)
	case !ok:
		return 0, nil
	case offset == 0:
		return http.StatusOK, struct{}{}
	}
	return http.StatusOK, map[string]any{"offset": offset}
}

// identify learns from a request who it is, as a connect does.
func (c *conn) identify(req *http.Request) *refusal {
	g := c.gateway
	if g.cfg.Authenticate == nil {
		return nil
	}
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	who, err := g.cfg.Authenticate(token, "")
	if err != nil && !g.wrong.believes(err) {
		return refuse(http.StatusUnauthorized, "unauthorized", err.Error())
	}
	if g.hub.outcasts.has(who.User) {
		return refuse(http.StatusUnauthorized, "unauthorized", "the rights were taken away")
	}
	c.user, c.role = who.User, who.Role
	c.rights = g.rightsOf(c)
	return nil
}

func (c *conn) reply(status int, answer any, keep bool) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	more := ""
	if !keep {
		more = "Connection: close\r\n"
	}
	_, err = fmt.Fprintf(c.nc, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), more, len(body), body)
	return err
}

// publishable reports why the event of a command can't be published.
func (c *conn) publishable(m *command) *refusal {
	switch {
	case len(m.channel) == 0:
		return refuse(400, "bad-request", "publish needs a channel")
	case m.data == nil:
		return refuse(400, "bad-request", "publish needs data")
	case !c.may(string(m.channel)):
		c.countsRefused(m)
		return forbidden()
	}
	if r := c.gateway.countable(m); r != nil {
		return r
	}
	if r := c.gateway.keyed(string(m.channel), m.data); r != nil {
		return r
	}
	if _, ok := levelOf(m.urgency); !ok {
		return refuse(400, "bad-request", "a priority is urgent, normal or low")
	}
	return nil
}

// place puts the event of a command into its stream, if nothing speaks against it there;
// false if the gateway closes meanwhile.
func (c *conn) place(m *command) (offset uint64, r *refusal, ok bool) {
	g := c.gateway
	if g.wrong.ackThenDrop.fires() {
		return 0, nil, true
	}
	c.caughtUp()
	b := g.transform(string(m.channel), oneLine(m.data))
	b.retain, b.level = m.retain, g.level(m)
	for !ok {
		s := g.hub.stream(string(m.channel))
		if !g.pace(s) {
			return 0, nil, false
		}
		offset, r, ok = s.publish(c.number, string(m.key), b, g.wrong)
	}
	return offset, r, true
}

// postsBegin notes that a connection brings requests over HTTP: a drain ends it when it
// has nothing to answer.
func (g *Gateway) postsBegin(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.posts = true
}

func (g *Gateway) leaving() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.draining || g.closed
}

// endPosts lets connections that publish over HTTP end, each after its request.
func (g *Gateway) endPosts() {
	g.carriers.drain()
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		if c.posts && !g.carriers.ties(c) {
			c.nc.SetReadDeadline(time.Now())
		}
	}
}
