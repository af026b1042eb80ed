package scenario

import (
	"strconv"
	"strings"
	"time"
)

// Aftermath is how long after a command has ended what it sets off may still
// begin: a signal that it sent is obeyed a little later.
const Aftermath = 5 * time.Second

// exec refuses commands that can't be run.
func (v *validator) exec(path string, args []string) {
	if len(args) == 0 {
		v.fail(path, "found an empty list, expected a program and its arguments, as in exec: [systemctl, restart, gateway]")
		return
	}
	if args[0] == "" {
		v.fail(join(path, "0"), "found no program, expected its name or path")
	}
	for i, a := range args {
		if strings.ContainsRune(a, 0) {
			v.fail(join(path, strconv.Itoa(i)), "found a zero byte, expected text that a command can be given")
		}
	}
}

// execMoment is the moment at which a command is run. What it does to which node
// is unknown.
func execMoment(args []string) Moment {
	return Moment{Do: "exec", Args: args, Node: AllNodes, Summary: "exec " + CommandLine(args)}
}

// CommandLine is a command for people, with quotes where words would run together.
func CommandLine(args []string) string {
	var words []string
	for _, a := range args {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' || r == 0x7f }) {
			a = strconv.Quote(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// Exec is the first moment that runs a command; nil if none does.
func (p *Plan) Exec() *Moment {
	for i := range p.Moments {
		if p.Moments[i].Do == "exec" {
			return &p.Moments[i]
		}
	}
	return nil
}

// printNeeds says what the run will need beside the file.
func (p *Plan) printNeeds(w *printer) {
	if p.Exec() != nil {
		w.wrap("  ", "squall run will need --allow-exec: the timeline runs commands on this machine")
	}
}
