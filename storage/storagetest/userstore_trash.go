package storagetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// deletion is a deletion of things of one table, which minute dates.
func deletion(key string, minute int, table string, keys ...string) *storage.Deletion {
	return &storage.Deletion{
		Key: key, Keyed: map[string][]string{table: keys}, Chosen: `{"by":"test"}`, By: "alice", At: at(minute), Until: at(minute).Add(time.Hour),
	}
}

func deletionOf(key string, minute int, table string, numbers ...int64) *storage.Deletion {
	d := deletion(key, minute, "")
	d.Keyed, d.Numbered = nil, map[string][]int64{table: numbers}
	return d
}

func cascading(d *storage.Deletion) *storage.Deletion {
	d.Cascade = true
	return d
}

func restored(t *testing.T, store storage.UserStore, key string) []*storage.TableUse {
	t.Helper()
	return must(store.RestoreFromTrash(t.Context(), key))(t)
}

// usedTables are the rows by table.
func usedTables(tables []*storage.TableUse) map[string]int64 {
	rows := map[string]int64{}
	for _, table := range tables {
		rows[table.Name] = table.Rows
	}
	return rows
}

func refusedAs(t *testing.T, err error, code storage.Code, field string) {
	t.Helper()
	if e, ok := errors.AsType[*storage.Error](err); !ok || e.Code != code || e.Field != field {
		t.Errorf("%v, not %s about %q", err, code, field)
	}
}

func deletedAttacksComeBack(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	must(store.Annotate(t.Context(), &storage.NewAnnotation{Batch: "b", On: storage.Chosen{Attacks: []int64{1}}, Note: new("n"), Author: "alice", At: at(20)}))(t)
	finding(t, store, "f1", storage.SeverityHigh, 30, storage.Chosen{Attacks: []int64{1}, Messages: []storage.MessageKey{{Conversation: 1}}})
	before, rows := must(store.AttacksByNumber(t.Context(), []int64{1, 2}))(t), counts(t, store)
	conversations := must(store.ConversationsByNumber(t.Context(), []int64{1, 2, 3, 4}))(t)
	revision := must(store.Revision(t.Context()))(t)

	d := deletionOf("t1", 40, "attacks", 1, 1)
	d.DryRun = true
	told := must(store.MoveToTrash(t.Context(), d))(t)
	equal(t, "in the way", told.InTheWay, []storage.Obstacle{{What: "pieces of evidence of findings", Count: 2, Cascades: true}})
	if counted := usedTables(told.Tables); counted["attacks"] != 1 || counted["annotations"] != 1 || counted["finding_attacks"] != 1 || counted["prompt_request_responses"] != 4 {
		t.Errorf("counted %v", counted)
	}
	if now := must(store.Revision(t.Context()))(t); now != revision {
		t.Errorf("a dry run made revision %d of %d", now, revision)
	}
	equal(t, "rows after a dry run", counts(t, store), rows)

	d.DryRun = false
	_, err := store.MoveToTrash(t.Context(), d)
	refusedAs(t, err, storage.CodeConflict, "cascade")
	equal(t, "rows after a refusal", counts(t, store), rows)

	done := must(store.MoveToTrash(t.Context(), cascading(d)))(t)
	equal(t, "deleted", done.Tables, told.Tables)
	gone := counts(t, store)
	for name, n := range usedTables(done.Tables) {
		if gone[name] != rows[name]-n {
			t.Errorf("%d rows of %s, were %d, %d are said to be deleted", gone[name], name, rows[name], n)
		}
	}
	if now := must(store.Revision(t.Context()))(t); now != revision+1 {
		t.Errorf("revision %d after %d", now, revision)
	}
	entry := must(store.TrashByKey(t.Context(), []string{"t1", "none"}))(t)
	equal(t, "entry", entry, map[string]storage.TrashEntry{"t1": {
		ID: storage.ID{Kind: storage.KindTrashEntry, Store: store.Key(), Key: "t1"}.String(), Key: "t1", DeletedBy: "alice",
		DeletedAt: at(40), ExpiresAt: at(40).Add(time.Hour), Chosen: `{"by":"test"}`, Tables: done.Tables,
	}})

	equal(t, "restored", restored(t, store, "t1"), done.Tables)
	equal(t, "rows", counts(t, store), rows)
	equal(t, "attacks", must(store.AttacksByNumber(t.Context(), []int64{1, 2}))(t), before)
	equal(t, "conversations", must(store.ConversationsByNumber(t.Context(), []int64{1, 2, 3, 4}))(t), conversations)
	_, err = store.RestoreFromTrash(t.Context(), "t1")
	refusedAs(t, err, storage.CodeNotFound, "id")
}

func whatStaysIsPartedAndJoinedAgain(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	for name, d := range map[string]*storage.Deletion{
		"a dataset":   deletion("t1", 40, "datasets", "d1"),
		"a generator": deletion("t2", 40, "generators", "g1"),
		"a run":       deletion("t3", 40, "execution_plans", *must(store.AttacksByNumber(t.Context(), []int64{1}))(t)[1].ExecutionID),
	} {
		before := must(store.AttacksByNumber(t.Context(), []int64{1, 2}))(t)
		components := must(store.Components(t.Context(), nil, storage.Page{Limit: 9}))(t).Nodes()
		rows := counts(t, store)
		d.DryRun = true
		way := must(store.MoveToTrash(t.Context(), d))(t).InTheWay
		d.DryRun = false
		if len(way) > 0 {
			_, err := store.MoveToTrash(t.Context(), d)
			refusedAs(t, err, storage.CodeConflict, "cascade")
		} else if name != "a generator" {
			t.Errorf("%s is in nothing's way", name)
		}
		must(store.MoveToTrash(t.Context(), cascading(d)))(t)
		if a := must(store.AttacksByNumber(t.Context(), []int64{1}))(t)[1]; name == "a dataset" && a.PromptNumber != nil || name == "a run" && a.ExecutionID != nil {
			t.Errorf("%s: the attack still names it", name)
		}
		restored(t, store, d.Key)
		equal(t, name+": attacks", must(store.AttacksByNumber(t.Context(), []int64{1, 2}))(t), before)
		equal(t, name+": components", must(store.Components(t.Context(), nil, storage.Page{Limit: 9}))(t).Nodes(), components)
		equal(t, name+": rows", counts(t, store), rows)
	}
}

func aMainConversationGoesOnlyWithItsAttack(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	_, err := store.MoveToTrash(t.Context(), cascading(deletionOf("t1", 40, "conversations", 1)))
	refusedAs(t, err, storage.CodeConflict, "conversations")
	rows := counts(t, store)
	done := must(store.MoveToTrash(t.Context(), deletionOf("t1", 40, "conversations", 3)))(t)
	if gone := usedTables(done.Tables); gone["conversations"] != 1 || gone["prompt_request_responses"] != 1 || gone["attacks"] != 0 {
		t.Errorf("deleted %v", gone)
	}
	restored(t, store, "t1")
	equal(t, "rows", counts(t, store), rows)
}

func anEmptyFilterIsRefused(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	for name, filter := range map[string]*storage.AttackFilter{
		"empty": {}, "of nothing": {And: []*storage.AttackFilter{{}}}, "not none": {Not: &storage.AttackFilter{Or: []*storage.AttackFilter{}}},
	} {
		_, err := store.MoveToTrash(t.Context(), &storage.Deletion{Key: "t1", DeletionFilters: storage.DeletionFilters{AttackFilter: filter}, At: at(40), Until: at(41)})
		t.Log(name)
		refusedAs(t, err, storage.CodeBadInput, "attackFilter")
	}
	_, err := store.MoveToTrash(t.Context(), &storage.Deletion{Key: "t1", DeletionFilters: storage.DeletionFilters{ConversationFilter: &storage.ConversationFilter{}}, At: at(40), Until: at(41)})
	refusedAs(t, err, storage.CodeBadInput, "conversationFilter")
	rows := counts(t, store)
	done := must(store.MoveToTrash(t.Context(), &storage.Deletion{Key: "t1", DeletionFilters: storage.DeletionFilters{AttackFilter: &storage.AttackFilter{}}, All: true, At: at(40), Until: at(41)}))(t)
	if gone := usedTables(done.Tables); gone["attacks"] != 2 || gone["conversations"] != 3 {
		t.Errorf("deleted %v", gone)
	}
	nothing := must(store.MoveToTrash(t.Context(), &storage.Deletion{Key: "t2", DeletionFilters: storage.DeletionFilters{AttackFilter: &storage.AttackFilter{}}, All: true, At: at(40), Until: at(41)}))(t)
	if len(nothing.Tables) > 0 || len(must(store.TrashByKey(t.Context(), []string{"t2"}))(t)) > 0 {
		t.Errorf("nothing was deleted, but %v", nothing)
	}
	restored(t, store, "t1")
	equal(t, "rows", counts(t, store), rows)
}

func aRunGoesWithItsAttacksOrWithout(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	run := *must(store.AttacksByNumber(t.Context(), []int64{1}))(t)[1].ExecutionID
	d := deletion("t1", 40, "execution_plans", run)
	d.WithAttacks = true
	rows := counts(t, store)
	if gone := usedTables(must(store.MoveToTrash(t.Context(), d))(t).Tables); gone["execution_plans"] != 1 || gone["attacks"] != 1 {
		t.Errorf("deleted %v", gone)
	}
	restored(t, store, "t1")
	equal(t, "rows", counts(t, store), rows)
}

// What is imported again comes in as new, and what was deleted cannot come back beside
// it.
func importDoesNotResurrect(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	rows := counts(t, store)
	must(store.MoveToTrash(t.Context(), deletionOf("t1", 40, "attacks", 1)))(t)
	must(store.MoveToTrash(t.Context(), deletion("t2", 41, "datasets", "d1")))(t)
	again := sample().load(t, store)
	for _, table := range again.Tables {
		if table.Table == "attacks" && (table.Inserted != 1 || table.Unchanged != 1) {
			t.Errorf("counts %+v", table)
		}
	}
	now := counts(t, store)
	rows["imports"]++
	rows["trash"] = 2
	equal(t, "rows", now, rows)
	if a := must(store.AttacksByNumber(t.Context(), []int64{1, 3}))(t); a[1] != nil || a[3] == nil {
		t.Errorf("a number was used again: %v", a)
	}
	for _, key := range []string{"t1", "t2"} {
		_, err := store.RestoreFromTrash(t.Context(), key)
		refusedAs(t, err, storage.CodeConflict, "id")
	}
	equal(t, "rows after refusals", counts(t, store), now)
	must(store.MoveToTrash(t.Context(), deletionOf("t3", 42, "attacks", 3)))(t)
	restored(t, store, "t1")
	if a := must(store.AttacksByNumber(t.Context(), []int64{1, 3}))(t); a[1] == nil || a[3] != nil {
		t.Errorf("restored %v", a)
	}
}

func aNameThatCameAgainIsInTheWay(t *testing.T, store storage.UserStore) {
	f := sample()
	twin := *f.datasets[0]
	twin.Key, twin.SourceID = "d2", "of d2"
	f.datasets = append(f.datasets, &twin)
	f.load(t, store)
	add := func(key string, minute int) {
		t.Helper()
		thing := configured(storage.KindGenerators, key).Configured
		thing.Name, thing.CreatedAt, thing.UpdatedAt = "the name", at(minute), at(minute)
		if err := store.AddConfigured(t.Context(), storage.KindGenerators, &thing, nil); err != nil {
			t.Fatal(err)
		}
	}
	add("first", 30)
	must(store.MoveToTrash(t.Context(), deletion("t1", 40, "generators", "first")))(t)
	add("second", 41)
	_, err := store.RestoreFromTrash(t.Context(), "t1")
	refusedAs(t, err, storage.CodeConflict, "id")
	if !strings.Contains(err.Error(), `"the name"`) {
		t.Errorf("what is in the way is not named: %v", err)
	}
	must(store.MoveToTrash(t.Context(), deletion("t2", 42, "generators", "second")))(t)
	restored(t, store, "t1")

	// Two of a name that a file brought may stand beside each other again.
	must(store.MoveToTrash(t.Context(), deletion("t3", 43, "datasets", "d2")))(t)
	restored(t, store, "t3")
}

func entriesThatCrossComeBackInAnyOrder(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	finding(t, store, "f1", storage.SeverityHigh, 30, storage.Chosen{Attacks: []int64{1}, Messages: []storage.MessageKey{{Conversation: 1}}})
	must(store.Annotate(t.Context(), &storage.NewAnnotation{Batch: "b", On: storage.Chosen{Attacks: []int64{1}}, Note: new("n"), Author: "alice", At: at(20)}))(t)
	run := *must(store.AttacksByNumber(t.Context(), []int64{1}))(t)[1].ExecutionID
	rows, before := counts(t, store), must(store.AttacksByNumber(t.Context(), []int64{1, 2}))(t)
	entries := map[string]*storage.Deletion{
		"finding": deletion("finding", 41, "findings", "f1"), "attack": cascading(deletionOf("attack", 42, "attacks", 1)),
		"run": cascading(deletion("run", 43, "execution_plans", run)), "branch": cascading(deletionOf("branch", 44, "conversations", 3)),
		"note": deletion("note", 45, "annotations", "b-a1"), "prompts": cascading(deletion("prompts", 46, "datasets", "d1")),
	}
	orders := [][2][]string{
		{{"finding", "attack", "run"}, {"finding", "attack", "run"}},
		{{"finding", "attack", "run"}, {"run", "attack", "finding"}},
		{{"attack", "finding", "run"}, {"attack", "run", "finding"}},
		{{"branch", "attack"}, {"branch", "attack"}},
		{{"branch", "attack"}, {"attack", "branch"}},
		{{"note", "attack", "prompts"}, {"note", "attack", "prompts"}},
		{{"note", "prompts", "attack"}, {"prompts", "note", "attack"}},
	}
	for _, order := range orders {
		for _, key := range order[0] {
			must(store.MoveToTrash(t.Context(), entries[key]))(t)
		}
		listed := must(store.TrashEntries(t.Context(), storage.Page{Limit: 9}))(t).Nodes()
		slices.SortFunc(order[0], func(a, b string) int { return entries[b].At.Compare(entries[a].At) })
		for i, entry := range listed {
			if entry.Key != order[0][i] {
				t.Errorf("%v: %s is listed at %d", order, entry.Key, i)
			}
		}
		for _, key := range order[1] {
			restored(t, store, key)
		}
		equal(t, "rows", counts(t, store), rows)
		equal(t, "attacks", must(store.AttacksByNumber(t.Context(), []int64{1, 2}))(t), before)
	}
}

func whatWasPurgedIsGone(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	finding(t, store, "f1", storage.SeverityHigh, 30, storage.Chosen{Attacks: []int64{1}})
	must(store.MoveToTrash(t.Context(), deletion("t1", 41, "findings", "f1")))(t)
	must(store.MoveToTrash(t.Context(), deletionOf("t2", 42, "attacks", 1)))(t)
	must(store.MoveToTrash(t.Context(), deletion("t3", 43, "converters", "v1")))(t)
	if _, err := store.PurgeTrash(t.Context(), storage.Purge{Key: "none"}); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("purged nothing: %v", err)
	}
	revision := must(store.Revision(t.Context()))(t)
	if done := must(store.PurgeTrash(t.Context(), storage.Purge{Expired: at(43)}))(t); done.Entries != 0 {
		t.Errorf("purged %v before its time", done)
	}
	if now := must(store.Revision(t.Context()))(t); now != revision {
		t.Error("purging nothing raised the revision")
	}
	// The evidence waits with the finding: without it, it is no evidence.
	done := must(store.PurgeTrash(t.Context(), storage.Purge{Expired: at(41).Add(time.Hour)}))(t)
	if gone := usedTables(done.Tables); done.Entries != 1 || gone["findings"] != 1 || gone["finding_attacks"] != 1 {
		t.Errorf("purged %v", gone)
	}
	restored(t, store, "t2")
	if left := counts(t, store); left["finding_attacks"] != 0 || left["attacks"] != 2 {
		t.Errorf("left %v", left)
	}
	if done := must(store.PurgeTrash(t.Context(), storage.Purge{Key: "t3"}))(t); done.Entries != 1 {
		t.Errorf("purged %v", done)
	}
	_, err := store.RestoreFromTrash(t.Context(), "t3")
	refusedAs(t, err, storage.CodeNotFound, "id")
}

// Contents that the last message in the store and in the trash named go with it.
func filesGoWithTheirLastMessage(t *testing.T, store storage.UserStore) {
	f := sample()
	f.media = []*storage.StagedMedium{
		medium("m1", storage.PartOriginal, "a", "a.png"), medium("l1", storage.PartOriginal, "a", "a.png"), medium("l1", storage.PartConverted, "b", "b.png"),
	}
	f.load(t, store)
	rows := counts(t, store)
	purged := func() []string { return must(store.PurgedFiles(t.Context(), "", 9))(t) }
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)

	// Each of the two takes what the other does not name any more.
	must(store.MoveToTrash(t.Context(), deletionOf("t1", 41, "attacks", 1)))(t)
	if now := counts(t, store); now["files"] != 2 {
		t.Errorf("%d files are left of 2 that are named", now["files"])
	}
	must(store.MoveToTrash(t.Context(), deletionOf("t2", 42, "attacks", 2)))(t)
	if now := counts(t, store); now["files"] != 0 {
		t.Errorf("%d files are left of none that is named", now["files"])
	}
	restored(t, store, "t1")
	if files := must(store.FilesByMessage(t.Context(), []storage.MessageKey{{Conversation: 1}}))(t)[storage.MessageKey{Conversation: 1}]; files == nil || files.Original.Hash != a {
		t.Errorf("the message has lost its file: %v", files)
	}
	restored(t, store, "t2")
	equal(t, "rows", counts(t, store), rows)

	must(store.MoveToTrash(t.Context(), deletionOf("t1", 43, "attacks", 1)))(t)
	must(store.MoveToTrash(t.Context(), deletionOf("t2", 44, "attacks", 2)))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{Key: "t2"}))(t)
	equal(t, "purged", purged(), []string{b})
	restored(t, store, "t1")
	if now := counts(t, store); now["files"] != 1 {
		t.Errorf("%d files came back with the message of one", now["files"])
	}
	must(store.MoveToTrash(t.Context(), deletionOf("t1", 45, "attacks", 1)))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{All: true}))(t)
	equal(t, "purged", purged(), []string{a, b})
	// A content that an import brings again is not removed, though it was noted.
	f.load(t, store)
	equal(t, "purged after an import", purged(), []string{})
	if err := store.ForgetFiles(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	must(store.MoveToTrash(t.Context(), &storage.Deletion{Key: "t3", DeletionFilters: storage.DeletionFilters{AttackFilter: &storage.AttackFilter{}}, All: true, At: at(46), Until: at(46)}))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{All: true}))(t)
	equal(t, "purged again", purged(), []string{a, b})
	if err := store.ForgetFiles(t.Context(), []string{a}); err != nil {
		t.Fatal(err)
	}
	equal(t, "purged without what was removed", purged(), []string{b})
}
