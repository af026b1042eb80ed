package assert

import "squall/scenario"

// holds reports whether v keeps the limit; no limit is always kept.
func holds(l scenario.Limit, v float64) bool {
	switch l.Op {
	case "<":
		return v < l.A
	case "<=":
		return v <= l.A
	case ">":
		return v > l.A
	case ">=":
		return v >= l.A
	case "..":
		return v >= l.A && v <= l.B
	}
	return true
}

// says is the limit as it was written, or a plain form of it.
func says(l scenario.Limit) string {
	if l.Text != "" {
		return l.Text
	}
	return l.Op
}
