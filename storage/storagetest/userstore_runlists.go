package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// someRuns are an imported run, which began at at(3), and three of two people: the first
// is over, the second is at work, and the third waits.
func someRuns(t *testing.T, store storage.UserStore) {
	t.Helper()
	sample().load(t, store)
	for i, run := range []struct {
		name, orchestrator, by string
		status                 []storage.ExecutionStatus
	}{
		{"over", "PROMPT_SENDING", "alice", []storage.ExecutionStatus{storage.ExecutionRunning, storage.ExecutionSucceeded}},
		{"at work", "CRESCENDO", "alice", []storage.ExecutionStatus{storage.ExecutionRunning}},
		{"waits", "PROMPT_SENDING", "bob", nil},
	} {
		queued, key := runTime.Add(time.Duration(i)*time.Hour), uuid.Must(uuid.NewV7()).String()
		if err := store.AddExecution(t.Context(), &storage.ExecutionPlan{
			Key: key, Name: run.name, Orchestrator: run.orchestrator, Configuration: "{}", Items: 1, StartedBy: run.by, QueuedAt: queued,
		}); err != nil {
			t.Fatal(err)
		}
		for n, status := range run.status {
			noteStatus(t, store, key, storage.StatusEvent{Status: status}, queued.Add(time.Duration(n+1)*time.Minute))
		}
	}
}

func namesOf(t *testing.T, store storage.UserStore, filter *storage.ExecutionFilter, by storage.ExecutionOrder) []string {
	t.Helper()
	names := []string{}
	for _, e := range must(store.Executions(t.Context(), filter, by, storage.Page{Limit: 9}))(t).Nodes() {
		names = append(names, e.Name)
	}
	return names
}

// Each value of a facet, given to the filter of the same name, finds as many as it counts.
func runsAreFacetedAndFilteredAlike(t *testing.T, store storage.UserStore) {
	someRuns(t, store)
	value := func(text string, count int64) storage.FacetValue {
		return storage.FacetValue{Value: &text, Count: count}
	}
	texts := func(v *string) *storage.TextIn {
		if v == nil {
			return &storage.TextIn{IsNull: new(true)}
		}
		return &storage.TextIn{In: []string{*v}}
	}
	for facet, c := range map[storage.Facet]struct {
		want []storage.FacetValue
		by   func(v *string) *storage.ExecutionFilter
	}{
		storage.FacetStatus: {
			[]storage.FacetValue{value("FAILED", 1), value("QUEUED", 1), value("RUNNING", 1), value("SUCCEEDED", 1)},
			func(v *string) *storage.ExecutionFilter {
				return &storage.ExecutionFilter{Status: &storage.ExecutionStatusIn{In: []storage.ExecutionStatus{storage.ExecutionStatus(*v)}}}
			},
		},
		storage.FacetOrigin: {[]storage.FacetValue{value("NATIVE", 3), value("IMPORTED", 1)}, func(v *string) *storage.ExecutionFilter {
			return &storage.ExecutionFilter{Origin: &storage.OriginIn{In: []storage.Origin{storage.Origin(*v)}}}
		}},
		storage.FacetSource: {[]storage.FacetValue{value("NATIVE", 3), value("PYRIT", 1)}, func(v *string) *storage.ExecutionFilter {
			return &storage.ExecutionFilter{Source: &storage.SourceIn{In: []storage.Source{storage.Source(*v)}}}
		}},
		storage.FacetOrchestratorType: {
			[]storage.FacetValue{value("PROMPT_SENDING", 2), value("CRESCENDO", 1), value("Class", 1)},
			func(v *string) *storage.ExecutionFilter { return &storage.ExecutionFilter{OrchestratorType: texts(v)} },
		},
		storage.FacetStartedBy: {
			[]storage.FacetValue{value("alice", 2), value("bob", 1), {Count: 1}},
			func(v *string) *storage.ExecutionFilter { return &storage.ExecutionFilter{StartedBy: texts(v)} },
		},
	} {
		counted := must(store.ExecutionFacet(t.Context(), facet, nil, 9))(t)
		equal(t, string(facet), counted, c.want)
		for _, v := range counted {
			if found := namesOf(t, store, c.by(v.Value), storage.ExecutionOrder{}); int64(len(found)) != v.Count {
				t.Errorf("%s %v finds %v", facet, v, found)
			}
		}
	}
	late := &storage.ExecutionFilter{QueuedAt: &storage.TimeRange{From: new(runTime.Add(time.Hour))}}
	equal(t, "who started late", must(store.ExecutionFacet(t.Context(), storage.FacetStartedBy, late, 9))(t), []storage.FacetValue{value("alice", 1), value("bob", 1)})
	if got := must(store.ExecutionFacet(t.Context(), storage.FacetOrchestratorType, nil, 1))(t); len(got) != 1 {
		t.Errorf("asked for one value, got %v", got)
	}
	if _, err := store.ExecutionFacet(t.Context(), storage.FacetSeverity, nil, 9); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("no such facet: %v", err)
	}
}

func queuedRunsStandWithThoseThatBegan(t *testing.T, store storage.UserStore) {
	someRuns(t, store)
	for field, want := range map[storage.ExecutionOrderField][]string{
		storage.ExecutionOrderQueuedAt:   {"waits", "at work", "over", "a run"},
		storage.ExecutionOrderStartedAt:  {"at work", "over", "a run", "waits"},
		storage.ExecutionOrderFinishedAt: {"over", "a run"}, // and those that have not
	} {
		got := namesOf(t, store, nil, storage.ExecutionOrder{Field: field, Direction: storage.Descending})
		if !slices.Equal(got[:len(want)], want) || len(got) != 4 {
			t.Errorf("by %s, the newest first: %v", field, got)
		}
	}
	oldest := storage.ExecutionOrder{Field: storage.ExecutionOrderFinishedAt}
	if got := namesOf(t, store, nil, oldest); !slices.Equal(got[:2], []string{"a run", "over"}) {
		t.Errorf("by the end, the oldest first: %v", got)
	}
	page, stepped := storage.Page{Limit: 1}, []string{}
	for more := true; more; {
		got := must(store.Executions(t.Context(), nil, storage.ExecutionOrder{Field: storage.ExecutionOrderQueuedAt, Direction: storage.Descending}, page))(t)
		stepped = append(stepped, got.Nodes()[0].Name)
		page.After, more = got.Edges[0].Cursor, got.PageInfo.HasNextPage
	}
	if !slices.Equal(stepped, []string{"waits", "at work", "over", "a run"}) {
		t.Errorf("one at a time: %v", stepped)
	}
}
