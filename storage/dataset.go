package storage

import (
	"strconv"
	"strings"
	"time"
)

// Dataset is a named list of prompts.
type Dataset struct {
	ID             string
	Key            string // the row's id: a UUID
	Source         Source
	SourceID       string
	Name           string
	Description    *string
	Author         *string // username; nil: an import
	SourceType     string  // native, file, manual, seeds ...
	Format         string  // what it was imported from
	Configuration  JSON
	Tags           []string
	Status         string
	Version        int64 // the newest
	PromptCount    int64 // of the newest version
	HarmCategories []string
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Attributes     *JSON
}

// VersionKey names a version of a dataset. The number 0 stands for the newest.
type VersionKey struct {
	Dataset string // key
	Number  int64
}

// String is the key of the version's id: the dataset's key, a hyphen and the number.
func (k VersionKey) String() string { return k.Dataset + "-" + strconv.FormatInt(k.Number, 10) }

// ParseVersionKey reads what String wrote.
func ParseVersionKey(text string) (VersionKey, bool) {
	at := strings.LastIndexByte(text, '-')
	if at < 0 {
		return VersionKey{}, false
	}
	number, err := strconv.ParseInt(text[at+1:], 10, 64)
	key := VersionKey{Dataset: text[:at], Number: number}
	return key, err == nil && number >= 0 && key.String() == text
}

// DatasetVersion is a list of prompts that never changes.
type DatasetVersion struct {
	ID             string
	DatasetKey     string
	Number         int64 // from 1
	PromptCount    int64
	HarmCategories []string // of its prompts, sorted
	MadeBy         JSON     // MadeBy
	Author         *string  // username; nil: an import
	CreatedAt      time.Time
	UsedAt         *time.Time // when a run or orchestrator first took it
	UsedBy         *string    // which
}

// VersionKey names it.
func (v *DatasetVersion) VersionKey() VersionKey { return VersionKey{v.DatasetKey, v.Number} }

// Split is a named part of a version.
type Split struct {
	DatasetKey  string
	Version     int64
	Name        string
	PromptCount int64
	MadeBy      JSON // seed, and the fractions or counts of all splits of the plan
	Author      string
	CreatedAt   time.Time
}

// SplitPlan divides a version.
type SplitPlan struct {
	Seed  int64
	Parts []SplitPart
	// Stratified keeps the share of each first harm category in every part, as far as
	// whole prompts can.
	Stratified bool
	Author     string
	At         time.Time
}

// SplitPart is a split to make: a fraction of the prompts or a count, all parts the same
// way. Fractions add up to 1, counts to all prompts.
type SplitPart struct {
	Name     string   `json:"name"`
	Fraction *float64 `json:"fraction,omitempty"`
	Count    *int64   `json:"count,omitempty"`
}

// Prompt is one prompt or objective of a dataset.
type Prompt struct {
	ID             string
	Number         int64
	DatasetKey     string
	Version        int64 // in which it first came
	Source         Source
	SourceID       string
	Index          int64  // from 0, in the version that is read, otherwise in the first
	SeedType       string // prompt, objective, simulated_conversation
	Role           *string
	Name           *string
	Text           string
	DataType       string
	HarmCategories []string
	Parameters     *JSON
	Metadata       *JSON
	Hash           string // SHA-256 of the text, hex
	GroupID        *string
	Sequence       *int64
	CreatedAt      time.Time
	Attributes     *JSON
	// Replaces is, of a prompt that is to be written, the number of the one of the base
	// version that it is a new edition of.
	Replaces int64
}

// PromptSelection chooses prompts to read.
type PromptSelection struct {
	From   []PromptsOf // one after another
	Filter *PromptFilter
	// Distinct leaves out prompts for which the function gives the same text as for one
	// before them; nil leaves out none.
	Distinct func(text string) string
	// Sample leaves a part of what the others leave.
	Sample *Sample
}

// PromptsOf are the prompts of a version, or of a split of it.
type PromptsOf struct {
	VersionKey
	Split string // name; empty: all
}

// Sample chooses by the seed. The same seed chooses the same of the same prompts.
type Sample struct {
	Seed     int64
	Count    *int64   // how many, or
	Fraction *float64 // which share, rounded to the nearest count
	// Stratified keeps the share of each first harm category, as far as whole prompts
	// can.
	Stratified bool
}

// AttackPrompts chooses prompts of attacks.
type AttackPrompts struct {
	Filter *AttackFilter
	// FirstPrompt takes the first text that a user sent in an attack's main
	// conversation, before converters, instead of the objective.
	FirstPrompt bool
}

// DatasetDifference counts what one version has that another has not.
type DatasetDifference struct {
	DatasetID string // GraphQL id
	From, To  VersionKey
	Added     int64
	Removed   int64
	Changed   int64 // new editions, of whatever place
	Moved     int64 // the same prompt at another rank among those that both have
	Unchanged int64
}

// PromptDifference is one prompt of a difference.
type PromptDifference struct {
	DatasetID   string // GraphQL id
	Kind        PromptChangeKind
	Place       int64  // in the list of changes: index in the version after, or before if it is in that alone
	Origin      int64  // the first edition
	Before      *int64 // prompt number
	After       *int64
	BeforeIndex *int64
	AfterIndex  *int64
}

// PromptChangeKind is how two versions differ in a prompt.
type PromptChangeKind string

// How two versions differ in a prompt. An edition that also moved is CHANGED.
const (
	PromptAdded   PromptChangeKind = "ADDED"
	PromptRemoved PromptChangeKind = "REMOVED"
	PromptChanged PromptChangeKind = "CHANGED"
	PromptMoved   PromptChangeKind = "MOVED"
)

// DatasetFacet is a dimension of datasets.
type DatasetFacet string

// The dimensions of datasets.
const (
	DatasetFacetTag          DatasetFacet = "TAG"
	DatasetFacetSourceType   DatasetFacet = "SOURCE_TYPE"
	DatasetFacetFormat       DatasetFacet = "FORMAT"
	DatasetFacetHarmCategory DatasetFacet = "HARM_CATEGORY"
	DatasetFacetAuthor       DatasetFacet = "AUTHOR"
)

// DatasetFilter narrows a list of datasets.
type DatasetFilter struct {
	Name         *TextMatch
	SourceType   *TextIn
	Format       *TextIn
	Tag          *TextIn
	HarmCategory *TextIn // of the newest version
	Author       *TextIn
	CreatedAt    *TimeRange
	UpdatedAt    *TimeRange
	PromptCount  *LongRange
	And          []*DatasetFilter
	Or           []*DatasetFilter
	Not          *DatasetFilter
}

// PromptFilter narrows a list of prompts. Targets are named like in AttackFilter.Target.
type PromptFilter struct {
	Text           *TextMatch
	SeedType       *TextIn
	HarmCategory   *TextIn
	DataType       *TextIn
	GroupID        *TextIn
	Hash           *TextIn
	TriedOn        []string // an attack tried it on one of these
	NotTriedOn     []string // none did on any of these
	SucceededOn    []string // an attack succeeded on one of these
	NotSucceededOn []string // none did on any of these, tried or not
	Split          *string  // of the version that is listed
	And            []*PromptFilter
	Or             []*PromptFilter
	Not            *PromptFilter
}
