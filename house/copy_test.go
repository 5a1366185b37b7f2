package house_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
)

var everyAttack = storage.Selection{Filter: &storage.AttackFilter{}}

func TestACopyOfAllAttacksIsTheSameByEveryField(t *testing.T) {
	h, _ := open(t, t.TempDir())
	for _, file := range []string{"pyrit/seeded-1.1.0.sqlite", "pyrit/memory-0.14.0.sqlite", "garak/buffed.report.jsonl"} {
		take(t, h, "alice", testfiles.Path(t, file))
	}
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)

	counted, err := h.Copy(t.Context(), transfer(from, to, everyAttack, true))
	if err != nil {
		t.Fatal(err)
	}
	if rows := rowsOf(t, h, to); rows["attacks"]+rows["imports"] > 0 {
		t.Fatalf("a dry run stored %v", rows)
	}
	imp, err := h.Copy(t.Context(), transfer(from, to, everyAttack, false))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(counted.Tables, imp.Tables) {
		t.Errorf("the dry run counted %v, the copy %v", counted.Tables, imp.Tables)
	}
	was, is := contentsOf(t, h, from), contentsOf(t, h, to)
	for id, row := range was {
		if is[id] != row {
			t.Errorf("%s\n was %s\n  is %s", id, row, is[id])
		}
	}
	if len(is) != len(was) || len(was) < 1000 {
		t.Errorf("%d things of %d", len(is), len(was))
	}
	again, err := h.Copy(t.Context(), transfer(from, to, everyAttack, false))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range again.Tables {
		if table.Inserted+table.Updated+table.Skipped > 0 {
			t.Errorf("copied again: %+v", *table)
		}
	}
}

func TestAMoveLeavesNothingBehindAndTheRestAlone(t *testing.T) {
	h, _ := open(t, t.TempDir())
	take(t, h, "alice", testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"))
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	before := contentsOf(t, h, from)
	succeeded := storage.Selection{Filter: &storage.AttackFilter{Outcome: &storage.OutcomeIn{In: []storage.Outcome{storage.OutcomeSuccess}}}}
	if _, err := h.Move(t.Context(), transfer(from, to, succeeded, false)); err != nil {
		t.Fatal(err)
	}
	left, moved := contentsOf(t, h, from), contentsOf(t, h, to)
	for id, row := range before {
		if strings.HasPrefix(id, "component ") {
			continue // described in both
		}
		if (left[id] == row) == (moved[id] == row) {
			t.Errorf("%s is in both or in none", id)
		}
	}
	rows := rowsOf(t, h, from)
	if rows["attacks"] != 15 || rowsOf(t, h, to)["attacks"] != 15 {
		t.Errorf("left %v", rows)
	}
	problems, err := h.Check(t.Context(), from)
	if err != nil || len(problems) > 0 {
		t.Errorf("the workspace is not sound: %v, %v", problems, err)
	}
	// What a move that stopped before its deletion left is moved by the next.
	if _, err := h.Copy(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Move(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	// The judges' chats are of no attack (69 of this file), and so stay.
	if rows := rowsOf(t, h, from); rows["attacks"]+rows["scores"]+rows["memory_labels"] > 0 || rows["conversations"] != 69 || len(contentsOf(t, h, from)) > 0 {
		t.Errorf("left %v", rows)
	}
	if moved := contentsOf(t, h, to); !maps.Equal(moved, before) {
		t.Errorf("%d things of %d", len(moved), len(before))
	}
}

func TestACopiedGeneratorHasNoCredential(t *testing.T) {
	dir := t.TempDir()
	h, _ := open(t, dir)
	take(t, h, "alice", testfiles.Path(t, "violentutf/pyrit_memory_1e4bceb06ee74dbf426a7b87faaeb5caa0d275f4133140d70603050e9f0a4848.db"))
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	var what storage.Selection
	source, err := h.OpenWorkspace(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	all, err := source.Generators(t.Context(), nil, storage.NameOrder{Field: storage.NameOrderName}, storage.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, generator := range all.Nodes() {
		what.Generators = append(what.Generators, generator.Key)
	}
	for range 2 { // the second time they are there
		imp, err := h.Copy(t.Context(), transfer(from, to, what, false))
		if err != nil || len(imp.Notes) != len(what.Generators) || len(what.Generators) == 0 {
			t.Fatalf("%+v, %v", imp, err)
		}
	}
	target, err := h.OpenWorkspace(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	copied, err := target.GeneratorsByKey(t.Context(), what.Generators)
	if err != nil || len(copied) != len(what.Generators) {
		t.Fatal(copied, err)
	}
	for _, generator := range copied {
		if generator.Credential.IsSet || generator.Credential.LastFour != nil || generator.Status != "credential_missing" {
			t.Errorf("%s: %+v, %s", generator.Name, generator.Credential, generator.Status)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(to.File)))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := source.SealedCredentials(t.Context(), storage.KindGenerators, "", 100)
	if err != nil || len(stored) == 0 {
		t.Fatal(stored, err)
	}
	for _, credential := range stored {
		if bytes.Contains(text, []byte(credential.Sealed)) {
			t.Error("the sealed credential is in the other store")
		}
	}
}

func TestADatasetThatAttacksCameFromIsNotMovedWithoutThem(t *testing.T) {
	h, _ := open(t, t.TempDir())
	take(t, h, "alice", testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"))
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	store, err := h.OpenWorkspace(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	datasets, err := store.Datasets(t.Context(), nil, storage.NameOrder{Field: storage.NameOrderName}, storage.Page{Limit: 10})
	if err != nil || len(datasets.Edges) != 1 {
		t.Fatal(datasets, err)
	}
	what := storage.Selection{Datasets: []string{datasets.Edges[0].Node.Key}}
	if _, err := h.Move(t.Context(), transfer(from, to, what, false)); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("moved alone: %v", err)
	}
	what.Filter = everyAttack.Filter
	if _, err := h.Move(t.Context(), transfer(from, to, what, false)); err != nil {
		t.Error(err)
	}
	if rows := rowsOf(t, h, from); rows["datasets"]+rows["dataset_prompts"]+rows["attacks"] > 0 {
		t.Errorf("left %v", rows)
	}
}

func TestNothingIsDeletedThatCameAfterTheCopy(t *testing.T) {
	h, _ := open(t, t.TempDir())
	take(t, h, "alice", testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"))
	store, err := h.OpenWorkspace(t.Context(), personal(t, h, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	seen, err := store.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	take(t, h, "alice", testfiles.Path(t, "pyrit/memory-1.1.0.sqlite"))
	if err := store.Delete(t.Context(), storage.Selection{Attacks: []int64{1}}, seen, anyone); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("deleted: %v", err)
	}
	if found, err := store.AttacksByNumber(t.Context(), []int64{1}); err != nil || len(found) != 1 {
		t.Errorf("the attack is gone: %v", err)
	}
}

func TestASelectionThatIsNoneIsRefused(t *testing.T) {
	h, _ := open(t, t.TempDir())
	from, to := personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	if _, err := h.Copy(t.Context(), transfer(from, to, storage.Selection{}, false)); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("nothing: %v", err)
	}
	if _, err := h.Copy(t.Context(), transfer(from, from, everyAttack, false)); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("into itself: %v", err)
	}
}

func transfer(from, to *storage.Workspace, what storage.Selection, dryRun bool) storage.Transfer {
	return storage.Transfer{From: from, To: to, What: what, DryRun: dryRun, Allowed: anyone}
}

func anyone(context.Context) error { return nil }

func personal(t *testing.T, h *house.House, user string) *storage.Workspace {
	t.Helper()
	_, workspace, err := h.App.EnsureUser(t.Context(), user, h.PersonalFile(user))
	if err != nil {
		t.Fatal(err)
	}
	return workspace
}

// contentsOf are the attacks, conversations, messages and scores of a workspace by
// their source ids, as JSON without what is the store's own: references are source ids.
func contentsOf(t *testing.T, h *house.House, w *storage.Workspace) map[string]string {
	t.Helper()
	store, err := h.OpenWorkspace(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx, page := t.Context(), storage.Page{Limit: storage.MaxPageSize}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	attacks, err := store.Attacks(ctx, nil, storage.AttackOrder{Field: storage.AttackOrderNumber}, page)
	must(err)
	conversations, err := store.Conversations(ctx, &storage.ConversationFilter{HasAttack: yes()}, storage.ConversationOrder{Field: storage.ConversationOrderNumber}, page)
	must(err)
	attackID, conversationID := map[int64]string{}, map[int64]string{}
	var attackNumbers, conversationNumbers []int64
	for _, attack := range attacks.Nodes() {
		attackID[attack.Number], attackNumbers = attack.SourceID, append(attackNumbers, attack.Number)
	}
	for _, conversation := range conversations.Nodes() {
		conversationID[conversation.Number] = conversation.SourceID
		conversationNumbers = append(conversationNumbers, conversation.Number)
	}
	labels, err := store.LabelsByAttack(ctx, attackNumbers)
	must(err)
	conversationLabels, err := store.LabelsByConversation(ctx, conversationNumbers)
	must(err)
	lists, err := store.MessagesByConversation(ctx, conversationNumbers, nil, page)
	must(err)

	rows := map[string]string{}
	put := func(kind, id string, row ...any) {
		text, err := json.Marshal(row)
		must(err)
		rows[kind+" "+id] = string(text)
	}
	for _, a := range attacks.Nodes() {
		executions, err := store.ExecutionsByKey(ctx, []string{*a.ExecutionID})
		must(err)
		scores, err := store.ScoresByNumber(ctx, someNumber(a.ObjectiveScoreNumber))
		must(err)
		prompts, err := store.PromptsByNumber(ctx, someNumber(a.PromptNumber))
		must(err)
		var refers []string
		for _, score := range scores {
			refers = append(refers, score.SourceID)
		}
		for _, prompt := range prompts {
			refers = append(refers, prompt.SourceID, prompt.Text)
		}
		refers = append(refers, executions[*a.ExecutionID].SourceID, executions[*a.ExecutionID].Name, conversationID[*a.ConversationNumber])
		row := *a
		row.ID, row.Number, row.ExecutionID, row.ConversationNumber, row.ObjectiveScoreNumber, row.PromptNumber = "", 0, nil, nil, nil, nil
		put("attack", a.SourceID, row, refers, labels[a.Number])
	}
	var keys []storage.MessageKey
	idOf := map[storage.MessageKey]string{}
	var messages []*storage.Message
	for _, c := range conversations.Nodes() {
		row := *c
		row.ID, row.Number, row.AttackNumber, row.BranchedFromNumber = "", 0, nil, nil
		branched := ""
		if c.BranchedFromNumber != nil {
			branched = conversationID[*c.BranchedFromNumber]
		}
		put("conversation", c.SourceID, row, attackID[*c.AttackNumber], branched, conversationLabels[c.Number])
		for _, m := range lists[c.Number].Nodes() {
			keys, messages = append(keys, m.MessageKey), append(messages, m)
			idOf[m.MessageKey] = m.SourceID
		}
	}
	scores, err := store.ScoresByMessage(ctx, keys)
	must(err)
	embeddings, err := store.EmbeddingsByMessage(ctx, keys)
	must(err)
	hashes := map[string]bool{}
	for _, m := range messages {
		row, repeats := *m, ""
		if m.Original != nil {
			repeats = idOf[*m.Original]
		}
		row.ID, row.Conversation, row.Original = "", 0, nil
		put("message", m.SourceID, row, conversationID[m.Conversation], repeats, embeddings[m.MessageKey])
		for _, score := range scores[m.MessageKey] {
			row := *score
			row.ID, row.Number, row.Message = "", 0, nil
			put("score", score.SourceID, row, m.SourceID)
			hashes[score.ScorerHash] = true
		}
	}
	components, err := store.ComponentsByHash(ctx, slices.Collect(maps.Keys(hashes)))
	must(err)
	for hash, component := range components {
		row := *component
		row.ID = ""
		put("component", hash, row)
	}
	return rows
}

func someNumber(number *int64) []int64 {
	if number == nil {
		return nil
	}
	return []int64{*number}
}

func yes() *bool { is := true; return &is }
