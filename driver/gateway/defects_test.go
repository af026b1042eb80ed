package gateway

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// symptoms is what one run of a crowd suffered.
type symptoms struct {
	lost, repeated, backwards, inverted, epochs, mute, forgotten int
}

// suffer runs the same crowd as TestRecovery, on a gateway with a defect.
func suffer(t *testing.T, d Defect, seed uint64) (s symptoms) {
	bubble(t, Config{Seed: seed + 1, HeartbeatEvery: -1, Defects: []Defect{d}}, func(t *testing.T, site *site) {
		witness := newReceipt(t, site, "witness")
		witness.join()
		witness.take(time.Second)
		all, acked := crowd{subscribers: 6, publishers: 2, rounds: 120, seed: seed}.run(t, site)
		for _, r := range all {
			s.lost += int(r.lost)
			s.repeated += r.repeated
			s.backwards += r.backwards
			s.inverted += r.inverted
			s.epochs += r.epochs
			s.mute += r.mute
		}
		witness.take(time.Second)
		if missing := acked + 1 - len(witness.data); missing > 0 {
			s.forgotten = missing
		}
		witness.c.nc.Close()
	})
	return s
}

// TestDefects: each defect shows its own symptom in every run, and no foreign one.
func TestDefects(t *testing.T) {
	tested := map[string]bool{"silent-history-truncation": true, "false-unrecovered": true, "offset-regress": true, "phantom-message": true, // TestHistoryDefects, TestPhantomDefect
		"zombie-connection": true, "false-liveness-kill": true, "late-heartbeat": true, "acked-lost-on-crash": true, "interest-lost-remote": true, "restart-dup": true, "resume-livelock": true, "drain-loss": true, "wrong-close-code": true, "lockstep-reconnect": true,
		"collateral-close": true, "bad-utf8-passed-on": true, "oversize-buffered": true, "unmasked-accepted": true, "wrong-violation-code": true, "resubscribe-obeyed": true, // TestAbuseDefects
		"expired-position-no-error": true, "large-overtaken": true, // wrong_history_test.go
		"overlap-copies": true, "invented-message": true, // wrong_copies_test.go
		"foreign-epoch-accepted": true, "stale-store-replay": true, "future-offset-accepted": true, "session-hijack": true, "other-session-evicted": true, "expired-token-trusted": true, "expired-token-alive": true, // wrong_offence_test.go
		"revocation-ignored": true, "revoked-readmitted": true, // revoke_test.go
		"filter-false-positive": true, "unfiltered-replay": true, "unfiltered-queue": true, "stale-filter": true, "filter-false-negative": true, // filter_test.go
		"last-value-swallowed": true, "throttle-exceeded": true, "stale-last-value": true, "debounced-early": true, "debounced-superseded": true, "debounce-unsettled": true, // shaper_test.go
		"window-lost-at-disconnect": true, "window-boundary-dropped": true, "sum-truncated": true, "window-boundary-doubled": true, "replay-recounts": true, "counts-refused": true, "sum-misattributed": true, "aggregate-skipped": true, // aggregate_test.go
		"urgent-waits": true, "urgent-last": true, // priority_test.go
		"head-of-line-block": true,                                                                                                                       // wrong_blocked_test.go
		"transform-skipped":  true, "untransformed-replay": true, "transform-merged": true, "transform-field-lost": true, "transform-state-shared": true, // transform_test.go
		"compress-desync": true, "raw-in-compressed": true, "interleaved-frames": true, "server-masks": true, "reserved-bit-set": true, "text-not-utf8": true, // wrong_frames_test.go
		"batch-oversized": true, "batch-held-too-long": true, "batch-reordered": true, "batch-tail-lost": true, "batch-repeats-last": true, "batch-not-recovered": true, "not-batched": true, // batch_test.go
		"ghost-presence": true, "presence-flap": true, "presence-diff-race": true, "presence-not-restored": true, "member-missing": true, "phantom-member": true, "presence-repeated": true, "presence-late": true, // presence_test.go
		"snapshot-delta-skew": true, "snapshot-elsewhere": true, "row-missing": true, "removed-row-kept": true, "tombstone-row": true, "snapshot-missing": true, // wrong_rows_test.go
		"delta-rounded": true, "update-swallowed": true, "tombstone-lost": true, // wrong_fold_test.go
		"switch-cuts-replay": true, "switch-doubles-replay": true, "sse-without-recovery": true, "stream-loses-joined": true, "poll-gap": true, // carrier_test.go
		"membership-lost-silent": true, "cross-channel-leak": true, "cross-tenant-leak": true, "connection-id-reuse-leak": true,
		"wildcard-overmatch": true, "post-unsubscribe-delivery": true, "command-inversion": true, // TestIsolationDefects
		"right-not-enforced": true, "expired-token-accepted": true, "forged-token-accepted": true, "delivered-despite-refusal": true, "wrongly-refused": true, // rights_test.go
		"slow-consumer-silent-drop": true, "confirmed-not-subscribed": true, "causal-inversion": true, // below
		"offline-queue-drop": true, "double-flush": true, "duplicate-live-session": true, "retry-double-publish": true, "recovers-only-once": true, "resubscribe-partial": true, "send-buffer-inversion": true, // session_test.go
		"retained-dropped": true, "retained-one-match": true, "retained-outdated": true, "retained-any": true, // retained_test.go
		"will-dropped": true, "will-at-goodbye": true} // will_test.go
	for _, row := range []struct {
		name    string
		shows   func(s symptoms) bool
		foreign func(s symptoms) bool
	}{
		{"subscribe-history-gap", func(s symptoms) bool { return s.lost > 0 }, func(s symptoms) bool { return s.repeated+s.backwards+s.epochs+s.forgotten > 0 }},
		{"lost-in-socket", func(s symptoms) bool { return s.lost > 0 }, func(s symptoms) bool { return s.repeated+s.backwards+s.epochs+s.mute+s.forgotten > 0 }},
		{"recovered-flag-lie", func(s symptoms) bool { return s.lost > 0 }, func(s symptoms) bool { return s.repeated+s.backwards+s.epochs+s.mute+s.forgotten > 0 }},
		{"stale-epoch-accepted", func(s symptoms) bool { return s.epochs > 0 }, func(s symptoms) bool { return s.lost+s.repeated+s.backwards+s.mute > 0 }},
		{"replay-live-overlap", func(s symptoms) bool { return s.repeated > 0 }, func(s symptoms) bool { return s.lost+s.backwards+s.epochs+s.mute+s.forgotten > 0 }},
		{"fifo-violation", func(s symptoms) bool { return s.inverted > 0 && s.backwards == s.inverted }, func(s symptoms) bool { return s.repeated+s.epochs+s.mute+s.forgotten > 0 }},
		{"order-divergence", func(s symptoms) bool { return s.backwards > 0 }, func(s symptoms) bool { return s.inverted+s.repeated+s.epochs+s.mute+s.forgotten > 0 }},
		{"live-before-replay", func(s symptoms) bool { return s.backwards > 0 }, func(s symptoms) bool { return s.repeated+s.epochs+s.mute+s.forgotten > 0 }},
		{"ack-then-drop", func(s symptoms) bool { return s.forgotten > 5 }, func(s symptoms) bool { return s.lost+s.repeated+s.backwards+s.epochs > 0 }},
		{"double-replay", func(s symptoms) bool { return s.repeated > 0 }, func(s symptoms) bool { return s.lost+s.backwards+s.epochs+s.mute+s.forgotten > 0 }},
		{"offset-divergence", func(s symptoms) bool { return s.repeated > 0 }, func(s symptoms) bool { return s.lost+s.backwards+s.epochs+s.mute+s.forgotten > 0 }},
		{"duplicate-delivery", func(s symptoms) bool { return s.repeated > 0 }, func(s symptoms) bool { return s.lost+s.backwards+s.epochs+s.mute+s.forgotten > 0 }},
		{"lost-message", func(s symptoms) bool { return s.lost > 0 }, func(s symptoms) bool { return s.repeated+s.backwards+s.epochs > 0 }},
		{"", func(s symptoms) bool { return s == symptoms{} }, func(symptoms) bool { return false }},
	} {
		tested[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			for seed := range uint64(10) {
				d := Defect{Name: row.name}
				switch row.name {
				case "duplicate-delivery", "lost-message": // few reach a client that stays
					d.Every = 7
				case "": // the clean gateway, with a trigger that never comes
					d = Defect{Name: "ack-then-drop", Every: 1 << 40}
				}
				s := suffer(t, d, seed)
				if !row.shows(s) || row.foreign(s) {
					t.Errorf("seed %d: %+v", seed, s)
				}
			}
		})
	}
	for _, d := range Defects() {
		if !tested[d.Name] {
			t.Errorf("%s is not tested", d.Name)
		}
		if d.About == "" || d.Anomaly == "" || d.Every < 1 || len(d.Issues) == 0 {
			t.Errorf("%s is not described: %+v", d.Name, d)
		}
	}
}

func TestChanceInsteadOfCounting(t *testing.T) {
	w, err := newWrong([]Defect{{Name: "ack-then-drop", Chance: 0.25}}, 7)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range 10000 {
		if w.ackThenDrop.fires() {
			n++
		}
	}
	if n < 2300 || n > 2700 {
		t.Errorf("fired %d times of 10000 with a chance of 0.25", n)
	}
}

func TestSlowConsumerSilentDrop(t *testing.T) {
	cfg := Config{Defects: []Defect{{Name: "slow-consumer-silent-drop"}}}
	bubble(t, cfg, func(t *testing.T, s *site) {
		slow, p := newReceipt(t, s, "slow"), s.client("p")
		slow.join()
		p.flood("c", 100, 4096)
		slow.take(time.Second)
		p.flood("c", 1, 10)
		slow.take(time.Second)
		if slow.lost == 0 || slow.offset != 101 || slow.repeated+slow.backwards > 0 {
			t.Errorf("%s, at %d", slow.trouble(), slow.offset)
		}
	})
}

func TestConfirmedNotSubscribed(t *testing.T) {
	bubble(t, Config{Defects: []Defect{{Name: "confirmed-not-subscribed", Every: 5}}}, func(t *testing.T, s *site) {
		var all []*client
		for range 20 {
			c := s.client("c")
			c.subscribe("c")
			all = append(all, c)
		}
		s.client("p").publish("c", "1")
		mute := 0
		for _, c := range all {
			if len(c.drainFor(time.Second)) == 0 {
				mute++
			}
		}
		if mute != 4 {
			t.Errorf("%d of 20 subscribers got nothing, want every fifth", mute)
		}
	})
}

// TestEveryDefectOnce: they can all be on together without harm to the gateway
// itself. Those are left out that make frames which the clients here can't read.
func TestEveryDefectOnce(t *testing.T) {
	var all []Defect
	for _, d := range Defects() {
		if d.Anomaly != "codec-desync" {
			all = append(all, Defect{Name: d.Name})
		}
	}
	bubble(t, Config{Defects: all}, func(t *testing.T, s *site) {
		for i := range 20 {
			c := s.client(fmt.Sprint(i % 5))
			c.subscribe("c")
			for range 20 {
				c.publish("c", "1")
			}
			c.nc.Close()
			synctest.Wait()
		}
	})
}
