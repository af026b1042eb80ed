package history

import "sync"

// Names interns the channel and epoch names of one run. Names known to the
// plan get the first numbers, in the plan's order; others are added when they
// are first met. It is safe for concurrent use; shards keep a Cache in front
// of it so that the hot path takes no lock.
type Names struct {
	mu    sync.Mutex
	ids   map[string]int32
	names []string
}

// NewNames returns a table that holds known, numbered from 0.
func NewNames(known []string) *Names {
	n := &Names{ids: make(map[string]int32, len(known)), names: make([]string, 0, len(known))}
	for _, s := range known {
		n.ids[s] = int32(len(n.names))
		n.names = append(n.names, s)
	}
	return n
}

// ID returns the number of name, adding it if it is new.
func (n *Names) ID(name string) int32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok := n.ids[name]; ok {
		return id
	}
	id := int32(len(n.names))
	n.ids[name] = id
	n.names = append(n.names, name)
	return id
}

// Name returns the name of id, or "" if there is none.
func (n *Names) Name(id int32) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id < 0 || int(id) >= len(n.names) {
		return ""
	}
	return n.names[id]
}

// All returns a copy of the names, indexed by number.
func (n *Names) All() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.names...)
}

// Cache is one shard's view of a Names: an open table keyed by bytes, owned by
// one goroutine. A hit costs a hash and a comparison and allocates nothing.
type Cache struct {
	names *Names
	slots []slot
	used  int
}

type slot struct {
	hash uint32
	id   int32
	name string // "" marks a free slot; the empty name is never cached
}

// NewCache returns an empty cache in front of n.
func NewCache(n *Names) *Cache { return &Cache{names: n, slots: make([]slot, 64)} }

// ID returns the number of name. It keeps no reference to the slice.
func (c *Cache) ID(name []byte) int32 {
	if len(name) == 0 {
		return c.names.ID("")
	}
	h := Hash(name)
	mask := uint32(len(c.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := &c.slots[i]
		if s.name == "" {
			return c.add(h, name)
		}
		if s.hash == h && s.name == string(name) {
			return s.id
		}
	}
}

// Len is how many names the cache has met.
func (c *Cache) Len() int { return c.used }

func (c *Cache) add(h uint32, name []byte) int32 {
	s := slot{hash: h, id: c.names.ID(string(name)), name: string(name)}
	if c.used*2 >= len(c.slots) {
		old := c.slots
		c.slots = make([]slot, 2*len(old))
		for _, o := range old {
			if o.name != "" {
				c.put(o)
			}
		}
	}
	c.put(s)
	c.used++
	return s.id
}

func (c *Cache) put(s slot) {
	mask := uint32(len(c.slots) - 1)
	i := s.hash & mask
	for c.slots[i].name != "" {
		i = (i + 1) & mask
	}
	c.slots[i] = s
}

// Hash is 32-bit FNV-1a. It also tags the channel inside a stamp.
func Hash(name []byte) uint32 {
	h := uint32(2166136261)
	for _, b := range name {
		h = (h ^ uint32(b)) * 16777619
	}
	return h
}

// Len is how many names there are.
func (n *Names) Len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.names)
}
