package house

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/violentutf/violentutf/storage"
)

func TestWhatIsOverIsForgottenAndNothingRunsOnAfterClose(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	h, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = h.App.SaveRateLimits(t.Context(), []*storage.RateLimit{
		{Principal: "old", Bucket: "query", Level: 1, UpdatedAt: now.Add(-2 * time.Hour)},
		{Principal: "young", Bucket: "query", Level: 1, UpdatedAt: now},
	})
	if err != nil {
		t.Fatal(err)
	}
	purgeAll(t.Context(), h.App, slog.New(slog.DiscardHandler))
	kept, err := h.App.RateLimits(t.Context())
	if err != nil || len(kept) != 1 || kept[0].Principal != "young" {
		t.Errorf("kept %v, %v", kept, err)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
