package resolvers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// datasets and versions are nouns of inStore, which uses no table of them.
var (
	datasets = noun{name: "Dataset", action: "dataset.", kind: storage.KindDataset}
	versions = noun{name: "DatasetVersion", action: "dataset.version.", kind: storage.KindVersion}
)

// The sizes of what a request may bring.
const (
	mostPrompts     = 10_000
	mostPromptBytes = 1 << 20
	mostSources     = 100
	mostTags        = 100
)

func (r *Resolver) createDataset(ctx context.Context, input graph.CreateDatasetInput) (*schema.DatasetPayload, error) {
	made := newDataset{
		field: "createDataset", id: input.ClientMutationID, input: input, workspace: input.Workspace, name: input.Name,
		description: input.Description, tags: input.Tags, sourceType: "manual", operation: "CREATE",
		fields: map[string]bool{"prompts": input.Prompts != nil, "fromAttacks": input.FromAttacks != nil},
	}
	return r.addDataset(ctx, made, func(ctx context.Context, store storage.UserStore, d *storage.NewDataset) (storage.NextPrompt, func() error, error) {
		switch {
		case (input.Prompts == nil) == (input.FromAttacks == nil):
			return nil, nil, storage.BadInput("prompts", "give either prompts or fromAttacks")
		case input.FromAttacks == nil && len(input.Prompts) == 0:
			return nil, nil, storage.BadInput("prompts", "give at least one prompt")
		case input.FromAttacks == nil:
			prompts, err := newPrompts("prompts", input.Prompts)
			return oneByOne(prompts), nil, err
		}
		d.SourceType, d.MadeBy.Operation = "attacks", "ATTACKS"
		d.MadeBy.Parameters = map[string]any{"take": input.FromAttacks.Take}
		if input.FromAttacks.Filter != nil {
			d.MadeBy.Parameters = map[string]any{"take": input.FromAttacks.Take, "filter": wroteIn(ctx, "fromAttacks", "filter")}
		}
		reader, err := store.OpenAttackPrompts(ctx, storage.AttackPrompts{
			Filter: input.FromAttacks.Filter, FirstPrompt: input.FromAttacks.Take == graph.AttackTextFirstPrompt,
		})
		if err != nil {
			return nil, nil, inArgument("fromAttacks", err)
		}
		return notNone("fromAttacks", reader.Next), reader.Close, nil
	})
}

// notNone refuses prompts of attacks of which there are none.
func notNone(argument string, next storage.NextPrompt) storage.NextPrompt {
	some := false
	return func(ctx context.Context) (*storage.Prompt, error) {
		p, err := next(ctx)
		if errors.Is(err, io.EOF) && !some {
			return nil, storage.BadInput(argument, "no attack that matches has such a text: there would be no prompt")
		}
		some = true
		return p, err
	}
}

func (r *Resolver) cloneDataset(ctx context.Context, input graph.CloneDatasetInput) (*schema.DatasetPayload, error) {
	made := newDataset{
		field: "cloneDataset", id: input.ClientMutationID, input: input, name: input.Name, sourceType: "transformation", operation: "CLONE",
		of: &input.ID, fields: map[string]bool{"version": input.Version != nil, "split": input.Split != nil},
	}
	return r.addDataset(ctx, made, func(ctx context.Context, store storage.UserStore, d *storage.NewDataset) (storage.NextPrompt, func() error, error) {
		source := &graph.PromptSourceInput{Dataset: input.ID, Version: input.Version, Split: input.Split}
		return copied(ctx, store, d, "id", []*graph.PromptSourceInput{source}, storage.PromptSelection{})
	})
}

// sameness are the texts by which prompts are the same.
var sameness = map[graph.Sameness]func(string) string{
	graph.SamenessExact: func(text string) string { return text },
	graph.SamenessNormalized: func(text string) string {
		return strings.Join(strings.Fields(norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))), " ")
	},
}

// newDataset is a mutation that makes a dataset.
type newDataset struct {
	field                 string
	id                    *string
	input                 any
	workspace             *string
	of                    *string // a dataset in whose workspace it is to be, instead of workspace
	name                  string
	description           *string
	tags                  []string
	sourceType, operation string
	fields                map[string]bool
}

// promptsFor opens the prompts of a dataset to make, which it may describe, and what
// closes them, if anything.
type promptsFor func(ctx context.Context, store storage.UserStore, d *storage.NewDataset) (storage.NextPrompt, func() error, error)

func (r *Resolver) addDataset(ctx context.Context, n newDataset, open promptsFor) (*schema.DatasetPayload, error) {
	n.fields["name"], n.fields["description"], n.fields["tags"] = true, n.description != nil, n.tags != nil
	c := change{
		field: n.field, id: n.id, input: n.input, action: "dataset." + strings.ToLower(n.operation), fields: given(n.fields), on: named{kind: storage.KindDataset},
	}
	if n.of != nil {
		c.on = named{storage.KindDataset, *n.of, "id"}
	}
	c.do = func(ctx context.Context, w work) (_ made, err error) {
		name, err := called(&n.name, n.description, n.tags)
		if err != nil {
			return made{}, err
		}
		var scope *directives.Scope
		if n.of != nil {
			scope, _, err = directives.ChangingThing(ctx, *n.of, storage.KindDataset)
		} else {
			scope, err = directives.Changing(ctx, n.workspace)
		}
		if err != nil {
			return made{}, err
		}
		set, err := scope.Open(ctx)
		if err != nil {
			return made{}, err
		}
		d := &storage.NewDataset{
			Key: uuid.Must(uuid.NewV7()).String(), Name: *name, Description: n.description, SourceType: n.sourceType, Tags: n.tags, CreatedAt: now(),
			NewVersion: storage.NewVersion{MadeBy: storage.MadeBy{Operation: n.operation}, Author: w.actor.Username, At: now()},
		}
		next, closed, err := open(ctx, set.Store, d)
		if err != nil {
			return made{}, err
		}
		if closed != nil {
			defer func() { err = joined(err, closed()) }()
		}
		w.act.SubjectKey, w.act.WorkspaceKey = d.Key, scope.Workspace.Key
		count, err := set.Store.AddDataset(ctx, d, next, r.mayStill(w.actor.Key, scope.Workspace.Key))
		if err != nil {
			return made{}, err
		}
		w.act.Detail = detail(map[string]any{"fields": c.fields, "count": count})
		return made{Workspace: scope.Workspace.Key, Row: d.Key}, nil
	}
	return r.changeDataset(ctx, c)
}

// mayStill asks in the transaction of a long change what was asked when it began.
func (r *Resolver) mayStill(user, workspace string) storage.Allowed {
	return func(ctx context.Context) error { return r.stillAllowed(ctx, user, workspace, workspace) }
}

// copied reads prompts of versions of the store as new ones, and notes the versions.
func copied(ctx context.Context, store storage.UserStore, d *storage.NewDataset, argument string, sources []*graph.PromptSourceInput, what storage.PromptSelection) (storage.NextPrompt, func() error, error) {
	reader, err := sourced(ctx, store, &d.MadeBy, argument, sources, what)
	if err != nil {
		return nil, nil, err
	}
	return asNew(reader, func(*storage.Prompt) bool { return false }), reader.Close, nil
}

// asNew gives prompts without their numbers, but for those that stay what they are.
func asNew(reader storage.PromptReader, stays func(*storage.Prompt) bool) storage.NextPrompt {
	return func(ctx context.Context) (*storage.Prompt, error) {
		p, err := reader.Next(ctx)
		if err != nil {
			return nil, err
		}
		copied := *p
		if !stays(p) {
			copied.Number = 0
		}
		return &copied, nil
	}
}

// sourced opens prompts of versions of the store, and notes the versions.
func sourced(ctx context.Context, store storage.UserStore, by *storage.MadeBy, argument string, sources []*graph.PromptSourceInput, what storage.PromptSelection) (storage.PromptReader, error) {
	if len(sources) == 0 || len(sources) > mostSources {
		return nil, storage.BadInput(argument, "name 1 to %d sources", mostSources)
	}
	for _, source := range sources {
		id, ok := storage.ParseID(source.Dataset)
		if !ok || id.Kind != storage.KindDataset || id.Store != store.Key() {
			return nil, directives.Missing(argument)
		}
		from := storage.PromptsOf{VersionKey: numbered(id.Key, source.Version)}
		if source.Split != nil {
			from.Split = *source.Split
		}
		found, err := store.DatasetVersionsByKey(ctx, []storage.VersionKey{from.VersionKey})
		if err != nil {
			return nil, err
		}
		version := found[from.VersionKey]
		if version == nil {
			return nil, directives.Missing(argument)
		}
		from.Number = version.Number
		what.From = append(what.From, from)
		by.Parents = append(by.Parents, storage.MadeFrom{Key: id.Key, Version: version.Number, Split: from.Split})
	}
	reader, err := store.OpenPrompts(ctx, what)
	return reader, inArgument(argument, err)
}

// wroteIn is a part of the input as the client wrote it.
func wroteIn(ctx context.Context, path ...string) any {
	field := graphql.GetFieldContext(ctx).Field
	value := field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)["input"]
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// inArgument names the argument of what was not found.
func inArgument(argument string, err error) error {
	e, ok := errors.AsType[*storage.Error](err)
	if !ok || e.Code != storage.CodeNotFound {
		return err
	}
	named := *e
	named.Field = argument
	return &named
}

// conflictIn names the argument that a conflict is about, where the store names none.
func conflictIn(argument string, err error) error {
	e, ok := errors.AsType[*storage.Error](err)
	if !ok || e.Code != storage.CodeConflict || e.Field != "" {
		return err
	}
	named := *e
	named.Field = argument
	return &named
}

// numbered names a version by what a client gave; without a number, the newest.
func numbered(dataset string, number *int) storage.VersionKey {
	key := storage.VersionKey{Dataset: dataset}
	if number != nil {
		key.Number = int64(*number)
		if key.Number == 0 {
			key.Number = -1 // there is no version 0
		}
	}
	return key
}

func (r *Resolver) updateDataset(ctx context.Context, input graph.UpdateDatasetInput) (*schema.DatasetPayload, error) {
	fields := given(map[string]bool{"name": input.Name != nil, "description": input.Description.IsSet(), "tags": input.Tags != nil})
	return r.changeDataset(ctx, r.inStore(datasets, change{
		field: "updateDataset", id: input.ClientMutationID, input: input, action: "dataset.update", fields: fields,
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		description := emptied(input.Description)
		name, err := called(input.Name, description, input.Tags)
		if err != nil {
			return "", err
		}
		return key, set.Store.ChangeDataset(ctx, key, storage.DatasetChange{Name: name, Description: description, Tags: input.Tags}, now())
	}))
}

// called checks what a dataset is called, and gives its name without spaces around it.
func called(name, description *string, tags []string) (*string, error) {
	if name != nil {
		trimmed := strings.TrimSpace(*name)
		if trimmed == "" || utf8.RuneCountInString(trimmed) > 200 || strings.ContainsAny(trimmed, "\n\r") {
			return nil, storage.BadInput("name", "give it a name of one line and at most 200 characters")
		}
		name = &trimmed
	}
	if err := storage.CheckText("name", name, 1000); err != nil {
		return nil, err
	}
	if err := storage.CheckText("description", description, storage.MaxNoteBytes); err != nil {
		return nil, err
	}
	if len(tags) > mostTags {
		return nil, storage.BadInput("tags", "give at most %d tags", mostTags)
	}
	for _, tag := range tags {
		if strings.TrimSpace(tag) == "" {
			return nil, storage.BadInput("tags", "a tag has at least one letter")
		}
		if err := storage.CheckText("tags", &tag, 200); err != nil {
			return nil, err
		}
	}
	return name, nil
}

func (r *Resolver) changePrompts(ctx context.Context, input graph.ChangePromptsInput) (*schema.DatasetPayload, error) {
	fields := given(map[string]bool{"add": input.Add != nil, "edit": input.Edit != nil, "remove": input.Remove != nil, "at": input.At != nil})
	return r.changeDataset(ctx, r.inStore(datasets, change{
		field: "changePrompts", id: input.ClientMutationID, input: input, action: "dataset.edit", fields: fields,
		detail: map[string]any{"version": input.Version},
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		user, err := directives.User(ctx)
		if err != nil {
			return "", err
		}
		wanted, err := promptChange(ctx, set.Store, input)
		if err != nil {
			return "", err
		}
		made := storage.NewVersion{MadeBy: storage.MadeBy{
			Operation:  "EDIT",
			Parameters: map[string]any{"added": len(wanted.Add), "edited": len(wanted.Edit), "removed": len(wanted.Remove)},
			Parents:    []storage.MadeFrom{{Key: key, Version: int64(input.Version)}},
		}, Author: user.Username, At: now()}
		_, err = set.Store.ChangePrompts(ctx, key, int64(input.Version), made, *wanted, r.mayStill(user.Key, set.Store.Owner()))
		return key, conflictIn("version", err)
	}))
}

func promptChange(ctx context.Context, store storage.UserStore, input graph.ChangePromptsInput) (_ *storage.PromptChange, err error) {
	wanted := &storage.PromptChange{At: input.At}
	if wanted.Add, err = newPrompts("add", input.Add); err != nil {
		return nil, err
	}
	if wanted.Remove, err = promptNumbers(store, "remove", input.Remove); err != nil {
		return nil, err
	}
	ids := make([]string, len(input.Edit))
	for i, edit := range input.Edit {
		ids[i] = edit.ID
	}
	numbers, err := promptNumbers(store, "edit", ids)
	if err != nil {
		return nil, err
	}
	old, err := store.Reading(nil).PromptsByNumber(ctx, numbers)
	if err != nil {
		return nil, err
	}
	for i, edit := range input.Edit {
		if old[numbers[i]] == nil {
			return nil, directives.Missing("edit")
		}
		edited := *old[numbers[i]]
		edited.Number, edited.Replaces = 0, numbers[i]
		if edit.Text != nil {
			edited.Text = *edit.Text
		}
		if edit.SeedType != nil {
			edited.SeedType = *edit.SeedType
		}
		if edit.HarmCategories != nil {
			edited.HarmCategories = edit.HarmCategories
		}
		if edit.Metadata != nil {
			edited.Metadata = edit.Metadata
		}
		if err := checkPrompt("edit", &edited); err != nil {
			return nil, err
		}
		if !sameContent(old[numbers[i]], &edited) || slices.Contains(wanted.Remove, numbers[i]) {
			wanted.Edit = append(wanted.Edit, &edited)
		}
	}
	if len(input.Edit) > 0 && wanted.Empty() {
		return nil, storage.BadInput("edit", "the prompts are so already: nothing would change")
	}
	return wanted, nil
}

// sameContent says whether an edit changes nothing.
func sameContent(before, after *storage.Prompt) bool {
	return before.Text == after.Text && before.SeedType == after.SeedType && slices.Equal(before.HarmCategories, after.HarmCategories) &&
		reflect.DeepEqual(decoded(before.Metadata), decoded(after.Metadata))
}

// decoded is a document without the order and spaces of its text.
func decoded(document *storage.JSON) (value any) {
	if document == nil {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(string(*document)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return *document
	}
	return value
}

func promptNumbers(store storage.UserStore, argument string, ids []string) ([]int64, error) {
	if len(ids) > mostPrompts {
		return nil, storage.BadInput(argument, "name at most %d prompts at once", mostPrompts)
	}
	numbers := make([]int64, len(ids))
	for i, text := range ids {
		id, ok := storage.ParseID(text)
		number, numbered := id.Numbers(1)
		if !ok || !numbered || id.Kind != storage.KindPrompt || id.Store != store.Key() {
			return nil, directives.Missing(argument)
		}
		numbers[i] = number[0]
	}
	return numbers, nil
}

func newPrompts(argument string, inputs []*graph.NewPromptInput) ([]*storage.Prompt, error) {
	if len(inputs) > mostPrompts {
		return nil, storage.BadInput(argument, "give at most %d prompts at once: more come as a file", mostPrompts)
	}
	prompts := make([]*storage.Prompt, len(inputs))
	for i, p := range inputs {
		prompts[i] = &storage.Prompt{
			Text: p.Text, SeedType: p.SeedType, Role: p.Role, Name: p.Name, DataType: p.DataType, HarmCategories: p.HarmCategories,
			Parameters: p.Parameters, Metadata: p.Metadata,
		}
		if err := checkPrompt(argument, prompts[i]); err != nil {
			return nil, err
		}
	}
	return prompts, nil
}

// oneByOne is a NextPrompt of a list.
func oneByOne(prompts []*storage.Prompt) storage.NextPrompt {
	return func(context.Context) (*storage.Prompt, error) {
		if len(prompts) == 0 {
			return nil, io.EOF
		}
		p := prompts[0]
		prompts = prompts[1:]
		return p, nil
	}
}

func checkPrompt(argument string, p *storage.Prompt) error {
	if strings.TrimSpace(p.Text) == "" {
		return storage.BadInput(argument, "a prompt has a text")
	}
	return storage.CheckText(argument, &p.Text, mostPromptBytes)
}

func (r *Resolver) splitDataset(ctx context.Context, input graph.SplitDatasetInput) (*schema.DatasetPayload, error) {
	return r.changeDataset(ctx, r.inStore(datasets, change{
		field: "splitDataset", id: input.ClientMutationID, input: input, action: "dataset.split",
		fields: given(map[string]bool{"parts": true, "stratified": input.Stratified, "version": input.Version != nil}),
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		user, err := directives.User(ctx)
		if err != nil {
			return "", err
		}
		plan := &storage.SplitPlan{Seed: input.Seed, Stratified: input.Stratified, Author: user.Username, At: now()}
		for _, part := range input.Parts {
			plan.Parts = append(plan.Parts, storage.SplitPart{Name: part.Name, Fraction: part.Fraction, Count: part.Count})
		}
		return key, set.Store.SplitDataset(ctx, numbered(key, input.Version), plan)
	}))
}

func (r *Resolver) removeSplit(ctx context.Context, input graph.RemoveSplitInput) (*schema.DatasetPayload, error) {
	return r.changeDataset(ctx, r.inStore(datasets, change{
		field: "removeSplit", id: input.ClientMutationID, input: input, action: "dataset.remove_split",
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		return key, set.Store.RemoveSplit(ctx, numbered(key, input.Version), input.Name)
	}))
}

func (r *Resolver) deleteDataset(ctx context.Context, input graph.DeleteDatasetInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, datasets, change{
		field: "deleteDataset", id: input.ClientMutationID, input: input, action: "dataset.delete", detail: map[string]any{"cascade": input.Cascade},
	}, input.ID, storage.Deletion{Cascade: input.Cascade}, "datasets")
}

func (r *Resolver) deleteDatasetVersion(ctx context.Context, input graph.DeleteDatasetVersionInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, versions, change{
		field: "deleteDatasetVersion", id: input.ClientMutationID, input: input, action: "dataset.version.delete", detail: map[string]any{"cascade": input.Cascade},
	}, input.ID, storage.Deletion{Cascade: input.Cascade}, "dataset_versions")
}

// changeDataset makes a change and reads the dataset.
func (r *Resolver) changeDataset(ctx context.Context, c change) (*schema.DatasetPayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.DatasetPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Dataset, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Dataset] { return set.Dataset })
		if err != nil {
			err = fmt.Errorf("read the dataset: %w", err)
		}
	}
	return answer, err
}
