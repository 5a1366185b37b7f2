package house

import (
	"context"
	"strings"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// TokenPlace is where a token of a browser's session is sealed to.
func TokenPlace(userKey, session string, field storage.TokenField) secret.Place {
	return secret.Place{Workspace: userKey, Table: "user_sessions", Row: session, Field: string(field)}
}

// sessionTokens are the sealed tokens of all sessions, for a rotation of the keys. Cursors
// are SESSION/FIELD: the key of a session is hexadecimal.
type sessionTokens struct{ app storage.AppStore }

func (s sessionTokens) Sealed(ctx context.Context, after string, limit int) ([]secret.SealedText, error) {
	session, field, _ := strings.Cut(after, "/")
	tokens, err := s.app.SealedTokens(ctx, storage.SealedToken{Session: session, Field: storage.TokenField(field)}, limit)
	if err != nil {
		return nil, err
	}
	texts := make([]secret.SealedText, len(tokens))
	for i, token := range tokens {
		texts[i] = secret.SealedText{
			Cursor: token.Session + "/" + string(token.Field),
			Place:  TokenPlace(token.User, token.Session, token.Field), Text: token.Sealed,
		}
	}
	return texts, nil
}

func (s sessionTokens) Replace(ctx context.Context, changes []secret.Resealed) error {
	tokens := make([]*storage.ResealedToken, len(changes))
	for i, change := range changes {
		tokens[i] = &storage.ResealedToken{New: change.New, SealedToken: storage.SealedToken{
			Session: change.Place.Row, User: change.Place.Workspace, Field: storage.TokenField(change.Place.Field), Sealed: change.Text,
		}}
	}
	return s.app.ReplaceTokens(ctx, tokens)
}
