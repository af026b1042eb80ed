package engine

import "crypto/tls"

// TLS is what a wss:// connection needs.
type TLS struct {
	Config *tls.Config
}
