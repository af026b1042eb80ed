package campaign

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"squall/driver/dialect"
	"squall/driver/engine"
	"squall/scenario"
)

// Wait waits until every node of plan's target accepts an upgrade, for limit at
// most. It gives up when ended is closed (nil: never), since the server under test
// is then gone, and when ctx is cancelled. The embedded gateway needs no waiting.
func Wait(ctx context.Context, plan *scenario.Plan, limit time.Duration, ended <-chan struct{}) error {
	if plan.Target.Embedded {
		return nil
	}
	d, ok := dialect.Find(plan.Target.Dialect)
	if !ok {
		return fmt.Errorf("dialect %q is not known", plan.Target.Dialect)
	}
	late, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	end, _ := late.Deadline()
	for _, url := range plan.Target.URLs {
		t, err := remote(plan, d.About(), url)
		if err != nil {
			return err
		}
		why := errors.New("not tried yet")
		for pause := 20 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
			err := upgrade(late, &t.dial)
			if err == nil {
				break
			}
			if time.Now().Before(end) { // what the time limit did to the last attempt says nothing
				why = err
			}
			select {
			case <-time.After(pause):
				continue
			case <-ended:
				return targetError{fmt.Errorf("the server ended before %s accepted a connection: %w", t.name, why)}
			case <-late.Done():
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			return targetError{fmt.Errorf("%s accepted no connection within %s: %w", t.name, limit, why)}
		}
	}
	return nil
}

// upgrade makes one WebSocket connection and closes it.
func upgrade(ctx context.Context, dial *engine.Dial) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", dial.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if dial.TLS != nil {
		conn = tls.Client(conn, dial.TLS.Config)
	}
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return err
	}
	if _, err := conn.Write(dial.Request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, 64<<10)), nil)
	if err != nil {
		return fmt.Errorf("reading the answer to the upgrade: %w", err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("it answered the upgrade with %s", answer.Status)
	}
	if !strings.EqualFold(answer.Header.Get("Upgrade"), "websocket") || answer.Header.Get("Sec-WebSocket-Accept") != dial.Accept {
		return errors.New("it answered the upgrade wrongly: Upgrade or Sec-WebSocket-Accept do not fit the request")
	}
	_, err = conn.Write([]byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}) // close 1000, masked with zeros
	return err
}
