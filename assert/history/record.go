package history

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A recording is a magic line, a version byte, and a zstd stream of:
//
//	uvarint length, header        opaque to this package
//	'n' uvarint length, name      the next name of the run's Names
//	'e' uvarint shard, uvarint length, events of that shard
//	'.' uvarint count             the end: how many events there are
//
// Names stand before the first events that use them. Version 1.
const (
	magic   = "squall history\n"
	version = 1

	longestHeader = 64 << 20
	longestName   = 1 << 16
	mostShards    = 1 << 12
	mostNames     = 1 << 24
	chunk         = 64 << 10 // a shard's buffer is written out beyond this
)

var errShort = errors.New("it ends too early")

// Truncated says that a recording has no end mark: what was read before is
// whole, what came after is lost.
type Truncated struct {
	Events int64 // read before the damage
	Cause  error
}

func (t *Truncated) Error() string {
	return fmt.Sprintf("the recording is damaged or cut off after %d events: %v", t.Events, t.Cause)
}

func (t *Truncated) Unwrap() error { return t.Cause }

// Writer records a run. Its shards may be written to at the same time, each by
// one goroutine.
type Writer struct {
	mu    sync.Mutex
	z     *zstd.Encoder
	names *Names
	known int // names written
	count int64
	buf   []byte
	err   error

	shards map[int]*Shard
}

// NewWriter starts a recording on w, which it does not close. The header is
// whatever the judge needs to know again; it must hold no secret.
func NewWriter(w io.Writer, header []byte, names *Names) (*Writer, error) {
	if _, err := w.Write(append([]byte(magic), version)); err != nil {
		return nil, fmt.Errorf("writing the recording: %w", err)
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("starting the recording: %w", err)
	}
	r := &Writer{z: z, names: names, shards: make(map[int]*Shard)}
	r.buf = append(binary.AppendUvarint(r.buf, uint64(len(header))), header...)
	r.flush()
	return r, r.err
}

// Shard returns the sink of shard n, from 0. Call it before the run.
func (w *Writer) Shard(n int) *Shard {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.shards[n]
	if s == nil {
		s = &Shard{w: w, n: n, buf: make([]byte, 0, chunk+1024)}
		w.shards[n] = s
	}
	return s
}

// Shard records the events of one shard, in their order.
type Shard struct {
	w     *Writer
	n     int
	code  coder
	buf   []byte
	count int64
}

// Add records e. An error of the file is kept for Close.
func (s *Shard) Add(e Event) {
	s.buf = s.code.append(s.buf, &e)
	s.count++
	if len(s.buf) >= chunk {
		s.flush()
	}
}

func (s *Shard) flush() {
	w := s.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeNames()
	w.buf = append(w.buf, 'e')
	w.buf = binary.AppendUvarint(w.buf, uint64(s.n))
	w.buf = binary.AppendUvarint(w.buf, uint64(len(s.buf)))
	w.buf = append(w.buf, s.buf...)
	w.count += s.count
	s.buf, s.count = s.buf[:0], 0
	w.flush()
}

func (w *Writer) writeNames() {
	all := w.names.All()
	for _, n := range all[w.known:] {
		w.buf = append(w.buf, 'n')
		w.buf = binary.AppendUvarint(w.buf, uint64(min(len(n), longestName)))
		w.buf = append(w.buf, n[:min(len(n), longestName)]...)
	}
	w.known = len(all)
}

func (w *Writer) flush() {
	if w.err == nil {
		if _, err := w.z.Write(w.buf); err != nil {
			w.err = fmt.Errorf("writing the recording: %w", err)
		}
	}
	w.buf = w.buf[:0]
}

// Close writes what is buffered and the end mark. No shard may be in use.
func (w *Writer) Close() error {
	for _, s := range w.shards {
		s.flush()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeNames()
	w.buf = binary.AppendUvarint(append(w.buf, '.'), uint64(w.count))
	w.flush()
	if err := w.z.Close(); err != nil && w.err == nil {
		w.err = fmt.Errorf("writing the recording: %w", err)
	}
	return w.err
}

// Reader reads a recording from its start to its end.
type Reader struct {
	Header []byte // as given to NewWriter
	Names  *Names // grows while events are read

	z      *zstd.Decoder
	r      *bufio.Reader
	codes  map[int]*coder
	shard  int
	rest   []byte
	known  int
	events int64
	done   bool
}

// NewReader opens a recording. Call Close when done.
func NewReader(r io.Reader) (*Reader, error) {
	head := make([]byte, len(magic)+1)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(magic)]) != magic {
		return nil, errors.New("this is not a recording of Squall")
	}
	if v := head[len(magic)]; v != version {
		return nil, fmt.Errorf("the recording has version %d; this Squall reads version %d", v, version)
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return nil, fmt.Errorf("opening the recording: %w", err)
	}
	x := &Reader{Names: NewNames(nil), z: z, r: bufio.NewReader(z), codes: make(map[int]*coder)}
	if x.Header, err = x.bytes(longestHeader); err != nil {
		z.Close()
		return nil, &Truncated{Cause: fmt.Errorf("its header: %w", err)}
	}
	return x, nil
}

// Close releases the decoder.
func (r *Reader) Close() { r.z.Close() }

// Next returns the next event and its shard. Events of one shard come in their
// order. The end is io.EOF; *Truncated tells of a recording without one.
func (r *Reader) Next() (shard int, e Event, err error) {
	for len(r.rest) == 0 {
		if r.done {
			return 0, e, io.EOF
		}
		if err := r.block(); err != nil {
			return 0, e, &Truncated{Events: r.events, Cause: err}
		}
	}
	e, r.rest, err = r.codes[r.shard].next(r.rest, r.known)
	if err != nil {
		r.rest, r.done = nil, true
		return 0, e, &Truncated{Events: r.events, Cause: err}
	}
	r.events++
	return r.shard, e, nil
}

// block reads the next piece.
func (r *Reader) block() error {
	tag, err := r.r.ReadByte()
	if err != nil {
		return short(err)
	}
	switch tag {
	case 'n':
		name, err := r.bytes(longestName)
		if err != nil {
			return err
		}
		if r.known == mostNames || int(r.Names.ID(string(name))) != r.known {
			return errors.New("its names do not fit together")
		}
		r.known++
		return nil
	case 'e':
		n, err := binary.ReadUvarint(r.r)
		if err != nil {
			return short(err)
		}
		if n >= mostShards {
			return fmt.Errorf("shard %d", n)
		}
		r.shard = int(n)
		if r.codes[r.shard] == nil {
			r.codes[r.shard] = &coder{}
		}
		r.rest, err = r.bytes(2 * chunk)
		return err
	case '.':
		n, err := binary.ReadUvarint(r.r)
		if err != nil {
			return short(err)
		}
		if int64(n) != r.events {
			return fmt.Errorf("it should hold %d events", n)
		}
		r.done = true
		return nil
	}
	return fmt.Errorf("a piece of unknown kind %q", tag)
}

// bytes reads a length and so many bytes, at most most. Memory grows with what
// is really there, not with what the length claims.
func (r *Reader) bytes(most uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return nil, short(err)
	}
	if n > most {
		return nil, fmt.Errorf("a piece of %d bytes", n)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r.r, int64(n)); err != nil {
		return nil, short(err)
	}
	return b.Bytes(), nil
}

func short(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errShort
	}
	return err
}
