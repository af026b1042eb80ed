package engine

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// resolveFor bounds one look-up of a name.
const resolveFor = 10 * time.Second

// resolver finds the addresses of host:port once each, off the loop. Its fields
// belong to the loop.
type resolver struct {
	known   map[string][]netip.AddrPort
	waiting map[string][]func([]netip.AddrPort, error)
}

// find calls done with the addresses of a host:port: at once if they are known,
// else later, on the loop. A failure is not remembered.
func (r *resolver) find(address string, start func(func(context.Context)), post func(func()), done func([]netip.AddrPort, error)) {
	if known := r.known[address]; known != nil {
		done(known, nil)
		return
	}
	if r.known == nil {
		r.known = make(map[string][]netip.AddrPort)
		r.waiting = make(map[string][]func([]netip.AddrPort, error))
	}
	if a, err := netip.ParseAddrPort(address); err == nil {
		r.known[address] = []netip.AddrPort{netip.AddrPortFrom(a.Addr().Unmap(), a.Port())}
		done(r.known[address], nil)
		return
	}
	r.waiting[address] = append(r.waiting[address], done)
	if len(r.waiting[address]) > 1 {
		return
	}
	start(func(ctx context.Context) {
		addrs, err := lookUp(ctx, address)
		post(func() {
			if err == nil {
				r.known[address] = addrs
			}
			waiting := r.waiting[address]
			delete(r.waiting, address)
			for _, done := range waiting {
				done(addrs, err)
			}
		})
	})
}

func lookUp(ctx context.Context, address string) ([]netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, &net.AddrError{Err: "invalid port", Addr: address}
	}
	ctx, cancel := context.WithTimeout(ctx, resolveFor)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	addrs := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range ips {
		addrs = append(addrs, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return addrs, nil
}
