package runfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/interop/dataset"
	"github.com/violentutf/violentutf/native"
	"github.com/violentutf/violentutf/storage"
)

// dataset lets the workspace have a dataset of that name whose newest version has the
// prompts described: the prompts of both are read side by side, and only where they differ
// a version is added.
func (a *applying) dataset(ctx context.Context, name string, d *Dataset) (key string, done configured.Done, err error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	version := storage.NewVersion{AllNew: true, Author: a.author, At: now, MadeBy: storage.MadeBy{Operation: "RUN_FILE", Parameters: d.origin()}}
	there, err := datasetNamed(ctx, a.store, name)
	if err != nil {
		return "", "", err
	}
	if there != nil {
		same, err := a.same(ctx, there, d)
		if err != nil {
			return "", "", err
		}
		done = configured.DoneUnchanged
		if !same {
			next, closed, err := d.open()
			if err != nil {
				return "", "", err
			}
			defer closed()
			if _, err := a.store.AddDatasetVersion(ctx, there.Key, there.Version, version, next, a.allowed); err != nil {
				return "", "", err
			}
			done = configured.DoneUpdated
		}
		if change, differs := d.described(there); differs {
			done = configured.DoneUpdated
			return there.Key, done, a.store.ChangeDataset(ctx, there.Key, change, now)
		}
		return there.Key, done, nil
	}
	next, closed, err := d.open()
	if err != nil {
		return "", "", err
	}
	defer closed()
	made := &storage.NewDataset{
		Key: uuid.Must(uuid.NewV7()).String(), Name: name, Description: d.Description, SourceType: d.sourceType(), Tags: d.tags(),
		CreatedAt: now, NewVersion: version,
	}
	_, err = a.store.AddDataset(ctx, made, next, a.allowed)
	return made.Key, configured.DoneCreated, err
}

func (a *applying) datasetKey(ctx context.Context, name string) (string, error) {
	if key := a.keys[named{storage.NamedDatasets, name}]; key != "" {
		return key, nil
	}
	there, err := datasetNamed(ctx, a.store, name)
	if err == nil && there == nil {
		err = storage.Errorf(storage.CodeNotFound, "neither the file nor the workspace has a dataset of the name %q", name)
	}
	if err != nil {
		return "", err
	}
	return there.Key, nil
}

func datasetNamed(ctx context.Context, store storage.UserStore, name string) (*storage.Dataset, error) {
	exact := true
	filter := &storage.DatasetFilter{Name: &storage.TextMatch{Equals: &name, CaseSensitive: &exact}}
	found, err := store.Datasets(ctx, filter, storage.NameOrder{}, storage.Page{Limit: 1})
	if err != nil || len(found.Edges) == 0 {
		return nil, err
	}
	return found.Edges[0].Node, nil
}

// same says whether the newest version has the prompts described, in their order.
func (a *applying) same(ctx context.Context, there *storage.Dataset, d *Dataset) (_ bool, err error) {
	next, closed, err := d.open()
	if err != nil {
		return false, err
	}
	defer closed()
	stored, err := a.store.OpenPrompts(ctx, storage.PromptSelection{From: []storage.PromptsOf{{VersionKey: storage.VersionKey{Dataset: there.Key, Number: there.Version}}}})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	for {
		has, storedErr := stored.Next(ctx)
		if storedErr != nil && !errors.Is(storedErr, io.EOF) {
			return false, storedErr
		}
		wanted, err := next(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if storedErr != nil || err != nil {
			return storedErr != nil && err != nil, nil
		}
		if !samePrompt(has, wanted) {
			return false, nil
		}
	}
}

// samePrompt compares what counts of a new prompt.
func samePrompt(has, wanted *storage.Prompt) bool {
	return has.Text == wanted.Text && has.SeedType == or(wanted.SeedType, "prompt") && has.DataType == or(wanted.DataType, "text") &&
		slices.Equal(has.HarmCategories, wanted.HarmCategories) && same(has.Role, wanted.Role) && same(has.Name, wanted.Name) &&
		same(has.Parameters, wanted.Parameters) && same(has.Metadata, wanted.Metadata) && same(has.GroupID, wanted.GroupID) && same(has.Sequence, wanted.Sequence)
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// described is what differs in how the dataset is called.
func (d *Dataset) described(there *storage.Dataset) (change storage.DatasetChange, differs bool) {
	if d.Description != nil && !same(d.Description, there.Description) {
		change.Description, differs = d.Description, true
	}
	if d.Tags != nil && !slices.Equal(d.tags(), there.Tags) {
		change.Tags, differs = d.tags(), true
	}
	return change, differs
}

func (d *Dataset) tags() []string { return slices.Compact(slices.Sorted(slices.Values(d.Tags))) }

func (d *Dataset) sourceType() string {
	switch {
	case d.Native != "":
		return "native"
	case d.File != "":
		return "file"
	}
	return "manual"
}

// origin is how a version came about, without texts: those are prompts.
func (d *Dataset) origin() map[string]any {
	switch {
	case d.Native != "":
		return map[string]any{"list": d.Native, "version": native.ByName(d.Native).Version}
	case d.File != "":
		return map[string]any{"fileName": filepath.Base(d.File), "mapping": d.mapping()}
	}
	return map[string]any{}
}

func (d *Dataset) mapping() dataset.Mapping {
	made := dataset.Mapping{}
	for field, column := range d.Mapping {
		made[dataset.Field(field)] = dataset.Origin{Column: column}
	}
	return made
}

// open begins to read the prompts described.
func (d *Dataset) open() (next storage.NextPrompt, closed func(), err error) {
	switch {
	case d.Native != "":
		list := native.ByName(d.Native)
		if list == nil || !list.Available() {
			return nil, nil, storage.BadInput("native", "there is no list %q", d.Native)
		}
		prompts := list.Prompts()
		return func(context.Context) (*storage.Prompt, error) { return prompts() }, func() {}, nil
	case d.File != "":
		return d.openFile()
	}
	at := 0
	return func(context.Context) (*storage.Prompt, error) {
		if at == len(d.Prompts) {
			return nil, io.EOF
		}
		p := d.Prompts[at]
		at++
		return &storage.Prompt{Text: p.Text, Name: p.Name, HarmCategories: append([]string{}, p.HarmCategories...), SeedType: "prompt", DataType: "text"}, nil
	}, func() {}, nil
}

// openFile reads a file's prompts. A row that is none ends it: a run of fewer prompts than
// its file has would look better than it is.
func (d *Dataset) openFile() (storage.NextPrompt, func(), error) {
	file, err := os.Open(d.File)
	if err != nil {
		return nil, nil, storage.BadInput("file", "%v", err)
	}
	closed := func() { _ = file.Close() } // it was only read
	reader, err := openReader(file, d)
	if err != nil {
		closed()
		return nil, nil, err
	}
	empty := true
	return func(ctx context.Context) (*storage.Prompt, error) {
		p, err := reader.Next(ctx)
		if reader.RejectCount() > 0 {
			return nil, storage.BadInput("file", "%s: a row is no prompt: %s", d.File, reader.Rejects()[0])
		}
		if errors.Is(err, io.EOF) && empty {
			return nil, storage.BadInput("file", "%s has no prompts", d.File)
		}
		if err == nil {
			empty = false
			if p.Metadata == nil {
				p.Metadata = p.Attributes // columns that no field takes
			}
		}
		return p, err
	}, closed, nil
}

func openReader(file *os.File, d *Dataset) (*dataset.Reader, error) {
	about, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.File, err)
	}
	if !about.Mode().IsRegular() {
		return nil, storage.BadInput("file", "%s is no file", d.File)
	}
	format := dataset.Format(d.Format)
	if format == "" {
		head := make([]byte, 64<<10)
		n, err := file.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", d.File, err)
		}
		if format = dataset.Detect(d.File, head[:n]); format == "" {
			return nil, storage.BadInput("format", "the format of %s cannot be told: name one, as csv or jsonl", d.File)
		}
	}
	return dataset.Open(format, file, about.Size(), d.mapping())
}
