package assert

import (
	"fmt"
	"strings"
	"time"

	"squall/assert/history"
)

// witnessLines bounds a printed witness.
const witnessLines = 8

// explain fills in the evidence of a finding: the clearest witness, what is
// missing, and why nothing excuses it.
func (s *settlement) explain(x *Finding, w *want, all []*found) {
	best := all[0]
	for _, f := range all {
		if s.facts(f) != nil && s.facts(best) == nil {
			best = f
		}
	}
	x.FaultAgo, x.Client = best.setting.ago, best.client
	x.Witness = s.lines(best)
	x.Missing = s.missing(best)
	x.Unexcused = s.unexcused(best)
	if best.client >= 0 || x.Clients > 0 {
		return
	}
	// What only the channel shows touches everyone who was subscribed to it.
	touched := make(map[history.ClientID]bool)
	for _, f := range all {
		for _, p := range s.parts {
			for at := range p.ledger.all {
				if c := &p.ledger.all[at]; c.channel == f.channel && c.everAnswered && w.filter.client(&p.people[c.client]) {
					touched[c.client] = true
				}
			}
		}
	}
	x.Clients = len(touched)
}

func (s *settlement) facts(f *found) []fact {
	if f.setting.witness < 0 {
		return nil
	}
	return s.parts[f.part].incidents.witness[f.setting.witness]
}

// lines renders the facts of an incident, at most eight of them.
func (s *settlement) lines(f *found) []Line {
	facts := s.facts(f)
	if facts == nil && f.client >= 0 {
		at := f.seen
		if at == 0 {
			at = 1<<63 - 1
		}
		facts = s.parts[f.part].evidence.until(f.client, f.channel, f.anomaly.Define().harm&leaks != 0, at)
	}
	notes := s.parts[f.part].evidence.notes
	var out []Line
	for i := 0; i < len(facts); {
		k := &facts[i]
		n := 1
		if k.kind == history.Deliver && k.flags&history.FlagPositioned != 0 {
			for i+n < len(facts) && continues(&facts[i+n-1], &facts[i+n]) {
				n++
			}
		}
		l := s.line(k, &facts[i+n-1], notes)
		if k.subscribes() && k.channel != f.channel { // to another channel, or to a pattern
			l.Text = strings.TrimSpace(s.j.names.Name(int32(k.channel)) + " " + l.Text)
		}
		out = append(out, l)
		i += n
	}
	if f.inLog {
		return s.logLines(f)
	}
	published := append(s.publisherLines(f), s.offenceLines(f)...)
	published = append(published, s.expiryLines(f)...)
	published = append(published, s.willLines(f)...)
	published = append(published, s.presenceLines(f)...)
	if most := witnessLines - len(published); len(out) > most {
		out = out[len(out)-most:]
	}
	return byTime(append(published, out...))
}

func byTime(l []Line) []Line {
	for i := 1; i < len(l); i++ {
		for k := i; k > 0 && l[k].At < l[k-1].At; k-- {
			l[k], l[k-1] = l[k-1], l[k]
		}
	}
	return l
}

// continues reports whether b is the next delivery of the same run. What was changed
// on the way stands alone.
func continues(a, b *fact) bool {
	return b.kind == history.Deliver && b.offset == a.offset+1 && b.life == a.life && b.epoch == a.epoch &&
		(b.flags^a.flags)&(history.FlagReplay|history.FlagCorrupt) == 0
}

func (s *settlement) line(k, end *fact, notes []string) Line {
	l := Line{At: k.seen, Actor: s.actor(k.client, k.life)}
	note := notes[k.note]
	switch k.kind {
	case history.Deliver:
		l.What = "recv"
		how := "live"
		if k.flags&history.FlagReplay != 0 {
			how = "replay"
		}
		switch {
		case k.flags&history.FlagPositioned == 0:
			l.Text = how + " " + s.message(k.ident())
		case end != k:
			l.Text = fmt.Sprintf("%s offsets %d..%d", how, k.offset, end.offset)
		default:
			l.Text = fmt.Sprintf("%s offset %d", how, k.offset)
			if k.flags&history.FlagStamped != 0 {
				l.Text += " = " + s.message(k.ident())
			}
		}
		if k.flags&history.FlagCorrupt != 0 {
			l.Text += ", stamp does not fit"
		}
	case history.Altered:
		l.What, l.Text = "payload", note
		if k.result() == history.OK {
			l.Text += ": it is the published one"
		}
	case history.Leftover:
		l.What, l.Text = "recv", "on the older connection: "+s.message(k.ident())
	case history.Retained:
		l.What, l.Text = "recv", "retained "+s.message(k.ident())
		if k.flags&history.FlagCorrupt != 0 {
			l.Text += ", stamp does not fit"
		}
	case history.Snapshot:
		l.What, l.Text = "recv", fmt.Sprintf("snapshot of %d/%s", k.offset, s.j.names.Name(int32(k.epoch)))
		if k.code() != 1 {
			l.Text += ", a part of it"
		}
	case history.Displaced:
		l.What, l.Text = "closed", fmt.Sprintf("the older connection, with %d", k.code())
	case history.Subscribe:
		l.What = "sub"
		if k.flags&history.FlagRecover != 0 {
			l.Text = fmt.Sprintf("recover from %d/%s", k.offset, s.j.names.Name(int32(k.epoch)))
		} else {
			l.Text = "fresh"
		}
		if k.flags&history.FlagRows != 0 {
			l.Text += ", snapshot"
		}
		if k.flags&history.FlagForbidden != 0 {
			l.Text = "must be refused"
		}
		if k.flags&history.FlagPresence != 0 {
			l.Text += ", and who is there"
		}
		if k.publisher > 0 {
			l.Text += ", filter " + s.filterText(uint8(k.publisher))
		}
	case history.Subscribed:
		l.What = "ack"
		if k.flags&history.FlagForbidden != 0 {
			l.Text = "granted"
		}
		if k.flags&history.FlagServer != 0 {
			l.Text = "by the server itself"
		}
		if k.flags&history.FlagRecovering != 0 {
			l.Text = fmt.Sprintf("recovered=%v ", k.flags&history.FlagRecovered != 0)
		}
		if k.flags&history.FlagPositioned != 0 {
			l.Text += fmt.Sprintf("top %d/%s", k.offset, s.j.names.Name(int32(k.epoch)))
		}
	case history.Denied:
		l.What, l.Text = "denied", fmt.Sprintf("%d %s", k.code(), note)
	case history.Dial:
		l.What = "dial"
		if k.flags&history.FlagForbidden != 0 {
			l.Text = "must not be let in"
		}
	case history.Open:
		l.What, l.Text = "upgrade", "accepted"
	case history.Unsubscribe:
		l.What = "unsub"
	case history.Unsubscribed:
		l.What, l.Text = "unsubbed", note
	case history.Present:
		l.What, l.Text = "list", fmt.Sprintf("of %d who are there", k.code())
	case history.Joined:
		l.What, l.Text = "join", s.j.names.Name(int32(k.epoch))
	case history.Left:
		l.What, l.Text = "leave", s.j.names.Name(int32(k.epoch))
	case history.Gap:
		l.What, l.Text = "gap", fmt.Sprintf("announced up to %d/%s", k.offset, s.j.names.Name(int32(k.epoch)))
	case history.Passed:
		l.What, l.Text = "position", fmt.Sprintf("told up to %d", k.offset)
	case history.Connected:
		l.What, l.Text = "open", sessionText(k.flags)
	case history.Closed:
		l.What = "closed"
		l.Text = "by " + [...]string{"nobody", "the server", "a fault", "the client"}[min(int(k.who()), 3)]
		if k.code() != 0 {
			l.Text += fmt.Sprintf(" with %d", k.code())
		}
		if note != "" {
			l.Text += ": " + note
		}
	case history.Expires:
		l.What, l.Text = "token", fmt.Sprintf("which expires at %v", k.sent.Round(time.Millisecond))
	case history.Revoked:
		l.What, l.Text = "rights", "are taken away, the target has confirmed"
	case history.Announced:
		l.What, l.Text = "notice", "the server will end the connection"
		if k.code() > 0 {
			l.Text += fmt.Sprintf("; return after %v", time.Duration(k.code())*time.Millisecond)
		}
	case history.FaultBegin:
		l.What, l.Text = "fault", note+ofNode(k)
	case history.FaultEnd:
		l.What, l.Text = "healed", note+ofNode(k)
		if isAbuse(note) {
			l.What, l.Text = "after", note+": "+[...]string{"neither closed nor answered", "the connection went on", "refused"}[min(int(k.result()), 2)]
		}
	case history.Pinged:
		l.What, l.Text = "ping", "answered"
		if k.sent == 0 {
			l.Text = "not answered"
		}
	case history.Probe:
		l.What, l.Text = "pong", fmt.Sprintf("to the probe sent at %v", k.sent.Round(time.Millisecond))
	}
	return l
}

// publisherLines tell what the publisher knows of the message in question.
func (s *settlement) publisherLines(f *found) (out []Line) {
	for k, id := range [...]ident{f.id, f.other} {
		ch := f.channel
		if k == 1 && f.anomaly == CausalInversion {
			ch = f.otherChannel
		}
		m := s.publication(ch, id)
		if m == nil {
			continue
		}
		l := Line{At: m.sent, Actor: s.publisher(id.publisher), What: "publish", Text: s.message(id)}
		if s.isWill(id) {
			l.What, l.Text = "connect", fmt.Sprintf("with a will for %s", s.j.names.Name(int32(ch)))
			out = append(out, l)
			continue
		}
		switch m.result {
		case history.OK:
			l.Text += fmt.Sprintf(", acknowledged %v later", (m.settled - m.sent).Round(10*time.Microsecond))
		case history.Failed:
			l.Text += ", refused"
		default:
			l.Text += ", outcome unknown"
		}
		out = append(out, l)
	}
	return out
}

func (s *settlement) actor(c history.ClientID, life int32) string { return s.j.actor(c, life) }

func (j *Judge) actor(c history.ClientID, life int32) string {
	if c < 0 {
		return "the plan"
	}
	name := fmt.Sprintf("client/%d", c)
	for _, g := range j.brief.Groups {
		if int(c) >= g.First && int(c) < g.First+g.Count {
			name = fmt.Sprintf("%s/%d", g.Name, int(c)-g.First)
		}
	}
	if life > 0 {
		name += fmt.Sprintf(" #%d", life)
	}
	return name
}

func (s *settlement) publisher(p int32) string {
	if p >= 0 && int(p) < len(s.j.brief.Publishers) {
		return s.actor(history.ClientID(s.j.brief.Publishers[p].Client), 0)
	}
	return fmt.Sprintf("publisher %d", p)
}

// message names a publication. The number counts within its channel.
func (s *settlement) message(id ident) string {
	if id.seq == 0 {
		return "a message without a stamp"
	}
	t := fmt.Sprintf("message %d of %s", id.seq, s.publisher(id.publisher))
	if s.isWill(id) {
		return fmt.Sprintf("the will of connection %d of %s", id.incarnation, s.publisher(id.publisher))
	}
	if id.fence {
		t = "the fence of " + s.publisher(id.publisher)
	}
	if id.incarnation > 1 {
		t += fmt.Sprintf(", incarnation %d", id.incarnation)
	}
	return t
}

// missing says in one line what is missing, doubled or misplaced.
func (s *settlement) missing(f *found) string {
	ch := s.j.names.Name(int32(f.channel))
	what := fmt.Sprintf("%s of %s", s.message(f.id), ch)
	if f.epoch != withoutOffsets && !(f.inLog && f.anomaly != DuplicateDelivery && f.anomaly != OffsetDivergence) {
		what = fmt.Sprintf("offset %d of %s", f.from, ch)
		if f.to > f.from {
			what = fmt.Sprintf("offsets %d..%d of %s", f.from, f.to, ch)
		} else if f.id.seq != 0 {
			what += " = " + s.message(f.id)
		}
	}
	d := f.anomaly.Define()
	switch {
	case d.harm == spreads:
		return s.suffered(f)
	case d.Owner == "retained":
		return s.handedWhat(f)
	case d.harm == misstates:
		return fmt.Sprintf("received of %s %s", s.j.names.Name(int32(f.channel)), f.said)
	case d.Owner == "will":
		return s.willWhat(f)
	case d.harm == misleads:
		return s.presenceWhat(f)
	case d.harm == miscounts && !f.came && f.id.seq == 0 && f.epoch == withoutOffsets:
		return fmt.Sprintf("received of %s %s", ch, f.said)
	case d.harm == miscounts:
		return "received " + what + ": " + f.said
	case d.harm == floods || d.harm == stales:
		return s.misshapen(f, what)
	case d.Owner == "heartbeat":
		return f.beat()
	case d.harm&(herds|parts|offends|delays|garbles) != 0:
		return f.what()
	case f.anomaly == RightNotEnforced || f.anomaly == WronglyRefused:
		return f.said
	case f.said != "" && (d.harm&(alters|waits|gathers) != 0 || f.anomaly == HeadOfLineBlock):
		return "received " + what + ": " + f.said
	case f.came:
		return "received " + what
	case f.copies > 0:
		return fmt.Sprintf("%d of %d copies of %s", int64(f.copies)-f.n, f.copies, what)
	case d.harm&loses != 0 && f.anomaly != StaleEpochAccepted:
		return fmt.Sprintf("missing %s (%d)", what, f.n)
	case f.anomaly == PhantomMessage && !f.inLog && f.id.seq == 0:
		return "received " + what + ", whose stamp does not fit its payload, channel or run"
	case f.anomaly == CausalInversion:
		return fmt.Sprintf("%s of %s came before %s, which its publisher had received before", s.message(f.other), s.j.names.Name(int32(f.otherChannel)), what)
	case f.anomaly == OffsetDivergence || f.anomaly == OrderDivergence || f.anomaly == FIFOViolation:
		if f.other.seq != 0 {
			return fmt.Sprintf("%s, against %s", what, s.message(f.other))
		}
	case d.harm == refuses && d.Owner == "queue":
		return fmt.Sprintf("the session was not resumed; %d messages were published for it meanwhile", f.n)
	case d.harm == refuses:
		return fmt.Sprintf("refused %s (%d)", what, f.n)
	}
	return what
}

// unexcused says why nothing excuses the incident.
func (s *settlement) unexcused(f *found) (out []string) {
	d := f.anomaly.Define()
	switch d.Owner {
	case "retained":
		return s.handedWhy(f)
	case "will":
		return s.willWhy(f)
	case "presence":
		return s.presenceWhy(f)
	case "snapshot":
		return s.misstatedWhy(f)
	}
	if m := s.publication(f.channel, f.id); m != nil && m.known() && d.harm&loses != 0 {
		out = append(out, "the publication was acknowledged")
	}
	if f.copies > 0 {
		return append(out, fmt.Sprintf("the target promises one copy for each of its client's %d subscriptions that match; all of them were answered before it was sent, and live to the end", f.copies))
	}
	if d.harm&loses != 0 && !f.came && f.client >= 0 && f.epoch != withoutOffsets && f.anomaly != StaleEpochAccepted {
		switch n := s.others(f); {
		case n == 1:
			out = append(out, "another client received it")
		case n > 1:
			out = append(out, fmt.Sprintf("%d other clients received it", n))
		}
		if f.to < s.channels[f.channel].fence {
			out = append(out, fmt.Sprintf("the channel's fence stands at offset %d, behind it", s.channels[f.channel].fence))
		}
		out = append(out, "the server announced no gap")
	}
	if f.anomaly == FilterFalseNegative {
		out = append(out, "the filter of its subscription lets it through: "+s.filterText(f.filter))
	}
	if f.anomaly == HeadOfLineBlock {
		return append(out, "nothing of the client's own makes it late, and the generator was not saturated")
	}
	if d.harm == waits {
		return append(out, "all of them came after the target had acknowledged the urgent message; the client read its connection to the end in order")
	}
	if d.harm == garbles {
		return append(out, "no fault of the plan touched these bytes, and no client of the plan had sent them")
	}
	if d.harm == gathers {
		return append(out, s.ungathered(f)...)
	}
	if d.harm == miscounts {
		return s.uncounted(f)
	}
	if d.Owner == "transform" {
		return append(out, "the field is compared by value with what the expected transformation makes of the published payload")
	}
	if f.anomaly == PayloadAltered {
		return append(out, "the payload is compared by value, field by field, with what the plan published under this stamp")
	}
	switch d.harm {
	case stales, floods:
		return s.unshaped(f)
	case leaks, leaks | loses:
		if f.came {
			out = append(out, s.kept(f))
		}
	case bars:
		out = append(out, s.kept(f))
	case repeats:
		if f.anomaly == DuplicateLiveSession {
			return append(out, "it was sent after the newer connection had been answered, when the older one should have been closed")
		}
		if f.anomaly == OverlapCopies {
			return append(out, "the target promises copies: "+s.j.brief.Promises.Copies)
		}
		out = append(out, "each message may be received once")
	case refuses:
		if d.Owner == "queue" {
			q := s.promises(f.channel).Queue
			return append(out, fmt.Sprintf("the target promises to keep %d messages of a session for %v", q.Size, q.TTL))
		}
		h := s.promises(f.channel).History
		out = append(out, fmt.Sprintf("the target promises a history of %d messages and %v", h.Size, h.TTL))
	case offends:
		out = append(out, "nothing else that the plan did touched this connection")
	case spreads:
		out = append(out, "this client did nothing wrong; no fault of its own touched this connection")
	case parts:
		if f.to == causes["abuse"] {
			return append(out, "the client's offence is the only thing that explains the end")
		}
		out = append(out, "no fault of the client's own touched this connection")
	case herds:
		out = append(out, "the time of return was the server's choice: it told each client how long to wait")
	case reorders:
		if f.same {
			out = append(out, "both messages are of one publisher")
		}
	}
	return out
}

// others counts the clients that received what this one lost.
func (s *settlement) others(f *found) (n int) {
	for i, p := range s.parts {
		for at := range p.ledger.all {
			c := &p.ledger.all[at]
			if c.channel == f.channel && c.epoch == f.epoch && c.positioned && !(i == f.part && c.client == f.client) &&
				c.origin < f.from && f.to <= c.last && p.got(int32(at), c, f.epoch, f.from) {
				n++
			}
		}
	}
	return n
}
