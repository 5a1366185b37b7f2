package storage

import (
	"context"
	"time"
)

// Datasets keeps lists of prompts in versions. A version never changes: whatever changes
// the prompts of a dataset makes the next one, and both can be read. A prompt that a
// change leaves alone is the same prompt, with its attacks, in the next version.
//
// Errors of the writers: CodeNotFound for no such dataset or version, CodeConflict for a
// base that is not the newest version and for the deletion of what is used, CodeBadInput
// for what does not fit. Each is one transaction, all or nothing; allowed, unless nil, is
// asked in it before anything is stored, and its error ends it.
type Datasets interface {
	// AddDataset adds a dataset whose version 1 has the prompts that next gives. It
	// returns how many those are. Memory does not grow with them.
	AddDataset(ctx context.Context, dataset *NewDataset, next NextPrompt, allowed Allowed) (int64, error)
	// AddDatasetVersion adds a version with the prompts that next gives, in place of
	// the newest, which must have the number base.
	AddDatasetVersion(ctx context.Context, key string, base int64, version NewVersion, next NextPrompt, allowed Allowed) (*DatasetVersion, error)
	// ChangePrompts adds a version that differs from the newest, of the number base, by
	// a few prompts.
	ChangePrompts(ctx context.Context, key string, base int64, version NewVersion, change PromptChange, allowed Allowed) (*DatasetVersion, error)
	// ChangeDataset changes what a dataset is called, not its prompts.
	ChangeDataset(ctx context.Context, key string, change DatasetChange, now time.Time) error
	// UseDatasetVersion marks a version as taken by a run or orchestrator, which by
	// names; the first one stays on record. From then on neither the version nor its
	// dataset can be deleted.
	UseDatasetVersion(ctx context.Context, version VersionKey, by string, now time.Time) error
	// SplitDataset divides a version into named splits, each prompt in exactly one, in
	// place of those that it had.
	SplitDataset(ctx context.Context, version VersionKey, plan *SplitPlan) error
	// RemoveSplit removes a split; its prompts stay. CodeNotFound for none.
	RemoveSplit(ctx context.Context, version VersionKey, name string) error

	// OpenPrompts reads prompts of versions, in order, however many: the reader holds a
	// page of them. What is chosen is decided at once, and versions do not change.
	OpenPrompts(ctx context.Context, what PromptSelection) (PromptReader, error)
	// OpenAttackPrompts reads the distinct prompts of attacks, as prompts to add.
	OpenAttackPrompts(ctx context.Context, what AttackPrompts) (PromptReader, error)

	Datasets(ctx context.Context, filter *DatasetFilter, order NameOrder, page Page) (*Connection[Dataset], error)
	DatasetsByKey(ctx context.Context, keys []string) (map[string]*Dataset, error)
	DatasetFacet(ctx context.Context, facet DatasetFacet, filter *DatasetFilter, limit int) ([]*FacetValue, error)
	// DatasetVersions lists the versions of each dataset, newest first.
	DatasetVersions(ctx context.Context, keys []string, page Page) (map[string]*Connection[DatasetVersion], error)
	// DatasetVersionsByKey reads versions; the number 0 stands for the newest.
	DatasetVersionsByKey(ctx context.Context, keys []VersionKey) (map[VersionKey]*DatasetVersion, error)
	// SplitsByVersion lists the splits of versions in the order of their plan.
	SplitsByVersion(ctx context.Context, keys []VersionKey) (map[VersionKey][]*Split, error)
	// PromptsByDataset lists the prompts of each dataset's newest version.
	PromptsByDataset(ctx context.Context, keys []string, filter *PromptFilter, page Page) (map[string]*Connection[Prompt], error)
	// PromptsByVersion lists the prompts of versions, whose text is VersionKey.String.
	PromptsByVersion(ctx context.Context, versions []string, filter *PromptFilter, page Page) (map[string]*Connection[Prompt], error)
	PromptsByNumber(ctx context.Context, numbers []int64) (map[int64]*Prompt, error)
	// DatasetDifference counts what changed from one version of a dataset to another, and
	// DatasetChanges lists it. CodeNotFound for a version that is not there.
	DatasetDifference(ctx context.Context, from, to VersionKey) (*DatasetDifference, error)
	DatasetChanges(ctx context.Context, from, to VersionKey, page Page) (*Connection[PromptDifference], error)
	// LastOutcomes tells, for each prompt, the outcome of its newest attack, on
	// the target with that component hash, or on any.
	LastOutcomes(ctx context.Context, numbers []int64, targetHash string) (map[int64]Outcome, error)
}

// Allowed asks whether a change may still be made: a long one may outlive the right to
// it.
type Allowed = func(ctx context.Context) error

// NextPrompt gives prompts one after another, io.EOF after the last. Any other error ends
// the change that asks, which then stored nothing.
//
// A prompt whose Number is set is that prompt of the base version, as it is: the rest of
// it is ignored. Any other is new. Of a new one, SeedType, Role, Name, Text, DataType,
// HarmCategories, Parameters, Metadata, GroupID, Sequence and Replaces count; an empty
// SeedType is "prompt" and an empty DataType "text". U+0000 and invalid UTF-8 are
// replaced. The next call may use the same memory.
type NextPrompt = func(ctx context.Context) (*Prompt, error)

// PromptReader gives stored prompts, with their numbers. Close ends it, in any case.
type PromptReader interface {
	// Next is a NextPrompt. CodeConflict when a version was deleted meanwhile.
	Next(ctx context.Context) (*Prompt, error)
	// Count is how many prompts there are in all.
	Count() int64
	Close() error
}

// NewDataset is a dataset to add. Key, Name and CreatedAt must be set.
type NewDataset struct {
	Key           string // a UUID
	Name          string
	Description   *string
	SourceType    string // native, file, manual, attacks, transformation ...
	Format        string // of the file, otherwise empty
	Configuration JSON   // an object; empty for none
	Tags          []string
	CreatedAt     time.Time
	NewVersion
}

// NewVersion says how a version is made.
type NewVersion struct {
	// AllNew says that every prompt is new: they are written as they come, in little
	// memory, while other writers of the store wait.
	AllNew bool
	MadeBy MadeBy
	Author string // username
	At     time.Time
}

// MadeBy is how a version was made, kept as JSON.
type MadeBy struct {
	Operation  string     `json:"operation"`            // CREATE, UPLOAD, NATIVE, EDIT, IMPORT, TEMPLATE, CONVERT ...
	Parameters any        `json:"parameters,omitempty"` // of the operation
	Parents    []MadeFrom `json:"parents,omitempty"`    // the versions that it was made from
}

// MadeFrom is a version that another was made from.
type MadeFrom struct {
	Key     string `json:"dataset"` // of the dataset
	Version int64  `json:"version"`
	Split   string `json:"split,omitempty"`
}

// PromptChange is a change of a few prompts. Numbers are of prompts of the base version;
// each may be named once.
type PromptChange struct {
	Add    []*Prompt // behind the others, or before the prompt at Index where At says so
	At     *int64    // the place of the first of Add; nil: the end
	Edit   []*Prompt // in place of the one that Replaces names
	Remove []int64
}

// Empty says whether nothing would change.
func (c *PromptChange) Empty() bool { return len(c.Add)+len(c.Edit)+len(c.Remove) == 0 }

// DatasetChange is what is to change of a dataset; nil leaves a field, and an empty
// description is none.
type DatasetChange struct {
	Name        *string
	Description *string
	Tags        []string // all of them; nil leaves them
}
