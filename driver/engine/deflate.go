package engine

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws/wsflate"
)

// DeflateOffer is the header that offers permessage-deflate (RFC 7692): each message
// compressed alone, both ways, so that connections need no window of their own.
const DeflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// packedBit is RSV1 of a frame's first byte: the message that it begins is compressed.
const packedBit = 0x40

// checkDeflate reads the extensions of an answer to DeflateOffer, and says what is
// wrong with them (RFC 7692 §7.1).
func checkDeflate(value []byte) (why string) {
	options, ok := httphead.ParseOptions(value, nil)
	if !ok || len(options) == 0 {
		return fmt.Sprintf("101 with the malformed extensions %q", value)
	}
	if len(options) > 1 || string(options[0].Name) != wsflate.ExtensionName {
		return fmt.Sprintf("101 with the extensions %q, offered was permessage-deflate alone", value)
	}
	var p wsflate.Parameters
	switch err := p.Parse(options[0]); {
	case err != nil:
		return fmt.Sprintf("101 with the extension %q: %v", value, err)
	case !p.ServerNoContextTakeover:
		return fmt.Sprintf("101 with the extension %q, without the server_no_context_takeover that was asked for", value)
	case p.ClientMaxWindowBits != 0:
		return fmt.Sprintf("101 with the extension %q: client_max_window_bits was not offered", value)
	}
	return ""
}

// flushed is what a sender takes off the end of a compressed message (RFC 7692
// §7.2.1), and behind it an empty last block.
const flushed = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// inflater expands the messages of one loop, one at a time.
type inflater struct {
	in  packedBytes
	z   io.ReadCloser
	out []byte // the latest message; valid until settle
}

// packedBytes is a compressed message, with what was taken off its end.
type packedBytes struct {
	b    []byte
	tail string
}

func (p *packedBytes) ReadByte() (byte, error) {
	var c byte
	switch {
	case len(p.b) > 0:
		c, p.b = p.b[0], p.b[1:]
	case p.tail != "":
		c, p.tail = p.tail[0], p.tail[1:]
	default:
		return 0, io.EOF
	}
	return c, nil
}

func (p *packedBytes) Read(dst []byte) (n int, err error) {
	if n = copy(dst, p.b); n > 0 {
		p.b = p.b[n:]
		return n, nil
	}
	if n = copy(dst, p.tail); n > 0 {
		p.tail = p.tail[n:]
		return n, nil
	}
	return 0, io.EOF
}

// inflate expands one whole message of at most limit bytes.
func (f *inflater) inflate(b []byte, limit int) ([]byte, violation) {
	f.in, f.out = packedBytes{b, flushed}, shrunk(f.out)
	for {
		if f.z == nil {
			f.z = flate.NewReader(&f.in)
		} else if err := f.z.(flate.Resetter).Reset(&f.in, f.out); err != nil {
			return nil, violation{1007, "compressed message: " + err.Error()}
		}
		for {
			if len(f.out) == cap(f.out) {
				f.out = append(f.out, 0)[:len(f.out)]
			}
			n, err := f.z.Read(f.out[len(f.out):cap(f.out)])
			f.out = f.out[:len(f.out)+n]
			switch {
			case len(f.out) > limit:
				return nil, violation{1009, fmt.Sprintf("compressed message of over %d bytes is over the limit of %d", len(f.out)-1, limit)}
			case err == io.EOF:
			case err != nil:
				return nil, violation{1007, "compressed message can't be expanded by itself: " + err.Error()}
			default:
				continue
			}
			break
		}
		if len(f.in.b) == 0 { // else a last block in the midst, which may be followed by more (RFC 7692 §7.2.3.4)
			return f.out, violation{}
		}
	}
}

// deflater compresses the messages of one loop, one at a time.
type deflater struct {
	z   *flate.Writer
	out bytes.Buffer
}

// deflate compresses one message; the result is valid until the next.
func (f *deflater) deflate(b []byte) []byte {
	f.out.Reset()
	if f.z == nil {
		f.z, _ = flate.NewWriter(&f.out, flate.BestSpeed) // the level is valid
	} else {
		f.z.Reset(&f.out)
	}
	f.z.Write(b) // a buffer takes everything
	f.z.Flush()
	return bytes.TrimSuffix(f.out.Bytes(), []byte(flushed[:4]))
}
