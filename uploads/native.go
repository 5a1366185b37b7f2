package uploads

import (
	"context"

	"github.com/violentutf/violentutf/native"
	"github.com/violentutf/violentutf/storage"
)

// Native makes a dataset of a list that comes with the program. CodeNotFound for a name
// of none; BAD_USER_INPUT for a slot, which says how to fill it.
func (s *Shelf) Native(ctx context.Context, store storage.UserStore, name string, d *storage.NewDataset, allowed storage.Allowed) (int64, error) {
	list := native.ByName(name)
	if list == nil {
		return 0, noList("list")
	}
	if !list.Available() {
		return 0, storage.BadInput("list", "the slot %s is empty: get the file (%s), and pass it to fillDatasetSlot", list.Name, list.Source)
	}
	described(d, list)
	if err := checkNamed(d); err != nil {
		return 0, err
	}
	d.SourceType, d.Format = "native", ""
	d.MadeBy = storage.MadeBy{Operation: "NATIVE", Parameters: map[string]any{"list": list.Name, "version": list.Version, "license": list.License}}
	d.AllNew = true
	next := list.Prompts()
	return store.AddDataset(ctx, d, func(context.Context) (*storage.Prompt, error) { return next() }, allowed)
}

// Fill makes a dataset of a slot, from the file that the user got for it.
func (s *Shelf) Fill(ctx context.Context, store storage.UserStore, slot string, d *storage.NewDataset, from Reading, allowed storage.Allowed) (*Read, error) {
	list := native.ByName(slot)
	if list == nil {
		return nil, noList("slot")
	}
	if list.Available() {
		return nil, storage.BadInput("slot", "the program has the list %s: make a dataset of it with createDatasetFromNative", list.Name)
	}
	described(d, list)
	d.SourceType = "native"
	if from.Format == "" && list.Format == "txt" {
		from.Format = list.Format // of others the content tells more
	}
	from.Mapping = MappingOf(list)
	return s.NewDataset(ctx, store, d, from, allowed)
}

// MappingOf is how the file of a slot is read.
func MappingOf(list *native.List) Mapping {
	mapping := Mapping{}
	for field, origin := range list.Mapping {
		mapping[Field(field)] = Origin{Column: origin.Column, Constant: origin.Constant, Also: origin.Also, Or: origin.Or, Optional: origin.Optional}
	}
	return mapping
}

// described calls a dataset as its list, unless the user does otherwise.
func described(d *storage.NewDataset, list *native.List) {
	if d.Name == "" {
		d.Name = list.Name
	}
	if d.Description == nil {
		d.Description = &list.Description
	}
}

func noList(argument string) error {
	return &storage.Error{Code: storage.CodeNotFound, Field: argument, Message: "there is no list of this name: viewer.nativeDatasets has all"}
}
