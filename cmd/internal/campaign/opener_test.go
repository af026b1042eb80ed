package campaign

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"squall/driver/engine"
)

// TestOpener: what a client says without a WebSocket goes over TLS where the target wants
// it, and to nobody whose certificate does not fit.
func TestOpener(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	address := strings.TrimPrefix(server.URL, "https://")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	open := newOpener(Options{})
	c, err := open(ctx, &engine.Dial{Address: address, TLS: &engine.TLS{Config: &tls.Config{RootCAs: roots, ServerName: "example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "here") {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := open(ctx, &engine.Dial{Address: address, TLS: &engine.TLS{Config: &tls.Config{ServerName: "example.com"}}}); err == nil {
		t.Error("a certificate that nobody has signed is taken")
	}
}
