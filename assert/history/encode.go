package history

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A coder writes and reads the events of one shard: what is equal to the event
// before is left out, the rest is a difference. Its state is the last event and
// the notes met so far.
type coder struct {
	last  Event
	notes []string
	ids   map[string]uint64
}

// The bits of the mask that says which fields differ.
const (
	hasFlags = 1 << iota
	hasEnds  // Result and Who
	hasClient
	hasLife
	hasCode
	hasChannel
	hasEpoch
	hasOffset
	hasPublisher
	hasIncarnation
	hasSeq
	hasDue
	hasSent
	hasArrived
	hasSeen
	hasBytes
	hasNote
)

// Bounds of what a reader accepts.
const (
	mostClients = 1 << 22
	longestNote = 1 << 12
	mostNotes   = 1 << 20
)

// append adds the coded event to dst.
func (c *coder) append(dst []byte, e *Event) []byte {
	l := &c.last
	var mask uint64
	var body [17 * binary.MaxVarintLen64]byte
	b := body[:0]
	diff := func(bit uint64, d int64) {
		if d != 0 {
			mask |= bit
			b = binary.AppendVarint(b, d)
		}
	}
	diff(hasFlags, int64(e.Flags)-int64(l.Flags))
	diff(hasEnds, int64(e.Result)|int64(e.Who)<<2)
	diff(hasClient, int64(e.Client)-int64(l.Client))
	diff(hasLife, int64(e.Life)-int64(l.Life))
	diff(hasCode, int64(e.Code))
	diff(hasChannel, int64(e.Channel)-int64(l.Channel))
	diff(hasEpoch, int64(e.Epoch)-int64(l.Epoch))
	diff(hasOffset, int64(e.Offset-l.Offset))
	diff(hasPublisher, int64(e.Publisher)-int64(l.Publisher))
	diff(hasIncarnation, int64(e.Incarnation)-int64(l.Incarnation))
	diff(hasSeq, int64(e.Seq-l.Seq))
	diff(hasDue, int64(e.Due-l.Due))
	diff(hasSent, int64(e.Sent-l.Sent))
	diff(hasArrived, int64(e.Arrived-e.Seen))
	diff(hasSeen, int64(e.Seen-l.Seen))
	diff(hasBytes, int64(e.Bytes)-int64(l.Bytes))
	note := ""
	if e.Note != "" {
		mask |= hasNote
		if len(e.Note) > longestNote {
			e.Note = e.Note[:longestNote]
		}
		if c.ids == nil {
			c.ids = make(map[string]uint64)
		}
		id, known := c.ids[e.Note]
		if !known {
			if len(c.ids) < mostNotes {
				c.ids[e.Note] = uint64(len(c.ids) + 1)
			}
			note = e.Note
		}
		b = binary.AppendUvarint(b, id) // 0: the text follows
	}
	dst = append(dst, byte(e.Kind))
	dst = binary.AppendUvarint(dst, mask)
	dst = append(dst, b...)
	if note != "" {
		dst = binary.AppendUvarint(dst, uint64(len(note)))
		dst = append(dst, note...)
	}
	c.last = *e
	c.last.Note = ""
	return dst
}

// next takes one event off src, which holds whole events. names is how many
// names are known: an event that refers to others is refused.
func (c *coder) next(src []byte, names int) (e Event, rest []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("an event is damaged: %w", err)
		}
	}()
	if len(src) == 0 {
		return e, nil, errShort
	}
	kind := Kind(src[0])
	src = src[1:]
	mask, n := binary.Uvarint(src)
	if n <= 0 || mask >= hasNote<<1 {
		return e, nil, errShort
	}
	src = src[n:]
	e = c.last
	var ends int64
	bad := false
	diff := func(bit uint64) int64 {
		if mask&bit == 0 || bad {
			return 0
		}
		d, n := binary.Varint(src)
		if n <= 0 {
			bad = true
			return 0
		}
		src = src[n:]
		return d
	}
	e.Kind = kind
	e.Flags = Flags(int64(e.Flags) + diff(hasFlags))
	ends = diff(hasEnds)
	e.Client = ClientID(int64(e.Client) + diff(hasClient))
	e.Life = int32(int64(e.Life) + diff(hasLife))
	e.Code = int32(diff(hasCode))
	e.Channel = ChannelID(int64(e.Channel) + diff(hasChannel))
	e.Epoch = EpochID(int64(e.Epoch) + diff(hasEpoch))
	e.Offset += uint64(diff(hasOffset))
	e.Publisher = int32(int64(e.Publisher) + diff(hasPublisher))
	e.Incarnation = uint32(int64(e.Incarnation) + diff(hasIncarnation))
	e.Seq += uint64(diff(hasSeq))
	e.Due += time.Duration(diff(hasDue))
	e.Sent += time.Duration(diff(hasSent))
	arrived := diff(hasArrived)
	e.Seen += time.Duration(diff(hasSeen))
	e.Arrived = e.Seen + time.Duration(arrived)
	e.Bytes = int32(int64(e.Bytes) + diff(hasBytes))
	e.Result, e.Who = Result(ends&3), Who(ends>>2)
	if bad {
		return e, nil, errShort
	}
	if mask&hasNote != 0 {
		if e.Note, src, err = c.note(src); err != nil {
			return e, nil, err
		}
	}
	switch {
	case e.Kind == KindNone || e.Kind >= kinds:
		return e, nil, fmt.Errorf("kind %d", e.Kind)
	case ends < 0 || e.Result > Failed || ends>>2 > int64(Client):
		return e, nil, fmt.Errorf("result %d", ends)
	case e.Client < -1 || e.Client >= mostClients:
		return e, nil, fmt.Errorf("client %d", e.Client)
	case e.Channel < -1 || int(e.Channel) >= names, e.Epoch < -1 || int(e.Epoch) >= max(names, 1):
		return e, nil, fmt.Errorf("channel %d or epoch %d of %d names", e.Channel, e.Epoch, names)
	}
	c.last = e
	c.last.Note = ""
	return e, src, nil
}

func (c *coder) note(src []byte) (string, []byte, error) {
	id, n := binary.Uvarint(src)
	if n <= 0 || id > uint64(len(c.notes)) {
		return "", nil, errShort
	}
	src = src[n:]
	if id > 0 {
		return c.notes[id-1], src, nil
	}
	size, n := binary.Uvarint(src)
	if n <= 0 || size > longestNote || size > uint64(len(src)-n) {
		return "", nil, errShort
	}
	text := string(src[n : n+int(size)])
	if len(c.notes) < mostNotes {
		c.notes = append(c.notes, text)
	}
	return text, src[n+int(size):], nil
}
