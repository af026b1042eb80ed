package report

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	put := func(text string, fail error) error {
		return WriteFile(path, func(w io.Writer) error {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
			return fail
		})
	}
	if err := put("first", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := put("second, half", broken); !errors.Is(err, broken) {
		t.Errorf("the writer's error is %v, want it to come through", err)
	}
	hold(t, path, "first") // the old one is untouched
	if err := put("third", nil); err != nil {
		t.Fatal(err)
	}
	hold(t, path, "third")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode became %v (%v), want it kept", info.Mode(), err)
	}
	alone(t, dir, "report.json")
}

// A link stays a link and its target is replaced.
func TestWriteFileThroughLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.json"), filepath.Join(dir, "link.json")
	if err := os.WriteFile(real, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.json", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }); err != nil {
		t.Fatal(err)
	}
	hold(t, real, "new")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	alone(t, dir, "real.json", "link.json")
}

// Each row: a path that can't be written, and what its message must tell.
func TestWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ path, told string }{
		{filepath.Join(dir, "none", "r.json"), "mkdir -p " + filepath.Join(dir, "none")},
		{dir, "it is a folder"},
		{filepath.Join(file, "r.json"), "not a folder"},
		{"/proc/squall.json", "writing /proc/squall.json"},
	} {
		err := Writable(row.path)
		if err == nil || !strings.Contains(err.Error(), row.told) || !strings.Contains(err.Error(), row.path) {
			t.Errorf("Writable(%s) = %v, want it to name the path and %q", row.path, err, row.told)
		}
		if err != nil && strings.Contains(err.Error(), ".tmp") {
			t.Errorf("Writable(%s) shows the temporary name: %v", row.path, err)
		}
	}
	if err := Writable(filepath.Join(dir, "new.json")); err != nil {
		t.Errorf("a new file in a good folder: %v", err)
	}
	alone(t, dir, "file")
}

// /dev/full takes the place of a full disk; it is written directly, as a pipe is.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	err := WriteFile("/dev/full", func(w io.Writer) error { return JSON(w, base()) })
	if err == nil || !strings.Contains(err.Error(), "free some space") || !strings.Contains(err.Error(), "/dev/full") {
		t.Errorf("a full disk gives %v, want the path and the next step", err)
	}
}

func hold(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", path, got, err, want)
	}
}

// alone checks that nothing was left beside the named files.
func alone(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Errorf("%s holds %v, want only %v", dir, entries, names)
	}
}
