package engine

import "golang.org/x/sys/unix"

// bindLate lets connect choose the port, so that one source address can hold a
// port for each destination. Where the kernel can't, bind chooses.
func bindLate(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
}
