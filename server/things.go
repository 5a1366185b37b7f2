package server

import (
	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution/target"
)

// things keeps generators, converters and scorers of the types that this program can run.
func (s *Server) things() *configured.Things {
	return &configured.Things{
		Keeper: s.options.House.Keeper, Types: configured.Types(),
		Calls: target.Options{Policy: s.options.Outbound, Timeout: s.options.Limits.Timeout},
	}
}
