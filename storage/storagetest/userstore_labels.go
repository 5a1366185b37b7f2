package storagetest

import (
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func labelsAreSetAndRemoved(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	all := storage.Chosen{Filter: &storage.AttackFilter{}}
	shows := func(what string, want map[int64][]storage.Label) {
		t.Helper()
		equal(t, what, must(store.LabelsByAttack(t.Context(), []int64{1, 2}))(t), want)
	}
	// The first attack has a label itself, the second on its conversation.
	set := storage.Labelling{On: all, Key: "operator", Value: new("roakey")}
	equal(t, "set", must(store.SetLabels(t.Context(), &set))(t), storage.Labelled{Matched: 2, Changed: 1})
	shows("set", map[int64][]storage.Label{1: {{Key: "operator", Value: "roakey"}}, 2: {{Key: "operator", Value: "roakey"}}})
	revision := must(store.Revision(t.Context()))(t)
	equal(t, "set again", must(store.SetLabels(t.Context(), &set))(t), storage.Labelled{Matched: 2})
	set = storage.Labelling{On: storage.Chosen{Attacks: []int64{2}}, Key: "triage", Value: new("")}
	equal(t, "another key", must(store.SetLabels(t.Context(), &set))(t), storage.Labelled{Matched: 1, Changed: 1})
	if now := must(store.Revision(t.Context()))(t); now <= revision {
		t.Errorf("revision %d after %d", now, revision)
	}
	equal(t, "another value", must(store.RemoveLabels(t.Context(), &storage.Labelling{On: all, Key: "operator", Value: new("x")}))(t), storage.Labelled{Matched: 2})
	equal(t, "any value", must(store.RemoveLabels(t.Context(), &storage.Labelling{On: all, Key: "operator"}))(t), storage.Labelled{Matched: 2, Changed: 2})
	shows("removed", map[int64][]storage.Label{2: {{Key: "triage", Value: ""}}})

	_, err := store.SetLabels(t.Context(), &storage.Labelling{On: storage.Chosen{Attacks: []int64{2, 9}}, Key: "k", Value: new("v")})
	if storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("an attack that is not there: %v", err)
	}
	for name, wrong := range map[string]storage.Labelling{
		"nothing chosen": {Key: "k", Value: new("v")},
		"no key":         {On: all, Key: " ", Value: new("v")},
		"a NUL":          {On: all, Key: "k", Value: new("\x00")},
	} {
		if _, err := store.SetLabels(t.Context(), &wrong); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	shows("still", map[int64][]storage.Label{2: {{Key: "triage", Value: ""}}})
}

// A conversation's label that is taken away with the attack's is gone for good.
func removedLabelOfAConversationIsGone(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	must(store.RemoveLabels(t.Context(), &storage.Labelling{On: storage.Chosen{Attacks: []int64{2}}, Key: "operator", Value: new("other")}))(t)
	if rows := must(store.LabelsByConversation(t.Context(), []int64{2}))(t); len(rows) != 0 {
		t.Errorf("labels %v", rows)
	}
	if rows := counts(t, store)["memory_labels"]; rows != 1 {
		t.Errorf("%d labels", rows)
	}
}
