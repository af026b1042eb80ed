package campaign

import (
	"strings"
	"testing"

	"squall/assert"
)

// TestAbuseIsExercised: on the correct gateway every offence has its outcome,
// often enough for a pass to mean something, and each error is explained.
func TestAbuseIsExercised(t *testing.T) {
	r := bubble(t, plan(t, "hostile-clients.yaml", 1))
	for name, least := range map[string]int64{"offences judged": 190, "closed for it": 100, "refused": 70, "authors": 24, "bystanders": 310} {
		if got := counted(r, "close", name); got < least {
			t.Errorf("%d %s, want at least %d", got, name, least)
		}
	}
	if n := counted(r, "close", "unseen"); n != 0 || r.State != assert.Pass {
		t.Errorf("%s, %d unseen:\n%s", r.State, n, tell(r))
	}
	if e, n := counted(r, "errors", "errors"), counted(r, "errors", "excused"); e != 0 || n != counted(r, "close", "refused")-36 {
		t.Errorf("%d errors and %d excused, want as many as were refused by one: all but 36 resumes", e, n)
	}
}

// TestEachOffenceIsExercised: each name of the language has an outcome of its own.
func TestEachOffenceIsExercised(t *testing.T) {
	for what, closed := range map[string]bool{
		"unmasked": true, "reserved-bit": true, "reserved-opcode": true, "bad-utf8": true, "long-control": true, "oversize": true,
		"stale-epoch": false, "future-offset": false, "bad-json": false, "unknown-command": false, "duplicate-subscribe": false, "second-connect": false,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := bubble(t, plan(t, "hostile-clients.yaml", 1, "clients.members.count=30", "timeline.10.abuse.what="+what, "timeline.10.when.share=all", "timeline.10.when.nth=3"))
			name := map[bool]string{true: "closed for it", false: "refused"}[closed]
			if got := counted(r, "close", name); got < 24 || r.State != assert.Pass {
				t.Errorf("%s, %d %s:\n%s", r.State, got, name, tell(r))
			}
		})
	}
}

// TestImpostorsAreExercised: on the correct gateway each of them has its outcome,
// and nobody notices.
func TestImpostorsAreExercised(t *testing.T) {
	r := bubble(t, plan(t, "impostors.yaml", 1))
	for name, least := range map[string]int64{"offences judged": 120, "refused": 120, "authors": 20, "bystanders": 210} {
		if got := counted(r, "close", name); got < least {
			t.Errorf("%d %s, want at least %d", got, name, least)
		}
	}
	if n := counted(r, "close", "unseen"); n != 0 || r.State != assert.Pass {
		t.Errorf("%s, %d unseen:\n%s", r.State, n, tell(r))
	}
	if n := counted(r, "errors", "excused"); n < 20 {
		t.Errorf("%d errors, want one for each expired token", n)
	}
}

// TestAnswersToOffences: what a session brought along may be subscribed to again,
// and an answer that comes after the driver has stopped waiting for it is no error
// of its own.
func TestAnswersToOffences(t *testing.T) {
	for what, yaml := range map[string]string{
		"duplicate-subscribe": `squall: 1
name: brought-along
duration: 6s
target: {gateway: {queue: {size: 2000, ttl: 60s}}}
clients:
  readers: {count: 10, user: "reader-{i}", reconnect: {first: 20ms, max: 200ms}, subscribe: [{channel: hall}]}
  writers: {count: 1, publish: [{channel: hall, rate: 5/s, payload: {type: t}}]}
timeline:
  - {at: 1s, disconnect: {who: readers, share: 50%, how: reset, away: 500ms}}
  - {at: 3s, abuse: {who: readers, what: duplicate-subscribe}}
expect: [{close: {when: abuse}}, {errors: 0}]
`,
		"second-connect": `squall: 1
name: late-answers
duration: 8s
target: {gateway: {limits: {backlog: 1MiB}}}
clients:
  readers: {count: 10, link: {rate: 1KiB/s}, subscribe: [{channel: hall}], publish: [{channel: room, rate: 30/s, payload: {type: t}}]}
  others: {count: 2, subscribe: [{channel: room}]}
  writers: {count: 1, publish: [{channel: hall, rate: 5/s, payload: {type: t}}]}
timeline: [{at: 2s, abuse: {who: readers, what: second-connect}}]
expect: [{errors: 0}]
`,
	} {
		r := bubble(t, compile(t, what+".yaml", []byte(yaml), 1))
		if r.State == assert.Fail {
			t.Errorf("%s:\n%s", what, tell(r))
		}
		refused := int64(0)
		for _, e := range r.Errors {
			if strings.HasSuffix(e.What, "abuse "+what+" refused") {
				refused += e.Excused
			}
		}
		if refused < 5 {
			t.Errorf("%s: %d were refused: nothing was proven\n%s", what, refused, tell(r))
		}
	}
}

// TestTokensAreExercised: connections end with their tokens, many times over, and
// their clients are let in again.
func TestTokensAreExercised(t *testing.T) {
	r := bubble(t, plan(t, "short-tokens.yaml", 1))
	if n := counted(r, "isolation", "ended with their token"); n < 300 || r.State != assert.Pass {
		t.Errorf("%s, %d connections ended with their tokens:\n%s", r.State, n, tell(r))
	}
}

// TestOffenceBehindABacklog: a server that still has publications of the author to
// read has not tolerated what comes behind them, however long that takes.
func TestOffenceBehindABacklog(t *testing.T) {
	r := bubble(t, compile(t, "backlog.yaml", []byte(`squall: 1
name: backlog
duration: 14s
drain: {timeout: 2s, ack-timeout: 1s}
target: {gateway: {limits: {backlog: 4MiB, deliveries: 50/s}}}
clients:
  readers: {count: 10, subscribe: [{channel: hall}]}
  authors: {count: 4, publish: [{channel: hall, rate: 20/s, payload: {type: t}}]}
timeline: [{at: 3s, abuse: {who: authors, what: reserved-bit}}]
expect: [{close: {when: abuse}}]
`), 1))
	if n := counted(r, "close", "unseen"); n != 4 || r.State == assert.Fail {
		t.Errorf("%s, %d unseen, want 4 of 4 authors:\n%s", r.State, n, tell(r))
	}
}
