package scenario

// Causal reports whether publications must name what their client had received
// before: some expectation asks for causal order.
func (p *Plan) Causal() bool {
	for i := range p.Expect {
		if p.Expect[i].Rule == "order" && p.Expect[i].Want == "causal" {
			return true
		}
	}
	return false
}
