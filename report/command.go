package report

import (
	"fmt"
	"strings"
	"time"
)

// commands shows how the commands of the timeline ended, and the end of what
// those wrote that failed; the rest is in the JSON.
func (p *page) commands(r *Result) {
	for i := range r.Commands {
		c, name := &r.Commands[i], ""
		if i == 0 {
			name = "exec"
		}
		p.hang(p.paint(bold, name)+strings.Repeat(" ", label-len(name)), label, c.how())
		if c.Failed == "" {
			continue
		}
		indent := strings.Repeat(" ", label)
		lines := c.Output[max(0, len(c.Output)-mostLines):]
		if len(lines) == 0 {
			p.line(indent + "it wrote nothing")
		}
		for _, l := range lines {
			p.hang(indent+p.either("│ ", "| "), label+2, l)
		}
	}
}

// mostLines bounds what is shown of a command's output.
const mostLines = 20

// how says in a line what a command was and how it ended.
func (c *Command) how() string {
	end := "exit code 0"
	if c.Failed != "" {
		end = "failed: " + c.Failed
	}
	return fmt.Sprintf("at %.3fs, %s: %s, after %s", c.At.Seconds(), c.Command, end, c.Took.Round(time.Millisecond))
}
