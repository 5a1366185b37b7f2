package resolvers_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/resolvers"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/files"
	"github.com/violentutf/violentutf/storage/sqlite"
	"github.com/violentutf/violentutf/storage/userstore"
	"github.com/violentutf/violentutf/uploads"
)

// Question 1 of the contract, at its largest: 500 attacks with 20 messages each are
// as many statements as two attacks.
func TestEachLevelIsOneStatement(t *testing.T) {
	s := newStores(t, 500, 20)
	text, err := os.ReadFile("testdata/page.graphql")
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []string{"2", "500"} {
		meter := &storage.Meter{}
		query := strings.Replace(string(text), "attacks(first: 50", "attacks(first: "+first, 1)
		response := s.executeWith(t, meter, query)
		if len(response.Errors) > 0 {
			t.Fatal(response.Errors)
		}
		if got := strings.Count(string(response.Data), `"rationale":"alice rationale"`); fmt.Sprint(got/20) != first {
			t.Errorf("%d scores for %s conversations of 20 messages", got, first)
		}
		// Attacks and their count, targets, labels, objective scores (none), main
		// conversations, messages, scores; conversations and the counts of
		// conversations and messages; generators and datasets with their counts; the
		// messages' page and the store's size.
		if n := meter.UserStatements.Load(); n > 17 {
			t.Errorf("%s attacks cost %d statements of the user store, want 17", first, n)
		}
		if n := meter.AppStatements.Load(); n > 3 {
			t.Errorf("%s attacks cost %d statements of the app store", first, n)
		}
	}
}

// gqlgen must hand the scope of a field on to its children, to each alias its own.
func TestAliasesAndNodesDoNotMixStores(t *testing.T) {
	s := newStores(t, 3, 2)
	const below = `{attacks(first:3,orderBy:{field:NUMBER,direction:ASC}){nodes{id objective conversation{messages(first:1){nodes{originalValue}}} byNumber:conversations{nodes{messages{totalCount nodes{originalValue scores{rationale}}}}}}}}`
	response := s.executeWith(t, &storage.Meter{}, `{viewer{mine:workspace`+below+` ours:workspace(name:"team")`+below+` workspaces{name attacks(first:1){nodes{objective labels{value}}}}}}`)
	if len(response.Errors) > 0 {
		t.Fatal(response.Errors)
	}
	type space struct {
		Attacks struct {
			Nodes []map[string]any
		}
	}
	var data struct {
		Viewer struct {
			Mine, Ours space
			Workspaces []struct {
				Name    string
				Attacks any
			}
		}
	}
	if err := json.Unmarshal(response.Data, &data); err != nil {
		t.Fatal(err)
	}
	only(t, data.Viewer.Mine, "alice", "team")
	only(t, data.Viewer.Ours, "team", "alice")
	for _, workspace := range data.Viewer.Workspaces {
		only(t, workspace.Attacks, workspace.Name, map[string]string{"alice": "team", "team": "alice"}[workspace.Name])
	}

	var ids []string
	for i := range 3 {
		ids = append(ids, data.Viewer.Mine.Attacks.Nodes[i]["id"].(string), data.Viewer.Ours.Attacks.Nodes[i]["id"].(string))
	}
	quoted, _ := json.Marshal(ids)
	response = s.executeWith(t, &storage.Meter{}, `{nodes(ids:`+string(quoted)+`){id ... on Attack{objective labels{value} conversation{messages{totalCount nodes{originalValue scores{rationale message{originalValue}}}}}}}}`)
	if len(response.Errors) > 0 {
		t.Fatal(response.Errors)
	}
	var found struct{ Nodes []any }
	if err := json.Unmarshal(response.Data, &found); err != nil {
		t.Fatal(err)
	}
	for i, node := range found.Nodes {
		if i%2 == 0 {
			only(t, node, "alice", "team")
		} else {
			only(t, node, "team", "alice")
		}
	}
}

// only checks that a value speaks of one workspace and never of the other.
func only(t *testing.T, value any, this, other string) {
	t.Helper()
	text, _ := json.Marshal(value)
	lower := strings.ToLower(string(text))
	if !strings.Contains(lower, this+" ") || strings.Contains(lower, other+" ") {
		t.Errorf("%s should speak of %s and never of %s", text, this, other)
	}
}

// stores opens real user stores and leaves them open until the test ends.
type stores struct {
	*server
	registry *duckdb.Registry
	mu       sync.Mutex
	open     map[string]storage.UserStore
	files    *files.Folder
}

// newStores serves alice's own workspace and the shared one, team, each with
// attacks whose texts name the workspace.
func newStores(t *testing.T, attacks, messages int) *stores {
	t.Helper()
	dir := t.TempDir()
	registry, err := duckdb.Open(t.Context(), duckdb.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	appFile := filepath.Join(dir, "app.db")
	app, err := sqlite.OpenAppStore(t.Context(), appFile, audited)
	if err != nil {
		t.Fatal(err)
	}
	s := &stores{registry: registry, open: map[string]storage.UserStore{}}
	t.Cleanup(func() {
		for _, store := range s.open {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.files.Close(); err != nil {
			t.Error(err)
		}
		if err := registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	keeper, err := secret.OpenKeeper(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "violentutf", "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	if s.files, err = files.Open(dir); err != nil {
		t.Fatal(err)
	}
	s.server = &server{app: app, exec: executor.New(resolvers.NewSchema(resolvers.Options{
		App: app, Opener: s, Shelf: &uploads.Shelf{Files: s.files}, Things: &configured.Things{Keeper: keeper, Types: configured.Types()}, PersonalFile: func(username string) string { return username + ".db" },
		FileLink:    func(_, hash, _ string) (string, error) { return "/files/" + hash, nil },
		SharedFile:  func(workspaceKey string) string { return workspaceKey + ".db" },
		ForgetFiles: func(context.Context, *storage.Workspace) {}, // none is forgotten
	}))}
	user, _, err := app.SignIn(t.Context(), storage.Identity{
		Issuer: alice.Issuer, Subject: alice.Subject, Username: "alice", DisplayName: alice.DisplayName, Roles: []string{"USER"}, Dev: true,
	}, "alice.db")
	if err != nil {
		t.Fatal(err)
	}
	share(t, appFile, user.Key)
	workspaces, err := app.Workspaces(t.Context(), user.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, workspace := range workspaces {
		s.fill(t, workspace, attacks, messages)
	}
	return s
}

// share makes the workspace team, of which the user is a member.
func share(t *testing.T, appFile, userKey string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+appFile)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `
		INSERT INTO workspaces (id, kind, name, file, bytes, rows, created_at)
		VALUES ('team-key', 'SHARED', 'team', 'team.db', 0, 0, 0);
		INSERT INTO workspace_members (workspace_id, user_id, role, added_at)
		VALUES ('team-key', ?1, 'EDITOR', 0)`, userKey)
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stores) OpenWorkspace(ctx context.Context, w *storage.Workspace) (storage.UserStore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if store := s.open[w.Key]; store != nil {
		return store, nil
	}
	engine, err := s.registry.Engine(ctx, w.File, w.Key)
	if err != nil {
		return nil, err
	}
	store, err := userstore.New(ctx, engine, w.Key)
	if err != nil {
		return nil, err
	}
	s.open[w.Key] = store
	return store, nil
}

func (s *stores) fill(t *testing.T, w *storage.Workspace, attacks, messages int) {
	t.Helper()
	store, err := s.OpenWorkspace(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.app.SetWorkspaceUse(t.Context(), w.Key, hex.EncodeToString([]byte(store.Key())), 0, 0); err != nil {
		t.Fatal(err)
	}
	engine, err := s.registry.Engine(t.Context(), w.File, w.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	named := strings.NewReplacer("$owner", w.Key, "$name", w.Name, "$attacks", fmt.Sprint(attacks), "$messages", fmt.Sprint(messages))
	err = engine.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range rows {
			if _, err := tx.ExecContext(ctx, named.Replace(statement)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// exec runs a statement in the store of a workspace, with $owner in it.
func (s *stores) exec(t *testing.T, name, text string) {
	t.Helper()
	user, err := s.app.UserByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	workspaces, err := s.app.Workspaces(t.Context(), user.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range workspaces {
		if w.Name != name {
			continue
		}
		engine, err := s.registry.Engine(t.Context(), w.File, w.Key)
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Close()
		if err := engine.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, strings.ReplaceAll(text, "$owner", w.Key))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

var rows = []string{
	`INSERT INTO components (owner_id, hash, kind, name, class_name, module, model, endpoint, parameters, identifier, generator_id) VALUES
		('$owner', 'target', 'TARGET', '$name model', 'OpenAIChatTarget', NULL, 'gpt-x', NULL, '{}', '{}', NULL)`,
	`INSERT INTO attacks SELECT '$owner', i, 'PYRIT', 's' || i, NULL, 'RedTeaming', NULL, '$name step ' || i, 'h', 'key' || i, NULL, [], [], NULL, NULL,
		'target', NULL, '', [], i, 'SUCCESS', NULL, 'STATED', NULL, 1, 100, 0, NULL, NULL, TIMESTAMP '2026-01-01' + INTERVAL 1 SECOND * i, NULL, NULL
		FROM range(1, $attacks + 1) r(i)`,
	`INSERT INTO conversations SELECT '$owner', i, 'PYRIT', 'c' || i, i, 'TARGET', NULL, 'target', NULL, NULL, $messages,
		TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', NULL FROM range(1, $attacks + 1) r(i)`,
	`INSERT INTO prompt_request_responses SELECT '$owner', c, j, 0, 'PYRIT', 'm' || c || '/' || j, NULL, NULL, NULL, 'USER', '$name ' || c || ' ' || j,
		NULL, 'text', 'text', [], 'none', NULL, NULL, NULL, NULL, 'sha', NULL, NULL, TIMESTAMP '2026-01-01', NULL
		FROM range(1, $attacks + 1) a(c), range($messages) b(j)`,
	`INSERT INTO scores SELECT '$owner', c * $messages + j, c, j, 0, 'PYRIT', 'sc' || c || '/' || j, NULL, 'scorer', 'TRUE_FALSE', TRUE, NULL, NULL, 'COMPLETE', [],
		'$name rationale', NULL, NULL, FALSE, NULL, TIMESTAMP '2026-01-01', NULL FROM range(1, $attacks + 1) a(c), range($messages) b(j)`,
	`INSERT INTO components (owner_id, hash, kind, name, class_name, module, model, endpoint, parameters, identifier, generator_id) VALUES
		('$owner', 'scorer', 'SCORER', 'substring', 'SubStringScorer', NULL, NULL, NULL, '{}', '{}', NULL)`,
	`INSERT INTO memory_labels SELECT '$owner', i, NULL, 'op', 'plain' FROM range(1, $attacks + 1) r(i)`,
}
