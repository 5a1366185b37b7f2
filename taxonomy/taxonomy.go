// Package taxonomy holds the taxonomies that attacks are tagged by and that come with the
// program: OWASP's lists, MITRE ATLAS, AVID, and the families of tags that garak writes.
// They are data; a workspace may have its own beside them.
package taxonomy

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/storage"
)

//go:embed taxonomies.yaml
var text []byte

// FreePrefix begins tags that belong to no taxonomy: people's own words.
const FreePrefix = "free:"

// known is what the file says, read once.
var known = sync.OnceValue(func() *index {
	read, err := parse(text)
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return read
})

type index struct {
	all    []*storage.Taxonomy
	byTag  map[string]*storage.TaxonomyEntry // by each spelling, in lower case
	byName map[string]*storage.Taxonomy      // by key, in lower case
}

// All lists the taxonomies. Nobody may change what it returns.
func All() []*storage.Taxonomy { return known().all }

// Entry is what a tag names, in any of its spellings and whatever its case; nil for a
// tag of no taxonomy here.
func Entry(tag string) *storage.TaxonomyEntry { return known().byTag[fold(tag)] }

// ByKey is the taxonomy of that key, nil for none.
func ByKey(key string) *storage.Taxonomy { return known().byName[fold(key)] }

// Spellings are all texts that mean what the tag means, itself among them. A tag of no
// taxonomy is its only spelling.
func Spellings(tag string) []string {
	entry := Entry(tag)
	if entry == nil {
		return []string{tag}
	}
	spellings := entry.Spellings()
	for _, spelling := range spellings {
		if spelling == tag {
			return spellings
		}
	}
	return append(spellings, tag)
}

func fold(tag string) string { return strings.ToLower(strings.TrimSpace(tag)) }

// parse reads the file; a spelling that two entries share is an error.
func parse(text []byte) (*index, error) {
	var file []struct {
		Key, Name, Version, Licence string
		SourceURL                   string `yaml:"sourceUrl"`
		Entries                     []struct {
			Code, Tag, Title, Description string
			Also                          []string
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("read the taxonomies: %w", err)
	}
	read := &index{byTag: map[string]*storage.TaxonomyEntry{}, byName: map[string]*storage.Taxonomy{}}
	for _, of := range file {
		taxonomy := &storage.Taxonomy{Key: of.Key, Name: of.Name, Version: of.Version, SourceURL: &of.SourceURL, Licence: &of.Licence}
		for _, e := range of.Entries {
			entry := &storage.TaxonomyEntry{Code: e.Code, Tag: e.Tag, Title: e.Title, Also: e.Also, Taxonomy: taxonomy}
			if entry.Tag == "" {
				entry.Tag = e.Code
			}
			if e.Description != "" {
				entry.Description = &e.Description
			}
			for _, spelling := range entry.Spellings() {
				if read.byTag[fold(spelling)] != nil {
					return nil, fmt.Errorf("read the taxonomies: two entries are spelled %s", spelling)
				}
				read.byTag[fold(spelling)] = entry
			}
			taxonomy.Entries = append(taxonomy.Entries, entry)
		}
		read.all = append(read.all, taxonomy)
		read.byName[fold(of.Key)] = taxonomy
	}
	return read, nil
}
