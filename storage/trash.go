package storage

import (
	"context"
	"time"
)

// Trash keeps what was deleted until it is restored or purged.
type Trash interface {
	// MoveToTrash deletes what is chosen, with everything that only it has, into one
	// entry, all or nothing. A dry run counts, tells what is in the way and changes
	// nothing. CodeNotFound for a key of nothing; CodeConflict for what is in the way;
	// CodeBadInput for an empty filter without All. Without an entry nothing was chosen.
	MoveToTrash(ctx context.Context, deletion *Deletion) (*Deleted, error)
	// RestoreFromTrash puts everything of an entry back as it was, all or nothing.
	// CodeNotFound for no such entry; CodeConflict when something came in its place
	// meanwhile.
	RestoreFromTrash(ctx context.Context, key string) ([]*TableUse, error)
	// PurgeTrash removes entries for good. CodeNotFound for a key of no entry.
	PurgeTrash(ctx context.Context, what Purge) (*Purged, error)
	// TrashEntries lists what is in the trash, newest first.
	TrashEntries(ctx context.Context, page Page) (*Connection[TrashEntry], error)
	TrashByKey(ctx context.Context, keys []string) (map[string]*TrashEntry, error)

	// NamedFiles finds, of these hashes, those of contents that a row names, also one in
	// the trash.
	NamedFiles(ctx context.Context, hashes []string) (map[string]bool, error)
	// PurgedFiles lists the hashes of contents that no row names since a purge, behind
	// one; the empty one is the beginning.
	PurgedFiles(ctx context.Context, after string, limit int) ([]string, error)
	// ForgetFiles tells that these contents are removed. What a row names again is
	// forgotten too.
	ForgetFiles(ctx context.Context, hashes []string) error
}

// Deletion is what goes into the trash as one entry: each by its key in the store.
type Deletion struct {
	Key string // of the entry: a UUID

	// Numbered and Keyed are the keys of things by their table; that of a version is the
	// text of its VersionKey, that of a file its hash.
	Numbered map[string][]int64
	Keyed    map[string][]string
	DeletionFilters
	// WithAttacks takes the attacks of the executions along.
	WithAttacks bool
	// All lets a filter be empty, so that it holds for everything.
	All bool

	// Cascade parts what stays from what goes, instead of refusing.
	Cascade bool
	DryRun  bool

	Chosen JSON // by what it was chosen, for people
	By     string
	At     time.Time
	Until  time.Time
}

// DeletionFilters take what they hold for beside what is named by its key; nil takes
// none.
type DeletionFilters struct {
	AttackFilter                                   *AttackFilter
	ConversationFilter                             *ConversationFilter
	ExecutionFilter                                *ExecutionFilter
	DatasetFilter                                  *DatasetFilter
	GeneratorFilter, ConverterFilter, ScorerFilter *ConfiguredFilter
	OrchestratorFilter                             *OrchestratorFilter
	FindingFilter                                  *FindingFilter
	FileFilter                                     *FileFilter
	SavedQueryFilter                               *SavedQueryFilter
	ParameterFileFilter                            *ParameterFileFilter
	TemplateFilter                                 *TemplateFilter
}

// TrashEntry is one deletion that can be undone.
type TrashEntry struct {
	ID        string
	Key       string
	DeletedBy string // username
	DeletedAt time.Time
	ExpiresAt time.Time
	Chosen    JSON
	Tables    []*TableUse
}

// Deleted is what a deletion took, or would take.
type Deleted struct {
	Tables   []*TableUse
	InTheWay []*Obstacle // empty where nothing is
}

// Obstacle is something that stays and needs what goes.
type Obstacle struct {
	What  string // in English, in the plural
	Count int64
	// Cascades says that a deletion that cascades parts it from what goes.
	Cascades bool
}

// Purge says which entries go: one of the three is set.
type Purge struct {
	Key     string
	All     bool
	Expired time.Time // those that may go by then
}

// Purged counts what is gone for good.
type Purged struct {
	Entries int64
	Tables  []*TableUse
}

// TrashDays is the key of a setting: for how long what is deleted can be restored.
const TrashDays = "trash.days"
