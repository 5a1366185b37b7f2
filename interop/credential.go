package interop

import (
	"context"
	"strings"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// guard keeps the credentials of one file out of one workspace's store.
type guard struct {
	session  *secret.Session
	scrubber *secret.Scrubber
	owner    string
}

func (g *guard) Seal(table, row, plaintext string) (string, error) {
	return g.session.Seal(plaintext, placeOf(g.owner, table, row))
}

func (g *guard) Add(credential string) { g.scrubber.Add(credential) }

func (g *guard) Clean(text string) (string, bool) { return g.scrubber.Clean(text) }

// placeOf is where the credential of a configured thing lives.
func placeOf(owner, table, row string) secret.Place {
	return secret.Place{Workspace: owner, Table: table, Row: row, Field: "credential"}
}

// Credentials are the sealed credentials of a store, for a rotation of the keys.
func Credentials(store storage.UserStore) secret.Resealer { return credentials{store} }

type credentials struct{ store storage.UserStore }

func (c credentials) Sealed(ctx context.Context, after string, limit int) ([]secret.SealedText, error) {
	kind, key, _ := strings.Cut(after, "/")
	rows, err := c.store.SealedCredentials(ctx, storage.ConfiguredKind(kind), key, limit)
	if err != nil {
		return nil, err
	}
	texts := make([]secret.SealedText, len(rows))
	for i, row := range rows {
		texts[i] = secret.SealedText{
			Cursor: string(row.Kind) + "/" + row.Key,
			Place:  placeOf(c.store.Owner(), string(row.Kind), row.Key), Text: row.Sealed,
		}
	}
	return texts, nil
}

func (c credentials) Replace(ctx context.Context, changes []secret.Resealed) error {
	rows := make([]*storage.ResealedCredential, len(changes))
	for i, change := range changes {
		rows[i] = &storage.ResealedCredential{New: change.New, SealedCredential: storage.SealedCredential{
			Kind: storage.ConfiguredKind(change.Place.Table), Key: change.Place.Row, Sealed: change.Text,
		}}
	}
	return c.store.ReplaceCredentials(ctx, rows)
}
