package engine

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of the event loop. Those on the hot path are raw: they never
// block, so the runtime need not know of them.

// receiver reads from sockets into one buffer, with the kernel's receive stamp.
type receiver struct {
	buf     []byte
	iov     unix.Iovec
	msg     unix.Msghdr
	control [8]uint64 // one control message: header and timespec
}

func newReceiver(size int) *receiver {
	r := &receiver{buf: make([]byte, size)}
	r.iov.Base = &r.buf[0]
	r.msg.Iov = &r.iov
	r.msg.SetIovlen(1)
	return r
}

// read reads at most want bytes. The stamp is in Unix nanoseconds, 0 if there
// is none.
func (r *receiver) read(fd int32, want int) (n int, stamp int64, err unix.Errno) {
	r.iov.SetLen(min(want, len(r.buf)))
	r.msg.Control = (*byte)(unsafe.Pointer(&r.control))
	r.msg.SetControllen(int(unsafe.Sizeof(r.control)))
	got, _, err := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.msg)), unix.MSG_DONTWAIT)
	if err != 0 {
		return 0, 0, err
	}
	head := (*unix.Cmsghdr)(unsafe.Pointer(&r.control))
	if int(r.msg.Controllen) >= unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) &&
		head.Level == unix.SOL_SOCKET && head.Type == unix.SO_TIMESTAMPNS {
		ts := (*unix.Timespec)(unsafe.Add(unsafe.Pointer(&r.control), unix.CmsgLen(0)))
		stamp = ts.Nano()
	}
	return int(got), stamp, 0
}

// send writes what the socket takes.
func send(fd int32, b []byte) (n int, err unix.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	sent, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(sent), 0
}

// waiter waits for events, to the microsecond where the kernel can.
type waiter struct {
	fd     int
	events []unix.EpollEvent
	coarse bool // no epoll_pwait2: whole milliseconds, rounded up
}

// wait waits for at most d; Never is for good. It returns early on a signal.
func (w *waiter) wait(d time.Duration) ([]unix.EpollEvent, error) {
	if !w.coarse {
		var limit *unix.Timespec
		if d != Never {
			ts := unix.NsecToTimespec(int64(max(d, 0)))
			limit = &ts
		}
		n, _, err := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(w.fd), uintptr(unsafe.Pointer(&w.events[0])),
			uintptr(len(w.events)), uintptr(unsafe.Pointer(limit)), 0, 0)
		switch err {
		case 0:
			return w.events[:n], nil
		case unix.EINTR:
			return nil, nil
		case unix.ENOSYS, unix.EPERM: // older than Linux 5.11, or a sandbox
			w.coarse = true
		default:
			return nil, err
		}
	}
	ms := -1
	if d != Never {
		ms = int(min((max(d, 0)+time.Millisecond-1)/time.Millisecond, time.Hour/time.Millisecond))
	}
	n, err := unix.EpollWait(w.fd, w.events, ms)
	if err == unix.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return w.events[:n], nil
}

// openSocket starts to connect to addr, from source if that is valid.
func openSocket(addr netip.AddrPort, source netip.Addr, readBuffer int) (fd int, err error) {
	family := unix.AF_INET
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, err
	}
	// Without receive stamps the time of the read serves.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	if readBuffer > 0 {
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, readBuffer); err != nil {
			return -1, err
		}
	}
	if source.IsValid() {
		bindLate(fd)
		if err = unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, 0))); err != nil {
			return -1, err
		}
	}
	if err = unix.Connect(fd, sockaddr(addr)); err == unix.EINPROGRESS {
		err = nil
	}
	return fd, err
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
		return sa
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

// resetSocket closes fd with RST: unread and unsent bytes are lost.
func resetSocket(fd int32) {
	_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
	unix.Close(int(fd))
}
