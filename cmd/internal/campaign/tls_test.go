package campaign

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"squall/assert"
	"squall/driver/gateway"
)

// authority signs certificates, and stands in a file.
type authority struct {
	t    *testing.T
	dir  string
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir, name: name}
	a.cert, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, name)
	return a
}

// sign makes a certificate and leaves it and its key in name.pem and name.key. An
// authority that has none yet signs it with itself.
func (a *authority) sign(c *x509.Certificate, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

const mutualTLS = `squall: 1
name: mutual
duration: 1s
target: {url: "wss://%s/", tls: {%s}}
clients:
  members: {count: 5, subscribe: [{channel: news}]}
  writers: {count: 1, publish: [{channel: news, rate: 20/s}]}
expect: [{delivery: exactly-once}, {errors: 0}]
`

// TestClientCertificates: a target that wants a certificate of its clients gets the
// scenario's; without the right one, or where the target's own is not trusted, the run
// says what is wrong.
func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := newAuthority(t, dir, "ca"), newAuthority(t, dir, "stranger")
	served, key := ours.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, "server")
	for a, name := range map[*authority]string{ours: "client", theirs: "impostor"} {
		a.sign(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, name)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(ours.cert)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{served.Raw}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: trusted,
	})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	go g.Serve(l)
	for _, tt := range []struct{ name, tls, why string }{
		{"with the certificate", "ca: DIR/ca.pem, cert: DIR/client.pem, key: DIR/client.key", ""},
		{"with the certificate, and the target's own not looked at", "insecure: true, cert: DIR/client.pem, key: DIR/client.key", ""},
		{"without", "ca: DIR/ca.pem", "certificate required"},
		{"with a stranger's", "ca: DIR/ca.pem, cert: DIR/impostor.pem, key: DIR/impostor.key", "certificate"},
		{"the target is a stranger's", "ca: DIR/stranger.pem, cert: DIR/client.pem, key: DIR/client.key", "unknown authority"},
		{"the key is another one's", "ca: DIR/ca.pem, cert: DIR/client.pem, key: DIR/server.key", "reading tls.cert and tls.key: tls: private key does not match public key"},
		{"no certificate in the file", "ca: DIR/client.key", "holds no PEM certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.why != "" { // those that get in have the one gateway to themselves
				t.Parallel()
			}
			p := compile(t, "mutual.yaml", fmt.Appendf(nil, mutualTLS, l.Addr(), strings.ReplaceAll(tt.tls, "DIR", dir)), 1)
			r, err := Run(context.Background(), p, Options{Run: 7})
			switch {
			case tt.why == "" && (err != nil || r.State != assert.Pass || r.Traffic.Delivered < 90):
				t.Errorf("got %v, %+v", err, r)
			case tt.why != "" && (err == nil || !strings.Contains(err.Error(), tt.why)):
				t.Errorf("got %v, want %q", err, tt.why)
			case tt.why != "" && !strings.HasPrefix(tt.why, "reading") && !strings.HasPrefix(tt.why, "holds") && !errors.Is(err, ErrTarget):
				t.Errorf("%v is not about the target", err)
			}
		})
	}
}
