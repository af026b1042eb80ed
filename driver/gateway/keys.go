package gateway

import "time"

// keyTTL is how long an idempotency key is remembered, whatever becomes of its
// event.
const keyTTL = 2 * time.Minute

// keys are the idempotency keys of one channel. Under the stream's lock.
type keys struct {
	offsets map[string]uint64 // of the events that they came with; 0 without history
	oldest  []keyAge          // in the order in which they came
}

type keyAge struct {
	key string
	at  time.Time
}

// none reports whether no key is remembered any more.
func (k *keys) none(now time.Time) bool {
	k.expire(now)
	return len(k.oldest) == 0
}

// find returns the offset of the event that a key came with.
func (k *keys) find(key string, now time.Time) (offset uint64, known bool) {
	k.expire(now)
	offset, known = k.offsets[key]
	return offset, known
}

// expire forgets the keys that are too old.
func (k *keys) expire(now time.Time) {
	n := 0
	for n < len(k.oldest) && now.Sub(k.oldest[n].at) > keyTTL {
		delete(k.offsets, k.oldest[n].key)
		k.oldest[n] = keyAge{}
		n++
	}
	k.oldest = k.oldest[n:]
}

func (k *keys) add(key string, offset uint64, now time.Time) {
	if key == "" {
		return
	}
	if k.offsets == nil {
		k.offsets = make(map[string]uint64)
	}
	if _, known := k.offsets[key]; !known {
		k.oldest = append(k.oldest, keyAge{key, now})
	}
	k.offsets[key] = offset
}
