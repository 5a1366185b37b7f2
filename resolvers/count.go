package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// facet counts one dimension of attacks.
func facet(ctx context.Context, facets *schema.Facets, dimension storage.Facet, limit *int) ([]*storage.FacetValue, error) {
	set, size, err := counting(ctx, facets.Workspace, limit)
	if err != nil {
		return nil, err
	}
	return set.Store.AttackFacet(ctx, dimension, facets.Filter, size)
}

// taxonomyFacet counts attacks by taxonomies, or by the entries of one.
func taxonomyFacet(ctx context.Context, facets *schema.Facets, of *string, limit *int) ([]*storage.FacetValue, error) {
	set, size, err := counting(ctx, facets.Workspace, limit)
	if err != nil {
		return nil, err
	}
	return set.Store.TaxonomyFacet(ctx, of, facets.Filter, size)
}

func conversationFacet(ctx context.Context, facets *schema.ConversationFacets, dimension storage.Facet, limit *int) ([]*storage.FacetValue, error) {
	set, size, err := counting(ctx, facets.Workspace, limit)
	if err != nil {
		return nil, err
	}
	return set.Store.ConversationFacet(ctx, dimension, facets.Filter, size)
}

func messageFacet(ctx context.Context, facets *schema.MessageFacets, dimension storage.Facet, limit *int) ([]*storage.FacetValue, error) {
	set, size, err := counting(ctx, facets.Workspace, limit)
	if err != nil {
		return nil, err
	}
	return set.Store.MessageFacet(ctx, dimension, facets.Filter, size)
}

func executionFacet(ctx context.Context, facets *schema.ExecutionFacets, dimension storage.Facet, limit *int) ([]*storage.FacetValue, error) {
	set, size, err := counting(ctx, facets.Workspace, limit)
	if err != nil {
		return nil, err
	}
	return set.Store.ExecutionFacet(ctx, dimension, facets.Filter, size)
}

func findingFacet(ctx context.Context, facets *schema.FindingFacets, dimension storage.Facet, limit *int) ([]*storage.FacetValue, error) {
	set, size, err := counting(ctx, facets.Workspace, limit)
	if err != nil {
		return nil, err
	}
	return set.Store.FindingFacet(ctx, dimension, facets.Filter, size)
}

func configuredFacet(ctx context.Context, facets *schema.ConfiguredFacets, dimension storage.Facet, limit *int) ([]*storage.FacetValue, error) {
	set, size, err := counting(ctx, facets.Workspace, limit)
	if err != nil {
		return nil, err
	}
	return set.Store.ConfiguredFacet(ctx, facets.Kind, dimension, facets.Filter, size)
}

// labelKeys counts labels.
func labelKeys(ctx context.Context, workspace *storage.Workspace, filter *storage.AttackFilter, limit int) ([]*storage.LabelKey, error) {
	set, size, err := counting(ctx, workspace, &limit)
	if err != nil {
		return nil, err
	}
	return set.Store.LabelKeys(ctx, filter, size)
}

// counting opens the workspace and checks how many values are wanted, 50 by default.
func counting(ctx context.Context, workspace *storage.Workspace, limit *int) (*loaders.Set, int, error) {
	size := 50
	if limit != nil {
		size = *limit
	}
	if size < 0 || size > storage.MaxPageSize {
		return nil, 0, storage.BadInput("limit", "limit must be between 0 and %d, not %d", storage.MaxPageSize, size)
	}
	set, err := directives.In(ctx, workspaceID(workspace))
	return set, size, err
}
