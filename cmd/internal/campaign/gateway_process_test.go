package campaign

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"squall/driver/gateway"
)

// asGateway in the environment makes this test binary a gateway, so that a
// benchmark measures the driver's process and nothing else.
const asGateway = "SQUALL_BENCH_GATEWAY"

// withTLS is its value for a gateway behind TLS.
const withTLS = "tls"

// plain is its value for one without.
const plain = "plain"

func TestMain(m *testing.M) {
	if os.Getenv(asBurner) != "" {
		burn(os.Stdin)
		return
	}
	if os.Getenv(asGateway) == "" {
		os.Exit(m.Run())
	}
	if err := beGateway(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// beGateway serves on a free loopback port, tells it in one line, and ends with
// in: when the benchmark closes it, or dies.
func beGateway(in io.Reader, out io.Writer) error {
	g, err := gateway.New(gateway.Config{HeartbeatEvery: -1, Seed: 1})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, l.Addr())
	if os.Getenv(asGateway) == withTLS {
		config, err := selfSigned()
		if err != nil {
			return err
		}
		l = tls.NewListener(l, config)
	}
	go func() {
		io.Copy(io.Discard, in)
		g.Close()
	}()
	g.Serve(l)
	return nil
}

// selfSigned is a certificate that nobody has a reason to trust.
func selfSigned() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}, nil
}

// gatewayProcess starts the reference gateway in a second process, which ends
// with the benchmark: plain, or withTLS. It returns its host:port.
func gatewayProcess(b *testing.B, kind string) (address string) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asGateway+"="+kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the gateway's process ended without telling its address: %v", err)
	}
	return strings.TrimSpace(line)
}
