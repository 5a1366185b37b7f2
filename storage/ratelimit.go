package storage

import (
	"context"
	"time"
)

// RateLimits keep the token buckets over a restart. They live in the memory of the
// limiter, which loads them at its start and saves what changed.
type RateLimits interface {
	// RateLimits returns all that are kept.
	RateLimits(ctx context.Context) ([]*RateLimit, error)
	// SaveRateLimits stores many in one transaction. A stored one that is newer stays.
	SaveRateLimits(ctx context.Context, limits []*RateLimit) error
	// PurgeRateLimits forgets those that were not used since, which are full again,
	// and returns how many.
	PurgeRateLimits(ctx context.Context, since time.Time) (int64, error)
}

// RateLimit is how full a bucket was when it was last used.
type RateLimit struct {
	Principal string // whose it is: a user's key, or an address
	Bucket    string // what it limits
	Level     float64
	UpdatedAt time.Time // to the microsecond
}
