package detour

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tmaxmax/go-sse"

	"squall/driver/engine"
)

// pollWait is how long a poll waits at the server, in seconds.
const pollWait = 25

// longest is the longest event that is taken, bytes.
const longest = engine.DefaultMaxMessage

// errTold means that the end has been told already.
var errTold = errors.New("over")

// receive brings messages until the connection ends.
func (x *detour) receive() {
	c, err := x.connect()
	if err != nil {
		x.end(engine.End{Cause: engine.Unreachable, Text: bare(err)})
		return
	}
	r := bufio.NewReader(c)
	if x.by == LongPoll {
		err = x.polls(c, r)
	} else {
		err = x.stream(c, r)
	}
	if err != errTold {
		x.end(lost(err, map[Carrier]string{EventStream: "the event stream", LongPoll: "a poll"}[x.by]))
	}
}

// get makes one request for events, and hands what comes to events.
func (x *detour) get(c net.Conn, r *bufio.Reader, within time.Duration, more ...string) error {
	x.mu.Lock()
	id := x.id
	x.mu.Unlock()
	c.SetDeadline(time.Now().Add(within))
	if _, err := c.Write(x.ask.write("GET", id, nil, append(more, "Accept: text/event-stream", "Cache-Control: no-store")...)); err != nil {
		return x.unanswered(err, id)
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return x.unanswered(err, id)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		if id != "" {
			x.end(engine.End{Cause: engine.EOF, Text: fmt.Sprintf("a poll was answered with HTTP %d", resp.StatusCode)})
			return errTold
		}
		text := brief(body)
		if resp.StatusCode == http.StatusOK {
			text = "an answer that is no event stream: " + kind
		}
		x.end(engine.End{Cause: engine.NotUpgraded, Status: resp.StatusCode, Text: text})
		return errTold
	}
	if x.by == EventStream {
		c.SetDeadline(time.Time{})
	}
	for e, err := range sse.Read(resp.Body, &sse.ReadConfig{MaxEventSize: longest}) {
		if err == nil {
			err = x.event(&e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unanswered is the end of a request without an answer. Before there is a connection that
// is a dial that failed.
func (x *detour) unanswered(err error, id string) error {
	if id != "" {
		return err
	}
	e := engine.End{Cause: engine.NotUpgraded, Text: "no answer to the request for events: " + bare(err)}
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		e = engine.End{Cause: engine.TimedOut, Text: "no answer to the request for events"}
	}
	x.end(e)
	return errTold
}

// event does what one event says.
func (x *detour) event(e *sse.Event) error {
	switch e.Type {
	case "open":
		x.mu.Lock()
		known := x.id != ""
		if !known {
			x.id = e.Data
		}
		x.mu.Unlock()
		if known {
			return nil
		}
		x.post(func() {
			x.opened = true
			x.roads.Go(x.speak)
			x.roads.Handler.Open(x.token, x.now())
		})
	case "close":
		code, reason, _ := strings.Cut(e.Data, " ")
		n, _ := strconv.ParseUint(code, 10, 16)
		x.post(func() {
			end := engine.End{Cause: engine.CloseFrame, Code: uint16(n), Text: reason}
			if x.left {
				end.Cause = engine.Local
			}
			x.finish(end)
		})
		return errTold
	case "", "message":
		x.post(func() { x.roads.Handler.Message(x.token, engine.OpText, []byte(e.Data), x.now()) })
	}
	return x.ctx.Err()
}

func (x *detour) now() engine.Stamp {
	now := x.roads.Loop.Now()
	return engine.Stamp{Arrived: now, Read: now}
}

func (x *detour) stream(c net.Conn, r *bufio.Reader) error {
	return x.get(c, r, timeout(x.dial))
}

// polls asks again and again.
func (x *detour) polls(c net.Conn, r *bufio.Reader) error {
	for {
		err := x.get(c, r, pollWait*time.Second+timeout(x.dial), "Prefer: wait="+strconv.Itoa(pollWait))
		if err != nil {
			return err
		}
	}
}
