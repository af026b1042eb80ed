package detour

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"squall/driver/engine"
)

// mostPosted is about how much one request says, bytes: a server bounds it.
const mostPosted = 16 << 10

// idle is after how long without a request a connection for requests is not used again:
// the server may be closing it.
const idle = 20 * time.Second

// lastEvents is how long the events of a connection may last that takes no commands.
const lastEvents = 3 * time.Second

// speak posts what is said, one request after the other, so that it is obeyed in order.
func (x *detour) speak() {
	var c net.Conn
	var r *bufio.Reader
	var used time.Time
	for {
		select {
		case <-x.kick:
		case <-x.ctx.Done():
			return
		}
		for {
			method, body := x.next()
			if method == "" {
				break
			}
			if c != nil && time.Since(used) > idle {
				x.drop(c)
				c = nil
			}
			if c == nil {
				var err error
				if c, err = x.connect(); err != nil {
					x.forlorn(engine.End{Cause: engine.Reset, Text: "no connection for what the client says: " + bare(err)})
					return
				}
				r = bufio.NewReader(c)
			}
			err := x.say(c, r, method, body)
			used = time.Now()
			switch {
			case err == errGone:
				x.forlorn(engine.End{Cause: engine.EOF, Text: "the server does not know the connection any more: HTTP 410"})
				return
			case err != nil:
				x.forlorn(lost(err, "a request with commands"))
				return
			}
		}
	}
}

// next takes what is to be said.
func (x *detour) next() (method string, body []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := len(x.out); n > 0 {
		if n > mostPosted { // whole commands
			n = lines(x.out, mostPosted)
		}
		body, x.out = x.out[:n:n], x.out[min(n+1, len(x.out)):]
		return "POST", body
	}
	if x.bye {
		x.bye = false
		return "DELETE", nil
	}
	return "", nil
}

// lines is how many bytes of b the lines are that fit into most, one line at least.
func lines(b []byte, most int) int {
	end := bytes.LastIndexByte(b[:most], '\n')
	if end < 0 {
		end = bytes.IndexByte(b, '\n')
	}
	if end < 0 {
		return len(b)
	}
	return end
}

// errGone means that the server knows the connection no more.
var errGone = errors.New("gone")

// forlorn is when nothing can be said any more. It waits for the events to tell why, for a
// while: they may be under way, behind all that was sent before. If they don't it is e.
func (x *detour) forlorn(e engine.End) {
	late := time.AfterFunc(lastEvents, func() { x.end(e) })
	context.AfterFunc(x.ctx, func() { late.Stop() })
}

func (x *detour) say(c net.Conn, r *bufio.Reader, method string, body []byte) error {
	x.mu.Lock()
	id := x.id
	x.mu.Unlock()
	c.SetDeadline(time.Now().Add(timeout(x.dial)))
	if _, err := c.Write(x.ask.write(method, id, body)); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode == http.StatusGone {
		return errGone
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return fmt.Errorf("answered with HTTP %d", resp.StatusCode)
	}
	return nil
}
