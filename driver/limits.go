package driver

import (
	"fmt"
)

// Needs is what a run takes from the machine.
type Needs struct {
	Connections int // most at one time
	Descriptors int // of this process, everything included
	Sources     int // loopback addresses to connect from; 0: the system chooses
}

// PortsPerSource is how many connections one source address should hold to one
// destination: past about half of the port range every connect searches for a
// free port, at many times the cost.
const PortsPerSource = 12000

// Check compares needs with the limits of this process and system. The error
// says what is short and how to raise it.
func (n Needs) Check() error {
	limit, ok := descriptorLimit()
	if ok && uint64(n.Descriptors) > limit {
		return fmt.Errorf("the plan needs %d open files and this process may have %d: run `ulimit -n %d` first, or lower the counts", n.Descriptors, limit, n.Descriptors)
	}
	ports, ok := portRange()
	if ok && n.Sources <= 1 && n.Connections > ports {
		return fmt.Errorf("the plan needs %d connections to one address and the system has %d local ports: run `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`, or lower the counts", n.Connections, ports)
	}
	return nil
}
