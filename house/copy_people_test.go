package house_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
)

// triaged is a workspace of alice in which people annotated, tagged, and found something;
// attack 3 has a verdict, a message of its conversation a note.
func triaged(t *testing.T, h *house.House) (from, to *storage.Workspace, source storage.UserStore) {
	t.Helper()
	take(t, h, "alice", testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"))
	from, to = personal(t, h, "alice"), team(t, h, "alice", "red team", nil)
	source, err := h.OpenWorkspace(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	ctx, when := t.Context(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	third, err := source.AttacksByNumber(ctx, []int64{3})
	must(nil, err)
	place := storage.MessageKey{Conversation: *third[3].ConversationNumber}
	verdict := func(batch string, v storage.AnnotationVerdict, minute int) {
		must(source.Annotate(ctx, &storage.NewAnnotation{
			Batch: batch, Author: "alice", Verdict: &v, Reason: new("reason of " + batch), Note: new("note of " + batch),
			On: storage.Chosen{Attacks: []int64{3}}, At: when.Add(time.Duration(minute) * time.Minute),
		}))
	}
	verdict("b1", storage.VerdictUndetermined, 1)
	verdict("b2", storage.VerdictFailure, 2)
	must(source.RetractAnnotation(ctx, &storage.Retraction{Key: "b1-a3", By: "bob", Reason: new("wrong"), At: when.Add(time.Hour)}))
	must(source.Annotate(ctx, &storage.NewAnnotation{
		Batch: "b3", Author: "alice", Note: new("look here"), At: when,
		On: storage.Chosen{Conversations: []int64{place.Conversation}, Messages: []storage.MessageKey{place}},
	}))
	must(source.AddTags(ctx, &storage.Tagging{On: storage.Chosen{Attacks: []int64{3}}, Tags: []*storage.TagSpellings{{Tag: "AML.T0054"}}, Author: "alice", At: when}))
	must(source.SetLabels(ctx, &storage.Labelling{On: storage.Chosen{Attacks: []int64{3}}, Key: "triage", Value: new("done")}))
	must(nil, source.AddFinding(ctx, &storage.Finding{
		Key: "01890000-0000-7000-8000-00000000000f", Title: "T", Severity: storage.SeverityHigh, Status: storage.FindingNew, Author: "alice", CreatedAt: when,
	}, storage.Chosen{Attacks: []int64{3, 4}, Messages: []storage.MessageKey{place}}))
	must(nil, source.AddRawExchanges(ctx, func(text string) string { return text }, []*storage.RawExchange{
		{MessagePlace: place.Place(), Request: "POST", Response: "200", KeptAt: when},
	}))
	return from, to, source
}

// saidOf is what people said of the attack that is the source's third, as it is in a
// store: the attack, and texts of its annotations, tags, labels, findings and exchange.
func saidOf(t *testing.T, store storage.UserStore, sourceID string) (*storage.Attack, []any) {
	t.Helper()
	ctx := t.Context()
	list, err := store.Attacks(ctx, &storage.AttackFilter{SourceID: &storage.TextIn{In: []string{sourceID}}}, storage.AttackOrder{}, storage.Page{Limit: 2})
	if err != nil || len(list.Edges) != 1 {
		t.Fatal(len(list.Edges), err)
	}
	a := list.Edges[0].Node
	kept, err := store.AnnotationsToCopy(ctx, []int64{a.Number})
	if err != nil {
		t.Fatal(err)
	}
	var said []any
	for _, k := range kept {
		row := *k
		row.ID, row.Key = "", k.Key[:strings.Index(k.Key, "-")+2]
		row.AttackNumber, row.ConversationNumber, row.Message = nil, nil, nil
		said = append(said, row)
	}
	words, err := store.TagWordsByAttack(ctx, []int64{a.Number})
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range words[a.Number] {
		said = append(said, *word)
	}
	labels, err := store.OwnLabelsByAttack(ctx, []int64{a.Number})
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range labels[a.Number] {
		said = append(said, *label)
	}
	exchanges, err := store.RawExchanges(ctx, []storage.MessagePlace{{Conversation: *a.ConversationNumber}})
	for _, exchange := range exchanges {
		row := *exchange
		row.Conversation = 0
		said = append(said, row)
	}
	if err != nil {
		t.Fatal(err)
	}
	said = append(said, a.Outcome, a.OutcomeSource, *a.OutcomeReason, a.Tags)
	return a, said
}

func TestACopyTakesWhatPeopleSaidAlong(t *testing.T) {
	h, _ := open(t, t.TempDir())
	from, to, source := triaged(t, h)
	third, err := source.AttacksByNumber(t.Context(), []int64{3})
	if err != nil {
		t.Fatal(err)
	}
	id := third[3].SourceID
	_, want := saidOf(t, source, id)
	target, err := h.OpenWorkspace(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if _, err := h.Copy(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	copied, got := saidOf(t, target, id)
	if !reflect.DeepEqual(want, got) || len(want) < 11 || copied.OutcomeSource != storage.OutcomeHuman {
		t.Fatalf("copied\n%+v\nof\n%+v", got, want)
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

	// A retraction here gives back what the source says, and a copy sets nothing back.
	kept, err := target.AnnotationsToCopy(t.Context(), []int64{copied.Number})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kept {
		if k.Verdict != nil && k.RetractedAt == nil {
			if _, err := target.RetractAnnotation(t.Context(), &storage.Retraction{Key: k.Key, By: "carol", At: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := target.RemoveTags(t.Context(), &storage.Tagging{On: storage.Chosen{Attacks: []int64{copied.Number}}, Tags: []*storage.TagSpellings{{Tag: "AML.T0054"}}, Author: "carol", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		now, _ := saidOf(t, target, id)
		if now.OutcomeSource == storage.OutcomeHuman || len(now.Tags) > 0 {
			t.Errorf("after the retraction: %s by %s, tags %v", now.Outcome, now.OutcomeSource, now.Tags)
		}
		if _, err := h.Copy(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
			t.Fatal(err)
		}
	}
	if problems, err := h.Check(t.Context(), to); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestARetractionOfTheSourceIsCopiedToo(t *testing.T) {
	h, _ := open(t, t.TempDir())
	from, to, source := triaged(t, h)
	third, err := source.AttacksByNumber(t.Context(), []int64{3})
	if err != nil {
		t.Fatal(err)
	}
	what := storage.Selection{Attacks: []int64{3}}
	for _, retract := range []bool{false, true} {
		if retract {
			if _, err := source.RetractAnnotation(t.Context(), &storage.Retraction{Key: "b2-a3", By: "bob", At: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.Copy(t.Context(), transfer(from, to, what, false)); err != nil {
			t.Fatal(err)
		}
	}
	target, err := h.OpenWorkspace(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	list, err := target.Attacks(t.Context(), &storage.AttackFilter{SourceID: &storage.TextIn{In: []string{third[3].SourceID}}}, storage.AttackOrder{}, storage.Page{Limit: 1})
	if err != nil || len(list.Edges) != 1 || list.Edges[0].Node.OutcomeSource == storage.OutcomeHuman {
		t.Errorf("%+v, %v", list.Edges[0].Node, err)
	}
}

func TestAFindingTakesItsEvidenceAlong(t *testing.T) {
	h, _ := open(t, t.TempDir())
	from, to, source := triaged(t, h)
	const key = "01890000-0000-7000-8000-00000000000f"
	// A move takes no evidence from a finding that stays.
	imp, err := h.Move(t.Context(), transfer(from, to, storage.Selection{Attacks: []int64{3}}, false))
	if storage.CodeOf(err) != storage.CodeConflict || imp != nil || !strings.Contains(err.Error(), "findings") {
		t.Fatalf("moved evidence away: %v, %v", imp, err)
	}
	imp, err = h.Copy(t.Context(), transfer(from, to, storage.Selection{Findings: []string{key, key}}, false))
	if err != nil || len(imp.Notes) == 0 || imp.Notes[0] != "2 attacks were taken along because they show the selected findings" {
		t.Fatalf("%+v, %v", imp, err)
	}
	target, err := h.OpenWorkspace(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	rows := rowsOf(t, h, to)
	if rows["findings"] != 1 || rows["finding_attacks"] != 2 || rows["finding_messages"] != 1 || rows["attacks"] < 2 {
		t.Fatalf("copied %v", rows)
	}
	confirmed := storage.FindingConfirmed
	if err := target.ChangeFinding(t.Context(), key, storage.FindingChange{Status: &confirmed}, time.Now()); err != nil {
		t.Fatal(err)
	}
	// Its move ends it here, and leaves the one that is there as people left it.
	if _, err := h.Move(t.Context(), transfer(from, to, storage.Selection{Findings: []string{key}, Filter: everyAttack.Filter}, false)); err != nil {
		t.Fatal(err)
	}
	if left := rowsOf(t, h, from); left["findings"]+left["finding_attacks"]+left["finding_messages"]+left["annotations"]+left["attack_tags"]+left["raw_exchanges"]+left["attacks"] > 0 {
		t.Errorf("left %v", left)
	}
	found, err := target.FindingsByKey(t.Context(), []string{key})
	if err != nil || found[key].Status != confirmed {
		t.Errorf("%+v, %v", found[key], err)
	}
	if _, err := source.FindingsByKey(t.Context(), []string{key}); err != nil {
		t.Error(err)
	}
}

func TestAnnotatedAttacksMove(t *testing.T) {
	h, _ := open(t, t.TempDir())
	from, to, source := triaged(t, h)
	if _, err := source.MoveToTrash(t.Context(), &storage.Deletion{
		Key: "01890000-0000-7000-8000-0000000000aa", By: "alice", At: time.Now(), Until: time.Now().Add(time.Hour),
		Keyed: map[string][]string{"findings": {"01890000-0000-7000-8000-00000000000f"}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Move(t.Context(), transfer(from, to, everyAttack, false)); err != nil {
		t.Fatal(err)
	}
	if left, there := rowsOf(t, h, from), rowsOf(t, h, to); left["annotations"] > 0 || there["annotations"] != 4 {
		t.Errorf("left %v, moved %v", left, there)
	}
}

// A judge's chat is of no attack: it stays, and so does a finding that it shows.
func TestAMoveLosesNoEvidenceThatStays(t *testing.T) {
	h, _ := open(t, t.TempDir())
	from, to, source := triaged(t, h)
	const key = "01890000-0000-7000-8000-00000000000f"
	no := false
	list, err := source.Conversations(t.Context(), &storage.ConversationFilter{HasAttack: &no}, storage.ConversationOrder{}, storage.Page{Limit: 1})
	if err != nil || len(list.Edges) != 1 {
		t.Fatal(len(list.Edges), err)
	}
	beside := storage.MessageKey{Conversation: list.Edges[0].Node.Number}
	if _, err := source.AddEvidence(t.Context(), key, storage.Chosen{Messages: []storage.MessageKey{beside}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	what := storage.Selection{Findings: []string{key}, Filter: everyAttack.Filter}
	if imp, err := h.Move(t.Context(), transfer(from, to, what, false)); storage.CodeOf(err) != storage.CodeConflict || imp != nil {
		t.Errorf("moved: %v, %v", imp, err)
	}
	imp, err := h.Copy(t.Context(), transfer(from, to, what, false))
	if err != nil || len(imp.Notes) != 1 || !strings.HasPrefix(imp.Notes[0], "1 messages that show findings belong to no attack") {
		t.Errorf("copied: %+v, %v", imp, err)
	}
}
