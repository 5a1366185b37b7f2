package storage

import (
	"context"
	"time"
)

// HealthHistory are the last MaxHealthChecks checks of the parts of the installation.
type HealthHistory interface {
	// RecordHealth adds checks that were made together, and forgets the oldest.
	RecordHealth(ctx context.Context, checks []HealthCheck) error
	// HealthChecks lists them, newest first.
	HealthChecks(ctx context.Context, filter *HealthFilter, page Page) (*Connection[HealthCheck], error)
}

// MaxHealthChecks is how many checks are kept.
const MaxHealthChecks = 1000

// HealthStatus says how a part does.
type HealthStatus string

// The states of a part.
const (
	HealthUp       HealthStatus = "UP"
	HealthDegraded HealthStatus = "DEGRADED"
	HealthDown     HealthStatus = "DOWN"
)

// HealthCheck is what one check of one part found.
type HealthCheck struct {
	Seq       int64 // given when it is recorded
	CheckedAt time.Time
	Component string
	Status    HealthStatus
	Latency   time.Duration // to the microsecond
	Detail    string        // for administrators, written by us: no error of an engine
}

// HealthFilter narrows a list of checks; nil fields do not.
type HealthFilter struct {
	Component *string
	Status    *HealthStatus
}
