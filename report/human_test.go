package report

import (
	"math"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for _, row := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0s"},
		{1, "1ns"},
		{999, "999ns"},
		{1000, "1.00µs"},
		{9_994, "9.99µs"},
		{9_996, "10.0µs"}, // not 10.00µs
		{99_960, "100µs"}, // not 100.0µs
		{999_499, "999µs"},
		{999_600, "1.00ms"}, // not 1000µs
		{250 * time.Millisecond, "250ms"},
		{999_600 * time.Microsecond, "1.00s"},
		{59_940 * time.Millisecond, "59.9s"},
		{59_960 * time.Millisecond, "1m00s"}, // not 60.0s
		{90 * time.Second, "1m30s"},
		{59*time.Minute + 59*time.Second + 600*time.Millisecond, "1h00m"}, // not 60m00s
		{125 * time.Minute, "2h05m"},
		{-3 * time.Second, "-3.00s"},
		{math.MinInt64, "-2562047h47m"}, // has no positive twin
	} {
		if got := (Style{}).span(row.d); got != row.want {
			t.Errorf("span(%d ns) = %q, want %q", int64(row.d), got, row.want)
		}
	}
}

func TestCounts(t *testing.T) {
	for _, row := range []struct {
		n           int64
		full, brief string
		bytes       string
	}{
		{0, "0", "0", "0 B"},
		{999, "999", "999", "999 B"},
		{1023, "1,023", "1,023", "1,023 B"},
		{-1234, "-1,234", "-1,234", "-1,234 B"},
		{99_999, "99,999", "99,999", "97.7 KiB"},
		{100_000, "100,000", "100k", "97.7 KiB"},
		{999_600, "999,600", "1.00M", "976 KiB"},
		{1_234_567, "1,234,567", "1.23M", "1.18 MiB"},
		{5 << 40, "5,497,558,138,880", "5.50T", "5.00 TiB"},
	} {
		if got := count(row.n); got != row.full {
			t.Errorf("count(%d) = %q, want %q", row.n, got, row.full)
		}
		if got := short(row.n); got != row.brief {
			t.Errorf("short(%d) = %q, want %q", row.n, got, row.brief)
		}
		if got := size(row.n); got != row.bytes {
			t.Errorf("size(%d) = %q, want %q", row.n, got, row.bytes)
		}
	}
}

// A share that is not all never reads 100 %, one that is not nothing never 0 %.
func TestShare(t *testing.T) {
	for _, row := range []struct {
		part float64
		want string
	}{
		{0, "0%"}, {1, "100%"}, {0.5, "50%"}, {0.0994, "9.9%"}, {0.0996, "10%"}, {0.00001, "0.1%"},
		{0.99999, "99.9%"}, {0.9951, "99.5%"}, {math.NaN(), "0%"}, {-1, "0%"}, {1.5, "150%"},
	} {
		if got := share(row.part); got != row.want {
			t.Errorf("share(%v) = %q, want %q", row.part, got, row.want)
		}
	}
}
