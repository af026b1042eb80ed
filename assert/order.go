package assert

// order judges whether messages came in their order: by the server's offsets
// and each publisher's numbers.
func (s *settlement) order(w *want, v *Verdict) {
	t := s.sum(w)
	total := w.Want == "per-channel"
	compared := t.received
	if total {
		compared = t.compared
	}
	v.add(true, "deliveries compared", compared)
	if w.Want == "causal" {
		compared = t.causes
		v.Counts = nil
		v.add(true, "messages whose cause was owed to the same client", compared)
	}
	v.add(false, "publications from an outbox", t.flushedOut)
	v.add(false, "channels with several publishers", t.overlapping)
	v.add(false, "deliveries too old to compare", t.far)
	v.add(false, "deliveries without a rank", s.unranked(w))
	orphan := s.sift(w, v, func(f *found) bool {
		switch w.Want {
		case "causal":
			return f.same || f.anomaly == CausalInversion
		case "per-publisher":
			return f.same
		}
		return f.anomaly != CausalInversion
	}, 0)
	switch {
	case len(v.Findings) > 0:
		v.State = Fail
		v.Reason = v.Findings[0].Anomaly
	case t.subscriptions == 0:
		v.Reason = "not exercised: no subscription was answered"
	case t.received == 0:
		v.Reason = "not exercised: nothing was delivered; add a `publish` entry"
	case compared == 0 && w.Want == "causal":
		v.Reason = "not exercised: nobody published after receiving what others were owed too; let clients that subscribe publish"
	case compared == 0:
		v.Reason = "not exercised: no channel had two subscribers, so any order is one order"
	default:
		v.State = Pass
	}
	v.orphaned(orphan)
}
