package resolvers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/taxonomy"
)

var taxonomies = noun{name: "Taxonomy", action: "taxonomy.", kind: storage.KindTaxonomy}

// tagging is AddTags or RemoveTags of a store.
type tagging = func(context.Context, *storage.Tagging) (storage.Labelled, error)

func (r *Resolver) addTags(ctx context.Context, input schema.TagInput) (*schema.LabelPayload, error) {
	return r.tag(ctx, "addTags", "tag.add", input, toBeAdded, func(store storage.UserStore) tagging { return store.AddTags })
}

func (r *Resolver) removeTags(ctx context.Context, input schema.TagInput) (*schema.LabelPayload, error) {
	return r.tag(ctx, "removeTags", "tag.remove", input, toBeRemoved, func(store storage.UserStore) tagging { return store.RemoveTags })
}

// tag adds or removes tags, as of does it on a store; spelled knows what they name.
func (r *Resolver) tag(ctx context.Context, field, action string, input schema.TagInput,
	spelled func(context.Context, storage.UserStore, []string) ([]*storage.TagSpellings, error), of func(storage.UserStore) tagging,
) (*schema.LabelPayload, error) {
	on := triage{input.Workspace, input.AttackFilter, []idList{{"attacks", storage.KindAttack, input.Attacks}}}
	fields := sorted(append(on.fields(), "tags"))
	return r.changeAttacks(ctx, change{field: field, id: input.ClientMutationID, input: input, action: action, fields: fields, on: on.subject()}, on,
		func(ctx context.Context, w work, set *loaders.Set, chosen storage.Chosen) (storage.Labelled, error) {
			if len(input.Tags) > storage.MaxTagsAtOnce {
				return storage.Labelled{}, storage.BadInput("tags", "give at most %d tags at once, not %d", storage.MaxTagsAtOnce, len(input.Tags))
			}
			tags, err := spelled(ctx, set.Store, input.Tags)
			if err != nil {
				return storage.Labelled{}, err
			}
			return of(set.Store)(ctx, &storage.Tagging{On: chosen, Tags: tags, Author: w.actor.Username, At: now()})
		})
}

// toBeAdded are the tags of entries, each once, and people's own words. A word that nobody
// knows would be found by nobody, so it is refused.
func toBeAdded(ctx context.Context, store storage.UserStore, texts []string) ([]*storage.TagSpellings, error) {
	own, err := store.OwnEntries(ctx, texts)
	if err != nil {
		return nil, err
	}
	var tags []*storage.TagSpellings
	for _, text := range texts {
		free, isFree := strings.CutPrefix(text, taxonomy.FreePrefix)
		if taxonomy.Entry(text) == nil && own[text] == nil && (!isFree || strings.TrimSpace(free) == "") {
			return nil, storage.BadInput("tags", "%q is no code of a taxonomy: see workspace.taxonomies, make a taxonomy of your own, or write %sa word", text, taxonomy.FreePrefix)
		}
		tags = withTag(tags, text)
	}
	return tags, nil
}

// toBeRemoved are the tags in every spelling, of whatever kind.
func toBeRemoved(_ context.Context, _ storage.UserStore, texts []string) ([]*storage.TagSpellings, error) {
	var tags []*storage.TagSpellings
	for _, text := range texts {
		tags = withTag(tags, text)
	}
	return tags, nil
}

func withTag(tags []*storage.TagSpellings, text string) []*storage.TagSpellings {
	tag := &storage.TagSpellings{Tag: text}
	if entry := taxonomy.Entry(text); entry != nil {
		tag.Tag = entry.Tag
		for _, spelling := range taxonomy.Spellings(text) {
			if spelling != entry.Tag {
				tag.Also = append(tag.Also, spelling)
			}
		}
	}
	if slices.ContainsFunc(tags, func(other *storage.TagSpellings) bool { return other.Tag == tag.Tag }) {
		return tags
	}
	return append(tags, tag)
}

// taxonomyTags are what the tags of an attack name, each entry once.
func taxonomyTags(ctx context.Context, attack *storage.Attack) ([]*storage.TaxonomyTag, error) {
	set, err := directives.In(ctx, attack.ID)
	if err != nil {
		return nil, err
	}
	unknown := ownTags(nil, attack.Tags)
	entries, err := set.OwnEntry.LoadAll(ctx, unknown)
	if err != nil {
		return nil, err
	}
	own := map[string]*storage.TaxonomyEntry{}
	for i, tag := range unknown {
		own[tag] = entries[i]
	}
	named := []*storage.TaxonomyTag{}
	seen := map[*storage.TaxonomyEntry]bool{}
	for _, tag := range attack.Tags {
		entry := taxonomy.Entry(tag)
		if entry == nil {
			entry = own[tag]
		}
		if entry != nil && !seen[entry] {
			seen[entry] = true
			named = append(named, &storage.TaxonomyTag{Tag: tag, Entry: entry})
		}
	}
	return named, nil
}

// ownTags adds the tags that only a workspace's own taxonomy can know.
func ownTags(list, tags []string) []string {
	for _, tag := range tags {
		if taxonomy.Entry(tag) == nil && !strings.HasPrefix(tag, taxonomy.FreePrefix) && !slices.Contains(list, tag) {
			list = append(list, tag)
		}
	}
	return list
}

func (r *Resolver) createTaxonomy(ctx context.Context, input graph.CreateTaxonomyInput) (*schema.TaxonomyPayload, error) {
	return r.changeTaxonomy(ctx, change{
		field: "createTaxonomy", id: input.ClientMutationID, input: input, action: "taxonomy.create", fields: []string{"entries", "name"},
		on: named{kind: taxonomies.kind},
		do: func(ctx context.Context, w work) (made, error) {
			scope, err := directives.Changing(ctx, input.Workspace)
			if err != nil {
				return made{}, err
			}
			set, err := scope.Open(ctx)
			if err != nil {
				return made{}, err
			}
			if err := ownName(&input.Name); err != nil {
				return made{}, err
			}
			entries, err := entriesOf(input.Entries)
			if err != nil {
				return made{}, err
			}
			at := now()
			of := &storage.Taxonomy{
				Key: uuid.Must(uuid.NewV7()).String(), Name: input.Name, Version: input.Version, SourceURL: input.SourceURL,
				Licence: input.Licence, Entries: entries, CreatedAt: &at,
			}
			if err := set.Store.AddTaxonomy(ctx, of); err != nil {
				return made{}, err
			}
			w.act.SubjectKey, w.act.WorkspaceKey = of.Key, scope.Workspace.Key
			return made{Workspace: scope.Workspace.Key, Row: of.Key}, nil
		},
	})
}

func (r *Resolver) updateTaxonomy(ctx context.Context, input graph.UpdateTaxonomyInput) (*schema.TaxonomyPayload, error) {
	fields := given(map[string]bool{
		"name": input.Name != nil, "version": input.Version != nil, "sourceUrl": input.SourceURL != nil, "licence": input.Licence != nil,
		"entries": len(input.Entries) > 0, "removeEntries": len(input.RemoveEntries) > 0,
	})
	return r.changeTaxonomy(ctx, r.inStore(taxonomies, change{
		field: "updateTaxonomy", id: input.ClientMutationID, input: input, action: "taxonomy.update", fields: fields,
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		if err := ownName(input.Name); err != nil {
			return "", err
		}
		entries, err := entriesOf(input.Entries)
		if err != nil {
			return "", err
		}
		return key, set.Store.ChangeTaxonomy(ctx, key, storage.TaxonomyChange{
			Name: input.Name, Version: input.Version, SourceURL: input.SourceURL, Licence: input.Licence, Set: entries, Remove: input.RemoveEntries,
		}, now())
	}))
}

func (r *Resolver) deleteTaxonomy(ctx context.Context, input graph.DeleteTaxonomyInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, taxonomies, change{
		field: "deleteTaxonomy", id: input.ClientMutationID, input: input, action: "taxonomy.delete",
	}, input.ID, storage.Deletion{}, "taxonomies")
}

// ownName is CONFLICT for the key of a taxonomy that comes with the program: facets and
// filters call both by one name.
func ownName(name *string) error {
	if name != nil && taxonomy.ByKey(*name) != nil {
		return &storage.Error{Code: storage.CodeConflict, Field: "name", Message: fmt.Sprintf("a taxonomy that comes with the program is called %q: choose another name", *name)}
	}
	return nil
}

// entriesOf are entries as a store keeps them. What another taxonomy's entry is spelled, or
// what begins a free word, cannot be a code.
func entriesOf(inputs []*graph.TaxonomyEntryInput) ([]*storage.TaxonomyEntry, error) {
	if len(inputs) > storage.MaxTaxonomyEntries {
		return nil, storage.BadInput("entries", "a taxonomy has at most %d entries, not %d", storage.MaxTaxonomyEntries, len(inputs))
	}
	entries := make([]*storage.TaxonomyEntry, len(inputs))
	for i, input := range inputs {
		if known := taxonomy.Entry(input.Code); known != nil {
			return nil, &storage.Error{
				Code: storage.CodeConflict, Field: "entries",
				Message: fmt.Sprintf("%q is an entry of %s: choose another code", input.Code, known.Taxonomy.Name),
			}
		}
		if strings.HasPrefix(input.Code, taxonomy.FreePrefix) {
			return nil, storage.BadInput("entries", "%s begins words of no taxonomy: choose another code", taxonomy.FreePrefix)
		}
		entries[i] = &storage.TaxonomyEntry{Code: input.Code, Title: input.Title, Description: input.Description}
	}
	return entries, nil
}

// changeTaxonomy makes a change and reads the taxonomy.
func (r *Resolver) changeTaxonomy(ctx context.Context, c change) (*schema.TaxonomyPayload, error) {
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.TaxonomyPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set == nil {
		return answer, err
	}
	own, err := set.Store.OwnTaxonomies(ctx)
	for _, of := range own {
		if of.Key == done.Row {
			answer.Taxonomy = of
		}
	}
	return answer, err
}

// allTaxonomies are those that come with the program, and the workspace's own.
func allTaxonomies(ctx context.Context, workspace *storage.Workspace) ([]*storage.Taxonomy, error) {
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	own, err := set.Store.OwnTaxonomies(ctx)
	return append(slices.Clone(taxonomy.All()), own...), err
}
