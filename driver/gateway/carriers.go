package gateway

import (
	"net/http"
	"sync"
	"time"
)

// carriers are those of a node, by the names that their clients know them by. Whoever
// holds the gateway's lock may ask them, and they never ask back.
type carriers struct {
	mu      sync.Mutex
	all     map[string]*carried
	leaving bool // the gateway drains
}

// carried is a carrier with the connections that bring requests for it.
type carried struct {
	carrier
	by []*conn
}

func (x *carriers) add(id string, c carrier) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all == nil {
		x.all = make(map[string]*carried)
	}
	x.all[id] = &carried{carrier: c}
}

// forget drops a carrier. The connections that brought its requests may end.
func (x *carriers) forget(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.all[id]
	if old == nil {
		return
	}
	delete(x.all, id)
	for _, c := range old.by {
		if c.tied == id {
			if c.tied = ""; x.leaving {
				c.nc.SetReadDeadline(time.Now())
			}
		}
	}
}

// of finds the carrier that a request names, and ties the connection to it: a drain
// leaves it alone as long as the carrier lives.
func (x *carriers) of(c *conn, req *http.Request) carrier {
	id := req.Header.Get(connectionHeader)
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.all[id]
	if f == nil {
		return nil
	}
	if c.tied != id {
		c.tied = id
		f.by = append(f.by, c)
	}
	return f.carrier
}

// ties reports whether a connection belongs to a carrier that lives.
func (x *carriers) ties(c *conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return c.tied != ""
}

// drain says that connections without a carrier shall end.
func (x *carriers) drain() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.leaving = true
}
