package scenario

// Copies of a message that a target may send to a client with several
// subscriptions that match its channel.
const (
	CopiesOne    = "one"              // one
	CopiesEach   = "per-subscription" // one for each of them
	CopiesEither = "either"           // any number between
)

// traffic takes over what is promised of copies and of others who publish.
func (c *compiler) traffic(p, real *Promises, s *PromisesSpec) {
	const path = "target.promises"
	p.Copies = or(s.Copies, p.Copies)
	if s.ForeignTraffic != nil {
		p.Foreign = s.ForeignTraffic
	}
	switch {
	case s.Copies != "" && s.Copies != CopiesOne && !c.dialect.Patterns:
		c.fail(path+".copies", "found copies: %s, expected one: in the dialect %s no two subscriptions of a client can match one channel", s.Copies, c.dialect.Name)
	case c.plan.Target.Embedded && p.Copies == CopiesEach:
		c.fail(path+".copies", "found %s, expected one or either: the embedded gateway sends one copy, however many subscriptions match", p.Copies)
	}
}

// words are what is promised of copies and of others who publish, for people.
func (p *Promises) trafficWords() (words []string) {
	if p.Copies != "" {
		words = append(words, "copies "+p.Copies)
	}
	if p.Foreign != nil {
		words = append(words, map[bool]string{false: "no foreign traffic", true: "foreign traffic"}[*p.Foreign])
	}
	return words
}

// Strangers reports whether somebody else publishes on the same channels.
func (p *Promises) Strangers() bool { return p.Foreign != nil && *p.Foreign }

// Alone reports whether the target claims that nobody else does.
func (p *Promises) Alone() bool { return p.Foreign != nil && !*p.Foreign }

// Loose reports whether several copies of a message may be right.
func (p *Promises) Loose() bool { return p.Copies != CopiesOne }
