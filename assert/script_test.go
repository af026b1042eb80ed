package assert

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"squall/assert/history"
	"squall/scenario"
)

// A script is a small history that people can read. The first line says what
// the rules make of it:
//
//	expect: delivery=pass order=pass recovery=fail:recovered-flag-lie
//
// then `with:` lines change the promises and expectations, and each further line
// is `SECONDS ACTOR VERB …`. Actors are voters `v0`, `v1`…, tellers `t0`, `t1`…
// and `run`. Voters: open, session new|resumed|refused|plain [ID], ready, closed WHO [CODE], fault NAME, healed NAME, sub CH
// [from O/E] [kept], ack CH O/E [recovered|refused], ack CH, recv CH O/E MSG [flags],
// recv CH MSG, cause CH O/E MSG and altered CH O/E MSG [raw] (of the receipt before), unsub CH, unsubbed CH, revoked CH, gap CH O/E, told CH O/E, probe SENT, resynced SINCE,
// refused CODE, problem CODE [excused|overdue|broken], dial NODE [hinted], notice MS, leftover CH MSG and displaced
// CODE of the connection before; sub CH forbidden, ack CH forbidden, denied CH [forbidden], shut-out (not let in),
// barred and let-in (of those who must not be), outcast (the target confirms a revocation, which is fault revoke), row CH O/E MSG and snapshot CH O/E [part] (behind a sub that ends in rows), given CH (by the server itself), kept CH MSG (given as what the channel keeps), will CH (handed over when connecting; it comes as the message
// t4.LIFE#1 of v0, t5.LIFE#1 of v1, and so on). The run: phase NAME,
// fault NAME @NODE, healed NAME @NODE. An abuse is healed =obeyed, =refused, or neither. Tellers: pub CH MSG [retry|outbox|retain], ok|fail|unknown CH MSG [O/E] [retry].
// Of presence: sub CH presence [kept], list CH - NAME…, list CH asked=SENT NAME…, join CH NAME, leave CH NAME, pinging, beat SENT.
// A message is `t0#3`, `t0.1#3` with its incarnation, and ends in `!` if it is a
// fence. Flags: replay, corrupt, storm, weighed, joined, bytes=N, arrived=S. An answer that hides its position has `-` there. A sub that ends in filter=N has filter N;
// a pub that ends in passes=N,M is let through by these.
type script struct {
	names  *history.Names
	brief  *Brief
	events []history.Event
	want   map[string]string
	lives  map[history.ClientID]int32
	sent   map[string]time.Duration
	voters int
	end    End // how the run ended

	filtered map[uint64]bool // subscriptions that have a filter

	asked map[uint64]time.Duration // by subscription that asks who is there: when it did
}

const scriptVoters, scriptTellers = 8, 4

func newScript() *script {
	s := &script{names: history.NewNames([]string{"room", "hall"}), want: make(map[string]string), lives: make(map[history.ClientID]int32), sent: make(map[string]time.Duration)}
	s.brief = &Brief{
		Promises: scenario.Promises{Delivery: "exactly-once", Order: "per-channel", Recovery: true, History: scenario.History{Size: 1000, TTL: time.Hour}},
		Offsets:  true, Ack: true,
	}
	s.people(scriptVoters)
	return s
}

// people says how many voters there are.
func (s *script) people(voters int) {
	s.voters = voters
	s.brief.Groups = []BriefGroup{{Name: "voters", Count: voters, Subs: voters}, {Name: "tellers", First: voters, Count: scriptTellers}}
	s.brief.Publishers = nil
	for i := range scriptTellers {
		s.brief.Publishers = append(s.brief.Publishers, BriefPublisher{Client: voters + i, Name: "votes"})
	}
}

func (s *script) expect(rule, want string) {
	s.brief.Expect = append(s.brief.Expect, scenario.Expectation{Rule: rule, Name: rule, Want: want, Errors: scenario.Limit{Op: "<=", Text: "0"}})
}

// watched makes it known who is who: each voter is the user of its name.
func (s *script) watched() {
	for i := range s.voters {
		s.brief.Members = append(s.brief.Members, fmt.Sprintf("v%d", i))
	}
}

func (s *script) with(setting string) error {
	k, v, _ := strings.Cut(setting, "=")
	switch k {
	case "history":
		n, err := strconv.Atoi(v)
		s.brief.Promises.History.Size = n
		return err
	case "ttl":
		d, err := time.ParseDuration(v)
		s.brief.Promises.History.TTL = d
		return err
	case "queue":
		size, ttl, _ := strings.Cut(v, "/")
		n, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		d, err := time.ParseDuration(ttl)
		s.brief.Promises.Queue = scenario.History{Size: n, TTL: d}
		return err
	case "rule": // match:delivery:order:recovery
		x := strings.Split(v, ":")
		p := &s.brief.Promises
		p.Channels = append(p.Channels, scenario.ChannelPromises{
			Match: x[0], Delivery: x[1], Order: x[2], Recovery: x[3] == "recovery", History: p.History, Queue: p.Queue,
		})
	case scenario.Throttle, scenario.Debounce: // match:time[:first|:limit]
		x := strings.Split(v, ":")
		d, err := time.ParseDuration(x[1])
		shape := scenario.Shape{Kind: k, Match: x[0], Every: d, Keep: "last"}
		if k == scenario.Debounce {
			shape = scenario.Shape{Kind: k, Match: x[0], Quiet: d}
		} else if len(x) > 2 {
			shape.Keep = x[2]
		}
		s.brief.Promises.Shapes = append(s.brief.Promises.Shapes, shape)
		for i := range s.brief.Expect {
			if e := &s.brief.Expect[i]; e.Rule == k {
				e.Channel, e.Shape = x[0], scenario.ShapeLimit{Count: 1, Per: shape.Every, Quiet: shape.Quiet}
			}
		}
		return err
	case scenario.Aggregate: // match:time
		match, every, _ := strings.Cut(v, ":")
		d, err := time.ParseDuration(every)
		s.brief.Promises.Shapes = append(s.brief.Promises.Shapes, scenario.Shape{Kind: k, Match: match, Every: d, Sum: "weight", By: "option"})
		for i := range s.brief.Expect {
			if e := &s.brief.Expect[i]; e.Rule == k {
				e.Channel, e.Number, e.Book, e.Told = match, 1, &scenario.Book{}, &scenario.Book{}
			}
		}
		return err
	case "at-most": // N/time
		n, per, _ := strings.Cut(v, "/")
		count, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		d, err := time.ParseDuration(per)
		for i := range s.brief.Expect {
			if e := &s.brief.Expect[i]; e.Rule == scenario.Throttle {
				e.Shape.Count, e.Shape.Per = count, d
			}
		}
		return err
	case "settles":
		d, err := time.ParseDuration(v)
		for i := range s.brief.Expect {
			s.brief.Expect[i].Shape.Settles = scenario.Limit{Op: "<=", A: d.Seconds(), Text: v}
		}
		return err
	case "fold": // merge or sum
		for i := range s.brief.Expect {
			if e := &s.brief.Expect[i]; e.Rule == "state" {
				e.Want, e.Number, e.Book = v, 1, &scenario.Book{Key: "key"}
			}
		}
	case "rows": // that snapshots have, by the key
		for i := range s.brief.Expect {
			if e := &s.brief.Expect[i]; e.Rule == "snapshot" {
				e.Number, e.Book = 1, &scenario.Book{Key: "key", Tombstone: "gone"}
			}
		}
	case "silence":
		n, err := strconv.Atoi(v)
		s.brief.Silence = uint16(n)
		return err
	case "lost":
		n, err := strconv.Atoi(v)
		s.brief.Lost = uint16(n)
		return err
	case "success": // of all returns
		share, err := strconv.ParseFloat(v, 64)
		for i := range s.brief.Expect {
			s.brief.Expect[i].Success = scenario.Limit{Op: ">=", A: share}
		}
		return err
	case "voters":
		n, err := strconv.Atoi(v)
		s.people(n)
		return err
	case "personal":
		s.brief.Personal = append(s.brief.Personal, s.names.ID(v))
	case "expiry":
		d, err := time.ParseDuration(v)
		s.brief.Promises.Expiry = d
		return err
	case "user": // N:name, whom the target takes voter N for
		n, name, _ := strings.Cut(v, ":")
		i, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		s.brief.Members[i] = name
	case "apart": // lists and changes are told apart
		s.brief.Apart = true
	case "strangers": // there are users that nobody knows
		s.brief.Strangers = true
	case "heartbeat": // every/timeout
		every, timeout, _ := strings.Cut(v, "/")
		a, err := time.ParseDuration(every)
		if err != nil {
			return err
		}
		b, err := time.ParseDuration(timeout)
		s.brief.Promises.Heartbeat = scenario.Heartbeat{Every: a, Timeout: b}
		return err
	case "wills": // and what is a goodbye
		s.brief.Wills, s.brief.Goodbye = scriptTellers, map[string]string{"frame": GoodbyeFrame, "word": GoodbyeWord}[v]
		for i := range s.voters {
			s.brief.Publishers = append(s.brief.Publishers, BriefPublisher{Client: i, Name: "will"})
		}
	case "takeover":
		s.brief.Promises.Takeover = v
	case "foreign": // traffic: true or false
		b := v == "true"
		s.brief.Promises.Foreign = &b
	case "observed":
		s.brief.Observed = []int32{int32(s.names.ID(v))}
	case "copies":
		s.brief.Promises.Copies = v
	case "delivery":
		s.brief.Promises.Delivery = v
	case "order":
		s.brief.Promises.Order = v
	case "close":
		when, codes, _ := strings.Cut(v, ":")
		for i := range s.brief.Expect {
			if x := &s.brief.Expect[i]; x.Rule == "close" {
				x.Close.When = when
				for _, c := range strings.FieldsFunc(codes, func(r rune) bool { return r == ',' }) {
					n, err := strconv.Atoi(c)
					if err != nil {
						return err
					}
					x.Close.Codes = append(x.Close.Codes, n)
				}
			}
		}
	case "norecovery":
		s.brief.Promises.Recovery = false
	case "delivery-want", "order-want", "recovery-want", "queue-want", "priority-want":
		for i := range s.brief.Expect {
			if x := &s.brief.Expect[i]; x.Rule == strings.TrimSuffix(k, "-want") {
				x.Want = v
			}
		}
	case "urgent": // number of the publisher
		n, err := strconv.Atoi(v)
		s.brief.Publishers[n].Priority = "urgent"
		return err
	case "low":
		n, err := strconv.Atoi(v)
		s.brief.Publishers[n].Priority = "low"
		return err
	case "batch": // match:max:wait
		x := strings.Split(v, ":")
		most, err := strconv.Atoi(x[1])
		if err != nil {
			return err
		}
		d, err := time.ParseDuration(x[2])
		s.brief.Promises.Batches = append(s.brief.Promises.Batches, scenario.Batch{Match: x[0], Max: most, Wait: d})
		for i := range s.brief.Expect {
			if e := &s.brief.Expect[i]; e.Rule == "batch" {
				e.Channel, e.Batch = x[0], scenario.BatchLimit{Max: most, Wait: d}
			}
		}
		return err
	case "batch-wait": // that is expected
		d, err := time.ParseDuration(v)
		for i := range s.brief.Expect {
			s.brief.Expect[i].Batch.Wait = d
		}
		return err
	case "allow": // bytes before an urgent message
		n, err := strconv.Atoi(v)
		for i := range s.brief.Expect {
			s.brief.Expect[i].Allow = n
		}
		return err
	case "saturated":
		s.end = End{Saturated: true, Why: "lag"}
	case "memory":
		n, err := strconv.ParseInt(v, 10, 64)
		s.brief.Memory = n
		return err
	case "latency": // stage/during/quantile/limit
		x := strings.Split(v, "/")
		if len(x) != 4 {
			return fmt.Errorf("%q is no latency", v)
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(x[2], "p"), 64)
		if err != nil {
			return err
		}
		d, err := time.ParseDuration(x[3])
		for i := range s.brief.Expect {
			if e := &s.brief.Expect[i]; e.Rule == "latency" {
				e.Latency = scenario.LatencyWant{Of: x[0], During: x[1],
					P: []scenario.Quantile{{Key: x[2], Q: q / 100, Limit: scenario.Limit{Op: "<=", A: d.Seconds()}}}}
			}
		}
		return err
	case "waived":
		for i := range s.brief.Expect {
			s.brief.Expect[i].Waived = scenario.Limit{Op: ">="}
		}
	case "to":
		for i := range s.brief.Expect {
			s.brief.Expect[i].Groups = []string{v}
		}
	case "channel":
		for i := range s.brief.Expect {
			s.brief.Expect[i].Channel = v
		}
	case "within":
		d, err := time.ParseDuration(v)
		for i := range s.brief.Expect {
			s.brief.Expect[i].Within = d
		}
		return err
	default:
		return fmt.Errorf("unknown setting %q", setting)
	}
	return nil
}

func (s *script) position(e *history.Event, w string) error {
	o, ep, ok := strings.Cut(w, "/")
	n, err := strconv.ParseUint(o, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("%q is no position", w)
	}
	e.Offset, e.Epoch = n, history.EpochID(s.names.ID(ep))
	return nil
}

func (s *script) message(e *history.Event, w string) error {
	w, fence := strings.CutSuffix(w, "!")
	if fence {
		e.Flags |= history.FlagFence
	}
	who, seq, ok := strings.Cut(strings.TrimPrefix(w, "t"), "#")
	p, inc, _ := strings.Cut(who, ".")
	n, err := strconv.ParseUint(seq, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("%q is no message", w)
	}
	pn, err := strconv.Atoi(p)
	if err != nil {
		return err
	}
	if inc != "" {
		i, err := strconv.Atoi(inc)
		if err != nil {
			return err
		}
		e.Incarnation = uint32(i)
	}
	e.Publisher, e.Seq = int32(pn), n
	e.Due = s.sent[w]
	return nil
}

// parse reads a script; every mistake in it is an error.
func parseScript(text string) (*script, error) {
	s := newScript()
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, " //")
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "//") {
			continue
		}
		var err error
		switch f[0] {
		case "expect:":
			for _, x := range f[1:] {
				rule, state, ok := strings.Cut(x, "=")
				if !ok {
					err = fmt.Errorf("%q", x)
				}
				s.want[rule] = state
				s.expect(rule, map[string]string{"delivery": "exactly-once", "order": "per-channel", "recovery": "complete", "queue": "complete", "isolation": "strict", "priority": "normal", "retained": "latest", "will": "when-lost", "state": "last"}[rule])
				if rule == "presence" {
					s.watched()
					s.brief.Expect[len(s.brief.Expect)-1].Within = time.Second
				}
			}
		case "with:":
			for _, x := range f[1:] {
				if e := s.with(x); e != nil {
					err = e
				}
			}
		default:
			err = s.event(f)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return s, nil
}

var scriptKinds = map[string]history.Kind{
	"open": history.Open, "ready": history.Ready, "closed": history.Closed, "fault": history.FaultBegin, "healed": history.FaultEnd,
	"sub": history.Subscribe, "ack": history.Subscribed, "recv": history.Deliver, "unsub": history.Unsubscribe, "revoked": history.Unsubscribed,
	"gap": history.Gap, "told": history.Passed, "probe": history.Probe, "resynced": history.Resynced, "refused": history.Refused, "problem": history.Problem, "dial": history.Dial,
	"pub": history.Publish, "ok": history.Outcome, "fail": history.Outcome, "unknown": history.Outcome, "phase": history.Phase,
	"cause": history.Caused, "notice": history.Announced, "expires": history.Expires, "outcast": history.Revoked, "session": history.Connected, "leftover": history.Leftover, "displaced": history.Displaced, "unsubbed": history.Unsubscribed,
	"denied": history.Denied, "shut-out": history.Denied, "barred": history.Denied, "let-in": history.Connected, "given": history.Subscribed, "kept": history.Retained, "will": history.Will,
	"list": history.Present, "join": history.Joined, "leave": history.Left, "beat": history.Beat, "pinging": history.Pinging,
	"row": history.Row, "snapshot": history.Snapshot, "altered": history.Altered, "book": history.Booked, "sum": history.Told,
}

func (s *script) event(f []string) error {
	at, err := strconv.ParseFloat(f[0], 64)
	if err != nil || len(f) < 3 {
		return fmt.Errorf("%q is no event", strings.Join(f, " "))
	}
	kind, ok := scriptKinds[f[2]]
	if !ok {
		return fmt.Errorf("unknown verb %q", f[2])
	}
	now := time.Duration(at * float64(time.Second))
	e := history.Event{Kind: kind, Client: -1, Channel: -1, Seen: now, Arrived: now, Sent: now, Due: now}
	if f[1] != "run" {
		n, err := strconv.Atoi(f[1][1:])
		if err != nil {
			return err
		}
		e.Client = history.ClientID(n)
		if f[1][0] == 't' {
			e.Client += history.ClientID(s.voters)
		}
		if kind == history.Open {
			s.lives[e.Client]++
		}
		e.Life = max(s.lives[e.Client], 1)
	}
	args := f[3:]
	if n := len(args); n > 0 && args[n-1] == "forbidden" {
		e.Flags, args = history.FlagForbidden, args[:n-1]
	}
	switch f[2] {
	case "barred", "let-in":
		e.Flags = history.FlagForbidden
		return s.keep(e, nil)
	case "shut-out":
		return s.keep(e, nil)
	case "given":
		e.Flags = history.FlagServer
	}
	channel := func() {
		e.Channel, args = history.ChannelID(s.names.ID(args[0])), args[1:]
	}
	switch kind {
	case history.Phase, history.FaultBegin, history.FaultEnd:
		if n := len(args) - 1; strings.HasPrefix(args[n], "@") {
			node, err := strconv.Atoi(args[n][1:])
			if err != nil {
				return err
			}
			e.Code, args = int32(node), args[:n]
		}
		if n := len(args) - 1; kind == history.FaultEnd && strings.HasPrefix(args[n], "=") {
			e.Result = map[string]history.Result{"=obeyed": history.OK, "=refused": history.Failed}[args[n]]
			args = args[:n]
		}
		e.Note = strings.Join(args, " ")
	case history.Dial:
		if len(args) == 0 {
			break
		}
		node, err := strconv.Atoi(args[0])
		e.Code = int32(node)
		if len(args) > 1 && args[1] == "hinted" {
			e.Flags |= history.FlagServer
		}
		e.Life = s.lives[e.Client] + 1
		return s.keep(e, err)
	case history.Expires:
		at, err := strconv.ParseFloat(args[0], 64)
		e.Sent = time.Duration(at * float64(time.Second))
		return s.keep(e, err)
	case history.Announced:
		ms, err := strconv.Atoi(args[0])
		e.Code = int32(ms)
		return s.keep(e, err)
	case history.Connected:
		e.Flags |= map[string]history.Flags{
			"new":     history.FlagSession,
			"refused": history.FlagSession | history.FlagRecover,
			"resumed": history.FlagSession | history.FlagRecover | history.FlagResumed,
		}[args[0]]
		if len(args) > 1 {
			e.Offset, err = strconv.ParseUint(args[1], 10, 64)
		}
	case history.Closed:
		e.Who = map[string]history.Who{"server": history.Server, "fault": history.Fault, "client": history.Client}[args[0]]
		if len(args) > 1 {
			code, err := strconv.Atoi(args[1])
			e.Code = int32(code)
			return s.keep(e, err)
		}
	case history.Present: // channel asked=S or -, and the names
		channel()
		if asked, ok := strings.CutPrefix(args[0], "asked="); ok {
			v, err := strconv.ParseFloat(asked, 64)
			if err != nil {
				return err
			}
			e.Due = time.Duration(v * float64(time.Second))
		} else {
			e.Due = s.asked[cursorKey(e.Client, e.Channel)]
		}
		e.Code = int32(len(args) - 1)
		s.events = append(s.events, e)
		e.Kind, e.Code = history.Member, 0
		for _, name := range args[1:] {
			e.Epoch = history.MemberID(s.names.ID(name))
			s.events = append(s.events, e)
		}
		return nil
	case history.Joined, history.Left:
		channel()
		e.Epoch = history.MemberID(s.names.ID(args[0]))
	case history.Beat, history.Probe, history.Resynced:
		v, err := strconv.ParseFloat(args[0], 64)
		e.Due = time.Duration(v * float64(time.Second))
		return s.keep(e, err)
	case history.Refused, history.Problem:
		code, err := strconv.Atoi(args[0])
		e.Code = int32(code)
		if len(args) > 1 && args[1] == "excused" {
			e.Flags |= history.FlagExcused
		}
		if len(args) > 1 && args[1] == "overdue" {
			e.Flags |= history.FlagOverdue
		}
		if len(args) > 1 && args[1] == "broken" {
			e.Note = "broken WebSocket: a text message is not UTF-8"
			e.Flags |= history.FlagBroken
		}
		return s.keep(e, err)
	case history.Subscribe:
		channel()
		if n := len(args); n > 0 && strings.HasPrefix(args[n-1], "filter=") {
			number, err := strconv.Atoi(args[n-1][len("filter="):])
			if err != nil {
				return err
			}
			e.Publisher, args = int32(number), args[:n-1]
			if s.filtered == nil {
				s.filtered = make(map[uint64]bool)
			}
			s.filtered[cursorKey(e.Client, e.Channel)] = true
		}
		if n := len(args); n > 0 && args[n-1] == "rows" {
			e.Flags |= history.FlagRows
			args = args[:n-1]
		}
		if n := len(args); n > 0 && args[n-1] == "kept" {
			e.Flags |= history.FlagKept
			args = args[:n-1]
		}
		if n := len(args); n > 0 && args[n-1] == "presence" {
			e.Flags |= history.FlagPresence
			args = args[:n-1]
			if s.asked == nil {
				s.asked = make(map[uint64]time.Duration)
			}
			s.asked[cursorKey(e.Client, e.Channel)] = now
		}
		if len(args) == 2 && args[0] == "from" {
			e.Flags |= history.FlagRecover
			err = s.position(&e, args[1])
		}
	case history.Subscribed:
		channel()
		if len(args) > 0 && args[0] != "-" { // else it hides its position
			e.Flags |= history.FlagPositioned
			err = s.position(&e, args[0])
		}
		if len(args) > 1 {
			e.Flags |= history.FlagRecovering
			if args[1] == "recovered" {
				e.Flags |= history.FlagRecovered
			}
		}
	case history.Will:
		channel()
		e.Publisher, e.Incarnation, e.Seq = scriptTellers+int32(e.Client), uint32(e.Life), 1
	case history.Unsubscribe, history.Denied:
		channel()
	case history.Unsubscribed:
		channel()
		if f[2] == "revoked" {
			e.Flags |= history.FlagServer
		}
	case history.Gap, history.Passed:
		channel()
		e.Flags |= history.FlagPositioned
		err = s.position(&e, args[0])
	case history.Publish, history.Outcome:
		channel()
		if n := len(args); strings.HasPrefix(args[n-1], "passes=") {
			for _, x := range strings.Split(args[n-1][len("passes="):], ",") {
				number, err := strconv.Atoi(x)
				if err != nil {
					return err
				}
				e.Offset |= 1 << (number - 1)
			}
			args = args[:n-1]
		}
		if err := s.message(&e, args[0]); err != nil {
			return err
		}
		e.Due = now
		if n := len(args); n > 1 && (args[n-1] == "retry" || args[n-1] == "outbox" || args[n-1] == "retain") {
			e.Flags |= map[string]history.Flags{"retry": history.FlagRetry, "outbox": history.FlagOutbox, "retain": history.FlagRetain}[args[n-1]]
			args = args[:n-1]
		}
		if kind == history.Publish && e.Flags&history.FlagRetry == 0 {
			s.sent[strings.TrimSuffix(args[0], "!")] = now
		} else if kind == history.Outcome {
			e.Due, e.Sent = s.sent[strings.TrimSuffix(args[0], "!")], s.sent[strings.TrimSuffix(args[0], "!")]
			e.Result = map[string]history.Result{"ok": history.OK, "fail": history.Failed, "unknown": history.Unknown}[f[2]]
			if len(args) > 1 {
				e.Flags |= history.FlagPositioned
				err = s.position(&e, args[1])
			}
		}
	case history.Booked: // channel message key [amount] [gone]; - for what can't be entered
		channel()
		if err := s.message(&e, args[0]); err != nil {
			return err
		}
		e.Code, e.Result, e.Due, e.Sent = 1, history.OK, 0, 0
		if args[1] == "-" {
			e.Result, e.Note = history.Failed, "the field key is missing"
			return s.keep(e, nil)
		}
		e.Epoch = history.KeyID(s.names.ID(args[1]))
		for _, x := range args[2:] {
			if x == "gone" {
				e.Flags |= history.FlagGone
				continue
			}
			amount, err := scenario.ParseAmount(x)
			if err != nil {
				return err
			}
			e.Offset = uint64(amount)
		}
	case history.Told: // channel key amount; - for none
		channel()
		e.Code, e.Result = 1, history.OK
		if args[0] == "-" {
			e.Result, e.Note = history.Failed, "the field sum holds no number"
			return s.keep(e, nil)
		}
		amount, err := scenario.ParseAmount(args[1])
		e.Epoch, e.Offset = history.KeyID(s.names.ID(args[0])), uint64(amount)
		return s.keep(e, err)
	case history.Displaced:
		code, err := strconv.Atoi(args[0])
		e.Code, e.Life = int32(code), e.Life-1
		return s.keep(e, err)
	case history.Snapshot: // channel position [part]
		channel()
		e.Flags, e.Code = history.FlagPositioned, 1
		if len(args) > 1 {
			e.Code = 0
		}
		return s.keep(e, s.position(&e, args[0]))
	case history.Deliver, history.Retained, history.Caused, history.Leftover, history.Altered, history.Row:
		if kind == history.Leftover {
			e.Life-- // of the connection before
		}
		if kind == history.Altered {
			e.Result, e.Note = history.Failed, "the field option has another value"
		}
		channel()
		if strings.Contains(args[0], "/") {
			e.Flags |= history.FlagPositioned
			if err := s.position(&e, args[0]); err != nil {
				return err
			}
			if s.filtered[cursorKey(e.Client, e.Channel)] {
				e.Flags |= history.FlagUnordered
			}
			args = args[1:]
		}
		if len(args) > 0 && args[0] == "-" {
			e.Due = 0
		} else if len(args) > 0 {
			e.Flags |= history.FlagStamped
			if err := s.message(&e, args[0]); err != nil {
				return err
			}
		}
		for _, x := range args[1:] {
			switch {
			case x == "replay":
				e.Flags |= history.FlagReplay
			case x == "changed":
				e.Note = "the field text has another value"
			case x == "corrupt":
				e.Flags |= history.FlagCorrupt
			case x == "weighed":
				e.Flags |= history.FlagWeighed
			case x == "joined":
				e.Flags |= history.FlagJoined
			case x == "raw":
				e.Result = history.OK
			case x == "storm":
				e.Flags |= history.FlagStorm
			case strings.HasPrefix(x, "bytes="):
				n, err := strconv.Atoi(x[len("bytes="):])
				if err != nil {
					return err
				}
				e.Bytes = int32(n)
			case strings.HasPrefix(x, "arrived="): // before it was read
				v, err := strconv.ParseFloat(x[len("arrived="):], 64)
				if err != nil {
					return err
				}
				e.Arrived = time.Duration(v * float64(time.Second))
			default:
				return fmt.Errorf("unknown flag %q", x)
			}
		}
	}
	return s.keep(e, err)
}

func (s *script) keep(e history.Event, err error) error {
	s.events = append(s.events, e)
	return err
}

// judge compares the verdicts with the first line.
func (s *script) judge(t *testing.T, shards int) {
	t.Helper()
	j, vs := judgeEvents(s.brief, s.names, s.events, shards)
	if s.end != (End{}) {
		vs = j.Verdicts(s.end)
	}
	for _, v := range vs {
		want, anomaly, _ := strings.Cut(s.want[v.Rule], ":")
		if got := strings.ReplaceAll(v.State.String(), " ", "-"); got != want {
			t.Errorf("%d shards: %s is %s (%s), want %s\n%s", shards, v.Rule, got, v.Reason, s.want[v.Rule], dump(v))
			continue
		}
		if anomaly == "" {
			if v.State == Fail && len(v.Findings) > 0 {
				t.Errorf("%s fails by %s, and the script does not say so", v.Rule, v.Findings[0].Anomaly)
			}
			continue
		}
		found := map[string]bool{}
		for _, f := range v.Findings {
			found[f.Anomaly] = true
			if n := len(f.Witness); f.Client >= 0 && (n < 3 || n > witnessLines) {
				t.Errorf("%s has a witness of %d lines\n%s", f.Anomaly, n, dump(v))
			}
		}
		for _, a := range strings.Split(anomaly, ",") {
			if !found[a] {
				t.Errorf("%s: no %s\n%s", v.Rule, a, dump(v))
			}
			delete(found, a)
		}
		if len(found) > 0 {
			t.Errorf("%s: unexpected %v\n%s", v.Rule, found, dump(v))
		}
	}
}

// Recorded histories, good and bad, each with its verdict in the first line.
func TestRecordedHistories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseScript(string(text))
			if err != nil {
				t.Fatal(err)
			}
			for shards := 1; shards <= 3; shards++ {
				s.judge(t, shards)
			}
		})
	}
}
