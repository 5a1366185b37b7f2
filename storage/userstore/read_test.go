package userstore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

var byNumber = storage.AttackOrder{Field: storage.AttackOrderNumber, Direction: storage.Ascending}

func TestEachAttackFilterFindsItsAttacks(t *testing.T) {
	store := smallStore(t)
	own := func(kind storage.Kind, key string) string {
		return storage.ID{Kind: kind, Store: store.Key(), Key: key}.String()
	}
	in := func(values ...string) *storage.TextIn { return &storage.TextIn{In: values} }
	everything := "1 2 3 4 5 6 7 8 9 10 11 12"
	type F = storage.AttackFilter
	for name, test := range map[string]struct {
		filter F
		want   string
	}{
		"nothing":             {F{}, everything},
		"number":              {F{Number: &storage.LongRange{Min: ptr(int64(3)), Max: ptr(int64(5))}}, "3 4 5"},
		"numbers":             {F{Number: &storage.LongRange{In: []int64{2, 40}}}, "2"},
		"source id":           {F{SourceID: in("s4")}, "4"},
		"source":              {F{Source: &storage.SourceIn{NotIn: []storage.Source{storage.SourcePyRIT}}}, "7 8 9 10 11 12"},
		"outcome":             {F{Outcome: &storage.OutcomeIn{In: []storage.Outcome{storage.OutcomeSuccess}}}, "3 6 9 12"},
		"empty set":           {F{Outcome: &storage.OutcomeIn{In: []storage.Outcome{}}}, ""},
		"outcome source":      {F{OutcomeSource: &storage.OutcomeSourceIn{In: []storage.OutcomeSource{storage.OutcomeRule}}}, "4"},
		"class":               {F{AttackClass: in("Prompt")}, "1 3 5 7 9 11"},
		"technique":           {F{Technique: &storage.TextIn{IsNull: ptr(true)}}, everything},
		"objective":           {F{Objective: &storage.TextMatch{Contains: ptr("NUMBER 1")}}, "1 10 11"},
		"objective case":      {F{Objective: &storage.TextMatch{Contains: ptr("NUMBER 1"), CaseSensitive: ptr(true)}}, ""},
		"objective percent":   {F{Objective: &storage.TextMatch{Contains: ptr("1%")}}, ""},
		"objective equals":    {F{Objective: &storage.TextMatch{Equals: ptr("objective 100% number 2")}}, "2"},
		"objective start":     {F{Objective: &storage.TextMatch{StartsWith: ptr("objective 1")}}, "1 2 3 4 5 6 7 8 9 10 11"},
		"objective pattern":   {F{Objective: &storage.TextMatch{Matches: ptr(`OBJ.*[12]1$`)}}, "11"},
		"not objective":       {F{Not: &F{Objective: &storage.TextMatch{Contains: ptr("number")}}}, "12"},
		"text of message":     {F{Text: &storage.TextMatch{Contains: ptr("text 12 of 11")}}, "12"},
		"text converted":      {F{Text: &storage.TextMatch{StartsWith: ptr("vgv4")}}, "7"},
		"text of objective":   {F{Text: &storage.TextMatch{Contains: ptr("number 3")}}, "3"},
		"target name":         {F{Target: in("chat two")}, "6 7 8"},
		"target id":           {F{Target: in(own(storage.KindComponent, "ht1"))}, "1 2 3 4 5"},
		"target id elsewhere": {F{Target: in(otherID(storage.KindComponent, "ht1"))}, ""},
		"target not":          {F{Target: &storage.TextIn{NotIn: []string{"chat one"}}}, "6 7 8 9 10 11 12"},
		"target none":         {F{Target: &storage.TextIn{IsNull: ptr(true)}}, "9 10 11 12"},
		"model":               {F{Model: in("gpt-x")}, "1 2 3 4 5"},
		"model none":          {F{Model: &storage.TextIn{IsNull: ptr(true)}}, "6 7 8 9 10 11 12"},
		"generator":           {F{Generator: in("my target")}, "1 2 3 4 5"},
		"generator id":        {F{Generator: in(own(storage.KindGenerator, "g1"))}, "1 2 3 4 5"},
		"dataset":             {F{Dataset: in("harms")}, "1 2 3 4"},
		"prompt key":          {F{Prompt: in("key3")}, "6 7"},
		"prompt id":           {F{Prompt: in(own(storage.KindPrompt, storage.NumberKey(2)))}, "3 4"},
		"prompt id elsewhere": {F{Prompt: in(otherID(storage.KindPrompt, storage.NumberKey(2)))}, ""},
		"harm":                {F{HarmCategory: in("hate")}, "1 2"},
		"harms":               {F{HarmCategory: in("violence", "x")}, "1"},
		"harm none":           {F{HarmCategory: &storage.TextIn{IsNull: ptr(false)}}, "1 2"},
		"tag":                 {F{Tag: &storage.TextIn{NotIn: []string{"owasp:llm01"}}}, "1 2 3 4 6 7 8 9 10 11 12"},
		"probe":               {F{Probe: in("dan.Dan")}, "7 8 9 10 11 12"},
		"intent":              {F{Intent: in("x")}, ""},
		"converter any":       {F{Converters: &storage.ConverterFilter{Any: []string{"ROT13Converter", "x"}}}, "7"},
		"converter all":       {F{Converters: &storage.ConverterFilter{All: []string{"ROT13Converter", "x"}}}, ""},
		"converter none":      {F{Converters: &storage.ConverterFilter{None: []string{"ROT13Converter"}, Has: ptr(true)}}, ""},
		"converter chain":     {F{Converters: &storage.ConverterFilter{Chain: ptr("Base64Converter > ROT13Converter")}}, "7"},
		"scorer":              {F{Scorer: &storage.ScorerFilter{Name: ptr("SubStringScorer")}}, "2 3 4"},
		"scorer verdict":      {F{Scorer: &storage.ScorerFilter{Name: ptr("substring"), Verdict: ptr(true)}}, "2 4"},
		"scorer range":        {F{Scorer: &storage.ScorerFilter{Min: ptr(0.5), Max: ptr(0.8)}}, "5"},
		"scorers disagree":    {F{ScorersDisagree: ptr(true)}, "2"},
		"scorers agree":       {F{ScorersDisagree: ptr(false), Number: &storage.LongRange{Max: ptr(int64(3))}}, "1 3"},
		"label":               {F{Label: &storage.LabelFilter{Key: "op", Value: ptr("plain")}}, "1 2"},
		"label set":           {F{Label: &storage.LabelFilter{Key: "op", In: []string{"other"}}}, "3"},
		"label absent":        {F{Label: &storage.LabelFilter{Key: "op", Exists: ptr(false)}}, "4 5 6 7 8 9 10 11 12"},
		"labels":              {F{Labels: []*storage.LabelFilter{{Key: "op"}, {Key: "user", Value: ptr("me")}}}, "3"},
		"turns":               {F{Turns: &storage.LongRange{Max: ptr(int64(2))}}, "1 2"},
		"not turns":           {F{Not: &F{Turns: &storage.LongRange{Min: ptr(int64(2))}}}, "1 4 8 12"},
		"retries":             {F{Retries: &storage.LongRange{In: []int64{1}}}, "1 3 5 7 9 11"},
		"duration":            {F{DurationMs: &storage.LongRange{Min: ptr(int64(1100))}}, "11 12"},
		"error":               {F{ErrorType: &storage.TextIn{IsNull: ptr(false)}}, "10"},
		"response error":      {F{ResponseError: in("blocked")}, "9"},
		"role":                {F{Role: &storage.RoleIn{NotIn: []storage.Role{storage.RoleAssistant}}}, "1"},
		"time":                {F{StartedAt: &storage.TimeRange{From: ptr(hour(1)), To: ptr(hour(2))}}, "4 5 6 7"},
		"execution":           {F{Execution: &storage.TextIn{In: []string{"first run"}}, Number: &storage.LongRange{Min: ptr(int64(7))}}, "7 8"},
		"execution id":        {F{Execution: in(own(storage.KindExecution, "e1")), Number: &storage.LongRange{Min: ptr(int64(8))}}, "8"},
		"or":                  {F{Or: []*F{{SourceID: in("s1")}, {SourceID: in("s5")}}}, "1 5"},
		"or of none":          {F{Or: []*F{}}, ""},
		"and":                 {F{And: []*F{{AttackClass: in("Prompt")}, {Probe: in("dan.Dan")}}}, "7 9 11"},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := store.Attacks(t.Context(), &test.filter, byNumber, storage.Page{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			if got := numbers(page); got != test.want {
				t.Errorf("attacks %q, want %q", got, test.want)
			}
			count, err := page.TotalCount(t.Context())
			if err != nil || int(count) != len(strings.Fields(test.want)) {
				t.Errorf("count %d, %v", count, err)
			}
		})
	}
}

// hour is the start of the attacks in smallStore.
func hour(n int) time.Time {
	return time.Date(2026, 1, 1, n, 0, 0, 123000, time.UTC)
}

func numbers(page *storage.Connection[storage.Attack]) string {
	var texts []string
	for _, attack := range page.Nodes() {
		texts = append(texts, fmt.Sprint(attack.Number))
	}
	return strings.Join(texts, " ")
}

func TestBadFiltersAreTheCallersMistake(t *testing.T) {
	store := smallStore(t)
	deep := &storage.AttackFilter{}
	for range 12 {
		deep = &storage.AttackFilter{Not: deep}
	}
	wide := &storage.AttackFilter{}
	for range 300 {
		wide.Or = append(wide.Or, &storage.AttackFilter{SourceID: &storage.TextIn{In: []string{"s1"}}})
	}
	for name, filter := range map[string]*storage.AttackFilter{
		"deep": deep, "wide": wide,
		"pattern": {Objective: &storage.TextMatch{Matches: ptr("(")}},
		"long":    {Objective: &storage.TextMatch{Matches: ptr(strings.Repeat("a", 1001))}},
	} {
		_, err := store.Attacks(t.Context(), filter, byNumber, storage.Page{Limit: 1})
		if storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPagesMeetBothWaysOverTiesAndMissingValues(t *testing.T) {
	store := smallStore(t)
	for _, field := range []storage.AttackOrderField{
		storage.AttackOrderStartedAt, storage.AttackOrderNumber, storage.AttackOrderTurns, storage.AttackOrderDuration,
	} {
		for _, direction := range []storage.Direction{storage.Ascending, storage.Descending} {
			order := storage.AttackOrder{Field: field, Direction: direction}
			whole, err := store.Attacks(t.Context(), nil, order, storage.Page{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			var forward, backward []*storage.Attack
			page := storage.Page{Limit: 5}
			for {
				part, err := store.Attacks(t.Context(), nil, order, page)
				if err != nil {
					t.Fatal(err)
				}
				forward = append(forward, part.Nodes()...)
				if !part.PageInfo.HasNextPage {
					break
				}
				page.After = *part.PageInfo.EndCursor
			}
			page = storage.Page{Limit: 5, Backward: true}
			for {
				part, err := store.Attacks(t.Context(), nil, order, page)
				if err != nil {
					t.Fatal(err)
				}
				backward = append(part.Nodes(), backward...)
				if !part.PageInfo.HasPreviousPage {
					break
				}
				page.Before = *part.PageInfo.StartCursor
			}
			same := func(a, b *storage.Attack) bool { return a.Number == b.Number }
			if len(whole.Edges) != 12 || !slices.EqualFunc(whole.Nodes(), forward, same) || !slices.EqualFunc(whole.Nodes(), backward, same) {
				t.Errorf("%s %s: %s", field, direction, numbers(whole))
			}
			if field == storage.AttackOrderTurns && whole.Nodes()[11].Turns != nil {
				t.Errorf("%s: attacks without turns do not come last: %s", direction, numbers(whole))
			}
		}
	}
	none, err := store.Attacks(t.Context(), nil, byNumber, storage.Page{Limit: 0})
	if err != nil || len(none.Edges) != 0 || !none.PageInfo.HasNextPage {
		t.Errorf("an empty page: %+v, %v", none, err)
	}
}

func TestNestedPagesBelongToTheirParents(t *testing.T) {
	store := smallStore(t)
	meter := &storage.Meter{}
	ctx := storage.WithMeter(t.Context(), meter)
	pages, err := store.MessagesByConversation(ctx, []int64{1, 3, 12, 21}, nil, storage.Page{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	for parent, want := range map[int64]struct {
		rows  int
		count int64
		more  bool
	}{1: {1, 1, false}, 3: {2, 3, true}, 12: {2, 12, true}, 21: {0, 0, false}} {
		page := pages[parent]
		count, err := page.TotalCount(ctx)
		if err != nil || len(page.Edges) != want.rows || count != want.count || page.PageInfo.HasNextPage != want.more {
			t.Errorf("conversation %d: %d rows of %d, more %v, %v", parent, len(page.Edges), count, page.PageInfo.HasNextPage, err)
		}
		for i, message := range page.Nodes() {
			if message.Conversation != parent || message.Sequence != int64(i) {
				t.Errorf("conversation %d has %+v at %d", parent, message.MessageKey, i)
			}
		}
	}
	if n := meter.UserStatements.Load(); n != 2 {
		t.Errorf("%d statements for four parents and their counts", n)
	}

	next, err := store.MessagesByConversation(t.Context(), []int64{12}, nil, storage.Page{Limit: 20, After: *pages[12].PageInfo.EndCursor})
	if err != nil || len(next[12].Edges) != 10 || next[12].Nodes()[0].Sequence != 2 {
		t.Errorf("after the cursor: %v, %v", next, err)
	}
	last, err := store.MessagesByConversation(t.Context(), []int64{12, 3}, &storage.MessageFilter{Role: &storage.RoleIn{In: []storage.Role{storage.RoleUser}}},
		storage.Page{Limit: 2, Backward: true})
	if err != nil || last[12].Nodes()[1].Sequence != 10 || last[3].Nodes()[0].Sequence != 0 {
		t.Errorf("last two: %v, %v", last, err)
	}
	if count, err := last[12].TotalCount(t.Context()); count != 6 || err != nil {
		t.Errorf("filtered count %d, %v", count, err)
	}
	for name, parents := range map[string][]int64{"another parent": {3}, "several parents": {12, 3}} {
		_, err := store.MessagesByConversation(t.Context(), parents, nil, storage.Page{Limit: 1, After: *pages[12].PageInfo.EndCursor})
		if storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCursorsOfOtherListsAreRefused(t *testing.T) {
	store := smallStore(t)
	page, err := store.Attacks(t.Context(), nil, byNumber, storage.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	cursor := storage.Page{Limit: 1, After: *page.PageInfo.EndCursor}
	_, down := store.Attacks(t.Context(), nil, storage.AttackOrder{Field: storage.AttackOrderNumber, Direction: storage.Descending}, cursor)
	_, other := store.Conversations(t.Context(), nil, storage.ConversationOrder{}, cursor)
	_, forged := store.Attacks(t.Context(), nil, byNumber, storage.Page{Limit: 1, After: storage.Cursor{List: "attacks/number/asc/", Number: "x"}.String()})
	for _, err := range []error{down, other, forged} {
		if storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("accepted: %v", err)
		}
	}
}

func TestConversationsMessagesAndScoresAreReadByKey(t *testing.T) {
	store := smallStore(t)
	ctx := t.Context()
	conversations, err := store.ConversationsByAttack(ctx, []int64{3, 4}, nil, storage.Page{Limit: 9})
	if err != nil || len(conversations[3].Edges) != 2 || len(conversations[4].Edges) != 1 {
		t.Errorf("conversations: %v, %v", conversations, err)
	}
	branches, err := store.BranchesByConversation(ctx, []int64{3, 4})
	if err != nil || len(branches[3]) != 1 || branches[3][0].Number != 20 || branches[4] != nil {
		t.Errorf("branches: %v, %v", branches, err)
	}
	repeated := storage.MessageKey{Conversation: 20, Sequence: 1}
	converted := storage.MessageKey{Conversation: 7, Sequence: 2}
	messages, err := store.MessagesByKey(ctx, []storage.MessageKey{repeated, converted, {Conversation: 20, Sequence: 9}})
	if err != nil || len(messages) != 2 {
		t.Fatalf("messages: %v, %v", messages, err)
	}
	if m := messages[repeated]; m.ScoredKey() != (storage.MessageKey{Conversation: 3, Sequence: 1}) || m.ConvertedValue != m.OriginalValue || m.ConvertedHash != "sha20" {
		t.Errorf("repeated: %+v", m)
	}
	if m := messages[converted]; m.ConvertedValue != "VGV4dA== 2" || !slices.Equal(m.ConverterHash, []string{"hc1"}) {
		t.Errorf("converted: %+v", m)
	}
	scores, err := store.ScoresByMessage(ctx, []storage.MessageKey{messages[repeated].ScoredKey(), {Conversation: 2, Sequence: 1}})
	if err != nil || len(scores) != 2 {
		t.Fatalf("scores: %v, %v", scores, err)
	}
	// Score 2 was created before score 1.
	if of := scores[storage.MessageKey{Conversation: 2, Sequence: 1}]; len(of) != 2 || of[0].Number != 2 || of[1].ScorerName != "substring" {
		t.Errorf("scores of a message: %+v", of)
	}
	byNo, err := store.ScoresByNumber(ctx, []int64{4, 99})
	if err != nil || len(byNo) != 1 || *byNo[4].ScaleValue != 0.75 {
		t.Errorf("score: %v, %v", byNo, err)
	}
	labels, err := store.LabelsByAttack(ctx, []int64{1, 2, 3, 4})
	if err != nil || len(labels) != 3 || labels[2][0].Value != "plain" || len(labels[3]) != 2 {
		t.Errorf("labels: %v, %v", labels, err)
	}
	found, err := store.Messages(ctx, &storage.MessageFilter{
		Purpose: &storage.PurposeIn{In: []storage.Purpose{storage.PurposeAlternative}}, HasConverters: ptr(false),
	}, storage.MessageOrder{Direction: storage.Descending}, storage.Page{Limit: 1})
	if err != nil || len(found.Edges) != 1 || found.Nodes()[0].MessageKey != repeated || !found.PageInfo.HasNextPage {
		t.Errorf("messages: %+v, %v", found, err)
	}
	found, err = store.Messages(ctx, nil, storage.MessageOrder{Direction: storage.Descending}, storage.Page{Limit: 100, After: *found.PageInfo.EndCursor})
	if err != nil || len(found.Edges) != 79 {
		t.Errorf("after the last message: %v, %v", found, err)
	}
	judges, err := store.Conversations(ctx, &storage.ConversationFilter{
		HasAttack: ptr(false), Label: &storage.LabelFilter{Key: "op"}, MessageCount: &storage.LongRange{Max: ptr(int64(0))},
	}, storage.ConversationOrder{Field: storage.ConversationOrderStartedAt}, storage.Page{Limit: 9})
	if err != nil || len(judges.Edges) != 1 || judges.Nodes()[0].Purpose != storage.PurposeJudge {
		t.Errorf("judges: %v, %v", judges, err)
	}
}

func TestAttacksOfEachEdge(t *testing.T) {
	store := smallStore(t)
	for edge, want := range map[storage.AttackEdge]map[string]int64{
		storage.AttacksOfComponent: {"ht1": 5, "hc1": 1, "hs1": 3, "none": 0},
		storage.AttacksOfPrompt:    {"1": 2, "2": 2, "3": 0},
		storage.AttacksOfExecution: {"e1": 8, "e2": 0},
		storage.AttacksOfGenerator: {"g1": 5, "g2": 0},
	} {
		var parents []string
		for parent := range want {
			parents = append(parents, parent)
		}
		pages, err := store.AttacksOf(t.Context(), edge, parents, nil, byNumber, storage.Page{Limit: 2})
		if err != nil {
			t.Errorf("%s: %v", edge, err)
			continue
		}
		for parent, rows := range want {
			count, err := pages[parent].TotalCount(t.Context())
			if err != nil || count != rows || int64(len(pages[parent].Edges)) != min(rows, 2) {
				t.Errorf("%s %s: %d of %d, %v", edge, parent, len(pages[parent].Edges), count, err)
			}
		}
	}
}

func TestFacetsCountAttacks(t *testing.T) {
	store := smallStore(t)
	for facet, want := range map[storage.Facet]string{
		storage.FacetOutcome: "FAILURE 4, SUCCESS 4, UNDETERMINED 4", storage.FacetOutcomeSource: "STATED 11, RULE 1",
		storage.FacetAttackClass: "Prompt 6, RedTeaming 6", storage.FacetTechnique: "null 12",
		storage.FacetTarget: "chat one 5, null 4, chat two 3", storage.FacetModel: "null 7, gpt-x 5",
		storage.FacetGenerator: "null 7, my target 5", storage.FacetDataset: "null 8, harms 4",
		storage.FacetHarmCategory: "null 10, hate 2, violence 1", storage.FacetTag: "null 11, owasp:llm01 1",
		storage.FacetProbe: "dan.Dan 6, null 6", storage.FacetIntent: "null 12",
		storage.FacetConverter: "null 11, Base64Converter 1, ROT13Converter 1",
		storage.FacetChain:     " 11, Base64Converter > ROT13Converter 1",
		storage.FacetScorer:    "null 8, substring 3, likert 2", storage.FacetLabel: "null 9, op=plain 2, op=other 1, user=me 1",
		storage.FacetExecution: "first run 8, null 4", storage.FacetSource: "GARAK 6, PYRIT 6", storage.FacetErrorType: "null 11, Timeout 1",
		storage.FacetResponseError: "none 11, blocked 1", storage.FacetRole: "USER 12, ASSISTANT 11",
		storage.FacetTurns: "null 3, 1 1, 10 1, 11 1, 2 1, 3 1, 5 1, 6 1, 7 1, 9 1",
	} {
		values, err := store.AttackFacet(t.Context(), facet, &storage.AttackFilter{}, 50)
		if err != nil {
			t.Errorf("%s: %v", facet, err)
			continue
		}
		var got []string
		for _, v := range values {
			text := "null"
			if v.Value != nil {
				text = *v.Value
			}
			got = append(got, fmt.Sprintf("%s %d", text, v.Count))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s\nwant %s", facet, strings.Join(got, ", "), want)
		}
	}
}

func TestConfiguredThingsDatasetsAndRuns(t *testing.T) {
	store := smallStore(t)
	ctx := t.Context()
	page := storage.Page{Limit: 1}
	var names []string
	for {
		generators, err := store.Generators(ctx, nil, storage.NameOrder{}, page)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, generators.Nodes()[0].Name)
		if !generators.PageInfo.HasNextPage {
			break
		}
		page.After = *generators.PageInfo.EndCursor
	}
	if strings.Join(names, "; ") != "Another, with a comma; my target" {
		t.Errorf("generators: %s", names)
	}
	generators, err := store.GeneratorsByKey(ctx, []string{"g1", "g2", "g3"})
	if err != nil || len(generators) != 2 || !generators["g1"].Credential.IsSet || *generators["g1"].Credential.LastFour != "wxyz" || generators["g2"].Credential.IsSet {
		t.Errorf("generators: %v, %v", generators, err)
	}
	for _, list := range []func() (int, error){
		func() (int, error) {
			c, err := store.Converters(ctx, nil, storage.NameOrder{}, storage.Page{Limit: 1})
			return len(c.Nodes()), err
		},
		func() (int, error) {
			c, err := store.Scorers(ctx, &storage.ConfiguredFilter{Type: &storage.TextIn{In: []string{"x"}}}, storage.NameOrder{Field: storage.NameOrderCreatedAt}, storage.Page{Limit: 1})
			return len(c.Nodes()), err
		},
	} {
		if n, err := list(); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	components, err := store.Components(ctx, &storage.ComponentFilter{Kind: &storage.ComponentKindIn{In: []storage.ComponentKind{storage.ComponentTarget}}}, storage.Page{Limit: 9})
	if err != nil || len(components.Edges) != 2 {
		t.Errorf("components: %v, %v", components, err)
	}
	datasets, err := store.Datasets(ctx, &storage.DatasetFilter{Tag: &storage.TextIn{In: []string{"t2"}}}, storage.NameOrder{}, storage.Page{Limit: 9})
	if err != nil || len(datasets.Edges) != 1 || datasets.Nodes()[0].PromptCount != 8 || !slices.Equal(datasets.Nodes()[0].HarmCategories, []string{"hate", "violence"}) {
		t.Errorf("datasets: %+v, %v", datasets, err)
	}
	prompts, err := store.PromptsByDataset(ctx, []string{"d1", "d2"}, nil, storage.Page{Limit: 3})
	if err != nil || len(prompts["d1"].Edges) != 3 || len(prompts["d2"].Edges) != 0 {
		t.Fatalf("prompts: %v, %v", prompts, err)
	}
	if count, err := prompts["d1"].TotalCount(ctx); count != 8 || err != nil {
		t.Errorf("%d prompts of the newest version, %v", count, err)
	}
	rest, err := store.PromptsByDataset(ctx, []string{"d1"}, nil, storage.Page{Limit: 9, After: *prompts["d1"].PageInfo.EndCursor})
	if err != nil || len(rest["d1"].Edges) != 5 {
		t.Errorf("rest: %v, %v", rest, err)
	}
	outcomes, err := store.LastOutcomes(ctx, []int64{1, 2, 3}, "")
	if err != nil || len(outcomes) != 2 || outcomes[1] != storage.OutcomeUndetermined || outcomes[2] != storage.OutcomeFailure {
		t.Errorf("outcomes: %v, %v", outcomes, err)
	}
	executions, err := store.Executions(ctx, nil, storage.ExecutionOrder{Field: storage.ExecutionOrderStartedAt, Direction: storage.Descending}, storage.Page{Limit: 9})
	if err != nil || len(executions.Edges) != 2 || executions.Nodes()[1].Key != "e2" {
		t.Errorf("executions: %v, %v", executions, err)
	}
	summaries, err := store.ExecutionSummaries(ctx, []string{"e1", "e2"})
	if err != nil || len(summaries) != 1 || *summaries["e1"] != (storage.ExecutionSummary{Attacks: 8, Successes: 2, Failures: 3, Undetermined: 3}) {
		t.Errorf("summaries: %v, %v", summaries, err)
	}
	imports, err := store.Imports(ctx, storage.Page{Limit: 9})
	if err != nil || len(imports.Edges) != 1 || imports.Nodes()[0].Tables[0].Inserted != 2 || imports.Nodes()[0].Notes[0] != "a note" {
		t.Errorf("imports: %v, %v", imports, err)
	}
	use, err := store.StorageUse(ctx)
	if err != nil || use.Bytes == 0 || use.Tables[0].Rows != 12 || use.Tables[2].Rows != 80 {
		t.Errorf("use: %+v, %v", use, err)
	}
}

func TestATimeoutIsNamed(t *testing.T) {
	store := smallStore(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := store.Revision(ctx); storage.CodeOf(err) != storage.CodeTimeout {
		t.Errorf("%v", err)
	}
}

// Zone maps end the search for the newest early where rows lie in order; here the
// newest attacks lie all over the table.
func TestNewestAttacksAreFoundInATableOutOfOrder(t *testing.T) {
	store, engine := openStore(t)
	fill(t, engine, `INSERT INTO attacks SELECT 'o1', i, 'PYRIT', 's' || i, NULL, 'C', NULL, NULL, NULL, NULL, NULL, [], [], NULL, NULL, NULL, NULL, '', [],
		NULL, 'SUCCESS', NULL, 'STATED', NULL, NULL, NULL, NULL, NULL, NULL, TIMESTAMP '2026-01-01' + INTERVAL 1 SECOND * ((i * 7919) % 10007), NULL, NULL
		FROM range(1, 10007) r(i)`)
	page := storage.Page{Limit: 40}
	want := int64(10006)
	for range 4 {
		attacks, err := store.Attacks(t.Context(), nil, storage.AttackOrder{Field: storage.AttackOrderStartedAt, Direction: storage.Descending}, page)
		if err != nil || len(attacks.Edges) != 40 {
			t.Fatal(attacks, err)
		}
		for _, attack := range attacks.Nodes() {
			if got := attack.Number * 7919 % 10007; got != want {
				t.Fatalf("second %d instead of %d", got, want)
			}
			want--
		}
		page.After = *attacks.PageInfo.EndCursor
	}
}
