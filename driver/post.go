package driver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"squall/assert/history"
	"squall/driver/dialect"
	"squall/driver/session"
	"squall/scenario"
)

// Poster publishes over HTTP.
type Poster interface {
	// Post makes one request and returns its status and the start of its body. Where
	// the URL names no host it is a path at that node of the target. An error means
	// that there is no answer; written is false if certainly nothing was sent.
	Post(ctx context.Context, node int, r scenario.Request) (status int, body []byte, written bool, err error)
}

// post publishes one message over HTTP. The publisher's next one waits for the
// answer, and keeps its own due time.
func (s *shard) post(p *publisher, m scenario.Publication, due time.Duration, fence bool) {
	c := &s.clients[p.client]
	id := history.ChannelID(s.names.ID([]byte(m.Channel)))
	now := s.loop.Now()
	if m.Key != "" && !s.firstUse(p, m) {
		c.Miss(int(p.index), id, due, now, "its key was used before", &s.out)
		s.flush(c, p.client)
		return
	}
	var pub session.Publication
	ok := true
	if fence {
		pub, ok = c.PostFence(int(p.index), id, now, &s.out)
	} else {
		pub = c.Post(int(p.index), id, due, max(due, p.freed), now, &s.out)
	}
	if !ok {
		s.fenceBad = append(s.fenceBad, id)
		return
	}
	e := &s.out.Events[len(s.out.Events)-1]
	if e.Offset = s.passes(id, m.Payload); !fence {
		s.out.Events = append(s.out.Events, s.enter(*e, m.Payload)...)
	}
	s.flush(c, p.client)
	body := dialect.AppendStamped(nil, m.Payload, s.numbered(dialect.Stamp{
		Run: s.fleet.cfg.Run, Publisher: pub.Publisher, Incarnation: pub.Incarnation, Seq: pub.Seq,
		Due: due, Channel: s.hash(id), Fence: fence,
	}, id, &m), m.Size)
	p.flying = true
	node := max(int(c.node), 0)
	s.fleet.errand(func() {
		a := s.fleet.request(p.plan, node, &m, body)
		a.node = node
		s.loop.Post(func() { s.posted(p, pub, id, due, now, fence, a) })
	})
}

// answer is what came of a request.
type answer struct {
	result history.Result
	code   int
	why    string // it was not OK
	node   int    // to which it was made
}

// request makes one request and waits for its answer.
func (f *fleet) request(p *scenario.Publisher, node int, m *scenario.Publication, stamped []byte) answer {
	r, err := f.plan.Request(p, m, stamped)
	if err != nil {
		return answer{result: history.Failed, why: "writing the request: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(f.ctx, f.plan.Drain.AckTimeout)
	defer cancel()
	status, body, written, err := f.cfg.Post.Post(ctx, node, r)
	switch {
	case f.ctx.Err() != nil: // the run is over
		return answer{result: history.Unknown}
	case err != nil && !written:
		return answer{result: history.Failed, why: "over HTTP: " + f.masked(bare(err))}
	case err != nil:
		return answer{result: history.Unknown, why: "over HTTP: " + f.masked(bare(err))}
	case status >= 500:
		return answer{result: history.Unknown, code: status, why: "over HTTP: " + f.masked(start(body))}
	case status < 200 || status >= 300:
		return answer{result: history.Failed, code: status, why: "over HTTP: " + f.masked(start(body))}
	}
	// Some servers answer 200 whatever they have done, and tell in the body.
	var told struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &told) == nil && len(told.Error) > 0 && !slices.ContainsFunc([]string{"null", `""`, "false", "0"}, func(s string) bool { return s == string(told.Error) }) {
		return answer{result: history.Failed, code: status, why: "over HTTP: " + f.masked(start(told.Error))}
	}
	return answer{result: history.OK}
}

// bare is an error without addresses, so that the same is counted as the same.
func bare(err error) string {
	switch op := (*net.OpError)(nil); {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection: " + bare(op.Err)
	case errors.As(err, &op):
		return bare(op.Err)
	}
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}

// start is what is told of a body.
func start(body []byte) string {
	body = bytes.Join(bytes.Fields(body), []byte(" "))
	return fmt.Sprintf("%.80q", body)
}

// posted settles a request, and lets the publisher go on.
func (s *shard) posted(p *publisher, pub session.Publication, id history.ChannelID, due, sent time.Duration, fence bool, a answer) {
	c := &s.clients[p.client]
	now := s.loop.Now()
	if a.why != "" {
		s.tell(c, &history.Event{
			Kind: history.Problem, Client: history.ClientID(c.id), Life: c.Life(), Flags: history.FlagPosted, Channel: id, Offset: uint64(a.node), Code: int32(a.code), Sent: sent, Seen: now, Arrived: now, Note: a.why,
		})
	}
	c.Posted(int(p.index), pub, id, due, sent, fence, a.result, now, &s.out)
	s.flush(c, p.client)
	p.flying, p.freed = false, now
	if p.waiting {
		p.waiting = false
		s.publishDue(p, now)
	}
}

// busy reports whether what p says next has to wait: for the answer to its last
// request, or for the server's window.
func (s *shard) busy(p *publisher) bool {
	if p.plan.HTTP {
		return p.flying
	}
	return s.clients[p.client].held(p.plan.Ack)
}
