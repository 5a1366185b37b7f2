package storage

import (
	"context"
	"sync/atomic"
)

// Meter counts what one request asks of the stores. Engines add to the meter
// of their context; the server reports it as extensions.stats.
type Meter struct {
	UserStatements atomic.Int64
	AppStatements  atomic.Int64
	Rows           atomic.Int64
}

type meterKey struct{}

// WithMeter returns a context whose statements are counted in m.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

// MeterFrom returns the context's meter, or one that nobody reads.
func MeterFrom(ctx context.Context) *Meter {
	if m, ok := ctx.Value(meterKey{}).(*Meter); ok {
		return m
	}
	return &Meter{}
}
