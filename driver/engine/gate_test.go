package engine

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"squall/driver/fault"
)

// underWay is a connection whose read, once begun, no deadline interrupts.
type underWay struct {
	net.Conn
	end chan error
}

func (c underWay) Read([]byte) (int, error)      { return 0, <-c.end }
func (underWay) SetDeadline(time.Time) error     { return nil }
func (underWay) SetReadDeadline(time.Time) error { return nil }

// TestEndMetWhileFrozen: a read that had begun before a Freeze and meets the end of
// the connection during it tells that when the Freeze is over.
func TestEndMetWhileFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := underWay{end: make(chan error)}
		g := &gate{Conn: c, epoch: time.Now()}
		got := make(chan error, 1)
		go func() {
			_, err := g.Read(make([]byte, 10))
			got <- err
		}()
		synctest.Wait()
		g.apply(fault.Action{Kind: fault.Freeze})
		c.end <- syscall.ECONNRESET
		synctest.Wait()
		select {
		case err := <-got:
			t.Fatalf("%v while frozen", err)
		default:
		}
		g.apply(fault.Action{Kind: fault.Heal})
		if err := <-got; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%v after the heal, want the reset", err)
		}
	})
}
