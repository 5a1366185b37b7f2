package storagetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// file is what an importer would stage of one file.
type file struct {
	components    []*storage.Component
	configured    []*storage.StagedConfigured
	datasets      []*storage.StagedDataset
	prompts       []*storage.StagedPrompt
	executions    []*storage.Execution
	attacks       []*storage.StagedAttack
	conversations []*storage.StagedConversation
	messages      []*storage.StagedMessage
	scores        []*storage.StagedScore
	labels        []*storage.StagedLabel
	embeddings    []*storage.StagedEmbedding
	sessions      []*storage.StagedSession
	raws          []*storage.StagedRaw
	media         []*storage.StagedMedium
	scrubbed      []string // credentials, known before the rows
}

// marker is a guard whose seals can be told from what they seal.
type marker struct{ credentials []string }

func (m *marker) Seal(table, row, plaintext string) (string, error) {
	return fmt.Sprintf("sealed:%s/%s/%d", table, row, len(plaintext)), nil
}

func (m *marker) Add(credential string) { m.credentials = append(m.credentials, credential) }

func (m *marker) Clean(text string) (string, bool) {
	cleaned := text
	for _, credential := range m.credentials {
		cleaned = strings.ReplaceAll(cleaned, credential, "[credential]")
	}
	return cleaned, cleaned != text
}

func each[T any](t *testing.T, rows []T, add func(T) error) {
	t.Helper()
	for _, row := range rows {
		if err := add(row); err != nil {
			t.Fatal(err)
		}
	}
}

// stage stages the file; the stage is closed with the test.
func (f *file) stage(t *testing.T, store storage.UserStore) storage.Stage {
	t.Helper()
	ctx := t.Context()
	stage, err := store.NewStage(ctx, &marker{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stage.Close() }) // for a test that fails; an import closes it itself
	for _, credential := range f.scrubbed {
		stage.Scrub(credential)
	}
	each(t, f.scores, func(s *storage.StagedScore) error { return stage.AddScore(ctx, s) })
	each(t, f.labels, func(l *storage.StagedLabel) error { return stage.AddLabel(ctx, l) })
	each(t, f.attacks, func(a *storage.StagedAttack) error { return stage.AddAttack(ctx, a) })
	each(t, f.components, func(c *storage.Component) error { return stage.AddComponent(ctx, c) })
	each(t, f.messages, func(m *storage.StagedMessage) error { return stage.AddMessage(ctx, m) })
	each(t, f.conversations, func(c *storage.StagedConversation) error { return stage.AddConversation(ctx, c) })
	each(t, f.executions, func(e *storage.Execution) error { return stage.AddExecution(ctx, e) })
	each(t, f.prompts, func(p *storage.StagedPrompt) error { return stage.AddPrompt(ctx, p) })
	each(t, f.datasets, func(d *storage.StagedDataset) error { return stage.AddDataset(ctx, d) })
	each(t, f.embeddings, func(e *storage.StagedEmbedding) error { return stage.AddEmbedding(ctx, e) })
	each(t, f.sessions, func(s *storage.StagedSession) error { return stage.AddSession(ctx, s) })
	each(t, f.raws, func(r *storage.StagedRaw) error { return stage.AddRaw(ctx, r) })
	each(t, f.media, func(m *storage.StagedMedium) error { return stage.AddMedium(ctx, m) })
	each(t, f.configured, func(c *storage.StagedConfigured) error {
		if c.LastFour != "" {
			sealed, err := stage.Seal(c.Kind, c.Key, "the credential "+c.LastFour)
			if err != nil {
				return err
			}
			c.Sealed = sealed
		}
		return stage.AddConfigured(ctx, c)
	})
	return stage
}

// load imports the file.
func (f *file) load(t *testing.T, store storage.UserStore) *storage.Import {
	t.Helper()
	stage := f.stage(t, store)
	imp := newImport()
	if err := stage.Commit(t.Context(), imp, nil); err != nil {
		t.Fatal(err)
	}
	if err := stage.Close(); err != nil {
		t.Fatal(err)
	}
	return imp
}

func newImport() *storage.Import {
	return &storage.Import{
		Tool: storage.SourcePyRIT, ToolVersion: new("1.1"), Format: "duckdb", FileName: "a.db", FileHash: "f00d",
		FileBytes: 12, Notes: []string{"a note"}, StartedAt: at(0),
	}
}

// at is a time with microseconds, which every engine keeps.
func at(minute int) time.Time {
	return time.Date(2026, 1, 1, 0, minute, 0, 123456000, time.UTC)
}

func component(kind storage.ComponentKind, class string, known storage.Component) *storage.Component {
	known.ClassName = class
	made, err := storage.NewComponent(kind, map[string]string{"class": class}, known)
	if err != nil {
		panic(err) // a map of texts always encodes
	}
	return made
}

func configured(kind storage.ConfiguredKind, key string) *storage.StagedConfigured {
	return &storage.StagedConfigured{Kind: kind, Configured: storage.Configured{
		Key: key, Source: storage.SourceViolentUTF, SourceID: "of " + key, Name: "name of " + key, Type: "type",
		Parameters: `{"b": 1, "a": 2}`, Status: "READY", LastTest: new(storage.JSON(`{"ok":true}`)),
		CreatedAt: at(1), UpdatedAt: at(2), Attributes: new(storage.JSON(`{"extra":1}`)),
	}}
}

func attack(id, conversation string, minute int) *storage.StagedAttack {
	return &storage.StagedAttack{Conversation: conversation, Attack: storage.Attack{
		Source: storage.SourcePyRIT, SourceID: id, AttackClass: "PromptSendingAttack", Objective: new("objective of " + id),
		HarmCategories: []string{}, Tags: []string{}, ConverterHash: []string{}, Outcome: storage.OutcomeFailure,
		OutcomeSource: storage.OutcomeStated, StartedAt: at(minute),
	}}
}

func conversation(id, attack string) *storage.StagedConversation {
	return &storage.StagedConversation{Attack: attack, Conversation: storage.Conversation{
		Source: storage.SourcePyRIT, SourceID: id, Purpose: storage.PurposeTarget,
	}}
}

func message(id, conversation string, sequence int64, minute int) *storage.StagedMessage {
	text := "text of " + id
	return &storage.StagedMessage{Conversation: conversation, Message: storage.Message{
		Source: storage.SourcePyRIT, SourceID: id, MessageKey: storage.MessageKey{Sequence: sequence}, Role: storage.RoleUser,
		OriginalValue: text, ConvertedValue: text, OriginalDataType: "text", DataType: "text", ConverterHash: []string{},
		ResponseError: "none", OriginalHash: storage.TextHash(text), ConvertedHash: storage.TextHash(text), CreatedAt: at(minute),
	}}
}

func score(id, message, scorer string) *storage.StagedScore {
	return &storage.StagedScore{Message: message, Score: storage.Score{
		Source: storage.SourcePyRIT, SourceID: id, ScorerHash: scorer, Type: storage.ScoreTrueFalse, Value: new(true),
		RawValue: new("True"), Status: storage.ScoreComplete, Categories: []string{"harm"}, CreatedAt: at(20),
	}}
}

// sample has a row of every type. Its conversations are numbered early 1, late 2,
// branch 3 and empty 4; its attacks a1 1 and a2 2.
func sample() *file {
	target := component(storage.ComponentTarget, "OpenAIChatTarget", storage.Component{
		Name: "chat", Module: new("pyrit.target"), Model: new("gpt"), Endpoint: new("http://localhost"), GeneratorID: new("g1"),
		Parameters: `{"temperature":0.5}`,
	})
	converter := component(storage.ComponentConverter, "Base64Converter", storage.Component{})
	scorer := component(storage.ComponentScorer, "SubStringScorer", storage.Component{})
	f := &file{components: []*storage.Component{target, converter, scorer}}

	f.configured = []*storage.StagedConfigured{
		configured(storage.KindGenerators, "g1"), configured(storage.KindConverters, "v1"), configured(storage.KindScorers, "r1"),
	}
	f.configured[0].LastFour = "wxyz"

	f.datasets = []*storage.StagedDataset{{Dataset: storage.Dataset{
		Key: "d1", Source: storage.SourcePyRIT, SourceID: "of d1", Name: "harms", SourceType: "seeds", Format: "yaml",
		Configuration: `{"x":1}`, Tags: []string{"one", "two"}, Status: "READY", CreatedAt: at(1), UpdatedAt: at(2),
		Attributes: new(storage.JSON(`{"extra":2}`)),
	}}}
	for i, id := range []string{"p1", "p2"} {
		f.prompts = append(f.prompts, &storage.StagedPrompt{Dataset: "of d1", DatasetSource: storage.SourcePyRIT, Prompt: storage.Prompt{
			Source: storage.SourcePyRIT, SourceID: id, Index: int64(i), SeedType: "objective", Role: new("user"), Name: new("name"),
			Text: "text of " + id, DataType: "text", HarmCategories: []string{"violence", "category of " + id},
			Parameters: new(storage.JSON(`["a"]`)), Metadata: new(storage.JSON(`{}`)), Hash: storage.TextHash("text of " + id),
			GroupID: new("group"), Sequence: new(int64(3)), CreatedAt: at(1), Attributes: new(storage.JSON(`{"extra":3}`)),
		}})
	}
	f.executions = []*storage.Execution{{
		Origin: storage.OriginImported, Source: storage.SourcePyRIT, SourceID: "run", Name: "a run", Orchestrator: new("Class"),
		Status: storage.ExecutionFailed, Partial: true, Configuration: new(storage.JSON(`{"c":1}`)), Error: new("broke"),
		StartedAt: new(at(3)), FinishedAt: new(at(4)), Attributes: new(storage.JSON(`{"extra":4}`)),
	}}

	first := attack("a1", "early", 5)
	first.Execution, first.Prompt, first.ObjectiveScore = "run", "p1", "s1"
	first.TechniqueHash, first.TargetHash, first.AttackerHash = new("technique"), new(target.Hash), new("attacker")
	first.ObjectiveHash, first.PromptKey = new(storage.TextHash(*first.Objective)), new("key")
	first.HarmCategories, first.Tags = []string{"hate", "violence"}, []string{"owasp:llm01"}
	first.Probe, first.Intent, first.OutcomeReason = new("probe"), new("intent"), new("because")
	first.ConverterChain, first.ConverterHash = "Base64Converter", []string{converter.Hash}
	first.Outcome, first.OutcomeSource = storage.OutcomeSuccess, storage.OutcomeObjectiveScore
	first.Turns, first.DurationMs, first.Retries = new(int64(2)), new(int64(1500)), new(int64(1))
	first.ErrorType, first.ErrorMessage = new("Timeout"), new("too slow")
	first.FinishedAt, first.Attributes = new(at(6)), new(storage.JSON(`{"extra":5}`))
	f.attacks = []*storage.StagedAttack{attack("a2", "late", 7), first}

	early := conversation("early", "a1")
	early.TargetHash, early.Attributes = new(target.Hash), new(storage.JSON(`{"extra":6}`))
	branch := conversation("branch", "a1")
	branch.Purpose, branch.Why, branch.BranchedFrom, branch.BranchedFromSequence = storage.PurposeAlternative, new("backtracked"), "early", new(int64(1))
	f.conversations = []*storage.StagedConversation{conversation("empty", ""), branch, conversation("late", "a2"), early}

	full := message("m1", "early", 0, 5)
	full.ConvertedValue, full.ConvertedHash, full.DataType = "bTE=", storage.TextHash("bTE="), "url"
	full.ConverterHash, full.FinishReason = []string{converter.Hash}, new("stop")
	full.LatencyMs, full.InputTokens, full.OutputTokens = new(int64(10)), new(int64(20)), new(int64(30))
	full.Metadata, full.Attributes = new(storage.JSON(`{"m":1}`)), new(storage.JSON(`{"extra":7}`))
	repeated := message("b1", "branch", 0, 9)
	repeated.Original = "m1"
	f.messages = []*storage.StagedMessage{
		repeated, message("l1", "late", 0, 8), message("m2", "early", 1, 6), message("m3", "early", 1, 6), full,
	}

	whole := score("s1", "m2", scorer.Hash)
	whole.Rationale, whole.Description, whole.Objective, whole.IsObjective = new("rationale"), new("description"), new("objective"), true
	whole.Metadata, whole.Attributes = new(storage.JSON(`{"s":1}`)), new(storage.JSON(`{"extra":8}`))
	loose := score("s3", "", scorer.Hash)
	loose.Type, loose.Value, loose.ScaleValue, loose.Content = storage.ScoreFloatScale, nil, new(0.25), new("loose content")
	f.scores = []*storage.StagedScore{loose, score("s2", "b1", scorer.Hash), whole}

	f.labels = []*storage.StagedLabel{
		{Source: storage.SourcePyRIT, Attack: "a1", Label: storage.Label{Key: "operator", Value: "roakey"}},
		{Source: storage.SourcePyRIT, Conversation: "late", Label: storage.Label{Key: "operator", Value: "other"}},
	}
	f.embeddings = []*storage.StagedEmbedding{{Source: storage.SourcePyRIT, Message: "m1", Model: "ada", Vector: []float32{0.5, -1}}}
	f.sessions = []*storage.StagedSession{{
		Source: storage.SourceViolentUTF, SourceID: "session", SessionKey: "key", Body: "{}", CreatedAt: at(1), UpdatedAt: at(2),
		ExpiresAt: new(at(3)),
	}}
	f.raws = []*storage.StagedRaw{{Source: storage.SourceGarak, SourceID: "digest", Record: "garak.digest", Body: "{}"}}
	return f
}

// equal compares rows by their JSON, which shows what differs and compares times by
// what they mean.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	gotText, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	wantText, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(gotText) != string(wantText) {
		t.Errorf("%s:\n got %s\nwant %s", what, gotText, wantText)
	}
}

// must takes the error away from a read that has to work.
func must[V any](value V, err error) func(t *testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// counts is the store's rows by table, without the empty ones.
func counts(t *testing.T, store storage.UserStore) map[string]int64 {
	t.Helper()
	rows := map[string]int64{}
	for _, table := range must(store.StorageUse(t.Context()))(t).Tables {
		if table.Rows > 0 {
			rows[table.Name] = table.Rows
		}
	}
	return rows
}

// attackBy, conversationBy and messageBy find a row by its source id.
func attackBy(t *testing.T, store storage.UserStore, sourceID string) *storage.Attack {
	t.Helper()
	return only(t, sourceID, must(store.Attacks(t.Context(), &storage.AttackFilter{SourceID: &storage.TextIn{In: []string{sourceID}}},
		storage.AttackOrder{}, storage.Page{Limit: 2}))(t))
}

func conversationBy(t *testing.T, store storage.UserStore, sourceID string) *storage.Conversation {
	t.Helper()
	return only(t, sourceID, must(store.Conversations(t.Context(), &storage.ConversationFilter{SourceID: &storage.TextIn{In: []string{sourceID}}},
		storage.ConversationOrder{}, storage.Page{Limit: 2}))(t))
}

func messageBy(t *testing.T, store storage.UserStore, sourceID string) *storage.Message {
	t.Helper()
	return only(t, sourceID, must(store.Messages(t.Context(), &storage.MessageFilter{SourceID: &storage.TextIn{In: []string{sourceID}}},
		storage.MessageOrder{}, storage.Page{Limit: 2}))(t))
}

func only[T any](t *testing.T, sourceID string, page *storage.Connection[T]) *T {
	t.Helper()
	if len(page.Edges) != 1 {
		t.Fatalf("%d rows of source id %s, want one", len(page.Edges), sourceID)
	}
	return page.Edges[0].Node
}
