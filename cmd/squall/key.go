package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxKey bounds how much of a key's file is read.
const maxKey = 64 << 10

// maxRows bounds how much of a file of rows is read.
const maxRows = 64 << 20

// key reads what --jwt-key names: a file, or env:NAME. It is never printed.
func (t *tool) key(from string) (string, error) {
	if from == "" {
		return "", nil
	}
	if name, ok := strings.CutPrefix(from, "env:"); ok {
		key, ok := t.lookup(name)
		if !ok {
			return "", usage(fmt.Errorf("--jwt-key: the variable %s is not set; set it to the key", name))
		}
		return key, nil
	}
	source, err := readAtMost(from, maxKey)
	if err != nil {
		return "", usage(fmt.Errorf("--jwt-key: %w", explainRead(from, err, "give the file of a key, or env:NAME")))
	}
	key := string(bytes.TrimRight(source, "\r\n"))
	switch {
	case key == "":
		return "", usage(fmt.Errorf("--jwt-key: %s is empty", from))
	case strings.HasPrefix(key, "-----BEGIN "):
		return "", usage(fmt.Errorf("--jwt-key: %s holds a PEM key; tokens are signed with HS256, which takes a secret that both sides know", from))
	}
	return key, nil
}

// readRows reads a file that a scenario's data names.
func readRows(path string) ([]byte, error) {
	source, err := readAtMost(path, maxRows)
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return source, err
}

func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(source)) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return source, err
}

// roles is a flag that takes NAME=CHANNEL,CHANNEL, and may be repeated.
type roles struct{ values *[][2]string }

func (r roles) String() string { return "" }
func (r roles) Type() string   { return "NAME=CHANNELS" }

func (r roles) Set(text string) error {
	name, channels, ok := strings.Cut(text, "=")
	if !ok || name == "" || channels == "" {
		return errors.New(`a role and its channels, such as "member=vote.*,user.{user}"`)
	}
	*r.values = append(*r.values, [2]string{name, channels})
	return nil
}
