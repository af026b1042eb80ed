package assert

import (
	"squall/assert/history"
	"squall/scenario"
)

// booking is what one publication is in one book: under which key it is entered and with
// what number (scenario.Book). 16 bytes.
type booking struct {
	amount scenario.Amount
	key    history.KeyID
	made   bool // false: there is none
	gone   bool // it takes its key away
}

// page holds what an outbox has in one book: of publication n the booking is
// all[n−1−gone], as far as any was made.
type page struct {
	book int32
	all  []booking
}

// booked notes what a publication is in a book. A publication that can't be entered is
// counted: nothing can be said then of what the book comes to.
func (p *publications) booked(e *history.Event) {
	b := p.of(e)
	if e.Result != history.OK {
		if p.unfit == nil {
			p.unfit = make(map[int32]unfit)
		}
		u := p.unfit[e.Code]
		if u.n++; u.why == "" {
			u.why = e.Note
		}
		p.unfit[e.Code] = u
		return
	}
	if b.get(e.Seq) == nil {
		return
	}
	at := -1
	for i := range b.pages {
		if b.pages[i].book == e.Code {
			at = i
		}
	}
	if at < 0 {
		at = len(b.pages)
		b.pages = append(b.pages, page{book: e.Code})
	}
	g := &b.pages[at]
	for uint64(len(g.all)) < e.Seq-b.gone {
		g.all = append(g.all, booking{})
	}
	g.all[e.Seq-1-b.gone] = booking{amount: scenario.Amount(e.Offset), key: e.Epoch, made: true, gone: e.Has(history.FlagGone)}
}

// unfit counts the publications that could not be entered in a book.
type unfit struct {
	n   int64
	why string // of the first
}

// booking finds what publication n is in a book.
func (b *outbox) booking(book int32, n uint64) booking {
	for i := range b.pages {
		if g := &b.pages[i]; g.book == book && n > b.gone && n-b.gone <= uint64(len(g.all)) {
			return g.all[n-1-b.gone]
		}
	}
	return booking{}
}

// unfit tells how many publications a book lacks, and why the first of them.
func (s *settlement) unfit(book int32) (u unfit) {
	for _, p := range s.parts {
		if x := p.publications.unfit[book]; x.n > 0 {
			if u.n += x.n; u.why == "" {
				u.why = x.why
			}
		}
	}
	return u
}
