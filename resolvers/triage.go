package resolvers

import (
	"context"
	"strings"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/storage"
)

// idList is one argument of ids.
type idList struct {
	argument string
	kind     storage.Kind
	ids      []string
}

// triage is what a triage mutation works on: ids of one workspace, or a filter in the
// workspace that is named.
type triage struct {
	workspace *string
	filter    *storage.AttackFilter
	lists     []idList
}

// subject is what the audit log names: the one thing that is meant, otherwise the
// workspace. A filter may mean anything.
func (t triage) subject() named {
	total, only := 0, named{}
	for _, list := range t.lists {
		if total += len(list.ids); len(list.ids) > 0 {
			only = named{list.kind, list.ids[0], list.argument}
		}
	}
	switch {
	case total == 1 && t.filter == nil:
		return only
	case t.workspace != nil:
		return workspaceNamed(*t.workspace)
	}
	return named{kind: storage.KindWorkspace}
}

// fields are the arguments that choose.
func (t triage) fields() []string {
	var fields []string
	for _, list := range t.lists {
		if len(list.ids) > 0 {
			fields = append(fields, list.argument)
		}
	}
	if t.filter != nil {
		fields = append(fields, "attackFilter")
	}
	return fields
}

// choose finds the workspace and opens it, and decodes the ids, which all must be of it.
func (t triage) choose(ctx context.Context, w work) (*directives.Scope, *loaders.Set, storage.Chosen, error) {
	chosen := storage.Chosen{Filter: t.filter}
	scope, set, err := t.open(ctx, w)
	if err != nil {
		return nil, nil, chosen, err
	}
	for _, list := range t.lists {
		if err := list.addTo(&chosen, set.Store.Key()); err != nil {
			return nil, nil, chosen, err
		}
	}
	return scope, set, chosen, nil
}

// open finds the workspace and opens it.
func (t triage) open(ctx context.Context, w work) (*directives.Scope, *loaders.Set, error) {
	scope, err := t.scope(ctx)
	if err != nil {
		return nil, nil, err
	}
	set, err := scope.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	w.act.WorkspaceKey = scope.Workspace.Key
	if w.act.SubjectType == subjectTypes[storage.KindWorkspace] {
		w.act.SubjectKey = scope.Workspace.Key
	}
	return scope, set, nil
}

// scope is the workspace of the first id, or the one that is named.
func (t triage) scope(ctx context.Context) (*directives.Scope, error) {
	for _, list := range t.lists {
		if len(list.ids) == 0 {
			continue
		}
		scope, _, err := directives.ChangingThing(ctx, list.ids[0], list.kind)
		if err != nil {
			return nil, refused(list.argument, err)
		}
		if t.workspace != nil && *t.workspace != directives.WorkspaceID(scope.Workspace) {
			return nil, directives.Missing(list.argument)
		}
		return scope, nil
	}
	return directives.Changing(ctx, t.workspace)
}

// refused names the argument of an error about an id.
func refused(argument string, err error) error {
	if storage.CodeOf(err) == storage.CodeNotFound {
		return directives.Missing(argument)
	}
	return err
}

// addTo decodes the ids, which must be of the store with that key.
func (l idList) addTo(chosen *storage.Chosen, store string) error {
	keys, err := l.keys(store)
	if err != nil {
		return err
	}
	for _, key := range keys {
		numbers, numbered := storage.ID{Key: key}.Numbers(numbersOf[l.kind])
		if !numbered {
			return directives.Missing(l.argument)
		}
		switch l.kind {
		case storage.KindAttack:
			chosen.Attacks = append(chosen.Attacks, numbers[0])
		case storage.KindConversation:
			chosen.Conversations = append(chosen.Conversations, numbers[0])
		default:
			chosen.Messages = append(chosen.Messages, storage.MessageKey{Conversation: numbers[0], Sequence: numbers[1], Piece: numbers[2]})
		}
	}
	return nil
}

// keys decodes the ids, which must be of the store with that key.
func (l idList) keys(store string) ([]string, error) {
	if len(l.ids) > storage.MaxPageSize {
		return nil, storage.BadInput(l.argument, "name at most %d at once, not %d: a filter takes any number of attacks", storage.MaxPageSize, len(l.ids))
	}
	keys := make([]string, len(l.ids))
	for i, text := range l.ids {
		id, ok := storage.ParseID(text)
		if !ok || id.Kind != l.kind || id.Store != store {
			return nil, directives.Missing(l.argument)
		}
		keys[i] = id.Key
	}
	return keys, nil
}

// numbersOf are how many numbers make the key of a kind.
var numbersOf = map[storage.Kind]int{storage.KindAttack: 1, storage.KindConversation: 1, storage.KindMessage: 3}

// inFilter names the argument of a filter that cannot be used, which is filter in lists
// and attackFilter in mutations.
func inFilter(err error) error {
	if e := mendable(err); e != nil && len(e.Field) == 2 {
		if below, ok := strings.CutPrefix(e.Field[1], "filter"); ok {
			return storage.BadInput("attackFilter"+below, "%s", e.Message)
		}
	}
	return err
}
