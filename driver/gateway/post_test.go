package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"squall/driver/dialect"
)

// poster is a connection that publishes over HTTP.
type poster struct {
	t *testing.T
	c *client
}

func (s *town) poster(node int) *poster {
	nc, err := s.network.Dial(fmt.Sprint(node))
	if err != nil {
		s.t.Fatal(err)
	}
	return &poster{s.t, &client{t: s.t, nc: nc, r: bufio.NewReader(nc)}}
}

// post answers with status and body; err if the connection has ended.
func (p *poster) post(token, body string, more ...string) (string, error) {
	p.t.Helper()
	auth := ""
	if token != "" {
		auth = "Authorization: Bearer " + token + "\r\n"
	}
	fmt.Fprintf(p.c.nc, "POST /publish HTTP/1.1\r\nHost: x\r\n%s%sContent-Length: %d\r\n\r\n%s", auth, strings.Join(more, ""), len(body), body)
	resp, err := http.ReadResponse(p.c.r, nil)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, text), err
}

// TestPost: what is published over HTTP is published like anything else, request
// after request on one connection, on any node; a refusal says why.
func TestPost(t *testing.T) {
	known := func(token, _ string) (Identity, error) {
		if token == "bad" || token == "" {
			return Identity{}, errors.New("that is no token")
		}
		return Identity{User: token, Role: "writer"}, nil
	}
	cfg := Config{HeartbeatEvery: -1, Authenticate: known, Roles: []Role{{Name: "writer", Channels: []string{"c", "own.{user}"}}}, Limits: Limits{Message: 1000}}
	settle(t, 2, cfg, func(s *town) {
		reader := s.stranger(0)
		reader.command(&dialect.Command{Verb: dialect.Connect, Token: "ann"})
		reader.want(dialect.Connected)
		reader.subscribe("c")
		p := s.poster(1)
		for _, row := range []struct{ token, body, want string }{
			{"ann", `{"channel":"c","data":{"a":1}}`, `200 {"offset":1}`},
			{"bob", `{"channel":"c","data":2,"key":"k"}`, `200 {"offset":2}`},
			{"bob", `{"channel":"c","data":2,"key":"k"}`, `200 {"offset":2}`},
			{"bob", `{"channel":"own.bob","data":3}`, `200 {"offset":1}`},
			{"bob", `{"channel":"own.ann","data":3}`, `403 {"code":403,"error":"forbidden"`},
			{"bob", `{"data":3}`, `400 {"code":400,"error":"bad-request","message":"publish needs a channel"}`},
			{"bob", `{"channel":"c"}`, `400 {"code":400,"error":"bad-request","message":"publish needs data"}`},
			{"bob", `[]`, `400 {"code":400,"error":"bad-request","message":"the body is no JSON object"}`},
			{"bad", `{"channel":"c","data":4}`, `401 {"code":401,"error":"unauthorized","message":"that is no token"}`},
			{"ann", `{"channel":"c","data":5}`, `200 {"offset":3}`},
		} {
			if got, err := p.post(row.token, row.body); err != nil || !strings.HasPrefix(got, row.want) {
				t.Errorf("%s: got %s %v, want %s", row.body, got, err, row.want)
			}
		}
		if got := strings.Join(reader.drainFor(time.Second), "|"); got != `event c @1 {"a":1}|event c @2 2|event c @3 5` {
			t.Errorf("the reader got %s", got)
		}
		s.c.Revoke("bob")
		if got, _ := p.post("bob", `{"channel":"c","data":6}`); !strings.HasPrefix(got, "401") {
			t.Errorf("after its rights were taken away: %s", got)
		}
		if got, err := p.post("ann", `{"channel":"c","data":"`+strings.Repeat("x", 1000)+`"}`); err != nil || !strings.HasPrefix(got, "413") {
			t.Errorf("too much: %s %v", got, err)
		}
		if _, err := p.post("ann", `{"channel":"c","data":7}`); err == nil {
			t.Error("the connection goes on behind a body that was not read")
		}
	})
}

// TestPostDrains: a drain waits for no connection that has nothing to answer, and
// what comes during it is not published.
func TestPostDrains(t *testing.T) {
	settle(t, 1, Config{HeartbeatEvery: -1}, func(s *town) {
		idle := s.poster(0)
		if got, err := idle.post("", `{"channel":"c","data":1}`); err != nil || got != `200 {"offset":1}` {
			t.Fatal(got, err)
		}
		began := time.Now()
		if err := s.c.Drain(context.Background(), Drain{Grace: time.Second}); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the drain took %v", took)
		}
		if _, err := idle.post("", `{"channel":"c","data":2}`); err == nil {
			t.Error("it was answered after the drain")
		}
	})
}
