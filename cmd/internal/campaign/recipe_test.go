package campaign

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// recipes are the real servers of scenarios/targets.
const recipes = "../../../scenarios/targets"

// buildRecipe builds a server that is a Go module of its own.
func buildRecipe(t *testing.T, name string) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Dir = filepath.Join(recipes, name)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the recipe: %v\n%s", err, out)
	}
	return bin
}

// startRecipe starts a server that prints its URL.
func startRecipe(t *testing.T, bin string, args ...string) (url string, stop func()) {
	t.Helper()
	cmd := exec.Command(bin, append([]string{"-listen", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "ws://") }); i >= 0 {
			go func() {
				for lines.Scan() {
				}
			}()
			return words[i], stop
		}
	}
	stop()
	t.Fatal("the recipe ended without telling its address")
	return "", nil
}

// startMosquitto starts the distribution's broker with the recipe's configuration
// on free ports.
func startMosquitto(t *testing.T, _ ...string) (url string, stop func()) {
	t.Helper()
	bin, err := exec.LookPath("mosquitto")
	if err != nil {
		bin, err = exec.LookPath("/usr/sbin/mosquitto") // not in everybody's path
	}
	if err != nil {
		t.Fatalf("mosquitto is not installed: see %s/mosquitto/README.md", recipes)
	}
	conf, err := os.ReadFile(filepath.Join(recipes, "mosquitto", "mosquitto.conf"))
	if err != nil {
		t.Fatal(err)
	}
	plain, ws := freePort(t), freePort(t)
	text := strings.NewReplacer("listener 1883 ", fmt.Sprintf("listener %d ", plain), "listener 8002 ", fmt.Sprintf("listener %d ", ws)).Replace(string(conf))
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-c", file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	}
	address := fmt.Sprintf("127.0.0.1:%d", ws)
	for range 100 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return "ws://" + address + "/", stop
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	t.Fatal("mosquitto does not listen; was it built with WebSocket support?")
	return "", nil
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
