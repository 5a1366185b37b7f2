package storagetest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// UserStore is the suite that every engine of a user store passes. open makes an
// empty store, another one each time, and closes it with the test.
func UserStore(t *testing.T, open func(t *testing.T) storage.UserStore) {
	for name, test := range map[string]func(t *testing.T, store storage.UserStore){
		"RunsAndAttacksAreReadBack":                 runsAndAttacksAreReadBack,
		"ConversationsAndMessagesAreReadBack":       conversationsAndMessagesAreReadBack,
		"ScoresAndLabelsAreReadBack":                scoresAndLabelsAreReadBack,
		"ConfiguredThingsAndDatasetsAreReadBack":    configuredThingsAndDatasetsAreReadBack,
		"ImportIsRecordedWithItsCounts":             importIsRecordedWithItsCounts,
		"ImportTwiceChangesNothing":                 importTwiceChangesNothing,
		"ChangedRowsUpdateAndKeepTheirNumbers":      changedRowsUpdateAndKeepTheirNumbers,
		"NewRowsTakeTheNextNumbers":                 newRowsTakeTheNextNumbers,
		"ListsOfKnownRowsCanChange":                 listsOfKnownRowsCanChange,
		"ChangedCredentialIsDated":                  changedCredentialIsDated,
		"ClosedStageLeavesNothing":                  closedStageLeavesNothing,
		"DryRunCountsAndLeavesNothing":              dryRunCountsAndLeavesNothing,
		"FailedCommitLeavesNothing":                 failedCommitLeavesNothing,
		"CancelledCommitLeavesNothing":              cancelledCommitLeavesNothing,
		"StagesSideBySideStoreRowsOnce":             stagesSideBySideStoreRowsOnce,
		"HighestRankThenLastRowWins":                highestRankThenLastRowWins,
		"LowerRankOfALaterFileIsHeldBack":           lowerRankOfALaterFileIsHeldBack,
		"FilesOfMessagesAreReadBack":                filesOfMessagesAreReadBack,
		"HumanOutcomeStays":                         humanOutcomeStays,
		"ConversationsAreNumberedByFirstMessage":    conversationsAreNumberedByFirstMessage,
		"LatePieceGoesBehindTheOthers":              latePieceGoesBehindTheOthers,
		"UnstorableTextIsCleanedAndKeptInBytes":     unstorableTextIsCleanedAndKeptInBytes,
		"ScrubbedCredentialIsNotStored":             scrubbedCredentialIsNotStored,
		"ListsMeetBothWaysOverTies":                 listsMeetBothWaysOverTies,
		"AttacksAreInOrderWithMissingValuesLast":    attacksAreInOrderWithMissingValuesLast,
		"CursorsOfOtherListsAreRefused":             cursorsOfOtherListsAreRefused,
		"NestedPagesBelongToTheirParents":           nestedPagesBelongToTheirParents,
		"PatternIsFoundOrRefusedNeverAFault":        patternIsFoundOrRefusedNeverAFault,
		"VerdictsOverruleAndGiveBack":               verdictsOverruleAndGiveBack,
		"AnnotationsByFilterAreOneBatch":            annotationsByFilterAreOneBatch,
		"AnnotationsOnNothingAreRefused":            annotationsOnNothingAreRefused,
		"ImportRenewsWhatAVerdictOverrules":         importRenewsWhatAVerdictOverrules,
		"DeletedAttacksTakeTheirAnnotations":        deletedAttacksTakeTheirAnnotations,
		"LabelsAreSetAndRemoved":                    labelsAreSetAndRemoved,
		"RemovedLabelOfAConversationIsGone":         removedLabelOfAConversationIsGone,
		"FindingsAreReadBack":                       findingsAreReadBack,
		"FindingsChangeByTheirStatus":               findingsChangeByTheirStatus,
		"FindingsAreListedInOrder":                  findingsAreListedInOrder,
		"OrchestratorsAreReadBack":                  orchestratorsAreReadBack,
		"OrchestratorsNameWhatIsThere":              orchestratorsNameWhatIsThere,
		"WhatOrchestratorsNameIsKept":               whatOrchestratorsNameIsKept,
		"PricesAreSetAndRemoved":                    pricesAreSetAndRemoved,
		"UsesOfConfiguredThingsAreFound":            usesOfConfiguredThingsAreFound,
		"MessagesKnowWhatTheyAnswer":                messagesKnowWhatTheyAnswer,
		"TestsAreRecordedTogether":                  testsAreRecordedTogether,
		"EndedContextEndsEveryRead":                 endedContextEndsEveryRead,
		"VersionsAreReadBack":                       versionsAreReadBack,
		"VersionsRefuseWhatDoesNotFit":              versionsRefuseWhatDoesNotFit,
		"ChangedPromptsKeepTheOthers":               changedPromptsKeepTheOthers,
		"DifferencesLeadFromOneVersionToTheOther":   differencesLeadFromOneVersionToTheOther,
		"UsedVersionsStay":                          usedVersionsStay,
		"SplitsAreDisjointAndComplete":              splitsAreDisjointAndComplete,
		"SelectionsChooseWhatTheySay":               selectionsChooseWhatTheySay,
		"PromptsOfAttacksAreDistinct":               promptsOfAttacksAreDistinct,
		"PromptsAreFoundByWhatAttacksDid":           promptsAreFoundByWhatAttacksDid,
		"ImportsLeaveWhatWasUsed":                   importsLeaveWhatWasUsed,
		"DatasetsAreFoundByWhatTheyHave":            datasetsAreFoundByWhatTheyHave,
		"KeptThingsAreReadBack":                     keptThingsAreReadBack,
		"KeptThingsOfAnotherRevisionOrNameConflict": keptThingsOfAnotherRevisionOrNameConflict,
		"KeptThingsAreListedFilteredAndCounted":     keptThingsAreListedFilteredAndCounted,
		"SavedSessionsAreOfOnePerson":               savedSessionsAreOfOnePerson,
		"UnfitSavedSessionsAreRefused":              unfitSavedSessionsAreRefused,
		"TagsOfPeopleStay":                          tagsOfPeopleStay,
		"OwnTaxonomiesAreKept":                      ownTaxonomiesAreKept,
		"RawExchangesAreKeptWithoutCredentials":     rawExchangesAreKeptWithoutCredentials,
		"EdgesLeadBothWays":                         edgesLeadBothWays,
		"FacetsOfEveryNounCount":                    facetsOfEveryNounCount,
		"DeletedAttacksComeBack":                    deletedAttacksComeBack,
		"WhatStaysIsPartedAndJoinedAgain":           whatStaysIsPartedAndJoinedAgain,
		"AMainConversationGoesOnlyWithItsAttack":    aMainConversationGoesOnlyWithItsAttack,
		"AnEmptyFilterIsRefused":                    anEmptyFilterIsRefused,
		"ARunGoesWithItsAttacksOrWithout":           aRunGoesWithItsAttacksOrWithout,
		"ImportDoesNotResurrect":                    importDoesNotResurrect,
		"EntriesThatCrossComeBackInAnyOrder":        entriesThatCrossComeBackInAnyOrder,
		"WhatWasPurgedIsGone":                       whatWasPurgedIsGone,
		"ANameThatCameAgainIsInTheWay":              aNameThatCameAgainIsInTheWay,
		"FilesGoWithTheirLastMessage":               filesGoWithTheirLastMessage,
		"FilesHandedOverAreReadBack":                filesHandedOverAreReadBack,
		"FilesAreListedFilteredAndCounted":          filesAreListedFilteredAndCounted,
		"StreamedVersionsAreAsOthers":               streamedVersionsAreAsOthers,
		"AFileStaysWithWhateverNeedsIt":             aFileStaysWithWhateverNeedsIt,
		"AFileThatCameAgainStaysAsItIs":             aFileThatCameAgainStaysAsItIs,
		"WhatPeopleKeepComesBack":                   whatPeopleKeepComesBack,
		"NamesThatWereTakenMeanwhileAreInTheWay":    namesThatWereTakenMeanwhileAreInTheWay,
		"ARestorationKeepsTheBounds":                aRestorationKeepsTheBounds,
		"TheTrashKeepsSoManyScreensOfAPerson":       theTrashKeepsSoManyScreensOfAPerson,
		"VersionsComeBackInAnyOrder":                versionsComeBackInAnyOrder,
		"WhatVersionsNeedIsInTheWay":                whatVersionsNeedIsInTheWay,
		"AVersionIsPartedFromAttacks":               aVersionIsPartedFromAttacks,
		"FiltersChooseOfEachKind":                   filtersChooseOfEachKind,
		"AFileIsNotDeletedWhileInUse":               aFileIsNotDeletedWhileSomethingRefersToIt,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	for name, test := range runTests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("StoresShareNothing", func(t *testing.T) { storesShareNothing(t, open(t), open(t)) })
}

func runsAndAttacksAreReadBack(t *testing.T, store storage.UserStore) {
	f := sample()
	f.load(t, store)
	runs := must(store.Executions(t.Context(), nil, storage.ExecutionOrder{}, storage.Page{Limit: 5}))(t).Nodes()
	if len(runs) != 1 || len(runs[0].Key) != 36 {
		t.Fatalf("runs %v", runs)
	}
	run := *f.executions[0]
	run.Key = runs[0].Key
	run.ID = storage.ID{Kind: storage.KindExecution, Store: store.Key(), Key: run.Key}.String()
	equal(t, "run", runs[0], run)
	equal(t, "summary", must(store.ExecutionSummaries(t.Context(), []string{run.Key}))(t)[run.Key], storage.ExecutionSummary{Attacks: 1, Successes: 1})

	first, second := f.attacks[1].Attack, f.attacks[0].Attack
	first.Number, second.Number = 1, 2
	for _, a := range []*storage.Attack{&first, &second} {
		a.ID = storage.ID{Kind: storage.KindAttack, Store: store.Key(), Key: storage.NumberKey(a.Number)}.String()
		a.ConversationNumber = &a.Number // of early and late, by chance
	}
	first.ExecutionID, first.PromptNumber, first.ObjectiveScoreNumber = &run.Key, new(int64(1)), new(int64(1))
	equal(t, "attacks", must(store.AttacksByNumber(t.Context(), []int64{1, 2, 3}))(t), map[int64]storage.Attack{1: first, 2: second})
	equal(t, "last outcomes", must(store.LastOutcomes(t.Context(), []int64{1, 2}, f.components[0].Hash))(t), map[int64]storage.Outcome{1: storage.OutcomeSuccess})
	facet := must(store.AttackFacet(t.Context(), storage.FacetHarmCategory, nil, 2))(t)
	equal(t, "facet", facet, []storage.FacetValue{{Value: new("hate"), Count: 1}, {Value: new("violence"), Count: 1}})
}

func conversationsAndMessagesAreReadBack(t *testing.T, store storage.UserStore) {
	f := sample()
	f.load(t, store)
	want := map[int64]storage.Conversation{}
	for i, number := range []int64{4, 3, 2, 1} {
		c := f.conversations[i].Conversation
		c.Number, c.ID = number, storage.ID{Kind: storage.KindConversation, Store: store.Key(), Key: storage.NumberKey(number)}.String()
		switch c.SourceID {
		case "early":
			c.AttackNumber, c.MessageCount, c.StartedAt, c.LastMessageAt = new(int64(1)), 3, new(at(5)), new(at(6))
		case "late":
			c.AttackNumber, c.MessageCount, c.StartedAt, c.LastMessageAt = new(int64(2)), 1, new(at(8)), new(at(8))
		case "branch":
			c.AttackNumber, c.MessageCount, c.StartedAt, c.LastMessageAt = new(int64(1)), 1, new(at(9)), new(at(9))
			c.BranchedFromNumber = new(int64(1))
		}
		want[number] = c
	}
	equal(t, "conversations", must(store.ConversationsByNumber(t.Context(), []int64{1, 2, 3, 4, 5}))(t), want)
	equal(t, "branches", must(store.BranchesByConversation(t.Context(), []int64{1, 2}))(t), map[int64][]storage.Conversation{1: {want[3]}})

	places := map[string]storage.MessageKey{
		"m1": {Conversation: 1}, "m2": {Conversation: 1, Sequence: 1}, "m3": {Conversation: 1, Sequence: 1, Piece: 1},
		"l1": {Conversation: 2}, "b1": {Conversation: 3},
	}
	for _, staged := range f.messages {
		m := staged.Message
		m.MessageKey = places[m.SourceID]
		m.ID = storage.ID{Kind: storage.KindMessage, Store: store.Key(), Key: storage.NumberKey(m.Conversation, m.Sequence, m.Piece)}.String()
		if m.SourceID == "b1" {
			m.Original = &storage.MessageKey{Conversation: 1}
		}
		equal(t, "message", must(store.MessagesByKey(t.Context(), []storage.MessageKey{m.MessageKey, {Conversation: 9}}))(t)[m.MessageKey], m)
	}
}

func scoresAndLabelsAreReadBack(t *testing.T, store storage.UserStore) {
	f := sample()
	f.load(t, store)
	want := map[int64]*storage.Score{}
	for i, number := range []int64{3, 2, 1} {
		s := f.scores[i].Score
		s.Number, s.ScorerName = number, "SubStringScorer"
		s.ID = storage.ID{Kind: storage.KindScore, Store: store.Key(), Key: storage.NumberKey(number)}.String()
		want[number] = &s
	}
	want[1].Message = &storage.MessageKey{Conversation: 1, Sequence: 1}
	want[2].Message = &storage.MessageKey{Conversation: 1} // staged on b1, which repeats m1
	equal(t, "scores", must(store.ScoresByNumber(t.Context(), []int64{1, 2, 3, 4}))(t), want)
	original := messageBy(t, store, "b1").ScoredKey()
	equal(t, "scores of the original", must(store.ScoresByMessage(t.Context(), []storage.MessageKey{original}))(t)[original], []*storage.Score{want[2]})

	equal(t, "labels of attacks", must(store.LabelsByAttack(t.Context(), []int64{1, 2}))(t), map[int64][]storage.Label{
		1: {{Key: "operator", Value: "roakey"}}, 2: {{Key: "operator", Value: "other"}},
	})
	equal(t, "labels of conversations", must(store.LabelsByConversation(t.Context(), []int64{1, 2}))(t), map[int64][]storage.Label{
		2: {{Key: "operator", Value: "other"}},
	})
}

func configuredThingsAndDatasetsAreReadBack(t *testing.T, store storage.UserStore) {
	f := sample()
	f.load(t, store)
	id := func(kind storage.Kind, key string) string {
		return storage.ID{Kind: kind, Store: store.Key(), Key: key}.String()
	}
	g, c, s := f.configured[0].Configured, f.configured[1].Configured, f.configured[2].Configured
	g.ID, g.Credential = id(storage.KindGenerator, "g1"), &storage.Credential{IsSet: true, LastFour: new("wxyz"), UpdatedAt: new(at(2))}
	c.ID, c.Credential = id(storage.KindConverter, "v1"), &storage.Credential{}
	s.ID, s.Credential = id(storage.KindScorer, "r1"), &storage.Credential{}
	equal(t, "generator", must(store.GeneratorsByKey(t.Context(), []string{"g1"}))(t)["g1"], g)
	equal(t, "converter", must(store.ConvertersByKey(t.Context(), []string{"v1"}))(t)["v1"], c)
	equal(t, "scorer", must(store.ScorersByKey(t.Context(), []string{"r1"}))(t)["r1"], s)

	for _, staged := range f.components {
		want := *staged
		want.ID = id(storage.KindComponent, want.Hash)
		equal(t, "component", must(store.ComponentsByHash(t.Context(), []string{want.Hash}))(t)[want.Hash], want)
	}

	d := f.datasets[0].Dataset
	d.ID, d.Version, d.PromptCount = id(storage.KindDataset, "d1"), 1, 2
	d.HarmCategories = []string{"category of p1", "category of p2", "violence"}
	equal(t, "dataset", must(store.DatasetsByKey(t.Context(), []string{"d1"}))(t)["d1"], d)
	for i, staged := range f.prompts {
		p := staged.Prompt
		p.Number, p.DatasetKey, p.Version = int64(i+1), "d1", 1
		p.ID = id(storage.KindPrompt, storage.NumberKey(p.Number))
		equal(t, "prompt", must(store.PromptsByNumber(t.Context(), []int64{p.Number}))(t)[p.Number], p)
	}
}

func importIsRecordedWithItsCounts(t *testing.T, store storage.UserStore) {
	before := must(store.Revision(t.Context()))(t)
	var steps []storage.Progress
	stage, imp := sample().stage(t, store), newImport()
	if err := stage.Commit(t.Context(), imp, func(p storage.Progress) { steps = append(steps, p) }); err != nil {
		t.Fatal(err)
	}
	if len(steps) == 0 || steps[len(steps)-1].Done != steps[len(steps)-1].Total {
		t.Errorf("progress %v", steps)
	}
	if after := must(store.Revision(t.Context()))(t); after <= before {
		t.Errorf("revision %d after %d", after, before)
	}
	rows := counts(t, store)
	if rows["imports"] != 1 {
		t.Errorf("%d imports", rows["imports"])
	}
	delete(rows, "imports")
	// The rows that an import makes of prompts are no rows of its file.
	delete(rows, "dataset_versions")
	delete(rows, "dataset_members")
	told := map[string]int64{}
	for _, table := range imp.Tables {
		told[table.Table] = table.Inserted
		if table.Read != table.Inserted || table.Updated+table.Unchanged+table.Skipped != 0 {
			t.Errorf("counts %+v", table)
		}
	}
	equal(t, "rows", told, rows)
	if len(rows) != 15 {
		t.Errorf("the sample fills %d tables: %v", len(rows), rows)
	}
	equal(t, "import", must(store.ImportsByKey(t.Context(), []string{imp.Key}))(t)[imp.Key], imp)
}

func importTwiceChangesNothing(t *testing.T, store storage.UserStore) {
	first := sample().load(t, store)
	rows, revision := counts(t, store), must(store.Revision(t.Context()))(t)
	second := sample().load(t, store)
	equal(t, "rows", counts(t, store), rows)
	if again := must(store.Revision(t.Context()))(t); again != revision {
		t.Errorf("revision %d, was %d", again, revision)
	}
	for i, table := range second.Tables {
		if table.Unchanged != table.Read || table.Read != first.Tables[i].Read {
			t.Errorf("counts %+v", table)
		}
	}
}

func changedRowsUpdateAndKeepTheirNumbers(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	rows, revision := counts(t, store), must(store.Revision(t.Context()))(t)
	f := sample()
	f.attacks[1].Outcome, f.attacks[1].StartedAt = storage.OutcomeError, at(50)
	f.messages[2].OriginalValue, f.messages[2].ConvertedValue = "another text", "another text"
	f.scores[2].Value, f.scores[1].Message = new(false), "l1"
	f.labels[0].Value = "someone"
	f.configured[0].Name, f.executions[0].Status = "new name", storage.ExecutionSucceeded
	f.prompts[0].Text, f.embeddings[0].Vector = "new prompt", []float32{1, 2, 3}
	f.sessions[0].Body, f.raws[0].Body = `{"s":1}`, `{"r":1}`
	imp := f.load(t, store)
	for _, table := range imp.Tables {
		want := int64(1)
		switch table.Table {
		case "components", "conversations", "converters", "scorers", "datasets":
			want = 0
		case "scores":
			want = 2
		}
		if table.Updated != want || table.Updated+table.Unchanged != table.Read {
			t.Errorf("counts %+v, want %d updated", table, want)
		}
	}
	rows["imports"]++
	equal(t, "rows", counts(t, store), rows)
	if after := must(store.Revision(t.Context()))(t); after != revision+1 {
		t.Errorf("revision %d, was %d", after, revision)
	}
	if a := attackBy(t, store, "a1"); a.Number != 1 || a.Outcome != storage.OutcomeError || !a.StartedAt.Equal(at(50)) {
		t.Errorf("attack %+v", a)
	}
	if m := messageBy(t, store, "m2"); m.OriginalValue != "another text" || m.Piece != 0 {
		t.Errorf("message %+v", m)
	}
	scores := must(store.ScoresByNumber(t.Context(), []int64{1, 2}))(t)
	if scores[1].SourceID != "s1" || *scores[1].Value || scores[2].SourceID != "s2" || scores[2].Message.Conversation != 2 {
		t.Errorf("scores %+v, %+v", scores[1], scores[2])
	}
	equal(t, "labels", must(store.LabelsByAttack(t.Context(), []int64{1}))(t)[1], []storage.Label{{Key: "operator", Value: "someone"}})
	if g := must(store.GeneratorsByKey(t.Context(), []string{"g1"}))(t)["g1"]; g.Name != "new name" || !g.Credential.IsSet {
		t.Errorf("generator %+v", g)
	}
}

func newRowsTakeTheNextNumbers(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	f := sample()
	for _, id := range []string{"new2", "new1"} { // earlier than all that is known
		f.attacks = append([]*storage.StagedAttack{attack(id, id, len(f.attacks)-4)}, f.attacks...)
		f.conversations = append([]*storage.StagedConversation{conversation(id, id)}, f.conversations...)
		f.messages = append([]*storage.StagedMessage{message("of "+id, id, 0, len(f.attacks)-9)}, f.messages...)
		f.scores = append([]*storage.StagedScore{score("on "+id, "of "+id, f.components[2].Hash)}, f.scores...)
	}
	f.load(t, store)
	for id, want := range map[string]int64{"a1": 1, "a2": 2, "new2": 3, "new1": 4} {
		if a := attackBy(t, store, id); a.Number != want {
			t.Errorf("attack %s has number %d, want %d", id, a.Number, want)
		}
	}
	for id, want := range map[string]int64{"early": 1, "late": 2, "branch": 3, "empty": 4, "new2": 5, "new1": 6} {
		if c := conversationBy(t, store, id); c.Number != want {
			t.Errorf("conversation %s has number %d, want %d", id, c.Number, want)
		}
	}
	scores := must(store.ScoresByNumber(t.Context(), []int64{3, 4, 5}))(t)
	if scores[3].SourceID != "s3" || scores[4].SourceID != "on new2" || scores[5].SourceID != "on new1" {
		t.Errorf("scores %+v, %+v, %+v", scores[3], scores[4], scores[5])
	}
}

// Some engines replace a row with a list instead of changing it, which a primary
// key can take for a second row.
func listsOfKnownRowsCanChange(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	for _, lists := range [][]string{{"three"}, {}, {"one", "two", "four"}} {
		f := sample()
		more := *f.datasets[0]
		more.Key, more.SourceID, more.Name = "d "+strings.Join(lists, " "), strings.Join(lists, " "), "more"
		f.datasets = append(f.datasets, &more)
		f.datasets[0].Tags, f.prompts[1].HarmCategories = lists, lists
		f.attacks[1].HarmCategories, f.attacks[1].Tags, f.attacks[1].ConverterHash = lists, lists, lists
		f.messages[2].ConverterHash, f.scores[2].Categories = lists, lists
		f.load(t, store)
		a, m := attackBy(t, store, "a1"), messageBy(t, store, "m2")
		s := must(store.ScoresByNumber(t.Context(), []int64{1}))(t)[1]
		p := must(store.PromptsByNumber(t.Context(), []int64{2}))(t)[2]
		d := must(store.DatasetsByKey(t.Context(), []string{"d1"}))(t)["d1"]
		for i, got := range [][]string{d.Tags, p.HarmCategories, a.HarmCategories, a.Tags, a.ConverterHash, m.ConverterHash, s.Categories} {
			if !slices.Equal(got, lists) {
				t.Errorf("list %d is %q, want %q", i, got, lists)
			}
		}
	}
}

func changedCredentialIsDated(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	dated := func(key string) *storage.Credential {
		return must(store.GeneratorsByKey(t.Context(), []string{key}))(t)[key].Credential
	}
	f := sample()
	f.configured[0].Name, f.configured[0].UpdatedAt = "new name", at(30)
	f.load(t, store)
	if c := dated("g1"); !c.UpdatedAt.Equal(at(2)) {
		t.Errorf("the same credential is of %v", c.UpdatedAt)
	}
	f.configured[0].LastFour, f.configured[0].UpdatedAt = "longer", at(40)
	f.load(t, store)
	if c := dated("g1"); *c.LastFour != "longer" || !c.UpdatedAt.Equal(at(40)) {
		t.Errorf("the new credential is %s of %v", *c.LastFour, c.UpdatedAt)
	}
	f.configured[0].LastFour, f.configured[0].Sealed = "", ""
	f.load(t, store)
	if c := dated("g1"); c.IsSet || c.LastFour != nil || c.UpdatedAt != nil {
		t.Errorf("the removed credential is %+v", c)
	}
}

func closedStageLeavesNothing(t *testing.T, store storage.UserStore) {
	revision := must(store.Revision(t.Context()))(t)
	if err := sample().stage(t, store).Close(); err != nil {
		t.Fatal(err)
	}
	leavesNothing(t, store, revision)
}

func dryRunCountsAndLeavesNothing(t *testing.T, store storage.UserStore) {
	revision := must(store.Revision(t.Context()))(t)
	dry := newImport()
	dry.DryRun = true
	stage := sample().stage(t, store)
	if err := stage.Commit(t.Context(), dry, nil); err != nil {
		t.Fatal(err)
	}
	leavesNothing(t, store, revision)
	if err := stage.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "counts of the dry and the real import", dry.Tables, sample().load(t, store).Tables)
	if a := attackBy(t, store, "a1"); a.Number != 1 {
		t.Errorf("the dry run took number 1: %d", a.Number)
	}
}

func failedCommitLeavesNothing(t *testing.T, store storage.UserStore) {
	revision := must(store.Revision(t.Context()))(t)
	f := sample()
	same := *f.executions[0] // two rows of one key, in a table that has others before it
	same.SourceID = "another"
	f.executions = append(f.executions, &same)
	f.configured = append(f.configured, configured(storage.KindScorers, "r1"))
	f.configured[3].SourceID = "another"
	if err := f.stage(t, store).Commit(t.Context(), newImport(), nil); err == nil {
		t.Error("two rows of one key were stored")
	}
	leavesNothing(t, store, revision)
	sample().load(t, store)
	if a := attackBy(t, store, "a1"); a.Number != 1 {
		t.Errorf("the failed import took number 1: %d", a.Number)
	}
}

func cancelledCommitLeavesNothing(t *testing.T, store storage.UserStore) {
	revision := must(store.Revision(t.Context()))(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := sample().stage(t, store).Commit(ctx, newImport(), func(p storage.Progress) {
		if p.Done == p.Total-1 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	leavesNothing(t, store, revision)
}

func leavesNothing(t *testing.T, store storage.UserStore, revision int64) {
	t.Helper()
	if rows := counts(t, store); len(rows) > 0 {
		t.Errorf("rows are left: %v", rows)
	}
	if after := must(store.Revision(t.Context()))(t); after != revision {
		t.Errorf("revision %d, was %d", after, revision)
	}
}

func stagesSideBySideStoreRowsOnce(t *testing.T, store storage.UserStore) {
	first, second := sample().stage(t, store), sample().stage(t, store)
	for _, stage := range []storage.Stage{first, second} {
		if err := stage.Commit(t.Context(), newImport(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if rows := counts(t, store); rows["attacks"] != 2 || rows["imports"] != 1 {
		t.Errorf("rows %v", rows)
	}
}

func highestRankThenLastRowWins(t *testing.T, store storage.UserStore) {
	f := sample()
	ranked := func(rank int, class string) *storage.StagedAttack {
		a := attack("twice", "", 9)
		a.Rank, a.AttackClass = rank, class
		return a
	}
	f.attacks = append(f.attacks, ranked(1, "first of rank 1"), ranked(1, "last of rank 1"), ranked(0, "rank 0"))
	early := *f.messages[2]
	early.OriginalValue, early.ConvertedValue, early.Rank = "better", "better", 2
	f.messages = append([]*storage.StagedMessage{&early}, f.messages...)
	f.load(t, store)
	if a := attackBy(t, store, "twice"); a.AttackClass != "last of rank 1" {
		t.Errorf("%s won", a.AttackClass)
	}
	if m := messageBy(t, store, "m2"); m.OriginalValue != "better" {
		t.Errorf("%s won", m.OriginalValue)
	}
	if c := conversationBy(t, store, "early"); c.MessageCount != 3 {
		t.Errorf("%d messages", c.MessageCount)
	}
}

func humanOutcomeStays(t *testing.T, store storage.UserStore) {
	f := sample()
	f.attacks[1].Outcome, f.attacks[1].OutcomeSource, f.attacks[1].OutcomeReason = storage.OutcomeFailure, storage.OutcomeHuman, new("I say so")
	f.load(t, store)
	changed := sample()
	changed.attacks[1].Turns = new(int64(99))
	changed.load(t, store)
	a := attackBy(t, store, "a1")
	if a.Outcome != storage.OutcomeFailure || a.OutcomeSource != storage.OutcomeHuman || *a.OutcomeReason != "I say so" || *a.Turns != 99 {
		t.Errorf("attack %s by %s because %s, %d turns", a.Outcome, a.OutcomeSource, *a.OutcomeReason, *a.Turns)
	}
}

func conversationsAreNumberedByFirstMessage(t *testing.T, store storage.UserStore) {
	f := &file{conversations: []*storage.StagedConversation{
		conversation("none", ""), conversation("third", ""), conversation("first", ""), conversation("second", ""),
	}}
	f.messages = []*storage.StagedMessage{
		message("1", "first", 1, 40), message("2", "third", 0, 9), message("3", "second", 0, 8), message("4", "first", 0, 7),
	}
	f.load(t, store)
	for number, id := range []string{"first", "second", "third", "none"} {
		if c := conversationBy(t, store, id); c.Number != int64(number+1) {
			t.Errorf("%s is %d", id, c.Number)
		}
	}
}

func latePieceGoesBehindTheOthers(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	f := sample()
	f.messages = append([]*storage.StagedMessage{message("m4", "early", 1, 6), message("m5", "early", 2, 60)}, f.messages...)
	f.load(t, store)
	for id, want := range map[string]storage.MessageKey{
		"m2": {Conversation: 1, Sequence: 1}, "m3": {Conversation: 1, Sequence: 1, Piece: 1},
		"m4": {Conversation: 1, Sequence: 1, Piece: 2}, "m5": {Conversation: 1, Sequence: 2},
	} {
		if m := messageBy(t, store, id); m.MessageKey != want {
			t.Errorf("%s lies at %v, want %v", id, m.MessageKey, want)
		}
	}
	if c := conversationBy(t, store, "early"); c.MessageCount != 5 || !c.LastMessageAt.Equal(at(60)) {
		t.Errorf("conversation %+v", c)
	}
}

func unstorableTextIsCleanedAndKeptInBytes(t *testing.T, store storage.UserStore) {
	const bad, clean = "a\x00b\xff\xfec", "a\u2400b\uFFFDc"
	f := sample()
	m, a := f.messages[4], f.attacks[1]
	m.OriginalValue, m.ConvertedValue = bad, bad+"!"
	a.Objective, a.ErrorMessage, a.Tags, a.Attributes = new(bad), new(bad), []string{bad}, nil
	f.labels[0].Value = bad
	f.prompts[0].Text = bad
	f.load(t, store)
	f.load(t, store)

	read := messageBy(t, store, "m1")
	if read.OriginalValue != clean || read.ConvertedValue != clean+"!" {
		t.Errorf("message %q, %q", read.OriginalValue, read.ConvertedValue)
	}
	kept(t, read.Attributes, map[string]string{"original_value_base64": bad, "converted_value_base64": bad + "!"})
	if !strings.Contains(string(*read.Attributes), `"extra":7`) {
		t.Errorf("attributes %s", *read.Attributes)
	}
	got := attackBy(t, store, "a1")
	if *got.Objective != clean || *got.ErrorMessage != clean || got.Tags[0] != clean {
		t.Errorf("attack %q, %q, %q", *got.Objective, *got.ErrorMessage, got.Tags)
	}
	kept(t, got.Attributes, map[string]string{"objective_base64": bad})
	prompt := must(store.PromptsByNumber(t.Context(), []int64{1}))(t)[1]
	if prompt.Text != clean {
		t.Errorf("prompt %q", prompt.Text)
	}
	kept(t, prompt.Attributes, map[string]string{"text_base64": bad})
	equal(t, "labels", must(store.LabelsByAttack(t.Context(), []int64{1}))(t)[1], []storage.Label{{Key: "operator", Value: clean}})
}

func kept(t *testing.T, attributes *storage.JSON, want map[string]string) {
	t.Helper()
	if attributes == nil {
		t.Fatalf("no attributes, want %q", want)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(*attributes), &fields); err != nil {
		t.Fatal(err)
	}
	for field, text := range want {
		if fields[field] != base64.StdEncoding.EncodeToString([]byte(text)) {
			t.Errorf("attributes %s, want %q in %s", *attributes, text, field)
		}
	}
}

func scrubbedCredentialIsNotStored(t *testing.T, store storage.UserStore) {
	f := sample()
	f.scrubbed = []string{"sk-secret"}
	f.messages[4].OriginalValue, f.messages[4].Attributes = "it is sk-secret\x00", new(storage.JSON(`{"a":"sk-secret"}`))
	f.load(t, store)
	m := messageBy(t, store, "m1")
	if m.OriginalValue != "it is [credential]\u2400" {
		t.Errorf("message %q", m.OriginalValue)
	}
	kept(t, m.Attributes, map[string]string{"original_value_base64": "it is [credential]\x00"})
	if strings.Contains(string(*m.Attributes), "sk-secret") {
		t.Errorf("attributes %s", *m.Attributes)
	}
}

func endedContextEndsEveryRead(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	for _, l := range lists(store) {
		if _, err := l.read(cancelled, storage.Page{Limit: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s after its context was cancelled: %v", l.name, err)
		}
		if _, err := l.read(late, storage.Page{Limit: 1}); storage.CodeOf(err) != storage.CodeTimeout {
			t.Errorf("%s after its time: %v", l.name, err)
		}
	}
}
