package house_test

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
)

// repeating changes a memory so that an attack of its end repeats the scored reply of its
// first one, whose score is then the objective score of both; it returns the
// conversations of the two.
func repeating(t *testing.T, path string) (first, last string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var scored, repeats string
	if err := db.QueryRow(`SELECT a.conversation_id, m.id FROM AttackResultEntries a
		JOIN PromptMemoryEntries m ON m.conversation_id = a.conversation_id
		JOIN ScoreEntries s ON s.prompt_request_response_id = m.id ORDER BY a.id LIMIT 1`).Scan(&first, &scored); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(`SELECT a.conversation_id, m.id FROM AttackResultEntries a
		JOIN PromptMemoryEntries m ON m.conversation_id = a.conversation_id
		WHERE a.conversation_id <> $1 AND m.role = 'assistant' ORDER BY a.id DESC LIMIT 1`, first).Scan(&last, &repeats); err != nil {
		t.Fatal(err)
	}
	for _, change := range []struct {
		text string
		args []any
	}{
		{`DELETE FROM ScoreEntries WHERE prompt_request_response_id = ?`, []any{repeats}},
		{`UPDATE AttackResultEntries SET last_score_id = (SELECT id FROM ScoreEntries WHERE prompt_request_response_id = ?) WHERE conversation_id = ?`, []any{scored, last}},
		{`UPDATE PromptMemoryEntries SET original_prompt_id = ? WHERE id = ?`, []any{scored, repeats}},
	} {
		if _, err := db.Exec(change.text, change.args...); err != nil {
			t.Fatal(err)
		}
	}
	return first, last
}

// attackOf is the number of the attack with that main conversation.
func attackOf(t *testing.T, store storage.UserStore, conversation string) int64 {
	t.Helper()
	list, err := store.Conversations(t.Context(), nil, storage.ConversationOrder{}, storage.Page{Limit: storage.MaxPageSize})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Nodes() {
		if c.SourceID == conversation && c.AttackNumber != nil {
			return *c.AttackNumber
		}
	}
	t.Fatalf("no attack has the conversation %s", conversation)
	return 0
}

func TestAMoveTakesNothingThatOthersReferTo(t *testing.T) {
	h, _ := open(t, t.TempDir())
	path := testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite")
	first, last := repeating(t, path)
	take(t, h, "alice", path)
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	source, err := h.OpenWorkspace(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	numbers := []int64{attackOf(t, source, first), attackOf(t, source, last)}
	before := contentsOf(t, h, from)

	imp, err := h.Move(t.Context(), transfer(from, to, storage.Selection{Attacks: numbers[:1]}, false))
	if storage.CodeOf(err) != storage.CodeConflict || imp != nil {
		t.Fatalf("moved from under another attack: %v, %v", imp, err)
	}
	if rows := rowsOf(t, h, to); rows["attacks"]+rows["imports"] > 0 || !maps.Equal(contentsOf(t, h, from), before) {
		t.Errorf("a move that was refused did something: %v", rows)
	}
	// The one that repeats takes the other along, which stays where it was as well.
	imp, err = h.Move(t.Context(), transfer(from, to, storage.Selection{Attacks: numbers[1:]}, false))
	if err != nil || len(imp.Notes) != 1 || !strings.HasPrefix(imp.Notes[0], "1 attacks were taken along") {
		t.Fatalf("%+v, %v", imp, err)
	}
	for id, thing := range contentsOf(t, h, to) {
		if before[id] != thing {
			t.Errorf("%s\n is %s\nwas %s", id, thing, before[id])
		}
	}
	left, err := source.AttacksByNumber(t.Context(), numbers)
	if err != nil || left[numbers[0]] == nil || left[numbers[1]] != nil {
		t.Errorf("left %v, %v", left, err)
	}
	for _, w := range []*storage.Workspace{from, to} {
		if problems, err := h.Check(t.Context(), w); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", w.Name, problems, err)
		}
	}
	if _, err := h.Move(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	if after := contentsOf(t, h, to); !maps.Equal(after, before) {
		t.Errorf("%d things after all moves, of %d", len(after), len(before))
	}
}

func TestCopyingOneByOneIsCopyingAll(t *testing.T) {
	for _, file := range []string{
		"pyrit/seeded-1.1.0.sqlite", "pyrit/memory-1.1.0.sqlite", "pyrit/mixed-1.0.0.sqlite", "pyrit/memory-0.14.0.sqlite", "garak/buffed.report.jsonl",
	} {
		t.Run(file, func(t *testing.T) {
			h, _ := open(t, t.TempDir())
			take(t, h, "alice", testfiles.Path(t, file))
			from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
			source, err := h.OpenWorkspace(t.Context(), from)
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			attacks, err := source.Attacks(t.Context(), nil, storage.AttackOrder{Field: storage.AttackOrderNumber}, storage.Page{Limit: storage.MaxPageSize})
			if err != nil {
				t.Fatal(err)
			}
			nodes := attacks.Nodes()
			if len(nodes) > 12 { // as many as show it
				nodes = append(nodes[:6], nodes[len(nodes)-6:]...)
			}
			for _, attack := range nodes {
				if _, err := h.Copy(t.Context(), transfer(from, to, storage.Selection{Attacks: []int64{attack.Number}}, false)); err != nil {
					t.Fatal(err)
				}
			}
			was, is := contentsOf(t, h, from), contentsOf(t, h, to)
			for id, thing := range is {
				if was[id] != thing {
					t.Fatalf("%s\n is %s\nwas %s", id, thing, was[id])
				}
			}
			if len(is) < len(nodes) || len(nodes) == len(attacks.Edges) && len(is) != len(was) {
				t.Errorf("%d things of %d", len(is), len(was))
			}
		})
	}
}

func TestACopyOfAPartialRunSetsNothingBack(t *testing.T) {
	h, _ := open(t, t.TempDir())
	full := testfiles.Path(t, "garak/buffed.report.jsonl")
	text, err := os.ReadFile(full)
	if err != nil {
		t.Fatal(err)
	}
	var part []string
	for _, line := range strings.SplitAfter(string(text), "\n") {
		final := strings.Contains(line, `"status": 2`) || strings.Contains(line, `"entry_type": "eval"`) || strings.Contains(line, `"entry_type": "completion"`)
		if !final {
			part = append(part, line)
		}
	}
	partial := filepath.Join(t.TempDir(), "buffed.report.jsonl")
	if err := os.WriteFile(partial, []byte(strings.Join(part, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	take(t, h, "alice", partial)
	take(t, h, "bob", full)
	from, to := personal(t, h, "alice"), personal(t, h, "bob")
	before := contentsOf(t, h, to)
	if _, err := h.Copy(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	for id, thing := range contentsOf(t, h, to) {
		if before[id] != thing {
			t.Fatalf("%s\n is %s\nwas %s", id, thing, before[id])
		}
	}
	// The other way the full run mends the partial one, and remembers that it is full.
	if _, err := h.Copy(t.Context(), transfer(to, from, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	take(t, h, "alice", partial)
	if after := contentsOf(t, h, from); !maps.Equal(after, before) {
		t.Errorf("%d things of %d are as in the full run", len(after), len(before))
	}
}

func TestAMoveDeletesNoCredential(t *testing.T) {
	h, _ := open(t, t.TempDir())
	take(t, h, "alice", testfiles.Path(t, "violentutf/pyrit_memory_1e4bceb06ee74dbf426a7b87faaeb5caa0d275f4133140d70603050e9f0a4848.db"))
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	source, err := h.OpenWorkspace(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	byName, page := storage.NameOrder{Field: storage.NameOrderName}, storage.Page{Limit: 10}
	generators, err := source.Generators(t.Context(), nil, byName, page)
	if err != nil {
		t.Fatal(err)
	}
	converters, err := source.Converters(t.Context(), nil, byName, page)
	if err != nil {
		t.Fatal(err)
	}
	var what storage.Selection
	for _, generator := range generators.Nodes() {
		what.Generators = append(what.Generators, generator.Key)
	}
	for _, converter := range converters.Nodes() {
		what.Converters = append(what.Converters, converter.Key)
	}
	before, err := source.SealedCredentials(t.Context(), storage.KindGenerators, "", 100)
	if err != nil || len(before) == 0 {
		t.Fatal(before, err)
	}
	for range 2 { // the second time the target has them
		if _, err := h.Move(t.Context(), transfer(from, to, what, false)); err != nil {
			t.Fatal(err)
		}
	}
	after, err := source.SealedCredentials(t.Context(), storage.KindGenerators, "", 100)
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("the credentials are %v, %v; were %v", after, err, before)
	}
	left, err := source.ConvertersByKey(t.Context(), what.Converters)
	if err != nil || len(left) > 0 {
		t.Errorf("converters without credentials stayed: %v, %v", left, err)
	}
	// What was sealed in the target meanwhile stays as it is.
	target, err := h.OpenWorkspace(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if copied, err := target.GeneratorsByKey(t.Context(), what.Generators); err != nil || len(copied) != len(what.Generators) {
		t.Errorf("%d generators in the target, %v", len(copied), err)
	}
}

func TestTheRightToATransferIsAskedInItsTransactions(t *testing.T) {
	h, _ := open(t, t.TempDir())
	take(t, h, "alice", testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"))
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	before := contentsOf(t, h, from)
	gone := errors.New("a member no longer")
	times := 0
	may := transfer(from, to, everyAttack, false)
	may.Allowed = func(context.Context) error { times++; return gone }
	for name, transfer := range map[string]func(context.Context, storage.Transfer) (*storage.Import, error){"copy": h.Copy, "move": h.Move} {
		imp, err := transfer(t.Context(), may)
		if !errors.Is(err, gone) || imp != nil {
			t.Errorf("%s: %v, %v", name, imp, err)
		}
	}
	if rows := rowsOf(t, h, to); rows["attacks"]+rows["imports"] > 0 || times != 2 {
		t.Fatalf("stored %v, asked %d times", rows, times)
	}
	times = 0
	may.Allowed = func(context.Context) error {
		if times++; times == 2 {
			return gone
		}
		return nil
	}
	imp, err := h.Move(t.Context(), may)
	if !errors.Is(err, gone) || imp == nil || times != 2 {
		t.Errorf("between copy and deletion: %v, %v, asked %d times", imp, err, times)
	}
	if !maps.Equal(contentsOf(t, h, from), before) {
		t.Error("something was deleted")
	}
}

func TestOneTransferOfAUserAtATime(t *testing.T) {
	h, _ := open(t, t.TempDir())
	take(t, h, "alice", testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"))
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	outer := transfer(from, to, everyAttack, false)
	outer.Allowed = func(ctx context.Context) error {
		if _, err := h.Copy(ctx, transfer(from, to, everyAttack, true)); storage.CodeOf(err) != storage.CodeConflict {
			t.Errorf("beside another: %v", err)
		}
		return nil
	}
	if _, err := h.Copy(t.Context(), outer); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Copy(t.Context(), transfer(from, to, everyAttack, true)); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// What people keep has names of its own in a workspace, and nothing that is copied names
// it.
func TestNoTransferTakesWhatPeopleKeepForTheirWork(t *testing.T) {
	h, _ := open(t, t.TempDir())
	take(t, h, "alice", testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"))
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	source, err := h.OpenWorkspace(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	part := storage.Kept{Key: "k", Name: "n", Tags: []string{"t"}, Author: "alice", CreatedAt: time.Now()}
	_, saved := source.SaveSession(t.Context(), "alice", &storage.SavedSession{Name: "screen", Body: "1", UpdatedAt: time.Now()}, nil)
	for _, err := range []error{
		saved,
		source.AddSavedQuery(t.Context(), &storage.SavedQuery{Kept: part, Document: "{a}", Variables: "{}"}),
		source.AddParameterFile(t.Context(), &storage.ParameterFile{Kept: part, Format: storage.FormatJSON, Text: "{}", Parameters: "{}"}),
		source.AddTemplate(t.Context(), &storage.Template{Kept: part, Body: "b"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Copy(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Move(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	there, here := rowsOf(t, h, to), rowsOf(t, h, from)
	for _, table := range []string{"saved_queries", "parameter_files", "templates", "user_sessions"} {
		if there[table] != 0 || here[table] != 1 {
			t.Errorf("%s: %d rows came along, %d stayed", table, there[table], here[table])
		}
	}
	if there["attacks"] == 0 || here["attacks"] != 0 {
		t.Errorf("%d attacks came, %d stayed", there["attacks"], here["attacks"])
	}
}
