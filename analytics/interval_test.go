package analytics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"
)

func TestWilsonIsThatOfStatsmodels(t *testing.T) {
	raw, err := os.ReadFile("testdata/wilson.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Cases []struct {
			Successes, Assessed int64
			Level, Lower, Upper float64
		}
	}
	if err := json.Unmarshal(raw, &kept); err != nil || len(kept.Cases) == 0 {
		t.Fatal(len(kept.Cases), err)
	}
	for _, c := range kept.Cases {
		got := Wilson(c.Successes, c.Assessed, c.Level)
		if math.Abs(got.Lower-c.Lower) > 1e-12 || math.Abs(got.Upper-c.Upper) > 1e-12 {
			t.Errorf("%d of %d at %v: got %v to %v, want %v to %v", c.Successes, c.Assessed, c.Level, got.Lower, got.Upper, c.Lower, c.Upper)
		}
	}
}

func TestWilsonOfNothingIsNone(t *testing.T) {
	if got := Wilson(0, 0, UsualLevel); got != nil {
		t.Errorf("got %v", *got)
	}
}

func TestWilsonHoldsTheRateAndMirrors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1_000_000).Draw(t, "assessed")
		k := rapid.Int64Range(0, n).Draw(t, "successes")
		level := rapid.Float64Range(0.5, 0.999).Draw(t, "level")
		got, mirrored := Wilson(k, n, level), Wilson(n-k, n, level)
		rate := float64(k) / float64(n)
		if got.Lower < 0 || got.Lower > rate || got.Upper < rate || got.Upper > 1 {
			t.Fatalf("%d of %d at %v: %v to %v", k, n, level, got.Lower, got.Upper)
		}
		if math.Abs(got.Lower-(1-mirrored.Upper)) > 1e-9 || math.Abs(got.Upper-(1-mirrored.Lower)) > 1e-9 {
			t.Fatalf("%d of %d is not the mirror of %d", k, n, n-k)
		}
	})
}
