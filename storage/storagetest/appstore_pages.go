package storagetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

var pageTests = map[string]func(t *testing.T, store storage.AppStore){
	"UsersAreListedInPages":      usersAreListedInPages,
	"WorkspacesAreListedInPages": workspacesAreListedInPages,
}

func usersAreListedInPages(t *testing.T, store storage.AppStore) {
	names := []string{"alice", "bob", "carol", "dave", "eve_1"}
	for _, name := range names {
		ensure(t, store, name)
	}
	signIn(t, store, identityOf("s1", "frank"))
	bound := true
	for _, test := range []struct {
		what   string
		filter *storage.UserFilter
		order  storage.UserOrder
		want   string
	}{
		{"by name", nil, storage.UserOrder{}, "alice bob carol dave eve_1 frank"},
		{"backwards", nil, storage.UserOrder{Direction: storage.Descending}, "frank eve_1 dave carol bob alice"},
		{"by time", nil, storage.UserOrder{Field: storage.UserOrderFirstSeen}, "alice bob carol dave eve_1 frank"},
		{"bound", &storage.UserFilter{Bound: &bound}, storage.UserOrder{}, "frank"},
		{"part", &storage.UserFilter{UsernameContains: ptr("A")}, storage.UserOrder{}, "alice carol dave frank"},
		{"a wildcard is a letter", &storage.UserFilter{UsernameContains: ptr("_")}, storage.UserOrder{}, "eve_1"},
	} {
		got := paged(t, func(page storage.Page) (*storage.Connection[storage.User], error) {
			return store.ListUsers(t.Context(), test.filter, test.order, page)
		}, func(u *storage.User) string { return u.Username })
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.what, got, test.want)
		}
	}
	_, err := store.ListUsers(t.Context(), nil, storage.UserOrder{}, storage.Page{Limit: 1, After: "bm90aGluZw"})
	if storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("a cursor that is none: %v", err)
	}
}

func workspacesAreListedInPages(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store) // olga, edith, vic, sam, red
	if err := store.SetWorkspaceUse(t.Context(), m.workspace.Key, storeKey(1), 500, 3); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what   string
		filter *storage.WorkspaceFilter
		order  storage.WorkspaceOrder
		want   string
	}{
		{"by name", nil, storage.WorkspaceOrder{Field: storage.WorkspaceOrderName}, "edith olga red sam vic"},
		{"by age", nil, storage.WorkspaceOrder{}, "olga edith vic sam red"},
		{"shared", &storage.WorkspaceFilter{Kind: ptr(storage.WorkspaceShared)}, storage.WorkspaceOrder{}, "red"},
		{"archived", &storage.WorkspaceFilter{Archived: ptr(true)}, storage.WorkspaceOrder{}, ""},
		{"largest first", nil, storage.WorkspaceOrder{Field: storage.WorkspaceOrderBytes, Direction: storage.Descending}, "red sam vic edith olga"},
		{"last written first", nil, storage.WorkspaceOrder{Field: storage.WorkspaceOrderLastWrite, Direction: storage.Descending}, "red sam vic edith olga"},
		{"fewest rows first", nil, storage.WorkspaceOrder{Field: storage.WorkspaceOrderRows}, "olga edith vic sam red"},
	} {
		got := paged(t, func(page storage.Page) (*storage.Connection[storage.WorkspaceUse], error) {
			return store.ListWorkspaces(t.Context(), test.filter, test.order, page)
		}, func(w *storage.WorkspaceUse) string { return w.Name })
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.what, got, test.want)
		}
	}
}

// paged reads a list two by two, forwards and backwards, checks that both agree with
// the count, and joins what name says of the rows. Pages that never end are cut.
func paged[T any](t *testing.T, read func(page storage.Page) (*storage.Connection[T], error), name func(*T) string) string {
	t.Helper()
	var forwards, backwards []string
	var total int64
	for page := (storage.Page{Limit: 2}); ; {
		got, err := read(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range got.Nodes() {
			forwards = append(forwards, name(row))
		}
		if total, err = got.TotalCount(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !got.PageInfo.HasNextPage || len(forwards) > 100 {
			break
		}
		page.After = *got.PageInfo.EndCursor
	}
	for page := (storage.Page{Limit: 2, Backward: true}); ; {
		got, err := read(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range slices.Backward(got.Nodes()) {
			backwards = append([]string{name(row)}, backwards...)
		}
		if !got.PageInfo.HasPreviousPage || len(backwards) > 100 {
			break
		}
		page.Before = *got.PageInfo.StartCursor
	}
	if !slices.Equal(forwards, backwards) || int64(len(forwards)) != total {
		t.Errorf("forwards %v, backwards %v, count %d", forwards, backwards, total)
	}
	return strings.Join(forwards, " ")
}

func ptr[V any](value V) *V { return &value }
