package duckdb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/userstore"
)

// BenchmarkRecord records batches of 256 results: an attack, a conversation, two
// messages, a score and a label each.
func BenchmarkRecord(b *testing.B) {
	registry, err := duckdb.Open(b.Context(), duckdb.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer registry.Close(context.Background())
	engine, err := registry.Engine(b.Context(), "w.db", "w")
	if err != nil {
		b.Fatal(err)
	}
	store, err := userstore.New(b.Context(), engine, "w")
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	key := uuid.Must(uuid.NewV7()).String()
	if err := store.AddExecution(b.Context(), &storage.ExecutionPlan{Key: key, Name: "n", Orchestrator: "PROMPT_SENDING", Configuration: "{}", Items: 1 << 30, StartedBy: "a", QueuedAt: time.Now()}); err != nil {
		b.Fatal(err)
	}
	recorder, err := store.NewRecorder(b.Context(), noGuard{}, key, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer recorder.Close()
	item := int64(0)
	for b.Loop() {
		results := make([]*storage.ItemResult, 256)
		for i := range results {
			results[i] = benchResult(item)
			item++
		}
		if _, err := recorder.Record(b.Context(), results, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(item)/b.Elapsed().Seconds(), "results/s")
}

func benchResult(item int64) *storage.ItemResult {
	now := time.Now()
	prompt := fmt.Sprintf("prompt number %d, which asks for something harmless", item)
	yes, zero, one := true, int64(0), int64(1)
	return &storage.ItemResult{
		Item: item, Outcome: storage.OutcomeSuccess, Attempts: 1, Calls: 1, FinishedAt: now, Labels: []*storage.Label{{Key: "op", Value: "x"}},
		Attack: &storage.Attack{AttackClass: "PromptSendingAttack", Objective: &prompt, Outcome: storage.OutcomeSuccess, OutcomeSource: storage.OutcomeObjectiveScore, StartedAt: now, FinishedAt: &now, Turns: &one},
		Conversations: []*storage.ResultConversation{{
			Conversation: storage.Conversation{Purpose: storage.PurposeTarget},
			Messages: []*storage.ResultMessage{
				{Message: storage.Message{Role: storage.RoleUser, OriginalValue: prompt, ConvertedValue: prompt, OriginalDataType: "text", DataType: "text", ResponseError: "none", CreatedAt: now}},
				{
					Message: storage.Message{MessageKey: storage.MessageKey{Sequence: 1}, Role: storage.RoleAssistant, OriginalValue: prompt, ConvertedValue: prompt, OriginalDataType: "text", DataType: "text", ResponseError: "none", LatencyMs: &zero, CreatedAt: now},
					Scores:  []*storage.Score{{ScorerHash: "x", Type: storage.ScoreTrueFalse, Value: &yes, Status: storage.ScoreComplete, IsObjective: true, CreatedAt: now}},
				},
			},
		}},
	}
}

type noGuard struct{}

func (noGuard) Seal(_, _, text string) (string, error) { return text, nil }
func (noGuard) Add(string)                             {}
func (noGuard) Clean(text string) (string, bool)       { return text, false }
