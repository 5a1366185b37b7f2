package server

import (
	"context"
	"errors"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/secret"
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

// countCall counts a call that costs somebody money, before it is made.
func (s *Server) countCall(ctx context.Context) error {
	wait, ok := s.rates.take(ctx, calls, 1)
	if ok {
		return nil
	}
	return storage.Errorf(storage.CodeRateLimited, "%s", tooMany(calls, wait))
}

// guard is that of rows which this server makes: what they hold of credentials the target
// has taken out already.
type guard struct{ *secret.Scrubber }

func newGuard() storage.Guard { return guard{secret.NewScrubber()} }

// Seal refuses: what a run or a person says is no configured thing.
func (guard) Seal(string, string, string) (string, error) {
	return "", errors.New("rows of a run have no credential to seal")
}

// Add makes the guard replace a credential in every text from now on.
func (g guard) Add(credential string) { g.Scrubber.Add(credential) }
