package server

import (
	"context"

	"github.com/violentutf/violentutf/webhooks"
)

// webhooks tells others of what happens in workspaces.
func (s *Server) webhooks() *webhooks.Hooks {
	return webhooks.New(webhooks.Options{
		App: s.options.House.App, Keeper: s.options.House.Keeper, Policy: s.options.Outbound, Store: s.options.House.StoreOf,
		Count: s.countCall, Log: s.log,
	})
}

// tellOthers sends what waits for webhooks until ctx ends; end waits for that.
func (s *Server) tellOthers(ctx context.Context) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.hooks.Run(ctx)
	}()
	return func() {
		stop()
		<-ended
	}
}
