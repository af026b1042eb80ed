package scenario

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options are what a plan depends on beside the file.
type Options struct {
	Seed     *uint64                          // --seed; nil: the file's, or 1
	Target   string                           // --target: an address, or embedded; replaces target.url only
	Dialect  string                           // --dialect; replaces target.dialect only
	Env      func(name string) (string, bool) // environment variables; nil: none
	Run      string                           // what {run} means in users, tokens and channels; "" when the plan is only to be looked at
	Dialects []DialectInfo                    // known dialects; one is called events
	Defects  []string                         // of the embedded gateway; nil: not checked
	Environ  Environment                      // --env, and where it is looked up

	Key  string                            // --jwt-key: what tokens are signed with; "": what target.gateway.auth says
	Read func(path string) ([]byte, error) // of files of rows; nil: there are none
}

// DialectInfo is what a plan must know of a protocol.
type DialectInfo struct {
	Name        string
	Recover     bool // subscribe from a position
	Offsets     bool // deliveries carry dense offsets
	Ack         bool // publications are acknowledged
	Patterns    bool // subscribe by pattern
	Filters     bool // subscriptions may carry a filter
	Presence    bool // subscriptions may ask who is there
	Connections bool // and connections are, whose user is known by its token alone
	Priority    bool // publications may carry a priority
	Unsubscribe bool
	ClientPing  bool     // the client may ping in the dialect's own words
	Sessions    bool     // connect may name a session, which the server may keep
	Owned       bool     // and a session is its user's: whoever else names it gets one of their own
	Keys        bool     // publications may carry an idempotency key
	Retain      bool     // publications may ask to be kept, for whoever subscribes
	Wills       bool     // connect may carry a will
	Snapshot    bool     // subscriptions may ask for the rows of the channel
	Binary      bool     // its messages are binary
	Offends     bool     // it can say wrong commands, and tell that they were refused
	Promises    Promises // what its documentation promises

	Sticky      bool                       // a session that is kept can't be begun anew and kept again
	Fallback    bool                       // clients may use plain HTTP
	Quality     bool                       // what is not acknowledged is promised to arrive at most once, whatever else is
	Heartbeat   time.Duration              // how often its clients ping where nobody says otherwise
	LongestText int                        // of a user or a token, bytes; 0: any
	Refuses     func(channel string) error // why it can't name a channel; nil: it can name all
}

// Defaults of the language; what follows them is printed by Print.
const (
	defaultDrain      = 15 * time.Second
	defaultAckTimeout = 5 * time.Second
	defaultSeed       = 1
	arrivalsPerSecond = 500
	placeholderRun    = "RUN"
)

// Embedded is what the embedded gateway promises unless it is configured
// otherwise.
func Embedded() Promises {
	return Promises{
		Delivery: "exactly-once", Order: "per-channel", Recovery: true,
		History:   History{Size: 1000, TTL: 5 * time.Minute},
		Heartbeat: Heartbeat{Every: 25 * time.Second, Timeout: 10 * time.Second},

		Idempotency: true, Takeover: "closes-old", Copies: CopiesOne,
	}
}

// Load parses, validates and compiles a scenario. All problems are returned at
// once; the Plan is nil if there are any.
func Load(file string, src []byte, o Options, set ...string) (*Plan, Problems) {
	s, problems := ParseFor(o.Environ, file, src, set...)
	if len(problems) == 0 {
		return Compile(s, o)
	}
	c := newCompiler(s, o)
	c.target()
	return nil, append(problems, c.problems...).sorted()
}

// Compile draws everything that a scenario leaves to chance and returns the
// timetable. s must come from Parse without problems; Compile validates it.
func Compile(s *Scenario, o Options) (*Plan, Problems) {
	c := newCompiler(s, o)
	c.target()
	if c.failed() {
		return nil, c.problems.sorted()
	}
	c.stopWhen()
	c.groups()
	c.wills()
	c.moments()
	c.overlaps()
	c.sessions()
	c.impostors()
	c.revocations()
	c.chosen()
	c.publications()
	c.unacknowledged()
	c.expectations()
	c.entered()
	c.urgencies()
	c.gathers()
	c.members()
	c.keyed()
	if c.failed() {
		return nil, c.problems.sorted()
	}
	c.peaks()
	p := c.plan
	p.written = c.writtenForm()
	slices.Sort(p.Secrets)
	p.Secrets = slices.Compact(p.Secrets)
	return p, nil
}

type compiler struct {
	s        *Scenario
	o        Options
	plan     *Plan
	dialect  DialectInfo
	problems Problems
	channels map[string]int32
	scopes   []*scope // of the clients, by number

	scalings map[string][]scaling // by group
	now      time.Duration        // of the moment that is being made; negative: any time
	silent   []silent             // mutes of acknowledgements
	nosy     []nosy               // moments about other users' sessions
	columns  []string             // of the data of the group that is being compiled

	filterPath map[filteredTopic]string // in the file
}

// newCompiler validates s and begins its plan.
func newCompiler(s *Scenario, o Options) *compiler {
	c := &compiler{s: s, o: o, problems: Validate(s), channels: make(map[string]int32), filterPath: make(map[filteredTopic]string)}
	c.plan = &Plan{
		Name: s.Name, About: s.About, File: s.file, Seed: defaultSeed, Set: s.set,
		Duration: s.Duration.Duration, Warmup: s.Warmup.Duration,
		Drain: DrainPlan{Timeout: defaultDrain, AckTimeout: defaultAckTimeout},
	}
	c.scalings = make(map[string][]scaling)
	for _, g := range s.keys("clients") {
		c.scalings[g] = s.scalings(g)
	}
	p := c.plan
	if s.Seed != nil {
		p.Seed = *s.Seed
	}
	if o.Seed != nil {
		p.Seed = *o.Seed
	}
	if s.Drain != nil {
		p.Drain.Timeout = s.Drain.Timeout.or(defaultDrain)
		p.Drain.AckTimeout = s.Drain.AckTimeout.or(defaultAckTimeout)
	}
	if o.Run == "" {
		c.o.Run = placeholderRun
	}
	return c
}

func (c *compiler) fail(path, format string, args ...any) {
	if !c.s.broken(path) {
		c.problems = append(c.problems, c.s.where(path).problem(c.s.file, fmt.Sprintf(format, args...)))
	}
}

// env looks a variable up and remembers its value as a secret.
func (c *compiler) env(name string) (string, bool) {
	if c.o.Env == nil {
		return "", false
	}
	v, ok := c.o.Env(name)
	if ok && v != "" && !slices.Contains(c.plan.Secrets, v) {
		c.plan.Secrets = append(c.plan.Secrets, v)
	}
	return v, ok
}

// template compiles a template that Validate has accepted.
func (c *compiler) template(path string, text Template, names, vars []string) *template {
	t, err := compileTemplate(string(text), names, vars)
	if err != nil {
		c.fail(path, "%v", err)
		return &template{}
	}
	c.needs(path, t)
	for _, name := range t.columns {
		if c.columns != nil && !slices.Contains(c.columns, name) {
			c.fail(path, "found row.%s, expected a column of the data: %s", name, strings.Join(c.columns, ", "))
		}
	}
	return t
}

// needs reports variables that are not set.
func (c *compiler) needs(path string, t *template) {
	for _, name := range t.needs {
		if _, ok := c.env(name); !ok {
			c.fail(path, "found env.%s, which is not set; set it, or write env.%s ?? 'x'", name, name)
		}
	}
}

// scope is what templates outside of clients see.
func (c *compiler) scope() *scope {
	return &scope{Seed: c.plan.Seed, Run: c.o.Run, env: c.env, rng: Rand(c.plan.Seed, "target", 0, 0)}
}

func (c *compiler) text(path string, text Template, names []string) string {
	t := c.template(path, text, names, nil)
	v, err := t.text(c.scope())
	if err != nil && !c.failed() {
		c.fail(path, "%v", err)
	}
	return v
}

func (c *compiler) failed() bool { return len(c.problems) > 0 }

// target decides what is tested and what it promises.
func (c *compiler) target() {
	t := TargetSpec{}
	if c.s.Target != nil {
		t = *c.s.Target
	}
	p := &c.plan.Target
	p.Dialect = or(or(c.o.Dialect, t.Dialect), "events")
	path := "target.url"
	urls := make([]string, 0, len(t.URL))
	for i, u := range t.URL {
		urls = append(urls, c.text(join(path, strconv.Itoa(i)), u, namesOfTarget))
	}
	switch c.o.Target {
	case "":
	case "embedded":
		urls = nil
	default:
		urls = []string{c.o.Target}
	}
	p.Embedded = len(urls) == 0
	for i, u := range urls {
		if err := checkURL(u); err != nil {
			if c.o.Target != "" {
				c.problems = append(c.problems, place{origin: "--target " + redact(u)}.problem(c.s.file, err.Error()))
			} else {
				c.fail(join(path, strconv.Itoa(i)), "%v", err)
			}
		}
	}
	p.URLs = urls
	for _, h := range c.s.keys("target.headers") {
		p.Headers = append(p.Headers, HeaderPlan{Name: h, Value: c.text(join("target.headers", h), t.Headers[h], namesOfTarget)})
	}
	slices.SortFunc(p.Headers, func(a, b HeaderPlan) int { return strings.Compare(a.Name, b.Name) })
	if t.TLS != nil {
		p.TLS = TLSPlan{CA: c.beside(t.TLS.CA), Cert: c.beside(t.TLS.Cert), Key: c.beside(t.TLS.Key), Insecure: t.TLS.Insecure}
	}
	p.Compression = t.Compression
	c.http(&t)
	c.signing(t.Gateway)
	if !c.speaks(p.Dialect) {
		return
	}
	if p.Embedded && p.Dialect != "events" {
		c.failDialect("found the dialect %s for the embedded gateway, which speaks events; expected events, or a target of another kind", p.Dialect)
	}
	c.promises(t)
}

// beside makes a path relative to the scenario usable.
func (c *compiler) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.s.file), path)
}

func (c *compiler) failDialect(format string, args ...any) {
	if c.o.Dialect != "" {
		c.problems = append(c.problems, place{origin: "--dialect " + c.o.Dialect}.problem(c.s.file, fmt.Sprintf(format, args...)))
		return
	}
	c.fail("target.dialect", format, args...)
}

func (c *compiler) speaks(name string) bool {
	var known []string
	for _, d := range c.o.Dialects {
		if d.Name == name {
			c.dialect = d
			return true
		}
		known = append(known, d.Name)
	}
	if name == "mqtt" {
		c.failDialect("%q is known, not yet available", "dialect: mqtt")
		return false
	}
	c.failDialect("found the unknown dialect %s, expected %s%s", quote(name), words(known), nearest(name, known))
	return false
}

// checkURL accepts ws:// and wss:// addresses. Its errors hold no user info.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case bare(text):
		return fmt.Errorf("found %s, expected ws:// or wss://; did you mean %q?", quote(strings.TrimPrefix(redact("ws://"+text), "ws://")), redact("ws://"+text))
	case err != nil:
		return errors.New("found something that is no address, expected one such as ws://localhost:8000/connection")
	case u.Scheme == "http" || u.Scheme == "https":
		return fmt.Errorf("found %s, expected ws:// or wss://; did you mean %q?", quote(redact(text)), "ws"+strings.TrimPrefix(redact(text), "http"))
	case u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "":
		return fmt.Errorf("found %s, expected an address such as ws://localhost:8000/connection", quote(redact(text)))
	case u.Fragment != "":
		return fmt.Errorf("found %s, expected no fragment (RFC 6455, 3)", quote(redact(text)))
	}
	return nil
}

// bare tells an address that lacks its scheme: host:port, with or without a path.
func bare(text string) bool {
	u, err := url.Parse("ws://" + text)
	return err == nil && !strings.Contains(text, "://") && u.Hostname() != "" && u.Port() != ""
}

// redact removes user and password from an address.
func redact(text string) string {
	if i := strings.Index(text, "://"); i >= 0 {
		rest := text[i+3:]
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			return text[:i+3] + rest[at+1:]
		}
	}
	return text
}

// channel interns a name and returns its index in Plan.Channels.
func (c *compiler) channel(name string) int32 {
	if id, ok := c.channels[name]; ok {
		return id
	}
	id := int32(len(c.plan.Channels))
	c.channels[name] = id
	c.plan.Channels = append(c.plan.Channels, name)
	return id
}
