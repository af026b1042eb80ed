package main

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"

	"squall/driver/gateway"
)

// TestControl: the gateway of another squall does what its lines say, and answers
// each with its id, in any order.
func TestControl(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.NewCluster(gateway.Config{}, l)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, row := range []struct{ line, want string }{
		{`forget-history -1 0s 0s`, "done"},
		{`revoke "ann \"x\""`, "done"},
		{`revoke ann`, `failed: "revoke ann" is no command`},
		{`kill 7 0s 0s`, "failed: there is no node 7; the nodes are 0 to 0"},
		{`kill 0 soon 0s`, `failed: time: invalid duration "soon"`},
		{`dance`, `failed: "dance" is no command`},
	} {
		var out bytes.Buffer
		c := newControl(g, &tool{stdout: &out})
		err := c.do(c.ctx, row.line)
		got := "done"
		if err != nil {
			got = "failed: " + err.Error()
		}
		if c.end(); got != row.want {
			t.Errorf("%s: got %q, want %q", row.line, got, row.want)
		}
	}
	said := make(said, 2)
	c := newControl(g, &tool{stdout: said})
	defer c.end()
	c.obey(strings.NewReader("a forget-history -1 0s 0s\nb pause 0 0s 1h\nb end\n"))
	lines := []string{<-said, <-said}
	slices.Sort(lines)
	if want := []string{"a done\n", "b done\n"}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}

// said takes what is written.
type said chan string

func (s said) Write(b []byte) (int, error) {
	s <- string(b)
	return len(b), nil
}
