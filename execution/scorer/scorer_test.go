package scorer

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func score(t *testing.T, typeName string, parameters storage.JSON, subject Subject) Verdict {
	t.Helper()
	made, err := New(typeName, parameters, nil)
	if err != nil {
		t.Fatalf("%s %s: %v", typeName, parameters, err)
	}
	verdict, err := made.Score(t.Context(), subject)
	if err != nil {
		t.Fatalf("%s: %v", typeName, err)
	}
	return verdict
}

func fieldOf(err error) string {
	if e, ok := errors.AsType[*storage.Error](err); ok && e.Code == storage.CodeBadInput {
		return e.Field
	}
	return "no BAD_USER_INPUT"
}

var _ = context.Background
var _ = strings.Repeat
