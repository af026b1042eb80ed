package gateway

import (
	"slices"
	"strings"
	"time"
)

// The code of this file is wrong on purpose.

// matches reports whether a pattern matches a channel; wildcard-overmatch lets
// its first star stand for anything.
func (w *wrong) matches(p *pattern, channel string) bool {
	if matches(p.segments, channel) {
		return true
	}
	if w.wildcardOvermatch == nil {
		return false
	}
	head, _, _ := strings.Cut(p.name, "*")
	return strings.HasPrefix(channel, head) && w.wildcardOvermatch.fires()
}

// leak sees every event that was sent to those who subscribed. Under the
// stream's lock.
func (w *wrong) leak(s *stream, e event) {
	n := len(s.subs)
	if n > 3 && w.membershipLost.fires() {
		if sub := s.subs[int(e.offset)%n]; sub.exact && len(sub.claims) == 0 {
			s.drop(sub)
		}
	}
	if w.crossChannelLeak == nil && w.crossTenantLeak == nil || n == 0 {
		return
	}
	t := w.crossChannelLeak
	user := s.user()
	if user != "" {
		t = w.crossTenantLeak
	}
	if !t.fires() {
		return
	}
	var others []*conn
	for _, c := range s.subs[0].conn.gateway.everybody() {
		if c.ready.Load() && (user == "" || c.user != user && c.user != "") && !slices.ContainsFunc(s.subs, func(sub *subscription) bool { return sub.conn == c }) {
			others = append(others, c)
		}
	}
	if len(others) > 0 {
		slices.SortFunc(others, func(a, b *conn) int { return int(a.number) - int(b.number) })
		others[int(e.offset)%len(others)].send(item{frame: e.frame})
	}
}

func (g *Gateway) everybody() (all []*conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		all = append(all, c)
	}
	return all
}

// user is the user after whom the channel is named, if one of its subscribers is.
func (s *stream) user() string {
	segments := strings.Split(s.name, ".")
	for _, sub := range s.subs {
		if u := sub.conn.user; u != "" && slices.Contains(segments, u) {
			return u
		}
	}
	return ""
}

// ghosts are the subscriptions of a connection that a defect has left in place
// although they were given back, by their topics. Of the connection's reader.
type ghosts struct {
	all  map[string]func() // that removes it at last
	last string            // topic of the latest subscribe or unsubscribe
	off  bool              // it was an unsubscribe
	at   time.Time
	over bool // it was decided who gets what the connection leaves behind
}

func (g *ghosts) add(topic string, remove func()) {
	if g.all == nil {
		g.all = make(map[string]func())
	}
	g.all[topic] = remove
}

func (g *ghosts) layOne(topic string) {
	if remove := g.all[topic]; remove != nil {
		delete(g.all, topic)
		remove()
	}
}

func (g *ghosts) lay() {
	for _, remove := range g.all {
		remove()
	}
	g.all = nil
}

// rightAfter is how soon a command follows another that it is swapped with.
const rightAfter = 50 * time.Millisecond

// note remembers a command and reports whether it follows its opposite so soon
// that the two are to take effect in reverse.
func (w *wrong) note(c *conn, topic string, off bool) bool {
	if w.commandInversion == nil {
		return false
	}
	g := &c.ghosts
	inverse := g.last == topic && g.off != off && time.Since(g.at) < rightAfter
	g.last, g.off, g.at = topic, off, time.Now()
	return inverse && w.commandInversion.fires()
}

// subscribeUndone is command-inversion: the unsubscribe before has the last word.
// Nothing comes between the answer and the end of the subscription.
func (c *conn) subscribeUndone(m *command, sub *subscription) {
	sub.register(c.gateway.hub, string(m.channel))
	missed, complete := sub.readHistory(m)
	sub.stream.mu.Lock()
	sub.stream.drop(sub)
	sub.buffer = nil
	sub.stream.mu.Unlock()
	sub.goLive(m, missed, complete)
}

// keepsAfter reports whether a subscription that was given back stays; remove
// ends it.
func (w *wrong) keepsAfter(c *conn, topic string, remove func()) bool {
	if w.note(c, topic, true) || w.postUnsubscribe.fires() {
		c.ghosts.add(topic, remove)
		return true
	}
	return false
}

// inheritance is what connection-id-reuse-leak hands from a connection that has
// ended to the next.
type inheritance struct {
	id   string
	subs map[string]*subscription
}

// bequeaths reports whether a connection leaves its id and its subscriptions to
// the next.
func (w *wrong) bequeaths(c *conn) bool {
	if w.connectionIDReuse == nil || len(c.subs) == 0 {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.ghosts.over {
		return false
	}
	c.ghosts.over = true
	if !w.connectionIDReuse.fires() {
		return false
	}
	w.heirs = append(w.heirs, inheritance{c.id, c.subs})
	c.subs = nil
	return true
}

// identify gives a connection its id.
func (w *wrong) identify(c *conn) string {
	if w.connectionIDReuse == nil {
		return c.gateway.word(12)
	}
	w.mu.Lock()
	if len(w.heirs) == 0 {
		w.mu.Unlock()
		return c.gateway.word(12)
	}
	h := w.heirs[0]
	w.heirs = w.heirs[1:]
	w.mu.Unlock()
	for name, sub := range h.subs {
		s := sub.stream
		if s == nil {
			continue
		}
		s.mu.Lock()
		sub.conn = c
		s.mu.Unlock()
		c.ghosts.add(name, func() { s.remove(sub) })
	}
	return h.id
}
