package storage

import "time"

// Import tells of one file that was imported.
type Import struct {
	ID          string
	Key         string // UUID
	Tool        Source
	ToolVersion *string
	Format      string
	FileName    string // without its folder
	FileHash    string // SHA-256, hex
	FileBytes   int64
	Tables      []*ImportCount
	Notes       []string // what was skipped or read with a doubt, and why
	StartedAt   time.Time
	FinishedAt  time.Time
	// DryRun makes Stage.Commit count only; it is not stored.
	DryRun bool
}

// ImportCount tells what became of the rows of one table.
type ImportCount struct {
	Table     string `json:"table"`
	Read      int64  `json:"read"`
	Inserted  int64  `json:"inserted"`
	Updated   int64  `json:"updated"`
	Unchanged int64  `json:"unchanged"`
	Skipped   int64  `json:"skipped"`
}

// Progress tells how far an import is. Total is 0 while unknown.
type Progress struct {
	Phase string `json:"phase"` // reading, deriving, storing
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit"` // rows or bytes
}
