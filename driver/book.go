package driver

import (
	"squall/assert/history"
)

// enter tells what the books of the plan hold of a publication, whose Publish or Will has
// just been told. It is done once a message, when it is written; what subscribers make of
// all entries is for the judge.
func (s *shard) enter(published history.Event, payload []byte) (entries []history.Event) {
	plan := s.fleet.plan
	if len(plan.Books) == 0 {
		return nil
	}
	numbers, known := s.books[published.Channel]
	if !known {
		numbers = plan.BooksOf(s.fleet.cfg.Names.Name(int32(published.Channel)))
		if s.books == nil {
			s.books = make(map[history.ChannelID][]int)
		}
		s.books[published.Channel] = numbers
	}
	for _, n := range numbers {
		e := published
		e.Kind, e.Code, e.Flags, e.Offset, e.Due, e.Sent, e.Result = history.Booked, int32(n), 0, 0, 0, 0, history.OK
		x, err := plan.Books[n-1].Enter(payload)
		if err != nil {
			e.Result, e.Note = history.Failed, err.Error()
		} else {
			e.Epoch, e.Offset = history.KeyID(s.fleet.cfg.Names.ID(s.fleet.masked(x.Key))), uint64(x.Amount)
			if x.Gone {
				e.Flags = history.FlagGone
			}
		}
		entries = append(entries, e)
	}
	return entries
}
