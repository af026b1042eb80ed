package campaign

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"squall/driver/gateway"
)

// asGateway in the environment makes this test binary a gateway, so that a
// benchmark measures the driver's process and nothing else.
const asGateway = "SQUALL_BENCH_GATEWAY"

func TestMain(m *testing.M) {
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
	go func() {
		io.Copy(io.Discard, in)
		g.Close()
	}()
	g.Serve(l)
	return nil
}

// gatewayProcess starts the reference gateway in a second process, which ends
// with the benchmark. It returns its host:port.
func gatewayProcess(b *testing.B) (address string) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asGateway+"=1")
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
