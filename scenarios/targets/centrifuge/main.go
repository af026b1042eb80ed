// Command centrifuge serves a real centrifuge node as a target for Squall:
// anybody may connect, subscribe, publish and recover, and every channel keeps a
// history.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/golang-jwt/jwt/v5"
)

type options struct {
	listen string
	size   int
	ttl    time.Duration
	ping   time.Duration
	queue  int
	who    bool
	key    string
	quiet  bool
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8000", "`address` to listen on")
	flag.IntVar(&o.size, "history-size", 5000, "`publications` kept of each channel; 0: none, and no recovery")
	flag.DurationVar(&o.ttl, "history-ttl", 60*time.Second, "how long they are kept")
	flag.DurationVar(&o.ping, "ping", 25*time.Second, "interval of the server's pings")
	flag.IntVar(&o.queue, "queue", 16<<20, "`bytes` queued for one client before it is closed as slow")
	flag.BoolVar(&o.who, "presence", false, "say who is in a channel, and who comes and goes")
	flag.StringVar(&o.key, "jwt-key", "", "`key` of tokens that say whose a connection is; without, a token is the user's name")
	flag.BoolVar(&o.quiet, "quiet", false, "say nothing but errors")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "centrifuge:", err)
		os.Exit(1)
	}
}

// serve runs a node until ctx ends, then shuts it down with close code 3001.
func serve(ctx context.Context, o options) error {
	level := centrifuge.LogLevelWarn
	if o.quiet {
		level = centrifuge.LogLevelError
	}
	node, err := centrifuge.New(centrifuge.Config{
		LogLevel: level,
		LogHandler: func(e centrifuge.LogEntry) {
			fmt.Fprintln(os.Stderr, "centrifuge:", e.Message, e.Fields)
		},
		ClientQueueMaxSize: o.queue,
		ClientChannelLimit: 1024,
	})
	if err != nil {
		return fmt.Errorf("making the node: %w", err)
	}
	allow(node, o)
	if err := node.Run(); err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}

	mux := http.NewServeMux()
	mux.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin:        func(*http.Request) bool { return true },
		UseWriteBufferPool: true,
		Compression:        true, // for those who offer it
		WriteTimeout:       5 * time.Second,
		PingPongConfig:     centrifuge.PingPongConfig{PingInterval: o.ping, PongTimeout: min(o.ping/2, 10*time.Second)},
	}))
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	fmt.Printf("ws://%s/connection/websocket\n", l.Addr())

	select {
	case err = <-failed:
	case <-ctx.Done():
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = errors.Join(node.Shutdown(limit), server.Close())
	}
	return err
}

// allow lets everybody in and everything pass.
func allow(node *centrifuge.Node, o options) {
	node.OnConnecting(func(_ context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		user, err := o.user(e.Token)
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: user}}, err
	})
	node.OnConnect(func(client *centrifuge.Client) {
		if o.who {
			client.OnPresence(func(_ centrifuge.PresenceEvent, done centrifuge.PresenceCallback) {
				done(centrifuge.PresenceReply{}, nil)
			})
		}
		client.OnSubscribe(func(e centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{Options: centrifuge.SubscribeOptions{
				EnablePositioning: o.size > 0,
				EnableRecovery:    o.size > 0,
				EmitPresence:      o.who,
				EmitJoinLeave:     o.who,
				PushJoinLeave:     o.who && e.JoinLeave,
			}}, nil)
		})
		client.OnPublish(func(_ centrifuge.PublishEvent, done centrifuge.PublishCallback) {
			done(centrifuge.PublishReply{Options: centrifuge.PublishOptions{
				HistorySize: o.size,
				HistoryTTL:  o.ttl,
			}}, nil)
		})
	})
}

// user is whose a connection with that token is; "" is nobody's.
func (o options) user(token string) (string, error) {
	if o.key == "" || token == "" {
		return token, nil
	}
	var claims jwt.RegisteredClaims
	if _, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return []byte(o.key), nil }, jwt.WithValidMethods([]string{"HS256"})); err != nil {
		return "", centrifuge.DisconnectInvalidToken
	}
	return claims.Subject, nil
}
