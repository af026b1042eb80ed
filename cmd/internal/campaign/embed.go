package campaign

import (
	"net"
	"strconv"
	"time"

	"squall/driver/engine/memory"
	"squall/driver/gateway"
	"squall/scenario"
)

// embed starts the reference gateway in this process, on a free loopback port.
func embed(plan *scenario.Plan) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	stop, err = serve(plan, l)
	return l.Addr().String(), stop, err
}

// embedMemory starts it on an in-memory network.
func embedMemory(plan *scenario.Plan, n *memory.Network) (address string, stop func(), err error) {
	const name = "gateway:1"
	l, err := n.Listen(name)
	if err != nil {
		return "", nil, err
	}
	stop, err = serve(plan, l)
	return name, stop, err
}

func serve(plan *scenario.Plan, l net.Listener) (stop func(), err error) {
	cfg := GatewayConfig(plan.Target.Gateway)
	cfg.Seed = plan.Seed
	g, err := gateway.New(cfg)
	if err != nil {
		l.Close()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Serve(l)
	}()
	return func() {
		g.Close()
		<-done
	}, nil
}

// GatewayConfig turns the plan's words into the gateway's configuration.
func GatewayConfig(p scenario.GatewayPlan) gateway.Config {
	c := gateway.Config{
		HistorySize: orNone(p.History.Size), HistoryTTL: p.History.TTL,
		HeartbeatEvery: orNone(p.Heartbeat.Every), HeartbeatTimeout: p.Heartbeat.Timeout,
		Slow: gateway.SlowPolicy(p.Slow), QueueSize: p.Queue.Size, QueueTTL: p.Queue.TTL,
		Limits: gateway.Limits{
			Connections: p.Limits.Connections, Message: p.Limits.Message,
			Backlog: p.Limits.Backlog, Deliveries: p.Limits.Deliveries,
		},
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

// GatewayArgs are the flags of `squall gateway` that say the same.
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
	add(p.History.TTL > 0, "--history-ttl", p.History.TTL.String())
	add(p.Queue.Size > 0, "--queue", strconv.Itoa(p.Queue.Size))
	add(p.Queue.TTL > 0, "--queue-ttl", p.Queue.TTL.String())
	add(p.Heartbeat.Timeout > 0, "--heartbeat-timeout", p.Heartbeat.Timeout.String())
	add(p.Slow != "", "--slow", p.Slow)
	add(p.Limits.Connections > 0, "--connections", strconv.Itoa(p.Limits.Connections))
	add(p.Limits.Deliveries > 0, "--deliveries", strconv.Itoa(int(p.Limits.Deliveries)))
	add(p.Limits.Message > 0, "--message", strconv.Itoa(p.Limits.Message)+"B")
	add(p.Limits.Backlog > 0, "--backlog", strconv.Itoa(p.Limits.Backlog)+"B")
	for _, name := range p.Defects {
		args = append(args, "--defect", name)
	}
	return args
}
