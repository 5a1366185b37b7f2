package userstore

import (
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/taxonomy"
)

// inAnySpelling narrows tags to those that mean the same as the ones that are named.
func inAnySpelling(f *storage.TextIn) *storage.TextIn {
	if f == nil {
		return nil
	}
	spell := func(tags []string) []string {
		if tags == nil {
			return nil
		}
		all := []string{}
		for _, tag := range tags {
			all = append(all, taxonomy.Spellings(tag)...)
		}
		return all
	}
	return &storage.TextIn{In: spell(f.In), NotIn: spell(f.NotIn), IsNull: f.IsNull}
}
