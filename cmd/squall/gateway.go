package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"squall/cmd/internal/campaign"
	"squall/driver/gateway"
	"squall/scenario"
)

// drainTime bounds how long clients have to leave after SIGTERM.
const drainTime = 10 * time.Second

// gatewayOptions are the flags of `squall gateway`.
type gatewayOptions struct {
	listen      string
	history     number
	queue       number
	heartbeat   time.Duration
	slow        oneOf
	connections number
	deliveries  number
	message     amount
	backlog     amount
	seed        number
	defects     []string
	nodes       number
	control     bool
	key         string
	anonymous   bool
	filter      bool
	roles       [][2]string
	throttles   shapes
	debounces   shapes
	batches     batches
	rows        rows
	aggregates  aggregates
	transforms  []gateway.Transform
	config      gateway.Config
}

func (t *tool) gatewayVerb() *cobra.Command {
	o := &gatewayOptions{
		slow:   oneOf{value: string(gateway.Disconnect), words: []string{string(gateway.Disconnect), string(gateway.DropOldest)}},
		listen: "127.0.0.1:8000",
	}
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Serve the reference gateway",
		Long: `Serve the reference gateway: channels with history, recovery and order, over
the dialect events. Its URL is printed on stdout once it listens.

SIGTERM or Ctrl-C drains it: no new connection is accepted, clients are told,
their queues are flushed and they are closed with code 1001; a second one ends
it at once. A defect makes it wrong on purpose, to see that squall notices:
squall list defects tells what each of them does.`,
		Example: `  squall gateway
  squall gateway --listen :8000 --history 5000 --history-ttl 60s
  squall gateway --defect recovered-flag-lie   # squall run against it fails`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.serve(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(word{&o.listen, "ADDRESS"}, "listen", "host:port to listen on; port 0 takes a free one (default 127.0.0.1:8000)")
	f.Var(&o.history, "history", "events kept of each channel; 0 keeps none (default 1000)")
	f.Var(span{&o.config.HistoryTTL, false}, "history-ttl", "how long they are kept (default 5m)")
	f.Var(&o.queue, "queue", "messages kept of a named session; 0 keeps none (default 0)")
	f.Var(span{&o.config.QueueTTL, false}, "queue-ttl", "how long a session is kept (default 5m)")
	f.Var(span{&o.heartbeat, true}, "heartbeat", "time between pings; 0s never pings (default 25s)")
	f.Var(span{&o.config.HeartbeatTimeout, false}, "heartbeat-timeout", "time to answer one (default 10s)")
	f.Var(&o.slow, "slow", "what becomes of a reader that is too slow: disconnect or drop-oldest")
	f.Var(&o.connections, "connections", "answer 503 beyond so many (default: unlimited)")
	f.Var(&o.deliveries, "deliveries", "events per second to all together (default: unlimited)")
	f.Var(&o.message, "message", "largest message from a client (default 64KiB)")
	f.Var(&o.backlog, "backlog", "what may queue for one connection (default 1MiB)")
	f.Var(&o.seed, "seed", "draw ids, jitter and the chance of defects from this")
	completeFlag(cmd, "slow", o.slow.words)
	f.Var((*names)(&o.defects), "defect", "be wrong on purpose; may be repeated, or a list with commas")
	completeFlag(cmd, "defect", defectNames())
	f.Var(&o.nodes, "nodes", "serve so many nodes that share their channels, at following ports (default 1)")
	f.Var(word{&o.key, "FILE"}, "jwt-key", "ask for tokens (HS256) signed with the key in this file, or in env:NAME")
	f.BoolVar(&o.anonymous, "anonymous", false, "let clients without a token in, too, in the role anonymous")
	f.Var(roles{&o.roles}, "role", "the channels that a role may use, as in member=vote.*,user.{user}; may be repeated")
	f.BoolVar(&o.filter, "filter", false, "let subscriptions carry filters")
	f.Var(&o.throttles, "throttle", "send at most one event in a time, as in tally.*=200ms, or =200ms,first; may be repeated")
	o.debounces.quiet = true
	f.Var(&o.debounces, "debounce", "send an event when none has come for a time, as in status.*=300ms; may be repeated")
	f.Var(&o.batches, "batch", "send up to so many events in one message, and none later than a time, as in activity.*=50,100ms; may be repeated")
	f.Var(&o.rows, "rows", "keep the latest event of each key for snapshots, as in board.*=row; may be repeated")
	f.Var(&o.aggregates, "aggregate", "send sums instead of events, as in votes.*=500ms,weight,option; may be repeated")
	f.BoolVar(&o.config.Priority, "priority", false, "let urgent messages overtake those of other channels")
	f.Var(transforms{&o.transforms}, "transform", "rewrite the payloads of a channel, as in 'vote.*={option: \"{msg.option}\"}'; may be repeated")
	f.BoolVar(&o.control, "control", false, "obey lines on stdin: ID VERB NODE DOWN PAUSE")
	f.MarkHidden("control")
	return cmd
}

func defectNames() []string {
	var names []string
	for _, d := range gateway.Defects() {
		names = append(names, d.Name)
	}
	return names
}

// configure completes the gateway's configuration from the flags.
func (o *gatewayOptions) configure() (gateway.Config, error) {
	c := o.config
	if o.history.given {
		c.HistorySize = int(min(o.history.value, 1<<30))
		if c.HistorySize == 0 {
			c.HistorySize = -1 // 0 is the default there
		}
	}
	c.QueueSize = int(min(o.queue.value, 1<<30))
	c.HeartbeatEvery = o.heartbeat
	if o.filter {
		c.Filter = scenario.CompileFilter
	}
	c.Shapes = slices.Concat(o.throttles.all, o.debounces.all, o.aggregates.all)
	c.Batches, c.Rows, c.Transforms = o.batches, o.rows, o.transforms
	c.Slow, c.Seed = gateway.SlowPolicy(o.slow.value), o.seed.value
	c.Limits = gateway.Limits{
		Connections: int(min(o.connections.value, 1<<30)), Deliveries: float64(o.deliveries.value),
		Message: int(o.message), Backlog: int(o.backlog),
	}
	if err := knownNames("defect", o.defects, defectNames()); err != nil {
		return c, err
	}
	for _, name := range o.defects {
		c.Defects = append(c.Defects, gateway.Defect{Name: name})
	}
	return c, nil
}

// authorise says who may connect, and do what.
func (t *tool) authorise(c *gateway.Config, o *gatewayOptions) error {
	key, err := t.key(o.key)
	switch {
	case err != nil:
		return err
	case key == "" && len(o.roles) > 0:
		return usage(errors.New("--role: a role is a claim of a token; give --jwt-key, too"))
	case key == "" && o.anonymous:
		return usage(errors.New("--anonymous: without --jwt-key nobody is asked for a token"))
	}
	for _, r := range o.roles {
		c.Roles = append(c.Roles, gateway.Role{Name: r[0], Channels: strings.Split(r[1], ",")})
	}
	c.Authenticate = campaign.Authenticate(scenario.GatewayPlan{Auth: scenario.Auth{On: key != "", Anonymous: o.anonymous}}, key)
	return nil
}

// serve runs a gateway until a signal or the end of ctx, and drains it.
func (t *tool) serve(ctx context.Context, o *gatewayOptions) error {
	cfg, err := o.configure()
	if err != nil {
		return err
	}
	if err := t.authorise(&cfg, o); err != nil {
		return err
	}
	// What is wrong with the flags is told before a port is taken, or is found taken.
	probe, err := gateway.New(cfg)
	if err != nil {
		return usage(err)
	}
	probe.Close()
	signals := make(chan os.Signal, 2)
	defer t.signals(signals)()
	listeners, err := o.listeners()
	if err != nil {
		return err
	}
	g, err := gateway.NewCluster(cfg, listeners...)
	if err != nil {
		return usage(err)
	}
	defer g.Close()
	for _, l := range listeners {
		if err := t.print("ws://" + reachable(l.Addr()) + pathOf(cfg) + "\n"); err != nil {
			return err
		}
	}
	if len(cfg.Defects) > 0 {
		t.note("wrong on purpose: %s", strings.Join(o.defects, ", "))
	}
	if o.control {
		ctl := newControl(g, t)
		defer ctl.end()
		go ctl.obey(t.stdin)
	}
	served := make(chan error, 1)
	go func() { served <- g.Wait() }()
	select {
	case err := <-served:
		return environmentIf(err)
	case <-signals:
	case <-ctx.Done():
	}
	t.note("draining; %d connected", g.Connections())
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer stop()
	go func() {
		select {
		case <-signals:
			stop()
		case <-drain.Done():
		}
	}()
	if err := g.Drain(drain, gateway.Drain{Reason: "shutting down"}); err != nil {
		t.note("%d clients did not leave in time and were cut off", g.Connections())
	}
	return nil
}

// mostNodes bounds a cluster.
const mostNodes = 64

// listeners opens one port a node: the one that was asked for and those that
// follow it, or free ones.
func (o *gatewayOptions) listeners() ([]net.Listener, error) {
	n := 1
	if o.nodes.given {
		if o.nodes.value < 1 || o.nodes.value > mostNodes {
			return nil, usage(fmt.Errorf("--nodes: found %d, expected 1 to %d", o.nodes.value, mostNodes))
		}
		n = int(o.nodes.value)
	}
	var all []net.Listener
	address := o.listen
	for i := range n {
		if host, port, err := net.SplitHostPort(o.listen); err == nil && i > 0 {
			if first, err := strconv.Atoi(port); err == nil && first > 0 {
				address = net.JoinHostPort(host, strconv.Itoa(first+i))
			}
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			return nil, environment(explainListen(address, err))
		}
		all = append(all, l)
	}
	return all, nil
}

func pathOf(c gateway.Config) string {
	if c.Path != "" {
		return c.Path
	}
	return "/events"
}

// reachable is an address to connect to: a wildcard listens everywhere, and is
// no host.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
}

func explainListen(address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	step := "give host:port, as in --listen 127.0.0.1:8000"
	if text := err.Error(); strings.Contains(text, "in use") {
		step = "choose another port, or --listen 127.0.0.1:0 for a free one"
	} else if strings.Contains(text, "permission denied") {
		step = "ports below 1024 need privileges; choose a higher one"
	}
	return fmt.Errorf("listening on %s: %w; %s", address, err, step)
}
