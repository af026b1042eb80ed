package assert

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"squall/assert/history"
)

// pair is one thing that keeps verdicts true, and what shows that it holds: what a
// correct server may do and must not be blamed for, and what a broken one does and
// must be. Each is a history of testdata with one of its verdicts, as in
// "recovery-good recovery=pass", or a test elsewhere, as in
// "driver/dialect.TestFindStamp".
type pair struct {
	item      string
	good, bad []string
	later     string // a word of the language that it needs and that is not yet available
}

var pairs = []pair{
	{item: "publications are counted from one for each publisher, incarnation and channel",
		good: []string{"count-good delivery=pass", "promises-loss-good delivery=pass"},
		bad:  []string{"count-hole-bad delivery=fail:lost-message", "count-former-bad delivery=fail:lost-message", "soundness-01-fifo-in-log-bad order=fail:fifo-violation"}},
	{item: "judged is what was owed, even to one who receives nothing at all",
		good: []string{"owed-nothing-good delivery=pass", "soundness-02-nothing-published-good delivery=inconclusive", "soundness-02-filter-good delivery=pass", "foreign-unheard-good delivery=pass"},
		bad: []string{"soundness-02-receives-nothing-bad delivery=fail:confirmed-not-subscribed", "soundness-02-receives-nothing-alone-bad delivery=fail:confirmed-not-subscribed",
			"pattern-receives-nothing-bad delivery=fail:confirmed-not-subscribed", "recovered-nothing-bad recovery=fail:recovered-flag-lie", "recovered-nothing-at-most-once-bad recovery=fail:recovered-flag-lie",
			"queue-nothing-bad queue=fail:offline-queue-drop", "command-inversion-silence-bad isolation=fail:command-inversion", "reconnect-never-back-bad reconnect=fail"}},
	{item: "facts are ordered by one clock, read before a write and after a read",
		good: []string{"post-unsubscribe-in-flight-good isolation=pass", "soundness-03-early-copy-good delivery=pass", "takeover-moment-good delivery=pass", "expired-token-in-flight-good isolation=pass", "read-late-good latency=pass"},
		bad:  []string{"post-unsubscribe-delivery-bad isolation=fail:post-unsubscribe-delivery", "takeover-bad delivery=fail:duplicate-live-session", "expired-token-alive-bad isolation=fail:expired-token-alive", "read-late-bad latency=fail"}},
	{item: "a publication is known by its answer, or by anyone who received it",
		good: []string{"known-by-all-good delivery=pass", "known-by-nobody-open delivery=inconclusive"},
		bad:  []string{"known-by-receipt-bad delivery=fail:lost-message", "ack-then-drop-bad delivery=fail:ack-then-drop"}},
	{item: "what has no answer may come once or never, anywhere behind its sending",
		good: []string{"soundness-05-unknown-once-good delivery=pass", "soundness-05-unknown-absent-good delivery=inconclusive", "soundness-05-unknown-behind-good order=pass",
			"soundness-05-plain-unknown-behind-good order=pass", "soundness-05-unknown-after-window-good delivery=pass", "retry-late-good delivery=pass", "retry-early-good delivery=pass", "outbox-good order=pass"},
		bad: []string{"soundness-05-unknown-twice-bad delivery=fail:duplicate-delivery", "soundness-05-known-behind-bad order=fail:fifo-violation", "soundness-05-plain-known-behind-bad order=fail:fifo-violation",
			"soundness-05-plain-unknown-diverges-bad order=fail:order-divergence", "retry-twice-bad delivery=fail:retry-double-publish", "retry-lost-bad delivery=fail:ack-then-drop", "outbox-inverted-bad order=fail:send-buffer-inversion"}},
	{item: "a fence closes what the promises put before it, and nothing else",
		good: []string{"soundness-06-tail-unprobed-good delivery=inconclusive", "soundness-06-tail-still-arriving-good delivery=inconclusive", "soundness-06-never-back-good delivery=inconclusive",
			"soundness-06-no-offsets-fence-overtakes-good delivery=inconclusive", "fence-of-another-per-publisher-open delivery=inconclusive", "fence-without-order-open delivery=inconclusive",
			"fence-without-order-good delivery=pass", "ack-then-drop-late-good delivery=inconclusive", "ack-then-drop-no-fence-good delivery=inconclusive"},
		bad: []string{"soundness-06-tail-lost-bad delivery=fail:lost-message", "soundness-06-late-fill-bad order=fail:fifo-violation", "fence-of-another-bad delivery=fail:lost-message",
			"fence-per-publisher-bad delivery=fail:lost-message", "nothing-without-order-bad delivery=fail:confirmed-not-subscribed", "ack-then-drop-no-fence-bad delivery=fail:ack-then-drop"}},
	{item: "a return gets all that it missed, or an honest refusal",
		good: []string{"recovery-good recovery=pass", "soundness-07-honest-refusal-good recovery=pass", "slow-resync-good recovery=pass"},
		bad: []string{"recovered-flag-lie-bad recovery=fail:recovered-flag-lie", "soundness-07-refusal-complete-bad recovery=fail:incomplete-recovery", "silent-history-truncation-bad recovery=fail:silent-history-truncation",
			"stale-epoch-accepted-bad recovery=fail:stale-epoch-accepted", "slow-resync-bad recovery=fail:slow-resync"}},
	{item: "a refusal is blamed only within the margins of size, age, epoch and restart; so is a queue",
		good: []string{"soundness-08-new-epoch-good recovery=pass", "soundness-08-too-old-good recovery=pass", "refusal-in-flight-good recovery=pass", "refusal-hidden-good recovery=inconclusive", "outage-forgotten-good recovery=pass",
			"queue-small-good queue=inconclusive", "queue-old-good queue=inconclusive", "queue-restart-good queue=inconclusive", "queue-beyond-size-good order=pass"},
		bad: []string{"soundness-08-unjustified-bad recovery=fail:false-unrecovered", "refusal-in-flight-bad recovery=fail:false-unrecovered", "refusal-hidden-bad recovery=fail:incomplete-recovery", "outage-not-forgotten-bad recovery=fail:false-unrecovered",
			"queue-forgotten-bad queue=fail:session-forgotten", "queue-beyond-size-inverted-bad order=fail:fifo-violation"}},
	{item: "each anomaly has one owner, and the others only name it",
		good: []string{"soundness-09-owner-missing-good delivery=inconclusive", ".TestEveryAnomalyHasOneOwner", ".TestFindingsNameTheOwnerToAdd"},
		bad:  []string{"subscribe-history-gap-bad recovery=fail:subscribe-history-gap", "recovered-nothing-owned-bad delivery=fail:confirmed-not-subscribed"}},
	{item: "a frozen socket is late; what is left in an abandoned one is no delivery, unless only one may live",
		good: []string{"frozen-good delivery=pass", "takeover-good delivery=pass", "takeover-both-good delivery=pass"},
		bad:  []string{"frozen-lost-bad delivery=fail:slow-consumer-silent-drop", "takeover-bad delivery=fail:duplicate-live-session", "takeover-fence-bad delivery=fail:duplicate-live-session"}},
	{item: "behind a filter is owed what its payload lets through, and offsets have lawful holes",
		good: []string{"filter-good delivery=pass", "filter-pattern-good delivery=pass", "filter-rare-refused-good recovery=pass", "filter-tail-open delivery=inconclusive"},
		bad:  []string{"filter-lost-message-bad delivery=fail:lost-message", "filter-false-negative-bad delivery=fail:filter-false-negative", "filter-false-positive-bad isolation=fail:filter-false-positive", "filter-late-bad order=fail:fifo-violation"}},
	{item: "shaped channels leave the rules of loss",
		good: []string{"throttle-good delivery=not-applicable", "debounce-good delivery=not-applicable", "throttle-good order=pass"},
		bad:  []string{"shaped-beside-bad delivery=fail:lost-message", "last-value-swallowed-bad throttle=fail:last-value-swallowed"}},
	{item: "promises belong to channels, and the first rule that matches counts",
		good: []string{"promises-loss-good delivery=pass", "promises-twice-good delivery=pass", "promises-recovery-good recovery=pass", "refusal-unpromised-good delivery=inconclusive", "recovered-unprobed-ruled-open recovery=inconclusive", "recovered-flag-lie-unruled-good recovery=pass", "soundness-12-no-history-good recovery=not-applicable", ".TestOverall"},
		bad: []string{"promises-loss-bad delivery=fail:lost-message", "promises-twice-bad delivery=fail:duplicate-delivery", "promises-recovery-bad recovery=fail:false-unrecovered",
			"refusal-promised-bad delivery=fail", "recovered-flag-lie-ruled-bad recovery=fail:recovered-flag-lie", "queue-lost-ruled-bad queue=fail:offline-queue-drop"}},
	{item: "as many copies as subscriptions match, unless one is promised",
		good: []string{"copies-each-good delivery=pass", "copies-either-good delivery=pass", "copies-unsaid-good delivery=pass", "copies-lagging-good order=pass", "copies-plain-each-good delivery=pass"},
		bad: []string{"copies-one-bad delivery=fail:overlap-copies", "copies-each-more-bad delivery=fail:overlap-copies", "copies-each-fewer-bad delivery=fail:lost-message", "copies-alone-bad delivery=fail:duplicate-delivery",
			"copies-plain-one-bad delivery=fail:overlap-copies", "soundness-13-copies-bad delivery=fail:duplicate-delivery"}},
	{item: "urgent messages overtake others, but for what sockets hold",
		good: []string{"urgent-first-good priority=pass", "urgent-allowed-good priority=pass", "urgent-fair-good priority=pass", "urgent-behind-answer-good priority=pass", "urgent-low-only-good priority=pass", "urgent-no-backlog-open priority=inconclusive", "urgent-saturated-open priority=inconclusive"},
		bad:  []string{"urgent-behind-backlog-bad priority=fail:urgent-behind-backlog", ".TestPriorityTwin"}},
	{item: "batches: their size, their wait, and whether there are any",
		good: []string{"batch-good batch=pass", "batch-two-channels-good batch=pass", "batch-replay-good batch=pass", "batch-held-arrived-good batch=pass", "batch-held-newcomer-good batch=pass", "not-batched-once-good batch=pass",
			"batch-held-saturated-open batch=inconclusive", "batch-held-unanswered-open batch=inconclusive", "batch-held-pause-open batch=inconclusive", "batch-held-slow-open batch=inconclusive", "batch-idle-open batch=inconclusive",
			"not-batched-few-open batch=inconclusive", "not-batched-slowly-open batch=inconclusive", "not-batched-large-open batch=inconclusive", "not-batched-one-open batch=inconclusive"},
		bad: []string{"batch-oversized-bad batch=fail:batch-oversized", "batch-held-too-long-bad batch=fail:batch-held-too-long", "not-batched-bad batch=fail:not-batched", ".TestBatchTwin"}},
	{item: "a snapshot is compared with what certainly stands at its position, and is owed where nobody says that all is replayed",
		good: []string{"snapshot-good snapshot=pass", "snapshot-ahead-good snapshot=pass", "snapshot-parts-good snapshot=pass", "snapshot-recovered-good snapshot=pass", "snapshot-refused-good snapshot=pass", "snapshot-cut-good snapshot=pass", "snapshot-fence-good snapshot=pass", "snapshot-unknown-good snapshot=pass",
			"row-missing-open snapshot=inconclusive", "snapshot-never-open snapshot=inconclusive", "snapshot-unfit-open snapshot=inconclusive", "snapshot-idle-open snapshot=inconclusive"},
		bad: []string{"snapshot-stale-bad snapshot=fail:snapshot-delta-skew", "snapshot-ahead-bad snapshot=fail:snapshot-delta-skew", "snapshot-parts-bad snapshot=fail:snapshot-delta-skew", "snapshot-refused-bad snapshot=fail:snapshot-missing", "snapshot-late-bad snapshot=fail:snapshot-missing", "snapshot-fence-bad snapshot=fail:row-missing",
			"snapshot-refused-row-bad snapshot=fail:snapshot-delta-skew", "row-missing-later-bad snapshot=fail:row-missing", "row-missing-bad snapshot=fail:row-missing", "removed-row-bad snapshot=fail:removed-row-kept", "snapshot-never-bad snapshot=fail:snapshot-missing", ".TestSnapshotTwin"}},
	{item: "a frame that can't be read is named, unless another client had sent it",
		good: []string{"abuse-passed-on-bad errors=pass"},
		bad:  []string{"codec-desync-bad errors=fail:codec-desync", "abuse-broken-alone-bad errors=fail:codec-desync"}},
	{item: "a throttle and a debounce are judged by the earliest schedule that is possible",
		good: []string{"throttle-good throttle=pass", "throttle-lump-good throttle=pass", "throttle-two-good throttle=pass", "throttle-first-good throttle=pass", "throttle-idle-open throttle=inconclusive",
			"debounce-good debounce=pass", "debounce-unanswered-good debounce=pass", "throttle-settles-saturated-good throttle=inconclusive"},
		bad: []string{"throttle-exceeded-bad throttle=fail:throttle-exceeded", "throttle-two-bad throttle=fail:throttle-exceeded", "stale-last-value-bad throttle=fail:stale-last-value", "throttle-settles-late-bad throttle=fail:throttle-settles-late",
			"debounced-early-bad debounce=fail:debounced-early", "debounced-superseded-bad debounce=fail:debounced-superseded", "debounced-superseded-publishers-bad debounce=fail:debounced-superseded",
			"debounced-stale-bad debounce=fail:debounced-superseded", "debounce-unsettled-bad debounce=fail:debounce-unsettled", "debounce-settles-late-bad debounce=fail:debounce-settles-late"}},
	{item: "unknown publications make sets of admissible states and sums",
		good: []string{"last-value-unknown-good state=pass", "last-value-unknown-came-good state=pass", "last-value-two-publishers-good state=pass", "last-value-unknown-good throttle=pass"},
		bad:  []string{"last-value-received-bad throttle=fail:last-value-swallowed", "last-value-two-publishers-bad throttle=fail:last-value-swallowed", "state-diverged-bad state=fail:state-diverged"}},
	{item: "sums lie between what was acknowledged and what may have taken effect, and only of those who were there throughout is all of it wanted",
		good: []string{"aggregate-good aggregate=pass", "aggregate-unknown-open aggregate=inconclusive", "aggregate-unknown-counted-open aggregate=inconclusive", "aggregate-late-good aggregate=pass", "aggregate-good delivery=not-applicable", "aggregate-gap-open aggregate=inconclusive", "aggregate-unprobed-open aggregate=inconclusive", "aggregate-unfit-open aggregate=inconclusive", "aggregate-idle-open aggregate=inconclusive", "aggregate-plain-open aggregate=inconclusive", "aggregate-elsewhere-open aggregate=not-applicable"},
		bad: []string{"aggregate-lost-bad aggregate=fail:aggregate-lost", "aggregate-lost-key-bad aggregate=fail:aggregate-lost", "aggregate-unknown-twice-bad aggregate=fail:aggregate-overcounted", "aggregate-refused-bad aggregate=fail:aggregate-overcounted", "aggregate-again-bad aggregate=fail:aggregate-overcounted", "aggregate-plain-bad aggregate=fail:aggregate-overcounted", "aggregate-late-bad aggregate=fail:aggregate-overcounted",
			"aggregate-misattributed-bad aggregate=fail:aggregate-misattributed", "aggregate-raw-bad aggregate=fail:not-aggregated", "aggregate-unread-bad aggregate=fail:not-aggregated", ".TestSumTwin"}},
	{item: "who is there is known by what the members prove, and what is told by what the watcher proves: of what nobody has proven nobody is blamed",
		good: []string{"presence-good presence=pass", "presence-second-device-good presence=pass", "presence-vanished-good presence=pass", "presence-no-heartbeat-good presence=pass", "presence-settling-good presence=pass", "presence-return-good presence=pass", "presence-slow-watcher-good presence=pass",
			"presence-kept-session-good presence=pass", "presence-restart-good presence=pass", "presence-strangers-good presence=pass", "presence-leave-unproven-good presence=pass", "presence-late-unanswered-good presence=pass", "presence-gap-open presence=inconclusive", "presence-last-list-open presence=inconclusive", "presence-unproven-open presence=inconclusive", "presence-expired-good presence=pass", "presence-thawed-good presence=pass", "presence-saturated-open presence=inconclusive"},
		bad: []string{"ghost-presence-bad presence=fail:ghost-presence", "ghost-presence-listed-bad presence=fail:ghost-presence", "presence-session-over-bad presence=fail:ghost-presence", "presence-flap-bad presence=fail:presence-flap", "presence-vanished-bad presence=fail:presence-late", "presence-late-bad presence=fail:presence-late",
			"presence-not-restored-bad presence=fail:presence-not-restored", "member-missing-bad presence=fail:member-missing", "phantom-member-bad presence=fail:phantom-member", ".TestPresenceTwin"}},
	{item: "a list, and whoever is said to come and go since, make the next list, whoever is there",
		good: []string{"presence-good presence=pass", "presence-gap-open presence=inconclusive"},
		bad:  []string{"presence-diff-race-bad presence=fail:presence-diff-race", "presence-diff-race-leave-bad presence=fail:presence-diff-race", "presence-diff-race-elsewhere-bad presence=fail:presence-diff-race", "presence-repeated-bad presence=fail:presence-repeated", "presence-repeated-leave-bad presence=fail:presence-repeated"}},
	{item: "bytes may be printed anew; stamp and filler may not change",
		good: []string{"bytes-good delivery=pass", "driver/dialect.TestCursorAgreesWithEncodingJSON", "driver/dialect.TestFindStamp"},
		bad:  []string{"bytes-bad delivery=fail:phantom-message", "driver/dialect.TestFindStamp"}},
	{item: "without offsets one subscriber gives the ranks, and what it lacks has none",
		good: []string{"soundness-18-no-offsets-good order=pass", "order-reference-cut-good order=pass", "order-alone-open order=inconclusive"},
		bad:  []string{"soundness-18-order-without-offsets-bad order=fail:order-divergence", "order-reference-cut-bad order=fail:order-divergence", "pattern-order-divergence-bad order=fail:order-divergence"}},
	{item: "shards are compared at their merge, even where the window has rolled on", // and each history is judged by one, two and three
		good: []string{"log-begun-further-up-good delivery=pass", "order-divergence-per-publisher-good order=pass", ".TestShardsAreComparedBehindTheirWindows", ".TestInterleavingChangesNothing"},
		bad:  []string{"offset-divergence-bad order=fail:offset-divergence", "log-begun-further-up-bad delivery=fail:duplicate-delivery", ".TestShardsAreComparedBehindTheirWindows"}},
	{item: "latency of a storm is no latency of healthy times",
		good: []string{"storm-latency-good latency=pass", ".TestDeliveryLatencyCountsWhatTheLanguageSays"},
		bad:  []string{"storm-latency-bad latency=fail"}},
	{item: "that one reader blocks others is told only of times in which somebody read slowly, against others in which nobody did",
		good: []string{"head-of-line-own-good latency=pass", ".TestBlockedTwin"},
		bad:  []string{"head-of-line-block-bad latency=fail:head-of-line-block", "head-of-line-always-bad latency=fail", "head-of-line-nobody-bad latency=fail"}},
	{item: "what is given up for memory is not judged, and the verdict says so",
		good: []string{"memory-open delivery=inconclusive", "memory-forgotten-open delivery=inconclusive", "gaps-beyond-the-cap-filled-bad delivery=pass"},
		bad:  []string{"memory-lost-bad delivery=fail:lost-message", "gaps-beyond-the-cap-lost-bad delivery=fail:lost-message", ".TestLongLogKeepsJudging"}},
	{item: "each protocol's own licences: redelivery, copies before their answer",
		good: []string{"redelivered-good order=pass", "redelivered-good delivery=pass", "soundness-03-early-copy-good order=pass", "queue-plain-repeats-good delivery=pass", "session-unanswered-epoch-good order=pass"},
		bad:  []string{"redelivered-inverted-bad order=fail:fifo-violation", "redelivered-exactly-once-bad delivery=fail:duplicate-delivery"}},
	{item: "overload takes verdicts away from times, and from nothing else",
		good: []string{"overload-good delivery=pass", "overload-good latency=inconclusive", ".TestSaturationSparesSafety"},
		bad:  []string{"overload-lost-bad delivery=fail:lost-message", "overload-inverted-bad order=fail:fifo-violation"}},
	{item: "the judge sees what a foreign server would send, and its twins share nothing with it",
		good: []string{"cmd/squall.TestArrows", "cmd/internal/campaign.TestShippedScenariosPassInBubbles", ".TestTwinAgrees", ".TestIsolationTwinAgrees", ".TestQueueTwinAgrees", ".TestCopiesAgainstTwin", ".TestSieveTwin"},
		bad:  []string{"cmd/internal/campaign.TestDefectsFailByNameInBubbles", ".TestEachDefectFailsByItsName", ".TestPlainDefectsFailByTheirNames"}},
	{item: "what a channel keeps is no delivery; what overlaps a subscribe, or has no answer, may be given or not",
		good: []string{"retained-good delivery=pass", "retained-concurrent-good retained=pass", "retained-unanswered-good retained=pass", "retained-unknown-good retained=pass", "retained-restart-good retained=pass",
			"retained-cut-open retained=inconclusive", ".TestRetainedTwin"},
		bad: []string{"retained-missing-bad retained=fail:retained-missing", "retained-stale-bad retained=fail:retained-stale", "retained-unasked-bad retained=fail:retained-unasked", "retained-known-behind-bad retained=fail:retained-stale",
			"retained-cut-later-bad retained=fail:retained-missing", "retained-live-lost-bad delivery=fail:lost-message"}},
	{item: "a will is owed of a connection that was torn, and of no other; what may have been taken for lost is left open",
		good: []string{"will-good will=pass", "will-good delivery=pass", "will-positioned-good delivery=pass", "will-goodbye-good will=pass", "will-frozen-good will=pass", "will-server-good will=pass", "will-restart-good will=pass",
			"will-slow-goodbye-good will=pass", "will-unheard-open will=inconclusive", ".TestWillTwin"},
		bad: []string{"will-missing-bad will=fail:will-missing", "will-missing-once-bad will=fail:will-missing", "will-goodbye-bad will=fail:will-misfire", "will-live-bad will=fail:will-misfire", "will-before-bad will=fail:will-misfire",
			"will-close-frame-word-bad will=fail:will-missing", "will-twice-bad delivery=fail:duplicate-delivery"}},

	// When nobody can say.
	{item: "a publication of unknown outcome: its absence is no loss",
		good: []string{"soundness-05-unknown-absent-good delivery=inconclusive", "soundness-05-unknown-once-good delivery=pass"},
		bad:  []string{"soundness-05-unknown-twice-bad delivery=fail:duplicate-delivery"}},
	{item: "a publication while a subscribe or an unsubscribe is under way: it may come or not",
		good: []string{"edge-in-good delivery=pass", "edge-out-good delivery=pass", "edge-plain-in-good delivery=pass", "edge-plain-out-good delivery=pass"},
		bad: []string{"edge-lost-bad recovery=fail:subscribe-history-gap", "edge-plain-lost-bad delivery=fail:lost-message",
			"edge-leak-bad isolation=fail:post-unsubscribe-delivery", "edge-plain-leak-bad isolation=fail:post-unsubscribe-delivery"}},
	{item: "the tail of a dying connection: excused, or owed at the next answer",
		good: []string{"soundness-06-no-offsets-dying-tail-good delivery=inconclusive", "dying-tail-at-most-once-good delivery=pass"},
		bad:  []string{"lost-in-socket-bad recovery=fail:lost-in-socket", "queue-socket-bad queue=fail:offline-queue-drop"}},
	{item: "a run without a drain, or whose fence is not seen: unseen is not lost",
		good: []string{"no-drain-open delivery=inconclusive", "no-drain-plain-open delivery=inconclusive", "soundness-06-tail-unprobed-good delivery=inconclusive"},
		bad:  []string{"no-drain-hole-bad delivery=fail:lost-message"}},
	{item: "no order promised: whatever came later has passed nothing",
		good: []string{"hole-without-order-open delivery=inconclusive", "offsets-without-order-good delivery=pass", "fence-without-order-good delivery=pass"},
		bad:  []string{"nothing-without-order-bad delivery=fail:confirmed-not-subscribed", "offsets-without-order-bad delivery=fail:lost-message", "no-drain-hole-bad delivery=fail:lost-message"}},
	{item: "a state read while it is written",
		good: []string{"state-good state=pass", "last-value-refused-good state=pass", "last-value-unprobed-open state=inconclusive", "last-value-gap-good state=inconclusive", "state-owned-good state=pass", "state-filter-good state=pass"},
		bad:  []string{"state-diverged-bad state=fail:state-diverged", "last-value-returned-bad throttle=fail:last-value-swallowed"}},
	{item: "evidence that has left its window",
		good: []string{"memory-forgotten-open delivery=inconclusive"},
		bad:  []string{"memory-lost-bad delivery=fail:lost-message"}},
	{item: "filters: a hole is lawful where the payload says so",
		good: []string{"filter-good delivery=pass"}, bad: []string{"filter-lost-message-bad delivery=fail:lost-message"}},
	{item: "a gap that the server announces: waived up to there",
		good: []string{"slow-consumer-gap-notice-good delivery=inconclusive", "slow-consumer-gap-over-fence-good delivery=inconclusive", "pattern-gap-notice-good delivery=inconclusive", "queue-gap-notice-good queue=inconclusive"},
		bad:  []string{"slow-consumer-gap-before-fence-bad delivery=fail:ack-then-drop", "slow-consumer-silent-drop-bad delivery=fail:slow-consumer-silent-drop"}},
	{item: "an overloaded generator",
		good: []string{"overload-good latency=inconclusive"}, bad: []string{"overload-lost-bad delivery=fail:lost-message"}},
	{item: "a known restart where no epoch tells of it",
		good: []string{"queue-plain-restart-good queue=inconclusive", "queue-plain-crash-good queue=inconclusive", "retry-plain-keys-lost-good delivery=pass"},
		bad:  []string{"queue-plain-restart-elsewhere-bad queue=fail:session-forgotten", "queue-plain-no-crash-bad queue=fail:session-forgotten", "retry-plain-keys-lost-before-bad delivery=fail:retry-double-publish"}},
	{item: "what did not occur is no pass",
		good: []string{"soundness-02-nothing-published-good delivery=inconclusive", "order-alone-open order=inconclusive", "isolation-nobody-apart-good isolation=inconclusive", "abuse-nobody-open close=inconclusive", "foreign-only-open delivery=inconclusive"},
		bad:  []string{"soundness-02-receives-nothing-alone-bad delivery=fail:confirmed-not-subscribed", "cross-channel-leak-bad isolation=fail:cross-channel-leak", "abuse-obeyed-bad close=fail:offence-tolerated"}},
}

// TestPairs: nothing that keeps verdicts true loses its good or its bad half.
// TestRecordedHistories judges the histories.
func TestPairs(t *testing.T) {
	words, err := os.ReadFile("../scenario/language_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(words), "func TestNotYetAvailable")
	_, list, _ = strings.Cut(list, "strings.Fields(`")
	list, _, ok := strings.Cut(list, "`)")
	if !ok {
		t.Fatal("no list of what is not yet available")
	}
	met := make(map[string]bool)
	for _, p := range pairs {
		if met[p.item] {
			t.Errorf("%s: twice", p.item)
		}
		met[p.item] = true
		if p.later != "" {
			if !regexp.MustCompile(`\b` + p.later + `\b`).MatchString(list) {
				t.Errorf("%s: `%s` is available now: write its pair", p.item, p.later)
			}
			continue
		}
		if len(p.good) == 0 || len(p.bad) == 0 {
			t.Errorf("%s: half of the pair is missing", p.item)
		}
		for _, half := range []struct {
			names  []string
			broken bool
		}{{p.good, false}, {p.bad, true}} {
			for _, name := range half.names {
				if err := standsBehind(name, half.broken); err != nil {
					t.Errorf("%s: %v", p.item, err)
				}
			}
		}
	}
}

// standsBehind finds a half of a pair; only a broken one may fail, and must, by the
// verdict that it names.
func standsBehind(name string, broken bool) error {
	file, verdict, recorded := strings.Cut(name, " ")
	if !recorded {
		dir, test, _ := strings.Cut(name, ".Test")
		if dir == "" {
			dir = "assert"
		}
		files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*_test.go"))
		if err != nil {
			return err
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			if strings.Contains(string(text), "\nfunc Test"+test+"(t *testing.T)") {
				return nil
			}
		}
		return fmt.Errorf("there is no %s", name)
	}
	text, err := os.ReadFile(filepath.Join("testdata", file+".txt"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	says := strings.Fields(strings.TrimPrefix(first, "expect:"))
	for _, v := range says {
		if v == verdict {
			if fails := strings.Contains(verdict, "=fail"); fails != broken {
				return fmt.Errorf("%s is in the wrong half", name)
			}
			return nil
		}
	}
	return fmt.Errorf("%s says %v, not %s", file, says, verdict)
}

// Two shards that saw different messages at one offset are told apart by the digests
// of its block when the offset itself has long left their windows; two that saw
// the same are not.
func TestShardsAreComparedBehindTheirWindows(t *testing.T) {
	for _, differ := range []bool{false, true} {
		s, err := parseScript("expect: order=pass\n0.1 v0 open\n0.1 v0 sub room\n0.2 v0 ack room 0/e1\n0.1 v1 open\n0.1 v1 sub room\n0.2 v1 ack room 0/e1\n0.3 run phase active\n")
		if err != nil {
			t.Fatal(err)
		}
		at := s.events[len(s.events)-1].Seen
		room, epoch := history.ChannelID(s.names.ID("room")), history.EpochID(s.names.ID("e1"))
		seq := [2]uint64{}
		for o := uint64(1); o <= 2*logWindow; o++ {
			at += 1000
			publisher := int32(o % 2)
			seq[publisher]++
			e := history.Event{Kind: history.Publish, Client: history.ClientID(s.voters) + history.ClientID(publisher), Life: 1, Channel: room, Publisher: publisher, Seq: seq[publisher], Seen: at, Sent: at, Due: at}
			s.events = append(s.events, e)
			e.Kind, e.Result = history.Outcome, history.OK
			s.events = append(s.events, e)
			for v := range history.ClientID(2) {
				d := history.Event{Kind: history.Deliver, Client: v, Life: 1, Channel: room, Publisher: publisher, Seq: seq[publisher], Epoch: epoch, Offset: o,
					Flags: history.FlagStamped | history.FlagPositioned, Seen: at, Arrived: at, Due: at}
				if differ && v == 1 && o == 1000 { // a message of the other publisher, which comes again behind it
					d.Publisher, d.Seq = 1-publisher, seq[1-publisher]+1
				}
				if differ && v == 1 && o == 1001 {
					d.Publisher, d.Seq = 1-publisher, seq[1-publisher]
				}
				s.events = append(s.events, d)
			}
		}
		_, vs := judgeEvents(s.brief, s.names, s.events, 2)
		if got := anomaliesIn(vs); differ != (vs[0].State == Fail) || differ && got["offset-divergence"]+got["order-divergence"] == "" {
			t.Errorf("differ %v: %s %v\n%s", differ, vs[0].State, got, dump(vs[0]))
		}
	}
}
