//go:build unix && !linux

package engine

// bindLate does nothing here: bind chooses the port.
func bindLate(int) {}
