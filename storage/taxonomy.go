package storage

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Taxonomy is a list of names for what attacks do or show: one that comes with the
// program, or a workspace's own.
type Taxonomy struct {
	ID        *string // of an own one, nil otherwise
	Key       string  // of one that comes with the program a word, otherwise a UUID
	Name      string
	Version   string
	SourceURL *string // http or https
	Licence   *string
	Own       bool
	Entries   []*TaxonomyEntry // by code, or in the taxonomy's own order; never nil
	CreatedAt *time.Time       // of an own one
	UpdatedAt *time.Time
}

// TaxonomyEntry is one name of a taxonomy.
type TaxonomyEntry struct {
	Code        string
	Tag         string // the spelling that attacks are tagged with
	Title       string
	Description *string
	Also        []string // further spellings
	Taxonomy    *Taxonomy
}

// Spellings are the texts that mean the entry, each once.
func (e *TaxonomyEntry) Spellings() []string {
	spellings := []string{e.Tag}
	for _, other := range append([]string{e.Code}, e.Also...) {
		if !slices.Contains(spellings, other) {
			spellings = append(spellings, other)
		}
	}
	return spellings
}

// TaxonomyTag is an entry as the tag of an attack.
type TaxonomyTag struct {
	Tag   string // as the attack has it
	Entry *TaxonomyEntry
}

// Code is the entry's.
func (t *TaxonomyTag) Code() string { return t.Entry.Code }

// Title is the entry's.
func (t *TaxonomyTag) Title() string { return t.Entry.Title }

// Description is the entry's.
func (t *TaxonomyTag) Description() *string { return t.Entry.Description }

// Taxonomy is the name of the entry's.
func (t *TaxonomyTag) Taxonomy() string { return t.Entry.Taxonomy.Name }

// TaxonomyKey is the key of the entry's taxonomy.
func (t *TaxonomyTag) TaxonomyKey() string { return t.Entry.Taxonomy.Key }

// Version is the version of the entry's taxonomy.
func (t *TaxonomyTag) Version() string { return t.Entry.Taxonomy.Version }

// TaxonomyChange is what of an own taxonomy is to be another; nil stays. An empty text of
// those that may be absent takes it away.
type TaxonomyChange struct {
	Name      *string
	Version   *string
	SourceURL *string
	Licence   *string
	// Set are entries that are to be there, new or other than before.
	Set []*TaxonomyEntry
	// Remove are codes that are to be there no longer.
	Remove []string
}

// The longest texts of taxonomies and tags, in bytes, and how many there may be.
const (
	MaxTagBytes          = 200
	MaxTaxonomyNameBytes = 200
	MaxTagsAtOnce        = 100
	MaxTaxonomies        = 100   // of one workspace
	MaxTaxonomyEntries   = 1_000 // of one taxonomy
)

// Check is BAD_USER_INPUT for what no taxonomy can be.
func (c *TaxonomyChange) Check() error {
	if c.Name != nil && (blank(c.Name) || strings.ContainsAny(*c.Name, "\r\n")) {
		return BadInput("name", "a taxonomy needs a name of one line")
	}
	for _, text := range []struct {
		field string
		value *string
		most  int
	}{
		{"name", c.Name, MaxTaxonomyNameBytes},
		{"version", c.Version, MaxTaxonomyNameBytes},
		{"licence", c.Licence, MaxReasonBytes},
	} {
		if err := CheckText(text.field, text.value, text.most); err != nil {
			return err
		}
	}
	if err := CheckLink("sourceUrl", c.SourceURL); err != nil {
		return err
	}
	codes := map[string]bool{}
	for _, entry := range c.Set {
		if err := CheckTag("entries", entry.Code); err != nil {
			return err
		}
		if blank(&entry.Title) {
			return BadInput("entries", "each entry needs a title")
		}
		if err := CheckText("entries", &entry.Title, MaxTitleBytes); err != nil {
			return err
		}
		if err := CheckText("entries", entry.Description, MaxReasonBytes); err != nil {
			return err
		}
		if codes[entry.Code] {
			return BadInput("entries", "the code %s is there twice", entry.Code)
		}
		codes[entry.Code] = true
	}
	for _, code := range c.Remove {
		if codes[code] {
			return BadInput("removeEntries", "the code %s is to be set and removed", code)
		}
		if err := CheckText("removeEntries", &code, MaxTagBytes); err != nil {
			return err
		}
	}
	return nil
}

// CheckTag is BAD_USER_INPUT for a text that is no tag.
func CheckTag(field, tag string) error {
	if blank(&tag) || strings.TrimSpace(tag) != tag || strings.ContainsAny(tag, "\r\n\t") {
		return BadInput(field, "a tag or code is one line without spaces at its ends")
	}
	return CheckText(field, &tag, MaxTagBytes)
}

// Tagging is tags that are to be put on attacks or taken away from them.
type Tagging struct {
	On     Chosen // attacks alone
	Tags   []*TagSpellings
	Author string
	At     time.Time
}

// TagSpellings is a tag with all texts that mean the same.
type TagSpellings struct {
	Tag  string
	Also []string
}

// Spellings are the tag and what means the same.
func (t *TagSpellings) Spellings() []string { return append([]string{t.Tag}, t.Also...) }

// Check is BAD_USER_INPUT for a tagging of nothing, or one that no store takes.
func (t *Tagging) Check() error {
	switch {
	case t.On.Empty():
		return BadInput("attacks", "name the attacks, or give an attackFilter")
	case len(t.Tags) == 0 || len(t.Tags) > MaxTagsAtOnce:
		return BadInput("tags", "give between one and %d tags", MaxTagsAtOnce)
	}
	for _, tag := range t.Tags {
		if err := CheckTag("tags", tag.Tag); err != nil {
			return err
		}
	}
	return nil
}

// TagWord is the last word of a person about a tag of an attack, which no import
// overrules.
type TagWord struct {
	Tag     string
	Present bool // to be there, or not
	Author  string
	At      time.Time
}

// Taxonomies are a workspace's own taxonomies, and what people tag.
type Taxonomies interface {
	// OwnTaxonomies lists the workspace's own taxonomies with their entries, by name.
	OwnTaxonomies(ctx context.Context) ([]*Taxonomy, error)
	// OwnEntries finds own entries by code.
	OwnEntries(ctx context.Context, codes []string) (map[string]*TaxonomyEntry, error)
	// AddTaxonomy adds a taxonomy whose Key and CreatedAt are the caller's. CodeConflict
	// for a name or a code that another own taxonomy has.
	AddTaxonomy(ctx context.Context, taxonomy *Taxonomy) error
	// ChangeTaxonomy changes one. CodeNotFound for none; CodeConflict as above.
	ChangeTaxonomy(ctx context.Context, key string, change TaxonomyChange, now time.Time) error

	// AddTags gives attacks each tag of which they have no spelling. CodeNotFound for an
	// attack that is not there.
	AddTags(ctx context.Context, tags *Tagging) (Labelled, error)
	// RemoveTags takes tags away in every spelling, for good: an import does not bring
	// them back. CodeNotFound for an attack that is not there.
	RemoveTags(ctx context.Context, tags *Tagging) (Labelled, error)
	// TagWordsByAttack are the last words of people about tags of attacks.
	TagWordsByAttack(ctx context.Context, numbers []int64) (map[int64][]*TagWord, error)
}
