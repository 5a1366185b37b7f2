package server

import (
	"context"
	"testing"
)

// RefreshRates does at once what a serving server does each second.
func RefreshRates(t *testing.T, s *Server) {
	t.Helper()
	if err := s.rates.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Fail is what a field does that fails.
func (s *Server) Fail(ctx context.Context, where string, err error) { s.fail(ctx, where, err) }
