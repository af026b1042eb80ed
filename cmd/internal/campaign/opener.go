package campaign

import (
	"context"
	"crypto/tls"
	"net"

	"squall/driver/detour"
	"squall/driver/engine"
)

// newOpener opens connections for clients that can't have a WebSocket.
func newOpener(o Options) detour.Opener {
	return func(ctx context.Context, d *engine.Dial) (net.Conn, error) {
		var c net.Conn
		var err error
		if o.Network != nil {
			c, err = o.Network.Dial(d.Address)
		} else {
			var dialer net.Dialer
			c, err = dialer.DialContext(ctx, "tcp", d.Address)
		}
		if err != nil || d.TLS == nil {
			return c, err
		}
		secure := tls.Client(c, d.TLS.Config)
		if err := secure.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, err
		}
		return secure, nil
	}
}
