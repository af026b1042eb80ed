package main

import (
	"errors"
	"strconv"
	"strings"

	"squall/driver/gateway"
)

// rows is a flag that says which channels keep rows: CHANNEL=KEY[,TOMBSTONE[,MAX]]. It may
// be repeated.
type rows []gateway.RowsOf

func (r *rows) String() string { return "" }
func (r *rows) Type() string   { return "CHANNEL=FIELDS" }

func (r *rows) Set(text string) error {
	channel, value, ok := strings.Cut(text, "=")
	x := gateway.RowsOf{Channel: channel}
	fields := strings.Split(value, ",")
	x.Key = fields[0]
	if len(fields) > 1 {
		x.Tombstone = fields[1]
	}
	var err error
	if len(fields) > 2 {
		x.Max, err = strconv.Atoi(fields[2])
		ok = ok && x.Max > 0
	}
	if !ok || err != nil || channel == "" || x.Key == "" || len(fields) > 3 {
		return errors.New("channels and a field, such as board.*=row, or =row,gone,500")
	}
	*r = append(*r, x)
	return nil
}
