package storage

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// SavedSessions keep how a person's screens look, by keys of the frontend's choice.
// What a person saved is that person's alone, also in a shared workspace; what was
// imported is everybody's to read.
type SavedSessions interface {
	// SaveSession keeps a state under its Name, in the place of the one before, and tells
	// its Key. Its UpdatedAt is now. revision is what was seen, 0 for nothing, nil for
	// whatever is there; CodeConflict when it is another. What has expired is deleted.
	SaveSession(ctx context.Context, userKey string, session *SavedSession, revision *int64) (key string, err error)
	// DeleteSavedSession moves what the person saved under a name to the trash, into the
	// entry of the deletion, and tells its Key. CodeNotFound for none. The trash has room
	// for MaxSavedSessions of a person: the oldest go for good.
	DeleteSavedSession(ctx context.Context, userKey, name string, deletion *Deletion) (key string, err error)
	// SavedSessions lists what the person saved and has not expired at now, and what was
	// imported.
	SavedSessions(ctx context.Context, userKey string, now time.Time, filter *SavedSessionFilter, order SavedSessionOrder, page Page) (*Connection[SavedSession], error)
	// SavedSessionsByName finds, for each name, what the person saved, otherwise what was
	// imported last.
	SavedSessionsByName(ctx context.Context, userKey string, now time.Time, names []string) (map[string]*SavedSession, error)
}

// SavedSession is the state of a screen.
type SavedSession struct {
	Key       string // of the row
	Name      string // the frontend's key
	Body      JSON
	Revision  int64 // from 1; 0 of what was imported
	Imported  bool
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt *time.Time
	Source    Source
}

// SavedSessionFilter narrows a list of saved sessions.
type SavedSessionFilter struct {
	Key      *TextMatch
	Imported *bool
}

// SavedSessionOrderField is what a list of saved sessions can be ordered by.
type SavedSessionOrderField string

// The orders of saved sessions.
const (
	SavedSessionOrderKey       SavedSessionOrderField = "KEY"
	SavedSessionOrderUpdatedAt SavedSessionOrderField = "UPDATED_AT"
)

// SavedSessionOrder orders a list of saved sessions.
type SavedSessionOrder struct {
	Field     SavedSessionOrderField
	Direction Direction
}

// The bounds of saved sessions, in bytes but for the number that one person has in a
// workspace.
const (
	MaxSessionKeyBytes  = 200
	MaxSessionBodyBytes = 1 << 20
	MaxSavedSessions    = 200
)

// Check is BAD_USER_INPUT for what cannot be saved at that time.
func (s *SavedSession) Check(now time.Time) error {
	if s.Name == "" || strings.ContainsAny(s.Name, "\r\n") {
		return BadInput("key", "a saved session needs a key of one line")
	}
	if err := CheckText("key", &s.Name, MaxSessionKeyBytes); err != nil {
		return err
	}
	switch {
	case len(s.Body) > MaxSessionBodyBytes:
		return BadInput("body", "the body of a saved session has at most %d bytes, not %d", MaxSessionBodyBytes, len(s.Body))
	case !json.Valid([]byte(s.Body)):
		return BadInput("body", "the body of a saved session must be a JSON value")
	case s.ExpiresAt != nil && !s.ExpiresAt.After(now):
		return BadInput("expiresAt", "expiresAt is not in the future: choose a later time, or none")
	}
	return nil
}
