package dialect

import (
	"strings"
	"testing"
)

// listed are everybody in a list, each as connection=user.
func listed(payload string) string {
	var c Cursor
	var all []string
	EachMember(&c, []byte(payload), func(connection, user []byte) {
		all = append(all, string(connection)+"="+string(user))
	})
	return strings.Join(all, " ")
}

func TestEachMember(t *testing.T) {
	for _, row := range []struct{ payload, want string }{
		{`["a","b\u0062",""]`, "=a =bb ="},
		{`[]`, ""},
		{`{}`, ""},
		{``, ""},
		{`7`, ""},
		{`{"U":{"client":"U","user":"a"},"V\u0057":{"user":"b","conn_info":[1,{}]},"X":{}}`, "U=a VW=b X="},
		{`{"U":{"user":"a"},"V":7,"W":{"user":"b"}}`, "U=a"},
		{`{"U":{"user":"a"},"V":{"us`, "U=a"},
	} {
		if got := listed(row.payload); got != row.want {
			t.Errorf("%s: got %q, want %q", row.payload, got, row.want)
		}
	}
}

// FuzzEachMember: whatever stands there, it ends, and gives no more than came.
func FuzzEachMember(f *testing.F) {
	for _, s := range []string{`["a","b"]`, `{"U":{"client":"U","user":"a"}}`, `{"U":{"user":7}}`, `[[]]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := string(payload)
		var c Cursor
		n := 0
		EachMember(&c, payload, func(connection, user []byte) { n += 1 + len(connection) + len(user) })
		if n > 4*len(payload) {
			t.Fatalf("%q: more came out than went in", payload)
		}
		if string(payload) != before {
			t.Fatal("the list was changed")
		}
	})
}
