package storagetest

import (
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func edgesLeadBothWays(t *testing.T, store storage.UserStore) {
	f := sample()
	f.load(t, store)
	ctx, page := t.Context(), storage.Page{Limit: 9}
	run := *must(store.AttacksByNumber(ctx, []int64{1}))(t)[1].ExecutionID
	key := storage.MessageKey{Conversation: 1, Sequence: 1}
	finding(t, store, "f1", storage.SeverityHigh, 30, storage.Chosen{Attacks: []int64{1}, Messages: []storage.MessageKey{key, {Conversation: 2}}})
	keys := func(found map[string]*storage.Connection[storage.Execution], of string) []string {
		var all []string
		if found[of] != nil {
			for _, e := range found[of].Nodes() {
				all = append(all, e.Key)
			}
		}
		return all
	}
	target := f.components[0].Hash
	equal(t, "runs of a component", keys(must(store.ExecutionsOf(ctx, storage.ExecutionsOfComponent, []string{target, "none"}, nil, page))(t), target), []string{run})
	equal(t, "runs of a finding", keys(must(store.ExecutionsOf(ctx, storage.ExecutionsOfFinding, []string{"f1"}, nil, page))(t), "f1"), []string{run})
	if got := must(store.FindingsOf(ctx, storage.FindingsOfExecution, []string{run}, nil, page))(t)[run].Nodes(); len(got) != 1 || got[0].Key != "f1" {
		t.Errorf("findings of the run %v", got)
	}
	if got := must(store.FindingsByConversation(ctx, []int64{1, 2, 3}))(t); len(got) != 2 || len(got[1]) != 1 || got[2][0].Key != "f1" {
		t.Errorf("findings of conversations %v", got)
	}
	if got := must(store.FindingsByMessage(ctx, []storage.MessageKey{key, {Conversation: 1}}))(t); len(got) != 1 || len(got[key]) != 1 {
		t.Errorf("findings of messages %v", got)
	}
	conversations := must(store.ConversationsByExecution(ctx, []string{run}, nil, page))(t)[run]
	if nodes := conversations.Nodes(); len(nodes) != 2 || nodes[0].Number != 1 || nodes[1].Number != 3 || must(conversations.TotalCount(ctx))(t) != 2 {
		t.Errorf("conversations of the run %v", nodes)
	}
	scores := must(store.ScoresByExecution(ctx, []string{run}, storage.Page{Limit: 1}))(t)[run]
	if len(scores.Nodes()) != 1 || must(scores.TotalCount(ctx))(t) != 2 {
		t.Errorf("scores of the run %v", scores.Nodes())
	}
	for kind, want := range map[storage.ComponentKind]int{storage.ComponentTarget: 1, storage.ComponentScorer: 1} {
		if got := must(store.ComponentsByExecution(ctx, kind, []string{run}))(t)[run]; len(got) != want {
			t.Errorf("%s of the run: %v", kind, got)
		}
	}
	if got := must(store.OutcomesByPrompt(ctx, []int64{1, 9}))(t); len(got) != 1 || len(got[1]) != 1 || got[1][0].AttackNumber != 1 || *got[1][0].TargetHash != target {
		t.Errorf("outcomes by target %v", got)
	}
	equal(t, "labels", must(store.LabelKeys(ctx, nil, 9))(t), []storage.LabelKey{{Key: "operator", Count: 2, Values: []*storage.FacetValue{
		{Value: new("other"), Count: 1}, {Value: new("roakey"), Count: 1},
	}}})
	if got := must(store.LabelKeys(ctx, &storage.AttackFilter{Number: &storage.LongRange{In: []int64{9}}}, 9))(t); len(got) != 0 {
		t.Errorf("labels of nothing %v", got)
	}
}

func facetsOfEveryNounCount(t *testing.T, store storage.UserStore) {
	taggedSample().load(t, store)
	ctx := t.Context()
	finding(t, store, "f1", storage.SeverityHigh, 30, storage.Chosen{})
	value := func(text string, count int64) storage.FacetValue {
		return storage.FacetValue{Value: &text, Count: count}
	}
	equal(t, "severity", must(store.FindingFacet(ctx, storage.FacetSeverity, nil, 9))(t), []storage.FacetValue{value("HIGH", 1)})
	equal(t, "taxonomy", must(store.TaxonomyFacet(ctx, nil, nil, 9))(t), []storage.FacetValue{value("owasp-llm-2023", 1), {Count: 1}})
	equal(t, "entry", must(store.TaxonomyFacet(ctx, new("owasp-llm-2023"), nil, 9))(t), []storage.FacetValue{value("LLM01:2023", 1), {Count: 1}})
	if got := must(store.ConversationFacet(ctx, storage.FacetLabel, nil, 9))(t); len(got) == 0 {
		t.Errorf("labels of conversations %v", got)
	}
	for _, facet := range []storage.Facet{storage.FacetRole, storage.FacetDataType, storage.FacetResponseError, storage.FacetFinishReason, storage.FacetPurpose, storage.FacetSource} {
		sum := int64(0)
		for _, v := range must(store.MessageFacet(ctx, facet, nil, 99))(t) {
			sum += v.Count
		}
		if sum != counts(t, store)["prompt_request_responses"] {
			t.Errorf("%s counts %d messages", facet, sum)
		}
	}
	if got := must(store.ConfiguredFacet(ctx, storage.KindGenerators, storage.FacetType, nil, 9))(t); len(got) == 0 {
		t.Errorf("types of generators %v", got)
	}
	if _, err := store.MessageFacet(ctx, storage.FacetSeverity, nil, 9); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("no such facet: %v", err)
	}
}
