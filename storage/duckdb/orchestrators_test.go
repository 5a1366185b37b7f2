package duckdb

import (
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/userstore"
)

// Runs keep an orchestrator from being deleted; nothing but an engine of runs makes them.
func TestAnOrchestratorWithRunsIsDeletedWithCascadeOnly(t *testing.T) {
	e := newEngine(t, newRegistry(t, Options{}), "a.db", "w1")
	store, err := userstore.New(t.Context(), e, "w1")
	if err != nil {
		t.Fatal(err)
	}
	o := &storage.Orchestrator{Key: "o1", Name: "o", Type: "MANUAL", Parameters: "{}", CreatedAt: time.Now(), UpdatedAt: time.Now()}
	if err := store.AddOrchestrator(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	write(t, e, `INSERT INTO execution_plans (owner_id, id, origin, source, source_id, name, status, partial, orchestrator_id)
		VALUES ('w1', 'e1', 'NATIVE', 'NATIVE', 'e1', 'run', 'RUNNING', false, 'o1'), ('w1', 'e2', 'NATIVE', 'NATIVE', 'e2', 'run', 'SUCCEEDED', false, 'o1')`)
	runs, err := store.ExecutionsByOrchestrator(t.Context(), []string{"o1"}, nil, storage.ExecutionOrder{}, storage.Page{Limit: 9})
	if err != nil || len(runs["o1"].Nodes()) != 2 || *runs["o1"].Nodes()[0].OrchestratorKey != "o1" {
		t.Fatalf("runs %v, %v", runs, err)
	}
	remove := func(cascade bool) error {
		_, err := store.MoveToTrash(t.Context(), &storage.Deletion{
			Key: "t", Keyed: map[string][]string{"orchestrators": {"o1"}}, Cascade: cascade, Chosen: "{}", By: "alice", At: time.Now(), Until: time.Now(),
		})
		return err
	}
	if err := remove(true); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("deleted while it runs: %v", err)
	}
	write(t, e, `UPDATE execution_plans SET status = 'FAILED' WHERE id = 'e1'`)
	if err := remove(false); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("deleted without cascade: %v", err)
	}
	if err := remove(true); err != nil {
		t.Error(err)
	}
	if n := count(t, e, `SELECT count(*) FROM execution_plans WHERE orchestrator_id IS NULL`); n != 2 {
		t.Errorf("%d runs are left without it", n)
	}
	if _, err := store.RestoreFromTrash(t.Context(), "t"); err != nil {
		t.Error(err)
	}
	if n := count(t, e, `SELECT count(*) FROM execution_plans WHERE orchestrator_id = 'o1'`); n != 2 {
		t.Errorf("%d runs have it again", n)
	}
}
