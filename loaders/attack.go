package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// AttackPages answers the attacks that name a parent.
type AttackPages struct {
	pages *Pages[string, storage.AttackFilter, storage.Attack]
}

// attacksOf answers the attacks of components, prompts, executions and generators:
// one statement for all parents of a kind that ask with the same arguments.
func attacksOf(store storage.UserStore) *AttackPages {
	return &AttackPages{newPages(func(ctx context.Context, parents []string, filter *storage.AttackFilter, args pageArgs) (map[string]*storage.AttackConnection, error) {
		return store.AttacksOf(ctx, args.edge, parents, filter, args.order, args.page)
	})}
}

// Load returns one page of the attacks of a parent: its hash, key or number in
// decimal, as the edge says.
func (l *AttackPages) Load(ctx context.Context, edge storage.AttackEdge, parent string, filter *storage.AttackFilter, order storage.AttackOrder, page storage.Page) (*storage.AttackConnection, error) {
	return l.pages.load(ctx, parent, filter, pageArgs{page: page, order: order, edge: edge})
}
