package campaign

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"squall/driver"
	"squall/driver/engine/memory"
	"squall/driver/gateway"
	"squall/scenario"
)

// embedded is a reference gateway that was started for a run.
type embedded struct {
	addresses []string // one a node
	stop      func()
	control   driver.Control
}

// embed starts the reference gateway in this process, on free loopback ports.
func embed(plan *scenario.Plan) (*embedded, error) {
	return serve(plan, func(int) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") })
}

// embedMemory starts it on an in-memory network.
func embedMemory(plan *scenario.Plan, n *memory.Network) (*embedded, error) {
	return serve(plan, func(node int) (net.Listener, error) { return n.Listen(fmt.Sprintf("gateway:%d", node+1)) })
}

func serve(plan *scenario.Plan, listen func(node int) (net.Listener, error)) (*embedded, error) {
	cfg := GatewayConfig(plan.Target.Gateway, plan.Key)
	cfg.Seed = plan.Seed
	e := &embedded{}
	var listeners []net.Listener
	closeAll := func() {
		for _, l := range listeners {
			l.Close()
		}
	}
	for node := range plan.Nodes() {
		l, err := listen(node)
		if err != nil {
			closeAll()
			return nil, err
		}
		listeners = append(listeners, l)
		e.addresses = append(e.addresses, l.Addr().String())
	}
	c, err := gateway.NewCluster(cfg, listeners...)
	if err != nil {
		closeAll()
		return nil, err
	}
	e.control, e.stop = cluster{c}, func() { c.Close() }
	return e, nil
}

// cluster implements driver.Control in this process.
type cluster struct{ *gateway.Cluster }

func (c cluster) Gateway(ctx context.Context, verb string, node int, down, pause time.Duration) error {
	return c.Do(ctx, gateway.Verb(verb), node, down, pause)
}

// Revoke implements driver.Control.
func (c cluster) Revoke(_ context.Context, user string) error {
	c.Cluster.Revoke(user)
	return nil
}

// GatewayConfig turns the plan's words into the gateway's configuration. Key is
// what tokens are signed with.
func GatewayConfig(p scenario.GatewayPlan, key string) gateway.Config {
	c := gateway.Config{
		HistorySize: orNone(p.History.Size), HistoryTTL: p.History.TTL,
		HeartbeatEvery: orNone(p.Heartbeat.Every), HeartbeatTimeout: p.Heartbeat.Timeout,
		Slow: gateway.SlowPolicy(p.Slow), QueueSize: p.Queue.Size, QueueTTL: p.Queue.TTL,
		Limits: gateway.Limits{
			Connections: p.Limits.Connections, Message: p.Limits.Message,
			Backlog: p.Limits.Backlog, Deliveries: p.Limits.Deliveries,
		},
	}
	c.Authenticate = Authenticate(p, key)
	if p.Filter {
		c.Filter = scenario.CompileFilter
	}
	for _, s := range p.Shapes {
		x := gateway.Shape{Channel: s.Match, Throttle: s.Every, First: s.Keep == "first", Debounce: s.Quiet}
		if s.Kind == scenario.Aggregate {
			x.Throttle, x.Aggregate, x.Sum, x.By = 0, s.Every, s.Sum, s.By
		}
		c.Shapes = append(c.Shapes, x)
	}
	for _, b := range p.Batches {
		c.Batches = append(c.Batches, gateway.Batch{Channel: b.Match, Max: b.Max, Wait: b.Wait})
	}
	for _, r := range p.Rows {
		c.Rows = append(c.Rows, gateway.RowsOf{Channel: r.Match, Key: r.Key, Tombstone: r.Tombstone, Max: r.Max})
	}
	c.Priority = p.Priority
	for i := range p.Transforms {
		c.Transforms = append(c.Transforms, gateway.Transform{Channel: p.Transforms[i].Channel, Make: p.Transforms[i].Make})
	}
	for _, r := range p.Roles {
		c.Roles = append(c.Roles, gateway.Role{Name: r.Name, Channels: r.Channels})
	}
	for _, name := range p.Defects {
		c.Defects = append(c.Defects, gateway.Defect{Name: name})
	}
	return c
}

// orNone turns the plan's 0 (none) into the gateway's negative; its own 0 means
// the default.
func orNone[T int | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// keyVariable is how a child process learns the key of tokens: its arguments are
// there for everybody to see.
const keyVariable = "SQUALL_GATEWAY_JWT_KEY"

// GatewayArgs are the flags of `squall gateway` that say the same. Where tokens are
// asked for it needs GatewayEnv as well.
func GatewayArgs(p scenario.GatewayPlan, seed uint64) []string {
	args := []string{
		"--seed", strconv.FormatUint(seed, 10),
		"--history", strconv.Itoa(p.History.Size), "--heartbeat", p.Heartbeat.Every.String(),
	}
	add := func(is bool, flag, value string) {
		if is {
			args = append(args, flag, value)
		}
	}
	add(p.Nodes > 1, "--nodes", strconv.Itoa(p.Nodes))
	add(p.History.TTL > 0, "--history-ttl", p.History.TTL.String())
	add(p.Queue.Size > 0, "--queue", strconv.Itoa(p.Queue.Size))
	add(p.Queue.TTL > 0, "--queue-ttl", p.Queue.TTL.String())
	add(p.Heartbeat.Timeout > 0, "--heartbeat-timeout", p.Heartbeat.Timeout.String())
	add(p.Slow != "", "--slow", p.Slow)
	add(p.Limits.Connections > 0, "--connections", strconv.Itoa(p.Limits.Connections))
	add(p.Limits.Deliveries > 0, "--deliveries", strconv.Itoa(int(p.Limits.Deliveries)))
	add(p.Limits.Message > 0, "--message", strconv.Itoa(p.Limits.Message)+"B")
	add(p.Limits.Backlog > 0, "--backlog", strconv.Itoa(p.Limits.Backlog)+"B")
	add(p.Auth.On, "--jwt-key", "env:"+keyVariable)
	if p.Auth.On && p.Auth.Anonymous {
		args = append(args, "--anonymous")
	}
	if p.Filter {
		args = append(args, "--filter")
	}
	for _, s := range p.Shapes {
		args = append(args, shapeArgs(&s)...)
	}
	for _, b := range p.Batches {
		args = append(args, "--batch", fmt.Sprintf("%s=%d,%s", b.Match, b.Max, b.Wait))
	}
	for _, r := range p.Rows {
		value := r.Match + "=" + r.Key
		if r.Max > 0 {
			value += "," + r.Tombstone + "," + strconv.Itoa(r.Max)
		} else if r.Tombstone != "" {
			value += "," + r.Tombstone
		}
		args = append(args, "--rows", value)
	}
	if p.Priority {
		args = append(args, "--priority")
	}
	for _, t := range p.Transforms {
		args = append(args, "--transform", t.Channel+"="+t.Payload)
	}
	for _, r := range p.Roles {
		args = append(args, "--role", r.Name+"="+strings.Join(r.Channels, ","))
	}
	for _, name := range p.Defects {
		args = append(args, "--defect", name)
	}
	return args
}

// shapeArgs are the flags of one shape.
func shapeArgs(s *scenario.Shape) []string {
	switch s.Kind {
	case scenario.Debounce:
		return []string{"--debounce", s.Match + "=" + s.Quiet.String()}
	case scenario.Aggregate:
		return []string{"--aggregate", s.Match + "=" + s.Every.String() + "," + s.Sum + "," + s.By}
	}
	value := s.Match + "=" + s.Every.String()
	if s.Keep == "first" {
		value += ",first"
	}
	return []string{"--throttle", value}
}

// GatewayEnv is what GatewayArgs refers to.
func GatewayEnv(key string) []string { return []string{keyVariable + "=" + key} }
