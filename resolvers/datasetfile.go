package resolvers

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/native"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/uploads"
)

// datasetsOfFiles is the noun of previews, which use no table of it.
var datasetsOfFiles = noun{name: "Dataset", action: "dataset.", kind: storage.KindDataset}

// mostPreviewed is how many prompts a preview shows at most.
const mostPreviewed = 100

// datasetFile is which file a mutation reads, and how.
type datasetFile struct {
	upload  *storage.Upload
	fileID  *string
	format  *schema.FileFormat
	mapping []*schema.FieldMapping
	rejects graph.RejectPolicy
}

// reading decodes what to read of a store.
func (f datasetFile) reading(store storage.UserStore) (uploads.Reading, error) {
	reading := uploads.Reading{Upload: f.upload, Mapping: uploads.Mapping{}, Skip: f.rejects == graph.RejectPolicySkip}
	if f.fileID != nil {
		id, ok := storage.ParseID(*f.fileID)
		if !ok || id.Kind != storage.KindFile || id.Store != store.Key() {
			return reading, directives.Missing("fileId")
		}
		reading.Hash = id.Key
	}
	if f.format != nil {
		reading.Format = strings.ToLower(string(*f.format))
	}
	for _, m := range f.mapping {
		field := fieldNames[m.Field]
		if _, twice := reading.Mapping[field]; twice {
			return reading, storage.BadInput("mapping", "%s is mapped twice", m.Field)
		}
		reading.Mapping[field] = uploads.Origin{Column: orEmpty(m.Column), Constant: orEmpty(m.Constant), Separator: orEmpty(m.Separator), Also: m.Also}
	}
	return reading, nil
}

// fields are the arguments that say which file.
func (f datasetFile) fields() map[string]bool {
	return map[string]bool{"file": f.upload != nil, "fileId": f.fileID != nil, "format": f.format != nil, "mapping": len(f.mapping) > 0}
}

// fieldNames are the fields as the readers call them.
var fieldNames = map[schema.PromptField]uploads.Field{
	schema.PromptFieldText: "text", schema.PromptFieldSeedType: "seedType", schema.PromptFieldRole: "role", schema.PromptFieldName: "name",
	schema.PromptFieldDataType: "dataType", schema.PromptFieldHarmCategories: "harmCategories", schema.PromptFieldParameters: "parameters",
	schema.PromptFieldMetadata: "metadata", schema.PromptFieldGroupID: "groupId", schema.PromptFieldSequence: "sequence",
}

func (r *Resolver) previewDatasetFile(ctx context.Context, input graph.PreviewDatasetFileInput) (*schema.PreviewFilePayload, error) {
	answer := &schema.PreviewFilePayload{}
	file := datasetFile{upload: input.File, fileID: input.FileID, format: input.Format, mapping: input.Mapping}
	var key string
	payload, err := r.preview(ctx, datasetsOfFiles, "previewDatasetFile", input, input.Workspace, input.ClientMutationID, func(ctx context.Context, store storage.UserStore) error {
		if input.First < 0 || input.First > mostPreviewed {
			return storage.BadInput("first", "first must be between 0 and %d, not %d", mostPreviewed, input.First)
		}
		reading, err := file.reading(store)
		if err != nil {
			return err
		}
		read, err := r.shelf.Preview(ctx, store, reading, input.First)
		if err != nil {
			return ofFile(err)
		}
		key = store.Owner()
		answer.Preview = &schema.FilePreview{
			FileName: read.FileName, Format: schema.FileFormat(strings.ToUpper(read.Format)), Columns: read.Columns, Mapping: shownMapping(read.Mapping),
			Prompts: read.Prompts, Rejects: shownRejects(read), PromptCount: read.PromptCount, RejectCount: read.RejectCount,
		}
		return nil
	})
	answer.Payload = payload
	if key != "" && err == nil {
		answer.Workspace, err = r.workspaceNow(ctx, key)
	}
	return answer, err
}

func (r *Resolver) createDatasetFromFile(ctx context.Context, input graph.CreateDatasetFromFileInput) (*schema.DatasetFilePayload, error) {
	file := datasetFile{input.File, input.FileID, input.Format, input.Mapping, input.Rejects}
	return r.datasetToRead(ctx, datasetToRead{
		field: "createDatasetFromFile", action: "dataset.create_from_file", id: input.ClientMutationID, input: input, workspace: input.Workspace,
		fields: also(file.fields(), "name", true, "description", input.Description != nil, "tags", input.Tags != nil),
		make: func(ctx context.Context, store storage.UserStore, d *storage.NewDataset, allowed storage.Allowed) (*uploads.Read, error) {
			reading, err := file.reading(store)
			if err != nil {
				return nil, err
			}
			d.Name, d.Description, d.Tags, d.SourceType = input.Name, input.Description, input.Tags, "file"
			return r.shelf.NewDataset(ctx, store, d, reading, allowed)
		},
	})
}

func (r *Resolver) createDatasetFromNative(ctx context.Context, input graph.CreateDatasetFromNativeInput) (*schema.DatasetFilePayload, error) {
	return r.datasetToRead(ctx, datasetToRead{
		field: "createDatasetFromNative", action: "dataset.create_from_native", id: input.ClientMutationID, input: input, workspace: input.Workspace,
		fields: also(map[string]bool{"list": true}, "name", input.Name != nil, "tags", input.Tags != nil),
		make: func(ctx context.Context, store storage.UserStore, d *storage.NewDataset, allowed storage.Allowed) (*uploads.Read, error) {
			d.Name, d.Tags = orEmpty(input.Name), input.Tags
			count, err := r.shelf.Native(ctx, store, input.List, d, allowed)
			return &uploads.Read{PromptCount: count}, err
		},
	})
}

func (r *Resolver) fillDatasetSlot(ctx context.Context, input graph.FillDatasetSlotInput) (*schema.DatasetFilePayload, error) {
	file := datasetFile{upload: input.File, fileID: input.FileID, format: input.Format, rejects: input.Rejects}
	return r.datasetToRead(ctx, datasetToRead{
		field: "fillDatasetSlot", action: "dataset.fill_slot", id: input.ClientMutationID, input: input, workspace: input.Workspace,
		fields: also(file.fields(), "slot", true, "name", input.Name != nil, "tags", input.Tags != nil),
		make: func(ctx context.Context, store storage.UserStore, d *storage.NewDataset, allowed storage.Allowed) (*uploads.Read, error) {
			reading, err := file.reading(store)
			if err != nil {
				return nil, err
			}
			d.Name, d.Tags = orEmpty(input.Name), input.Tags
			return r.shelf.Fill(ctx, store, input.Slot, d, reading, allowed)
		},
	})
}

// datasetToRead is a mutation that makes a dataset.
type datasetToRead struct {
	field, action string
	id            *string
	input         any
	workspace     *string
	fields        map[string]bool
	// make makes it, of what is set in d but its key, author and time.
	make func(ctx context.Context, store storage.UserStore, d *storage.NewDataset, allowed storage.Allowed) (*uploads.Read, error)
}

func (r *Resolver) datasetToRead(ctx context.Context, n datasetToRead) (*schema.DatasetFilePayload, error) {
	answer := &schema.DatasetFilePayload{}
	return r.readDataset(ctx, answer, change{
		field: n.field, id: n.id, input: n.input, action: n.action, fields: given(n.fields), on: named{kind: storage.KindDataset},
		do: func(ctx context.Context, w work) (made, error) {
			scope, err := directives.Changing(ctx, n.workspace)
			if err != nil {
				return made{}, err
			}
			set, err := scope.Open(ctx)
			if err != nil {
				return made{}, err
			}
			workspace := scope.Workspace.Key
			w.act.WorkspaceKey = workspace
			d := &storage.NewDataset{
				Key: uuid.Must(uuid.NewV7()).String(), NewVersion: storage.NewVersion{Author: w.actor.Username, At: now()},
			}
			read, err := n.make(ctx, set.Store, d, r.allowedIn(w.actor.Key, workspace))
			return r.wasRead(answer, w, read, given(n.fields), made{Workspace: workspace, Row: d.Key}, err)
		},
	})
}

func (r *Resolver) addDatasetVersionFromFile(ctx context.Context, input graph.AddDatasetVersionFromFileInput) (*schema.DatasetFilePayload, error) {
	answer := &schema.DatasetFilePayload{}
	file := datasetFile{input.File, input.FileID, input.Format, input.Mapping, input.Rejects}
	c := change{
		field: "addDatasetVersionFromFile", id: input.ClientMutationID, input: input, action: "dataset.add_version_from_file",
		fields: given(also(file.fields(), "base", true)), on: named{storage.KindDataset, input.ID, "id"},
	}
	c.do = func(ctx context.Context, w work) (made, error) {
		scope, id, err := directives.ChangingThing(ctx, input.ID, storage.KindDataset)
		if err != nil {
			return made{}, err
		}
		set, err := scope.Open(ctx)
		if err != nil {
			return made{}, err
		}
		w.act.WorkspaceKey = scope.Workspace.Key
		reading, err := file.reading(set.Store)
		if err != nil {
			return made{}, err
		}
		version := storage.NewVersion{Author: w.actor.Username, At: now()}
		read, err := r.shelf.NewVersion(ctx, set.Store, id.Key, int64(input.Base), version, reading, r.allowedIn(w.actor.Key, scope.Workspace.Key))
		return r.wasRead(answer, w, read, c.fields, made{Workspace: scope.Workspace.Key, Row: id.Key}, about("id", conflictIn("base", err)))
	}
	return r.readDataset(ctx, answer, c)
}

// allowedIn asks again, in the transaction of a change that took long.
func (r *Resolver) allowedIn(user, workspace string) storage.Allowed {
	return func(ctx context.Context) error { return r.stillAllowed(ctx, user, workspace, workspace) }
}

// wasRead notes in the answer and on record how many rows were prompts, and which were
// none, also when nothing was stored for it.
func (r *Resolver) wasRead(answer *schema.DatasetFilePayload, w work, read *uploads.Read, fields []string, done made, err error) (made, error) {
	if read == nil {
		return made{}, ofFile(err)
	}
	answer.Rejects = shownRejects(read)
	answer.RejectCount = read.RejectCount
	counts := map[string]any{"fields": fields, "rejects": read.RejectCount}
	if err == nil {
		counts["prompts"] = read.PromptCount
		w.act.SubjectKey = done.Row
	}
	w.act.Detail = detail(counts)
	if err != nil {
		return made{}, ofFile(err)
	}
	done.Count, done.Matched = read.PromptCount, read.RejectCount
	return done, nil
}

// readDataset makes a change and reads the dataset.
func (r *Resolver) readDataset(ctx context.Context, answer *schema.DatasetFilePayload, c change) (*schema.DatasetFilePayload, error) {
	done, payload, err := r.mutate(ctx, c)
	answer.Payload = payload
	if answer.Rejects == nil {
		answer.Rejects = []*schema.FileReject{}
	}
	if done == nil || err != nil {
		return answer, err
	}
	answer.PromptCount, answer.RejectCount = done.Count, done.Matched
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set != nil {
		answer.Dataset, err = set.Dataset.Load(ctx, done.Row)
	}
	return answer, err
}

// ofFile names the argument of an error about a field of the mapping.
func ofFile(err error) error {
	if e := mendable(err); e != nil && len(e.Field) == 2 && strings.HasPrefix(e.Field[1], "mapping.") {
		return storage.BadInput("mapping", "%s", e.Message)
	}
	return err
}

func shownRejects(read *uploads.Read) []*schema.FileReject {
	rejects := make([]*schema.FileReject, len(read.Rejects))
	for i, reject := range read.Rejects {
		rejects[i] = &schema.FileReject{Line: reject.Line, Column: reject.Column, Field: orNil(reject.Field), Reason: reject.Reason}
	}
	return rejects
}

// shownMapping is a mapping in the order of the fields in the schema.
func shownMapping(mapping uploads.Mapping) []*schema.FieldMapping {
	shown := []*schema.FieldMapping{}
	for _, field := range slices.Sorted(maps.Keys(fieldNames)) {
		if origin, ok := mapping[fieldNames[field]]; ok {
			shown = append(shown, &schema.FieldMapping{
				Field: field, Column: orNil(origin.Column), Constant: orNil(origin.Constant), Separator: orNil(origin.Separator), Also: append([]string{}, origin.Also...),
			})
		}
	}
	return shown
}

func nativeDatasets() []*schema.NativeDataset {
	var shown []*schema.NativeDataset
	for _, list := range native.Lists() {
		n := &schema.NativeDataset{
			Name: list.Name, Title: list.Title, Description: list.Description, Available: list.Available(), License: list.License,
			HarmCategories: append([]string{}, list.HarmCategories...), PromptCount: len(list.Texts), Columns: append([]string{}, list.Columns...),
		}
		if list.Available() {
			n.Version = &list.Version
		} else {
			format := schema.FileFormat(strings.ToUpper(list.Format))
			n.Source, n.Format = &list.Source, &format
		}
		n.Mapping = shownMapping(uploads.MappingOf(list))
		shown = append(shown, n)
	}
	return shown
}

// also adds names and whether they are set.
func also(names map[string]bool, more ...any) map[string]bool {
	for i := 0; i+1 < len(more); i += 2 {
		names[more[i].(string)] = more[i+1].(bool)
	}
	return names
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
