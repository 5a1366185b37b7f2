package storagetest

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// orchestrator names the things of sample.
func orchestrator(key string) (*storage.Orchestrator, []storage.Named) {
	o := &storage.Orchestrator{
		Key: key, Name: "name of " + key, Type: "PROMPT_SENDING", GeneratorKey: new("g1"), DatasetKey: new("d1"), DatasetVersion: new(int64(1)),
		Prompts: []string{"it's", ""}, Chains: [][]string{{"v1", "v1"}, {}}, Scorers: []string{"r1"}, ObjectiveScorer: new("r1"),
		Parameters: `{"repetitions":2}`, Labels: []*storage.Label{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, Tags: []string{"x", "y"},
		Budget:      storage.Budget{Calls: new(int64(1)), Tokens: new(int64(2)), Money: new(0.5), Currency: new("EUR")},
		Concurrency: 4, CallTimeoutSeconds: new(int64(5)), RunTimeoutSeconds: new(int64(6)), Author: "alice", CreatedAt: at(1), UpdatedAt: at(2),
	}
	return o, []storage.Named{
		{Table: storage.KindGenerators, Key: "g1", Argument: "generator"},
		{Table: storage.NamedDatasets, Key: "d1", Argument: "dataset"},
		{Table: storage.KindConverters, Key: "v1", Argument: "chains"},
		{Table: storage.KindScorers, Key: "r1", Argument: "scorers"},
	}
}

func addOrchestrator(t *testing.T, store storage.UserStore, key string) *storage.Orchestrator {
	t.Helper()
	o, names := orchestrator(key)
	if err := store.AddOrchestrator(t.Context(), o, names); err != nil {
		t.Fatal(err)
	}
	o.ID = storage.ID{Kind: storage.KindOrchestrator, Store: store.Key(), Key: key}.String()
	return o
}

func orchestratorsAreReadBack(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	revision := must(store.Revision(t.Context()))(t)
	first, second := addOrchestrator(t, store, "o1"), addOrchestrator(t, store, "o2")
	if now := must(store.Revision(t.Context()))(t); now != revision+2 {
		t.Errorf("the revision is %d behind %d", now, revision)
	}
	equal(t, "orchestrators", must(store.OrchestratorsByKey(t.Context(), []string{"o1", "o2", "none"}))(t), map[string]*storage.Orchestrator{"o1": first, "o2": second})
	for _, key := range []string{"g1", "d1", "v1", "r1"} {
		using := must(store.OrchestratorsUsing(t.Context(), []string{key, "none"}, storage.Page{Limit: 1}))(t)
		if nodes := using[key].Nodes(); len(nodes) != 1 || nodes[0].Key != "o1" || !using[key].PageInfo.HasNextPage || len(using["none"].Nodes()) != 0 {
			t.Errorf("using %s: %v", key, nodes)
		}
	}

	// It becomes another one, by one statement whatever it was.
	want := *second
	want.Name, want.GeneratorKey, want.DatasetKey, want.DatasetVersion, want.Chains, want.Prompts = "another", nil, nil, nil, [][]string{}, []string{}
	want.Scorers, want.ObjectiveScorer, want.Labels, want.Tags, want.Budget, want.UpdatedAt = []string{}, nil, []*storage.Label{}, []string{"z"}, storage.Budget{}, at(9)
	if err := store.ChangeOrchestrator(t.Context(), "o2", func(o *storage.Orchestrator) ([]storage.Named, error) {
		equal(t, "what is to change", o, second)
		*o = want
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	equal(t, "changed", must(store.OrchestratorsByKey(t.Context(), []string{"o2"}))(t)["o2"], want)
	for what, filter := range map[string]storage.OrchestratorFilter{
		"name": {Name: &storage.TextMatch{Equals: new("another")}}, "tag": {Tag: &storage.TextIn{In: []string{"z"}}},
		"no generator": {Generator: &storage.TextIn{IsNull: new(true)}},
	} {
		if found := must(store.Orchestrators(t.Context(), &filter, storage.NameOrder{}, storage.Page{Limit: 9}))(t).Nodes(); len(found) != 1 || found[0].Key != "o2" {
			t.Errorf("by %s: %v", what, found)
		}
	}
	named := storage.OrchestratorFilter{Generator: &storage.TextIn{In: []string{"name of g1"}}, Dataset: &storage.TextIn{In: []string{"harms"}}}
	list := must(store.Orchestrators(t.Context(), &named, storage.NameOrder{}, storage.Page{Limit: 9}))(t)
	if total := must(list.TotalCount(t.Context()))(t); total != 1 || list.Nodes()[0].Key != "o1" {
		t.Errorf("by generator and dataset: %v", list.Nodes())
	}
	if runs := must(store.ExecutionsByOrchestrator(t.Context(), []string{"o1"}, nil, storage.ExecutionOrder{}, storage.Page{Limit: 9}))(t)["o1"].Nodes(); len(runs) != 0 {
		t.Errorf("runs %v", runs)
	}
	for i := range 2 {
		if _, err := store.MoveToTrash(t.Context(), deletion(strconv.Itoa(i), 40, "orchestrators", "o2")); err != nil && storage.CodeOf(err) != storage.CodeNotFound {
			t.Error(err)
		}
	}
	if left := must(store.Orchestrators(t.Context(), nil, storage.NameOrder{}, storage.Page{Limit: 9}))(t).Nodes(); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

func orchestratorsNameWhatIsThere(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	addOrchestrator(t, store, "o1")
	o, names := orchestrator("o2")
	o.Name = "name of o1"
	if err := store.AddOrchestrator(t.Context(), o, names); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("a name that is taken: %v", err)
	}
	o.Name = "mine"
	names = append(names, storage.Named{Table: storage.KindScorers, Key: "g1", Argument: "parameters.feedback_scorer"})
	var refused *storage.Error
	if err := store.AddOrchestrator(t.Context(), o, names); !errors.As(err, &refused) || refused.Code != storage.CodeNotFound || refused.Field != "parameters.feedback_scorer" {
		t.Errorf("a generator for a scorer: %v", err)
	}
	nothing := func(*storage.Orchestrator) ([]storage.Named, error) { return nil, nil }
	if err := store.ChangeOrchestrator(t.Context(), "o2", nothing); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("one that is not there: %v", err)
	}
	gone := errors.New("no")
	if err := store.ChangeOrchestrator(t.Context(), "o1", func(o *storage.Orchestrator) ([]storage.Named, error) { o.Name = "x"; return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("a change that fails: %v", err)
	}
	if now := must(store.OrchestratorsByKey(t.Context(), []string{"o1"}))(t)["o1"]; now.Name != "name of o1" {
		t.Errorf("it is called %q", now.Name)
	}
}

func whatOrchestratorsNameIsKept(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	things := map[storage.ConfiguredKind]string{storage.KindGenerators: "g1", storage.KindConverters: "v1", storage.KindScorers: "r1"}
	for _, kind := range []storage.ConfiguredKind{storage.KindScorers, storage.KindConverters, storage.KindGenerators} {
		key, other := things[kind], "o of "+things[kind]
		o, names := orchestrator(other)
		names = slices.DeleteFunc(names, func(n storage.Named) bool { return n.Key != key })
		if err := store.AddOrchestrator(t.Context(), o, names); err != nil {
			t.Fatal(err)
		}
		if _, err := store.MoveToTrash(t.Context(), deletion("t "+key, 40, string(kind), key)); storage.CodeOf(err) != storage.CodeConflict {
			t.Errorf("%s was deleted: %v", key, err)
		}
		if err := store.CheckDelete(t.Context(), storage.Selection{Generators: []string{"g1"}, Converters: []string{"v1"}, Scorers: []string{"r1"}}); storage.CodeOf(err) != storage.CodeConflict {
			t.Errorf("%s may be moved: %v", key, err)
		}
		if err := store.ChangeConfigured(t.Context(), kind, key, storage.ConfiguredChange{Name: new("renamed")}); err != nil {
			t.Error(err)
		}
		if using := must(store.OrchestratorsUsing(t.Context(), []string{key}, storage.Page{Limit: 9}))(t)[key].Nodes(); len(using) != 1 || using[0].Key != other {
			t.Errorf("after a renaming %v use it", using)
		}
		done := must(store.MoveToTrash(t.Context(), cascading(deletion("t "+key, 40, string(kind), key))))(t)
		if left := must(store.OrchestratorsByKey(t.Context(), []string{other}))(t); len(left) != 0 {
			t.Errorf("%v is left", left)
		}
		equal(t, "deleted", done.Tables, []storage.TableUse{{Name: string(kind), Rows: 1}, {Name: "orchestrators", Rows: 1}})
		equal(t, "purged", must(store.PurgeTrash(t.Context(), storage.Purge{Key: "t " + key}))(t).Tables, done.Tables)
	}
}

func pricesAreSetAndRemoved(t *testing.T, store storage.UserStore) {
	price := &storage.Price{Key: "p1", Model: " GPT-4o* ", Currency: "usd", Input: 2.5, Output: 10, UpdatedAt: at(1)}
	if key := must(store.SetPrice(t.Context(), price))(t); key != "p1" {
		t.Errorf("key %q", key)
	}
	again := &storage.Price{Key: "p2", Model: "gpt-4o*", Currency: "EUR", Input: 2, Output: 8, UpdatedAt: at(2)}
	if key := must(store.SetPrice(t.Context(), again))(t); key != "p1" {
		t.Errorf("the same pattern has the key %q", key)
	}
	want := storage.Price{
		ID: storage.ID{Kind: storage.KindPrice, Store: store.Key(), Key: "p1"}.String(), Key: "p1", Model: "gpt-4o*", Currency: "EUR", Input: 2, Output: 8, UpdatedAt: at(2),
	}
	equal(t, "prices", must(store.Prices(t.Context(), storage.Page{Limit: 9}))(t).Nodes(), []storage.Price{want})
	equal(t, "price", must(store.PricesByKey(t.Context(), []string{"p1", "p2"}))(t), map[string]storage.Price{"p1": want})
	for field, wrong := range map[string]storage.Price{
		"model": {Currency: "EUR"}, "currency": {Model: "x", Currency: "euro"}, "inputPrice": {Model: "x", Currency: "EUR", Input: -1},
		"outputPrice": {Model: "x", Currency: "EUR", Output: 1e12},
	} {
		var refused *storage.Error
		if _, err := store.SetPrice(t.Context(), &wrong); !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	must(store.MoveToTrash(t.Context(), deletion("t1", 30, "prices", "p1")))(t)
	_, err := store.MoveToTrash(t.Context(), deletion("t2", 31, "prices", "p1"))
	refusedAs(t, err, storage.CodeNotFound, "prices")
}

func usesOfConfiguredThingsAreFound(t *testing.T, store storage.UserStore) {
	f := sample()
	f.components[1].ConverterID, f.components[2].ScorerID = new("v1"), new("r1")
	f.load(t, store)
	for kind, key := range map[storage.ConfiguredKind]string{storage.KindGenerators: "g1", storage.KindConverters: "v1", storage.KindScorers: "r1"} {
		found := must(store.ComponentsOf(t.Context(), kind, []string{key, "none"}, storage.Page{Limit: 9}))(t)
		if nodes := found[key].Nodes(); len(nodes) != 1 || len(found["none"].Nodes()) != 0 {
			t.Errorf("components of %s: %v", key, nodes)
		}
	}
	attacks := must(store.AttacksOf(t.Context(), storage.AttacksOfConverter, []string{"v1"}, nil, storage.AttackOrder{}, storage.Page{Limit: 9}))(t)["v1"].Nodes()
	if len(attacks) != 1 || attacks[0].SourceID != "a1" {
		t.Errorf("attacks through v1: %v", attacks)
	}
	hash := f.components[2].Hash
	byHash := must(store.ScoresOf(t.Context(), storage.ScoresOfComponent, []string{hash}, storage.Page{Limit: 2}))(t)[hash]
	byKey := must(store.ScoresOf(t.Context(), storage.ScoresOfScorer, []string{"r1"}, storage.Page{Limit: 2}))(t)["r1"]
	equal(t, "scores", byKey.Nodes(), byHash.Nodes())
	if total := must(byKey.TotalCount(t.Context()))(t); total != 3 || len(byKey.Nodes()) != 2 || byKey.Nodes()[0].ScorerName == "" {
		t.Errorf("%d scores, the first %+v", total, byKey.Nodes()[0])
	}
	rest := must(store.ScoresOf(t.Context(), storage.ScoresOfScorer, []string{"r1"}, storage.Page{Limit: 2, After: *byKey.PageInfo.EndCursor}))(t)["r1"].Nodes()
	if len(rest) != 1 || rest[0].Number == byKey.Nodes()[0].Number || rest[0].Number == byKey.Nodes()[1].Number {
		t.Errorf("the rest %v", rest)
	}
	// What came from a thing stays when the thing goes with cascade.
	if _, err := store.MoveToTrash(t.Context(), deletion("t", 40, "scorers", "r1")); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("deleted without cascade: %v", err)
	}
	if _, err := store.MoveToTrash(t.Context(), cascading(deletion("t", 40, "scorers", "r1"))); err != nil {
		t.Error(err)
	}
	if now := must(store.ComponentsByHash(t.Context(), []string{hash}))(t)[hash]; now == nil || now.ScorerID != nil {
		t.Errorf("the component is %v", now)
	}
}

func messagesKnowWhatTheyAnswer(t *testing.T, store storage.UserStore) {
	f := sample()
	f.messages = append(f.messages, message("u2", "late", 1, 9), message("r2", "late", 2, 10))
	f.messages[len(f.messages)-1].Role = storage.RoleAssistant
	f.load(t, store)
	late := storage.MessageKey{Conversation: 2, Sequence: 2}
	found := must(store.PromptsBefore(t.Context(), []storage.MessageKey{late, {Conversation: 2}, {Conversation: 2, Sequence: 1}}))(t)
	if len(found) != 2 || found[late].SourceID != "u2" || found[storage.MessageKey{Conversation: 2, Sequence: 1}].SourceID != "l1" {
		t.Errorf("answered %v", found)
	}
}

func testsAreRecordedTogether(t *testing.T, store storage.UserStore) {
	f := sample()
	f.configured = append(f.configured, configured(storage.KindGenerators, "g2"))
	f.load(t, store)
	if err := store.RecordTests(t.Context(), []storage.GeneratorTest{{Key: "g1", Status: "ready", Result: `{"ok":true}`}, {Key: "g2", Status: "failing", Result: `{"ok":false}`}, {Key: "none", Status: "x", Result: `{}`}}); err != nil {
		t.Fatal(err)
	}
	now := must(store.GeneratorsByKey(t.Context(), []string{"g1", "g2"}))(t)
	if now["g1"].Status != "ready" || now["g2"].Status != "failing" || *now["g2"].LastTest != `{"ok":false}` || !now["g1"].Credential.IsSet {
		t.Errorf("%+v, %+v", now["g1"], now["g2"])
	}
}
