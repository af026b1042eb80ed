// Command mochi serves a real mochi-mqtt broker over WebSocket as a target for
// Squall: anybody may connect, subscribe and publish.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

type options struct {
	listen   string
	writes   int
	inflight int
	receive  int
	quiet    bool
}

func main() {
	defaults := mqtt.NewDefaultServerCapabilities()
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8001", "`address` to listen on")
	flag.IntVar(&o.writes, "writes", int(defaults.MaximumClientWritesPending), "`packets` waiting to be written to one client; more are dropped")
	flag.IntVar(&o.inflight, "inflight", int(defaults.MaximumInflight), "`messages` above QoS 0 kept for one client; more are dropped")
	flag.IntVar(&o.receive, "receive", int(defaults.ReceiveMaximum), "`messages` above QoS 0 that one client may have unanswered")
	flag.BoolVar(&o.quiet, "quiet", false, "say nothing but errors")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "mochi:", err)
		os.Exit(1)
	}
}

// serve runs a broker until ctx ends.
func serve(ctx context.Context, o options) error {
	address, err := free(o.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	level := slog.LevelWarn
	if o.quiet {
		level = slog.LevelError
	}
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumClientWritesPending = int32(o.writes)
	limits.MaximumInflight = uint16(o.inflight)
	limits.ReceiveMaximum = uint16(o.receive)
	server := mqtt.New(&mqtt.Options{
		Capabilities: limits,
		Logger:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return fmt.Errorf("letting everybody in: %w", err)
	}
	if err := server.AddListener(listeners.NewWebsocket(listeners.Config{ID: "ws", Address: address})); err != nil {
		return fmt.Errorf("adding the listener: %w", err)
	}
	if err := server.Serve(); err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	if err := listening(ctx, address); err != nil {
		return errors.Join(err, server.Close())
	}
	fmt.Printf("ws://%s/\n", address)
	<-ctx.Done()
	return server.Close()
}

// free is address with a free port for port 0: the broker does not tell which it
// got.
func free(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// listening waits until the broker, which listens in a goroutine of its own,
// takes connections.
func listening(ctx context.Context, address string) error {
	for range 100 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("the broker does not listen at %s", address)
}
