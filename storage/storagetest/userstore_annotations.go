package storagetest

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// annotation is one of its own batch; minute orders annotations.
func annotation(minute int, verdict storage.AnnotationVerdict, on storage.Chosen) *storage.NewAnnotation {
	a := &storage.NewAnnotation{
		Batch: uuid.Must(uuid.NewV7()).String(), On: on, Note: new("a note"), Author: "alice", At: at(minute),
	}
	if verdict != "" {
		a.Verdict, a.Reason = &verdict, new("reason for "+string(verdict))
	}
	return a
}

func annotate(t *testing.T, store storage.UserStore, a *storage.NewAnnotation, want int64) {
	t.Helper()
	if n := must(store.Annotate(t.Context(), a))(t); n != want {
		t.Errorf("%d annotations, want %d", n, want)
	}
}

func retract(t *testing.T, store storage.UserStore, key string, whole bool, minute int, want int64) {
	t.Helper()
	n := must(store.RetractAnnotation(t.Context(), &storage.Retraction{Key: key, Whole: whole, Reason: new("wrong"), By: "bob", At: at(minute)}))(t)
	if n != want {
		t.Errorf("%d retracted, want %d", n, want)
	}
}

// outcome checks what decides an attack.
func outcome(t *testing.T, store storage.UserStore, attack string, want storage.Outcome, by storage.OutcomeSource, reason string) {
	t.Helper()
	a := attackBy(t, store, attack)
	got := ""
	if a.OutcomeReason != nil {
		got = *a.OutcomeReason
	}
	if a.Outcome != want || a.OutcomeSource != by || got != reason {
		t.Errorf("%s is %s by %s because %q, want %s by %s because %q", attack, a.Outcome, a.OutcomeSource, got, want, by, reason)
	}
}

func verdictsOverruleAndGiveBack(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	revision := must(store.Revision(t.Context()))(t)
	first := annotation(30, storage.VerdictFailure, storage.Chosen{Attacks: []int64{1}})
	annotate(t, store, first, 1)
	if now := must(store.Revision(t.Context()))(t); now <= revision {
		t.Errorf("revision %d after %d", now, revision)
	}
	outcome(t, store, "a1", storage.OutcomeFailure, storage.OutcomeHuman, "reason for FAILURE")
	second := annotation(31, storage.VerdictUndetermined, storage.Chosen{Attacks: []int64{1}})
	annotate(t, store, second, 1)
	outcome(t, store, "a1", storage.OutcomeUndetermined, storage.OutcomeHuman, "reason for UNDETERMINED")
	annotate(t, store, annotation(32, "", storage.Chosen{Attacks: []int64{1}}), 1)
	outcome(t, store, "a1", storage.OutcomeUndetermined, storage.OutcomeHuman, "reason for UNDETERMINED")

	// An older one does not matter while the newer stands, nor does the order of going.
	list := must(store.AnnotationsByAttack(t.Context(), []int64{1, 2}))(t)
	if len(list) != 1 || len(list[1]) != 3 || *list[1][0].Verdict != storage.VerdictFailure || list[1][2].Verdict != nil {
		t.Fatalf("annotations %+v", list)
	}
	retract(t, store, list[1][1].Key, false, 40, 1)
	outcome(t, store, "a1", storage.OutcomeFailure, storage.OutcomeHuman, "reason for FAILURE")
	retract(t, store, list[1][0].Key, false, 41, 1)
	outcome(t, store, "a1", storage.OutcomeSuccess, storage.OutcomeObjectiveScore, "because")

	// What was retracted stays in the history, and says nothing any more.
	list = must(store.AnnotationsByAttack(t.Context(), []int64{1}))(t)
	if a := list[1][0]; *a.RetractedBy != "bob" || !a.RetractedAt.Equal(at(41)) || *a.RetractionReason != "wrong" || *a.Note != "a note" || a.Author != "alice" {
		t.Errorf("retracted annotation %+v", a)
	}
	_, err := store.RetractAnnotation(t.Context(), &storage.Retraction{Key: list[1][0].Key, By: "bob", At: at(42)})
	if storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("retracted twice: %v", err)
	}
	_, err = store.RetractAnnotation(t.Context(), &storage.Retraction{Key: "no such", By: "bob", At: at(42)})
	if storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("retracted nothing: %v", err)
	}
	outcome(t, store, "a1", storage.OutcomeSuccess, storage.OutcomeObjectiveScore, "because")
	annotate(t, store, annotation(50, storage.VerdictFailure, storage.Chosen{Attacks: []int64{1}}), 1)
	outcome(t, store, "a1", storage.OutcomeFailure, storage.OutcomeHuman, "reason for FAILURE")
}

func annotationsByFilterAreOneBatch(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	has := func(want bool, numbers ...int64) {
		t.Helper()
		var found []int64
		for _, a := range must(store.Attacks(t.Context(), &storage.AttackFilter{HasAnnotation: &want}, storage.AttackOrder{}, storage.Page{Limit: 9}))(t).Nodes() {
			found = append(found, a.Number)
		}
		equal(t, "attacks by hasAnnotation", found, numbers)
	}
	key := storage.MessageKey{Conversation: 1, Sequence: 1}
	on := annotation(29, storage.VerdictSuccess, storage.Chosen{Conversations: []int64{1, 1}, Messages: []storage.MessageKey{key}})
	annotate(t, store, on, 2)
	outcome(t, store, "a1", storage.OutcomeSuccess, storage.OutcomeObjectiveScore, "because")
	ofMessage := must(store.AnnotationsByMessage(t.Context(), []storage.MessageKey{key, {Conversation: 1}}))(t)
	ofConversation := must(store.AnnotationsByConversation(t.Context(), []int64{1, 2}))(t)
	if len(ofMessage) != 1 || len(ofMessage[key]) != 1 || len(ofConversation) != 1 || len(ofConversation[1]) != 1 {
		t.Errorf("on messages %v, on conversations %v", ofMessage, ofConversation)
	}
	has(true, 1)
	has(false, 2)

	all := annotation(30, storage.VerdictFailure, storage.Chosen{Filter: &storage.AttackFilter{}})
	annotate(t, store, all, 2)
	outcome(t, store, "a1", storage.OutcomeFailure, storage.OutcomeHuman, "reason for FAILURE")
	outcome(t, store, "a2", storage.OutcomeFailure, storage.OutcomeHuman, "reason for FAILURE")
	has(true, 1, 2)
	annotate(t, store, annotation(31, "", storage.Chosen{Filter: &storage.AttackFilter{SourceID: &storage.TextIn{In: []string{"none"}}}}), 0)

	made := must(store.AnnotationsOfBatch(t.Context(), all.Batch, 9))(t)
	byKey := must(store.AnnotationsByKey(t.Context(), []string{made[0].Key, made[1].Key}))(t)
	if len(made) != 2 || len(byKey) != 2 || *byKey[made[1].Key].AttackNumber != 2 {
		t.Fatalf("the batch %v, by key %v", made, byKey)
	}
	retract(t, store, made[0].Key, true, 40, 2)
	outcome(t, store, "a1", storage.OutcomeSuccess, storage.OutcomeObjectiveScore, "because")
	outcome(t, store, "a2", storage.OutcomeFailure, storage.OutcomeStated, "")
	has(true, 1) // the conversation's still stand
}

func annotationsOnNothingAreRefused(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	for name, on := range map[string]storage.Chosen{
		"attacks":       {Attacks: []int64{1, 9}},
		"conversations": {Conversations: []int64{1, 9}},
		"messages":      {Messages: []storage.MessageKey{{Conversation: 1}, {Conversation: 9}}},
	} {
		_, err := store.Annotate(t.Context(), annotation(30, storage.VerdictFailure, on))
		if storage.CodeOf(err) != storage.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, spoil := range map[string]func(*storage.NewAnnotation){
		"nothing chosen":    func(a *storage.NewAnnotation) { a.On = storage.Chosen{} },
		"nothing said":      func(a *storage.NewAnnotation) { a.Verdict, a.Note = nil, new(" ") },
		"no reason":         func(a *storage.NewAnnotation) { a.Reason = new(" ") },
		"a text with a NUL": func(a *storage.NewAnnotation) { a.Note = new("a\x00b") },
		"no UTF-8":          func(a *storage.NewAnnotation) { a.Reason = new("\xff") },
		"a long reason":     func(a *storage.NewAnnotation) { a.Reason = new(strings.Repeat("x", storage.MaxReasonBytes+1)) },
	} {
		a := annotation(30, storage.VerdictFailure, storage.Chosen{Attacks: []int64{1}})
		spoil(a)
		if _, err := store.Annotate(t.Context(), a); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	outcome(t, store, "a1", storage.OutcomeSuccess, storage.OutcomeObjectiveScore, "because")
	if rows := counts(t, store)["annotations"]; rows != 0 {
		t.Errorf("%d annotations", rows)
	}
}

// A source may change its mind under a verdict: the verdict stays, and a retraction
// gives back what the source says by then.
func importRenewsWhatAVerdictOverrules(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	a := annotation(30, storage.VerdictFailure, storage.Chosen{Attacks: []int64{1}})
	annotate(t, store, a, 1)
	sample().load(t, store)
	outcome(t, store, "a1", storage.OutcomeFailure, storage.OutcomeHuman, "reason for FAILURE")
	changed := sample()
	changed.attacks[1].Outcome, changed.attacks[1].OutcomeReason, changed.attacks[1].OutcomeSource = storage.OutcomeUndetermined, new("on second thoughts"), storage.OutcomeStated
	changed.load(t, store)
	outcome(t, store, "a1", storage.OutcomeFailure, storage.OutcomeHuman, "reason for FAILURE")
	told := sample()
	told.attacks[1].Outcome, told.attacks[1].OutcomeSource = storage.OutcomeFailure, storage.OutcomeHuman
	told.load(t, store)
	retract(t, store, a.Batch+"-a1", false, 40, 1)
	outcome(t, store, "a1", storage.OutcomeUndetermined, storage.OutcomeStated, "on second thoughts")
}

func deletedAttacksTakeTheirAnnotations(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	annotate(t, store, annotation(30, storage.VerdictFailure, storage.Chosen{
		Filter: &storage.AttackFilter{}, Conversations: []int64{1, 2}, Messages: []storage.MessageKey{{Conversation: 1}},
	}), 5)
	revision := must(store.Revision(t.Context()))(t)
	if err := store.Delete(t.Context(), storage.Selection{Attacks: []int64{1}}, revision, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if rows := counts(t, store)["annotations"]; rows != 2 {
		t.Errorf("%d annotations are left, want those of the other attack", rows)
	}
}
