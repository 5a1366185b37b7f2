package storage

import "time"

// Dataset is a named list of prompts.
type Dataset struct {
	ID             string
	Key            string // the row's id: a UUID
	Source         Source
	SourceID       string
	Name           string
	SourceType     string // native, file, manual, seeds ...
	Format         string // what it was imported from
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

// Prompt is one prompt or objective of a dataset.
type Prompt struct {
	ID             string
	Number         int64
	DatasetKey     string
	Version        int64
	Source         Source
	SourceID       string
	Index          int64  // from 0, in the dataset's order
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
}

// DatasetFilter narrows a list of datasets.
type DatasetFilter struct {
	Name       *TextMatch
	SourceType *TextIn
	Tag        *TextIn
}

// PromptFilter narrows a list of prompts.
type PromptFilter struct {
	Text         *TextMatch
	SeedType     *TextIn
	HarmCategory *TextIn
}
