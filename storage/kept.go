package storage

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Keeping is what a user store keeps for people's work: saved queries, parameter files
// and templates, which all members share, and saved sessions, which are of one person.
type Keeping interface {
	// AddSavedQuery, AddParameterFile and AddTemplate add a thing, whose Key, Author and
	// CreatedAt are the caller's, at the revision 1. CodeConflict for a name that one of
	// the kind has.
	AddSavedQuery(ctx context.Context, query *SavedQuery) error
	AddParameterFile(ctx context.Context, file *ParameterFile) error
	AddTemplate(ctx context.Context, template *Template) error
	// ReplaceSavedQuery, ReplaceParameterFile and ReplaceTemplate store a thing as it is
	// to be, but for its author and when it was made. Its Revision is the one that was
	// seen, its UpdatedAt is now. CodeNotFound for none; CodeConflict for another
	// revision, and for a name that another of the kind has.
	ReplaceSavedQuery(ctx context.Context, query *SavedQuery) error
	ReplaceParameterFile(ctx context.Context, file *ParameterFile) error
	ReplaceTemplate(ctx context.Context, template *Template) error

	SavedQueries(ctx context.Context, filter *SavedQueryFilter, order SavedQueryOrder, page Page) (*Connection[SavedQuery], error)
	ParameterFiles(ctx context.Context, filter *ParameterFileFilter, order KeptOrder, page Page) (*Connection[ParameterFile], error)
	Templates(ctx context.Context, filter *TemplateFilter, order KeptOrder, page Page) (*Connection[Template], error)
	SavedQueriesByKey(ctx context.Context, keys []string) (map[string]*SavedQuery, error)
	ParameterFilesByKey(ctx context.Context, keys []string) (map[string]*ParameterFile, error)
	TemplatesByKey(ctx context.Context, keys []string) (map[string]*Template, error)
	// SavedQueryTags, ParameterFileTags and TemplateTags count the things that the filter
	// leaves by their tags, the most frequent first.
	SavedQueryTags(ctx context.Context, filter *SavedQueryFilter, limit int) ([]*TagCount, error)
	ParameterFileTags(ctx context.Context, filter *ParameterFileFilter, limit int) ([]*TagCount, error)
	TemplateTags(ctx context.Context, filter *TemplateFilter, limit int) ([]*TagCount, error)

	SavedSessions
}

// KeptKind is a table of what people keep.
type KeptKind string

// The tables of what people keep.
const (
	KeptQueries        KeptKind = "saved_queries"
	KeptParameterFiles KeptKind = "parameter_files"
	KeptTemplates      KeptKind = "templates"
)

// Kept is what saved queries, parameter files and templates have in common.
type Kept struct {
	ID          string
	Key         string // a UUID
	Name        string
	Description *string
	Tags        []string // sorted, each once; never null
	Author      string   // username
	Revision    int64    // from 1, raised by each change
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// SavedQuery is a question that people ask again: a GraphQL document of one query.
type SavedQuery struct {
	Kept
	Document  string
	Variables JSON // an object: what variables are unless somebody gives them
	Pinned    bool
}

// DocumentFormat is how a document of parameters is written.
type DocumentFormat string

// The formats of documents.
const (
	FormatYAML DocumentFormat = "YAML"
	FormatJSON DocumentFormat = "JSON"
)

// ParameterFile is a document of named parameters.
type ParameterFile struct {
	Kept
	Format     DocumentFormat
	Text       string // as it was given, byte for byte
	Parameters JSON   // an object: what the text says
}

// Template is a text with places for values.
type Template struct {
	Kept
	Body           string
	Parameters     []*TemplateParameter // each has a place in the body
	Source         *string              // where it comes from, for people
	HarmCategories []string             // sorted, each once; never null
	Native         *string              // the name of our own template that it was made from
}

// TemplateParameter is a name that has a place in the body of a template.
type TemplateParameter struct {
	Name        string  `json:"name"`
	Description *string `json:"description,omitempty"`
	Default     *string `json:"default,omitempty"` // what stands in its place when no value is given
}

// TagCount tells how many things have a tag.
type TagCount struct {
	Tag   string
	Count int64
}

// The bounds of what people keep, in bytes but for the number of tags.
const (
	MaxKeptNameBytes        = 200
	MaxKeptDescriptionBytes = 4_000
	MaxTags                 = 50
	MaxKeptTagBytes         = 100
	MaxSourceBytes          = 1_000
)

// Check is BAD_USER_INPUT for what cannot be kept. It puts the name and the tags in
// their form, and an empty description away.
func (k *Kept) Check() error {
	k.Name = strings.TrimSpace(k.Name)
	if k.Name == "" || strings.ContainsAny(k.Name, "\r\n") {
		return BadInput("name", "it needs a name of one line")
	}
	if err := CheckText("name", &k.Name, MaxKeptNameBytes); err != nil {
		return err
	}
	if blank(k.Description) {
		k.Description = nil
	}
	if err := CheckText("description", k.Description, MaxKeptDescriptionBytes); err != nil {
		return err
	}
	var err error
	k.Tags, err = TidyTags("tags", k.Tags)
	return err
}

// TidyTags sorts tags and leaves each once. BAD_USER_INPUT for what is no tag.
func TidyTags(field string, tags []string) ([]string, error) {
	tidy := make([]string, len(tags))
	for i, tag := range tags {
		tidy[i] = strings.TrimSpace(tag)
		if tidy[i] == "" || strings.ContainsAny(tidy[i], "\r\n") {
			return nil, BadInput(field, "%s holds an empty one, or one of several lines: write each as one line", field)
		}
		if err := CheckText(field, &tidy[i], MaxKeptTagBytes); err != nil {
			return nil, err
		}
	}
	slices.Sort(tidy)
	if tidy = slices.Compact(tidy); len(tidy) > MaxTags {
		return nil, BadInput(field, "there may be %d %s, not %d", MaxTags, field, len(tidy))
	}
	return tidy, nil
}

// KeptFilter is what the filters of what people keep have in common.
type KeptFilter struct {
	Name      *TextMatch
	Tag       *TextIn
	Author    *TextIn
	CreatedAt *TimeRange
	UpdatedAt *TimeRange
}

// SavedQueryFilter narrows a list of saved queries.
type SavedQueryFilter struct {
	KeptFilter
	Pinned *bool
}

// ParameterFileFilter narrows a list of parameter files.
type ParameterFileFilter struct {
	KeptFilter
	Format *DocumentFormat
}

// TemplateFilter narrows a list of templates.
type TemplateFilter struct {
	KeptFilter
	Body         *TextMatch
	HarmCategory *TextIn
	Native       *TextIn
}

// KeptOrderField is what a list of what people keep can be ordered by.
type KeptOrderField string

// The orders; equal values are ordered by key.
const (
	KeptOrderName      KeptOrderField = "NAME"
	KeptOrderCreatedAt KeptOrderField = "CREATED_AT"
	KeptOrderUpdatedAt KeptOrderField = "UPDATED_AT"
)

// KeptOrder orders a list of parameter files or templates.
type KeptOrder struct {
	Field     KeptOrderField
	Direction Direction
}

// SavedQueryOrderField is what a list of saved queries can be ordered by.
type SavedQueryOrderField string

// SavedQueryOrderPinned is by name, what is pinned first; the others are those of
// KeptOrderField.
const SavedQueryOrderPinned SavedQueryOrderField = "PINNED"

// SavedQueryOrder orders a list of saved queries.
type SavedQueryOrder struct {
	Field     SavedQueryOrderField
	Direction Direction
}

// NativeTemplate is a template that the program brings.
type NativeTemplate struct {
	Name        string // as createTemplate takes it
	Title       string // for people
	Description string
	Body        string
	Parameters  []*TemplateParameter
	Tags        []string
}
