package resolvers

import (
	"context"
	"encoding/json"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// trashEntries is the noun of inStore, which uses no table of it.
var trashEntries = noun{name: "TrashEntry", action: "trash.", kind: storage.KindTrashEntry}

// trashList is one argument of ids with the table of what they name.
type trashList struct {
	idList
	table string
}

func trashLists(input schema.MoveToTrashInput) []trashList {
	return []trashList{
		{idList{"attacks", storage.KindAttack, input.Attacks}, "attacks"},
		{idList{"conversations", storage.KindConversation, input.Conversations}, "conversations"},
		{idList{"executions", storage.KindExecution, input.Executions}, "execution_plans"},
		{idList{"datasets", storage.KindDataset, input.Datasets}, "datasets"},
		{idList{"generators", storage.KindGenerator, input.Generators}, string(storage.KindGenerators)},
		{idList{"converters", storage.KindConverter, input.Converters}, string(storage.KindConverters)},
		{idList{"scorers", storage.KindScorer, input.Scorers}, string(storage.KindScorers)},
		{idList{"orchestrators", storage.KindOrchestrator, input.Orchestrators}, "orchestrators"},
		{idList{"findings", storage.KindFinding, input.Findings}, "findings"},
		{idList{"annotations", storage.KindAnnotation, input.Annotations}, "annotations"},
		{idList{"datasetVersions", storage.KindVersion, input.DatasetVersions}, "dataset_versions"},
		{idList{"files", storage.KindFile, input.Files}, "files"},
		{idList{"prices", storage.KindPrice, input.Prices}, "prices"},
		{idList{"savedQueries", storage.KindSavedQuery, input.SavedQueries}, string(storage.KeptQueries)},
		{idList{"parameterFiles", storage.KindParameterFile, input.ParameterFiles}, string(storage.KeptParameterFiles)},
		{idList{"templates", storage.KindTemplate, input.Templates}, string(storage.KeptTemplates)},
		{idList{"taxonomies", storage.KindTaxonomy, input.Taxonomies}, "taxonomies"},
	}
}

func filtersGiven(f storage.DeletionFilters) []string {
	return given(map[string]bool{
		"attackFilter": f.AttackFilter != nil, "conversationFilter": f.ConversationFilter != nil, "executionFilter": f.ExecutionFilter != nil,
		"datasetFilter": f.DatasetFilter != nil, "generatorFilter": f.GeneratorFilter != nil, "converterFilter": f.ConverterFilter != nil,
		"scorerFilter": f.ScorerFilter != nil, "orchestratorFilter": f.OrchestratorFilter != nil, "findingFilter": f.FindingFilter != nil,
		"fileFilter": f.FileFilter != nil, "savedQueryFilter": f.SavedQueryFilter != nil, "parameterFileFilter": f.ParameterFileFilter != nil,
		"templateFilter": f.TemplateFilter != nil,
	})
}

func (r *Resolver) moveToTrash(ctx context.Context, input schema.MoveToTrashInput) (*schema.MoveToTrashPayload, error) {
	lists := trashLists(input)
	on := triage{workspace: input.Workspace}
	for _, list := range lists {
		on.lists = append(on.lists, list.idList)
	}
	fields, subject := on.fields(), on.subject()
	if filters := filtersGiven(input.DeletionFilters); len(filters) > 0 {
		// A filter may mean anything.
		fields, subject = append(fields, filters...), triage{workspace: input.Workspace}.subject()
	}
	done, payload, err := r.mutate(ctx, change{
		field: "moveToTrash", id: input.ClientMutationID, input: input, action: "trash.move", fields: fields, on: subject,
		do: func(ctx context.Context, w work) (made, error) {
			if len(fields) == 0 {
				return made{}, storage.BadInput("attacks", "name what to delete, or give a filter")
			}
			scope, set, err := on.open(ctx, w)
			if err != nil {
				return made{}, err
			}
			d := storage.Deletion{
				DeletionFilters: input.DeletionFilters, WithAttacks: input.WithAttacks,
				All: input.All, Cascade: input.Cascade, DryRun: input.DryRun, Chosen: asGiven(ctx),
				Numbered: map[string][]int64{}, Keyed: map[string][]string{},
			}
			for _, list := range lists {
				if err := list.choose(&d, set.Store.Key()); err != nil {
					return made{}, err
				}
			}
			if err := r.entry(ctx, &d); err != nil {
				return made{}, err
			}
			deleted, err := set.Store.MoveToTrash(ctx, &d)
			if err != nil {
				return made{}, err
			}
			w.act.Detail = detail(map[string]any{"fields": fields, "rows": total(deleted.Tables), "dryRun": input.DryRun})
			done := made{Workspace: scope.Workspace.Key, Deleted: deleted.Tables, InTheWay: deleted.InTheWay}
			if !input.DryRun && len(deleted.Tables) > 0 {
				done.Row = d.Key
			}
			return done, nil
		},
	})
	answer := &schema.MoveToTrashPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Tables, answer.InTheWay = append([]*storage.TableUse{}, done.Deleted...), append([]*storage.Obstacle{}, done.InTheWay...)
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set != nil && done.Row != "" {
		answer.TrashEntry, err = set.TrashEntry.Load(ctx, done.Row)
	}
	return answer, err
}

// choose decodes the ids, which must be of the store with that key.
func (l trashList) choose(d *storage.Deletion, store string) error {
	if numbersOf[l.kind] > 0 {
		var chosen storage.Chosen
		if err := l.addTo(&chosen, store); err != nil {
			return err
		}
		d.Numbered[l.table] = append(chosen.Attacks, chosen.Conversations...)
		return nil
	}
	keys, err := l.keys(store)
	d.Keyed[l.table] = keys
	return err
}

// entry makes a deletion an entry of the trash of its own, in the name of who asks.
func (r *Resolver) entry(ctx context.Context, d *storage.Deletion) error {
	user, err := directives.User(ctx)
	if err != nil {
		return err
	}
	days, err := r.settingNow(ctx, storage.TrashDays)
	if err != nil {
		return err
	}
	d.Key, d.By, d.At = uuid.Must(uuid.NewV7()).String(), user.Username, now()
	d.Until = d.At.Add(time.Duration(days.Int()) * 24 * time.Hour)
	return nil
}

// deleteOne moves one thing into the trash.
func (r *Resolver) deleteOne(ctx context.Context, of noun, c change, id string, d storage.Deletion, table string) (*schema.DeletePayload, error) {
	done, payload, err := r.mutate(ctx, r.inStore(of, c, id, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		d.Keyed, d.Chosen = map[string][]string{table: {key}}, detail(map[string]any{table: 1})
		if err := r.entry(ctx, &d); err != nil {
			return "", err
		}
		_, err := set.Store.MoveToTrash(ctx, &d)
		return key, aboutOne(err)
	}))
	answer := &schema.DeletePayload{Payload: payload}
	if done != nil && err == nil {
		answer.DeletedID = &id
	}
	return answer, err
}

func (r *Resolver) restoreFromTrash(ctx context.Context, input graph.RestoreFromTrashInput) (*schema.TrashPayload, error) {
	var tables []*storage.TableUse
	c := r.inStore(trashEntries, change{
		field: "restoreFromTrash", id: input.ClientMutationID, input: input, action: "trash.restore",
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		var err error
		tables, err = set.Store.RestoreFromTrash(ctx, key)
		return key, err
	})
	return r.changeTrash(ctx, c, func(done *made) { done.Deleted = tables })
}

func (r *Resolver) purgeTrash(ctx context.Context, input graph.PurgeTrashInput) (*schema.TrashPayload, error) {
	on := triage{workspace: input.Workspace}
	if input.ID != nil {
		on.lists = []idList{{"id", storage.KindTrashEntry, []string{*input.ID}}}
	}
	var purged *storage.Purged
	return r.changeTrash(ctx, change{
		field: "purgeTrash", id: input.ClientMutationID, input: input, action: "trash.purge", detail: map[string]any{"all": input.All}, on: on.subject(),
		do: func(ctx context.Context, w work) (made, error) {
			if (input.ID != nil) == input.All {
				return made{}, storage.BadInput("id", "name one entry, or set all")
			}
			scope, set, err := on.open(ctx, w)
			if err != nil {
				return made{}, err
			}
			what := storage.Purge{All: input.All}
			if input.ID != nil {
				keys, err := on.lists[0].keys(set.Store.Key())
				if err != nil {
					return made{}, err
				}
				what.Key = keys[0]
			}
			if err := directives.Owned(ctx, scope); err != nil {
				return made{}, err
			}
			if purged, err = set.Store.PurgeTrash(ctx, what); err != nil {
				return made{}, err
			}
			r.forget(ctx, scope.Workspace)
			return made{Workspace: scope.Workspace.Key}, nil
		},
	}, func(done *made) { done.Deleted, done.Count = purged.Tables, purged.Entries })
}

// changeTrash makes a change that note tells the counts of.
func (r *Resolver) changeTrash(ctx context.Context, c change, note func(done *made)) (*schema.TrashPayload, error) {
	do := c.do
	c.do = func(ctx context.Context, w work) (made, error) {
		done, err := do(ctx, w)
		if err == nil {
			note(&done)
			w.act.Detail = detail(map[string]any{"rows": total(done.Deleted)})
		}
		return done, err
	}
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.TrashPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Tables, answer.Entries = append([]*storage.TableUse{}, done.Deleted...), done.Count
	answer.Workspace, err = r.workspaceNow(ctx, done.Workspace)
	return answer, err
}

// aboutOne names the id of the only thing that is meant.
func aboutOne(err error) error {
	if e := mendable(err); e != nil && len(e.Field) == 2 && e.Field[1] != "cascade" {
		return &storage.Error{Code: e.Code, Field: "id", Message: e.Message}
	}
	return err
}

func total(tables []*storage.TableUse) (rows int64) {
	for _, table := range tables {
		rows += table.Rows
	}
	return rows
}

// asGiven is the input as the client wrote it, with the number of ids in their place.
func asGiven(ctx context.Context) storage.JSON {
	field := graphql.GetFieldContext(ctx).Field
	input, _ := field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)["input"].(map[string]any)
	given := map[string]any{}
	for name, value := range input {
		if ids, isList := value.([]any); isList {
			value = len(ids)
		}
		given[name] = value
	}
	for _, name := range []string{"workspace", "dryRun", "clientMutationId"} {
		delete(given, name)
	}
	text, err := json.Marshal(given)
	if err != nil {
		return "{}"
	}
	return storage.JSON(text)
}
