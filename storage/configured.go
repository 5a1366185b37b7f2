package storage

import "time"

// Configured is what a generator, converter and scorer share: a thing that a user
// set up by name. Runs record components, not these.
type Configured struct {
	ID         string
	Key        string // the row's id: a UUID
	Source     Source
	SourceID   string
	Name       string
	Type       string
	Parameters JSON // without credentials
	Credential *Credential
	Status     string
	LastTest   *JSON
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Attributes *JSON
}

// Credential tells of a sealed credential without opening it.
type Credential struct {
	IsSet     bool
	LastFour  *string // only of credentials of twelve characters or more
	UpdatedAt *time.Time
}

// Generator is a configured target.
type Generator struct{ Configured }

// Converter is a configured prompt converter.
type Converter struct{ Configured }

// Scorer is a configured scorer.
type Scorer struct{ Configured }

// ConfiguredFilter narrows a list of generators, converters or scorers.
type ConfiguredFilter struct {
	Name   *TextMatch
	Type   *TextIn
	Status *TextIn
}

// NameOrderField is what a list of named things can be ordered by.
type NameOrderField string

// The orders of named things.
const (
	NameOrderName      NameOrderField = "NAME"
	NameOrderCreatedAt NameOrderField = "CREATED_AT"
)

// NameOrder orders a list of named things.
type NameOrder struct {
	Field     NameOrderField
	Direction Direction
}

// ConfiguredChange is what is to change of a configured thing; nil leaves a field.
type ConfiguredChange struct {
	Name       *string
	Parameters *JSON
	Credential *NewCredential
	Status     *string
	LastTest   *JSON
}

// NewCredential is a credential to store: sealed, and what may be known of it. With an
// empty Sealed there is none any more.
type NewCredential struct {
	Sealed   string
	LastFour string
}

// StatusReady is the status of a configured thing that can be used.
const StatusReady = "ready"

// SealedCredential is the sealed credential of a configured thing, as it is stored.
type SealedCredential struct {
	Kind   ConfiguredKind
	Key    string // of the row
	Sealed string
}

// ResealedCredential is a sealed credential with what replaces it.
type ResealedCredential struct {
	SealedCredential
	New string
}
