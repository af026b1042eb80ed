package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

// File is an output file that is there whole or not at all: it is written beside
// its path and takes the path's place at Commit. What is no regular file (a
// pipe, /dev/stdout) is written directly.
type File struct {
	path string // where it shall be, symbolic links followed
	told string // as the caller named it, for messages
	file *os.File
	temp string // "" when written directly
}

// Create begins to write path. Until Commit what was there stays untouched. The
// caller ends it with Commit or Abort.
func Create(path string) (*File, error) {
	f := &File{path: path, told: path}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("writing %s: it is a folder; name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		if f.file, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
			return nil, f.explain(err)
		}
		return f, nil
	case err == nil:
		// Replacing a file needs no right to write it, but who took that right away meant it.
		old, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, f.explain(err)
		}
		old.Close()
		if f.path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, f.explain(err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, f.explain(err)
	}
	dir, base := filepath.Split(f.path)
	for range 100 {
		f.temp = filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
		file, err := os.OpenFile(f.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, f.explain(err)
		}
		f.file = file
		return f, nil
	}
	return nil, fmt.Errorf("writing %s: no free name for a temporary file beside it; remove the old .%s.*.tmp files", path, base)
}

// Write implements io.Writer.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.file.Write(b)
	if err != nil {
		return n, f.explain(err)
	}
	return n, nil
}

// Commit makes what was written durable and puts it in place. On an error the
// old file is untouched and nothing is left beside it.
func (f *File) Commit() error {
	if f.temp == "" {
		if err := f.file.Close(); err != nil {
			return f.explain(err)
		}
		return nil
	}
	err := f.file.Sync()
	if cerr := f.file.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		if info, serr := os.Stat(f.path); serr == nil {
			err = os.Chmod(f.temp, info.Mode().Perm())
		}
	}
	if err == nil {
		err = os.Rename(f.temp, f.path)
	}
	if err != nil {
		os.Remove(f.temp)
		return f.explain(err)
	}
	return nil
}

// Abort throws away what was written.
func (f *File) Abort() {
	f.file.Close()
	if f.temp != "" {
		os.Remove(f.temp)
	}
}

// explain names the path and the next step.
func (f *File) explain(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // the temporary name would only confuse
	}
	step := ""
	switch dir := filepath.Dir(f.told); {
	case errors.Is(err, fs.ErrNotExist):
		step = "; make the folder first: mkdir -p " + dir
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		step = "; choose a path that you may write"
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		step = "; free some space or choose another disk"
	case errors.Is(err, syscall.ENOTDIR):
		step = "; a part of the path is a file, not a folder"
	}
	return fmt.Errorf("writing %s: %w%s", f.told, err, step)
}

// WriteFile writes path with write, whole or not at all: on an error what was
// there stays, and the error names the path and what to do.
func WriteFile(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Abort()
		return err
	}
	return f.Commit()
}

// Writable tells before a run whether WriteFile(path, …) could begin, so that
// nobody waits for a report that can't be written.
func Writable(path string) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	f.Abort()
	return nil
}
