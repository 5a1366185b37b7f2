package server

import (
	"context"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// things keeps generators, converters and scorers of the types that this program can run.
func (s *Server) things() *configured.Things {
	return &configured.Things{
		Count:  s.countCall,
		Keeper: s.options.House.Keeper, Types: configured.Types(),
		Calls: target.Options{Policy: s.options.Outbound, Timeout: s.options.Limits.Timeout},
	}
}

// countExecution counts a run that somebody is about to start.
func (s *Server) countExecution(ctx context.Context) error { return s.count(ctx, executions) }

// countCall counts a call that costs somebody money, before it is made.
func (s *Server) countCall(ctx context.Context) error { return s.count(ctx, calls) }

func (s *Server) count(ctx context.Context, kind string) error {
	wait, ok := s.rates.take(ctx, kind, 1)
	if ok {
		return nil
	}
	return storage.Errorf(storage.CodeRateLimited, "%s", tooMany(kind, wait))
}
