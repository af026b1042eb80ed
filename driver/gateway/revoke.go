package gateway

import (
	"sync"

	"github.com/gobwas/ws"
)

// CloseRevoked is the close code of a connection whose user's rights were taken away.
const CloseRevoked ws.StatusCode = 4005

// outcasts are the users without rights, on all nodes.
type outcasts struct {
	mu    sync.Mutex
	users map[string]bool
}

func (o *outcasts) add(user string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == nil {
		o.users = make(map[string]bool)
	}
	o.users[user] = true
}

func (o *outcasts) has(user string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.users[user]
}

// Revoke takes all rights of a user away, on all nodes and for good. When it
// returns, nothing that is published later goes to a connection of theirs: what is
// queued is written, then they are closed with CloseRevoked. None is let in.
func (c *Cluster) Revoke(user string) {
	c.first.hub.outcasts.add(user)
	c.mu.Lock()
	var all []*Gateway
	for _, n := range c.nodes {
		for _, g := range []*Gateway{n.up, n.leaving} {
			if g != nil {
				all = append(all, g)
			}
		}
	}
	c.mu.Unlock()
	for _, g := range all {
		g.expel(user)
	}
}

// expel closes the connections of a user. One whose connect is being obeyed looks
// by itself, after it is ready.
func (g *Gateway) expel(user string) {
	g.mu.Lock()
	var all []*conn
	for c := range g.conns {
		if c.ready.Load() && c.user == user {
			all = append(all, c)
		}
	}
	g.mu.Unlock()
	for _, c := range all {
		if !g.wrong.revocationIgnored.fires() {
			c.close(CloseRevoked, "the rights were taken away")
		}
	}
}
