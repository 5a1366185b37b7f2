package house

import (
	"context"
	"log/slog"
	"time"

	"github.com/violentutf/violentutf/storage"
)

const (
	flushEvery = time.Second // what a crash may lose of "last used"
	purgeEvery = time.Hour
	trashEvery = 24        // purges after which the trash is purged, which opens every store
	fullAgain  = time.Hour // after which every bucket of a rate limit is full
)

// upkeep writes what the app store notes in memory, and forgets what is over, until it
// is ended.
type upkeep struct {
	end  context.CancelFunc
	done chan struct{}
}

func startUpkeep(h *House) *upkeep {
	app, log := h.App, h.log
	ctx, end := context.WithCancel(context.Background())
	u := &upkeep{end: end, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		flush, purge := time.NewTicker(flushEvery), time.NewTicker(purgeEvery)
		defer flush.Stop()
		defer purge.Stop()
		for purges := 0; ; {
			select {
			case <-ctx.Done():
				return
			case <-flush.C:
				if err := app.Flush(ctx); err != nil && ctx.Err() == nil {
					log.Error("write when sessions and keys were used", "error", err)
				}
			case <-purge.C:
				purgeAll(ctx, app, log)
				if purges++; purges%trashEvery == 1 {
					h.purgeTrash(ctx)
				}
			}
		}
	}()
	return u
}

// stop waits until nothing is under way any more.
func (u *upkeep) stop() {
	u.end()
	<-u.done
}

// purgeAll forgets what is over, each kind whatever becomes of the others.
func purgeAll(ctx context.Context, app storage.AppStore, log *slog.Logger) {
	for _, kind := range []struct {
		name  string
		purge func(context.Context) (int64, error)
	}{
		{"sessions", app.PurgeSessions},
		{"mutations", app.PurgeMutations},
		{"deliveries of webhooks", app.PurgeDeliveries},
		{"rate limits", func(ctx context.Context) (int64, error) {
			return app.PurgeRateLimits(ctx, time.Now().Add(-fullAgain))
		}},
	} {
		gone, err := kind.purge(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			log.Error("forget what is over", "kind", kind.name, "error", err)
		case gone > 0:
			log.Info("forgot what is over", "kind", kind.name, "rows", gone)
		}
	}
}
