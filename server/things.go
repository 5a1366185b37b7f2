package server

import (
	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/storage"
)

// things keeps generators, converters and scorers of the types that this program can run.
func (s *Server) things() *configured.Things {
	return &configured.Things{
		Keeper: s.options.House.Keeper,
		Types: map[storage.ConfiguredKind][]*storage.ConfiguredType{
			storage.KindConverters: converter.Types(),
			storage.KindScorers:    scorer.Types(),
		},
	}
}
