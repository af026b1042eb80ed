package gateway

import (
	"time"

	"github.com/gobwas/ws"
)

// CloseExpired is the close code of a connection whose token has expired.
const CloseExpired ws.StatusCode = 4004

// startExpiry ends the connection when its token expires: what is queued then is
// written, and nothing more.
func (c *conn) startExpiry(at time.Time) {
	if at.IsZero() || c.gateway.wrong.expiredAlive.fires() {
		return
	}
	c.expiry = time.AfterFunc(time.Until(at), func() { c.close(CloseExpired, "the token has expired") })
}
