package appstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

const executionColumns = `e.id, e.workspace_id, e.user_id, e.status, e.reason, e.retry_of, e.total, e.done, e.successes,
			e.failures, e.undetermined, e.errors, e.calls, e.input_tokens, e.output_tokens, e.cost, e.queued_at, e.started_at, e.finished_at`

var executionListing = &listing[storage.ExecutionState]{
	name: "executions", columns: executionColumns, from: "executions AS e", key: "e.id", scan: scanExecution,
	keyOf: func(e *storage.ExecutionState) string { return e.Key },
}

func scanExecution(row *sql.Rows, into *storage.ExecutionState) error {
	var queued int64
	var started, finished *int64
	p := &into.Progress
	err := row.Scan(&into.Key, &into.WorkspaceKey, &into.UserKey, &into.Status, &into.Reason, &into.RetryOf, &p.Total, &p.Done,
		&p.Successes, &p.Failures, &p.Undetermined, &p.Errors, &p.Calls, &p.InputTokens, &p.OutputTokens, &p.Cost, &queued, &started, &finished)
	into.QueuedAt, into.StartedAt, into.FinishedAt = fromMicros(queued), maybeMicros(started), maybeMicros(finished)
	return err
}

// QueueExecution adds a run, which no engine claims for a while. Webhooks are not told
// before that either.
func (s *Store) QueueExecution(ctx context.Context, e *storage.ExecutionState, after time.Duration) error {
	now := s.now()
	e.Status, e.QueuedAt = storage.ExecutionQueued, fromMicros(now.UnixMicro())
	return s.db.WithTx(ctx, func(tx Runner) error {
		if _, err := exec(ctx, tx, "queue an execution", `
		INSERT INTO executions (id, workspace_id, user_id, status, retry_of, total, queued_at, lease_until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			e.Key, e.WorkspaceKey, e.UserKey, string(e.Status), e.RetryOf, e.Progress.Total, e.QueuedAt.UnixMicro(), readyAfter(now, after)); err != nil {
			return err
		}
		return s.announce(ctx, tx, storage.EventExecutionQueued, e, after)
	})
}

// readyAfter is the end of the time in which a run waits for its plan; 0 for one that has
// it.
func readyAfter(now time.Time, after time.Duration) int64 {
	if after == 0 {
		return 0
	}
	return now.Add(after).UnixMicro()
}

// ReadyExecution lets engines claim a run at once.
func (s *Store) ReadyExecution(ctx context.Context, key string) error {
	return s.db.WithTx(ctx, func(tx Runner) error {
		changed, err := exec(ctx, tx, "ready an execution", `
		UPDATE executions
		SET lease_until = 0
		WHERE id = $1 AND status = 'QUEUED' AND lease_epoch = 0`, key)
		if err != nil || changed == 0 {
			return err
		}
		return s.tellAtOnce(ctx, tx, key)
	})
}

// DropExecution forgets a run that has no plan.
func (s *Store) DropExecution(ctx context.Context, key string) error {
	return s.db.WithTx(ctx, func(tx Runner) error {
		if err := tellNothing(ctx, tx, key); err != nil {
			return err
		}
		_, err := exec(ctx, tx, "drop an execution", `
		DELETE FROM executions
		WHERE id = $1`, key)
		return err
	})
}

// mayWrite is the condition that who started run e may still write to its workspace.
const mayWrite = `EXISTS (
			SELECT 1
			FROM workspace_members AS m
			JOIN users AS u ON u.id = m.user_id AND NOT u.disabled
			JOIN workspaces AS w ON w.id = m.workspace_id AND w.archived_at IS NULL
			WHERE m.workspace_id = e.workspace_id AND m.user_id = e.user_id AND m.role IN ('OWNER', 'EDITOR')
		)`

// ClaimExecution gives the engine the next run.
func (s *Store) ClaimExecution(ctx context.Context, engine string, lease time.Duration) (*storage.Lease, error) {
	now := s.now()
	until := now.Add(lease)
	var claimed *storage.Lease
	err := s.db.WithTx(ctx, func(tx Runner) error {
		next, err := first(ctx, tx, "find the next execution", func(row *sql.Rows, into *string) error { return row.Scan(into) }, `
		SELECT e.id
		FROM executions AS e
		LEFT JOIN (
			SELECT user_id, count(*) AS runs
			FROM executions
			WHERE status = 'RUNNING' AND lease_until > $1
			GROUP BY user_id
		) AS busy ON busy.user_id = e.user_id
		WHERE (e.status = 'QUEUED' AND e.lease_epoch > 0 OR e.status IN ('QUEUED', 'RUNNING') AND e.lease_until <= $1) AND `+mayWrite+`
		ORDER BY COALESCE(busy.runs, 0), e.queued_at, e.id
		LIMIT 1`, now.UnixMicro())
		if err != nil || next == nil {
			return err
		}
		epoch, err := number(ctx, tx, "claim an execution", `
		UPDATE executions
		SET status = 'RUNNING', reason = NULL, lease_owner = $2, lease_until = $3, lease_epoch = lease_epoch + 1,
			started_at = COALESCE(started_at, $4)
		WHERE id = $1
		RETURNING lease_epoch`, *next, engine, until.UnixMicro(), now.UnixMicro())
		if err != nil {
			return err
		}
		state, err := oneExecution(ctx, tx, *next)
		if err != nil {
			return err
		}
		claimed = &storage.Lease{Execution: *state, Owner: engine, Epoch: epoch, Until: fromMicros(until.UnixMicro())}
		if epoch == 1 { // later claims resume it or take it over
			return s.announce(ctx, tx, storage.EventExecutionStarted, state, 0)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

func oneExecution(ctx context.Context, db Runner, key string) (*storage.ExecutionState, error) {
	found, err := first(ctx, db, "read an execution", scanExecution, `
		SELECT `+executionColumns+`
		FROM executions AS e
		WHERE e.id = $1`, key)
	if err == nil && found == nil {
		err = noExecution()
	}
	return found, err
}

func noExecution() error { return storage.Errorf(storage.CodeNotFound, "there is no such execution") }

func leaseLost() error {
	return storage.Errorf(storage.CodeConflict, "another engine works on the execution by now")
}

// held is the condition that a lease is still the last one: $1 is the run, $2 the engine,
// $3 the epoch.
const held = `id = $1 AND lease_owner = $2 AND lease_epoch = $3`

// progressed sets the counts, whose arguments begin at $4.
const progressed = `done = $4, successes = $5, failures = $6, undetermined = $7, errors = $8, calls = $9,
			input_tokens = $10, output_tokens = $11, cost = $12`

func leaseArguments(lease *storage.Lease, p storage.ExecutionProgress, more ...any) []any {
	return append([]any{
		lease.Execution.Key, lease.Owner, lease.Epoch, p.Done, p.Successes, p.Failures, p.Undetermined, p.Errors, p.Calls,
		p.InputTokens, p.OutputTokens, p.Cost,
	}, more...)
}

// RenewLease prolongs a lease and tells how the run stands.
func (s *Store) RenewLease(ctx context.Context, lease *storage.Lease, until time.Duration, progress storage.ExecutionProgress) (*storage.ExecutionState, error) {
	var state *storage.ExecutionState
	end := s.now().Add(until)
	err := s.db.WithTx(ctx, func(tx Runner) error {
		if err := s.forbid(ctx, tx, lease); err != nil {
			return err
		}
		changed, err := exec(ctx, tx, "renew a lease", `
		UPDATE executions
		SET lease_until = $13, `+progressed+`
		WHERE `+held, leaseArguments(lease, progress, end.UnixMicro())...)
		if err != nil {
			return err
		}
		if changed == 0 {
			return leaseLost()
		}
		state, err = oneExecution(ctx, tx, lease.Execution.Key)
		return err
	})
	if err != nil {
		return nil, err
	}
	lease.Until = fromMicros(end.UnixMicro())
	return state, nil
}

// ExpireLeases ends all leases.
func (s *Store) ExpireLeases(ctx context.Context) error {
	_, err := exec(ctx, s.db, "expire leases", `
		UPDATE executions
		SET lease_until = 0
		WHERE status = 'RUNNING'`)
	return err
}

// forbid pauses the run of somebody who may not write to the workspace any more.
func (s *Store) forbid(ctx context.Context, tx Runner, lease *storage.Lease) error {
	changed, err := exec(ctx, tx, "pause an execution", `
		UPDATE executions AS e
		SET status = 'PAUSED', reason = $4, untold = 1
		WHERE e.id = $1 AND e.lease_owner = $2 AND e.lease_epoch = $3 AND e.status = 'RUNNING' AND NOT `+mayWrite,
		lease.Execution.Key, lease.Owner, lease.Epoch, string(storage.ReasonForbidden))
	if err != nil || changed == 0 {
		return err
	}
	return s.announceKey(ctx, tx, storage.EventExecutionPaused, lease.Execution.Key)
}

// ReleaseLease gives a run back that is not over.
func (s *Store) ReleaseLease(ctx context.Context, lease *storage.Lease, progress storage.ExecutionProgress) error {
	changed, err := exec(ctx, s.db, "release a lease", `
		UPDATE executions
		SET lease_until = 0, `+progressed+`
		WHERE `+held, leaseArguments(lease, progress)...)
	if err == nil && changed == 0 {
		err = leaseLost()
	}
	return err
}

// EndExecution ends or pauses a run.
func (s *Store) EndExecution(ctx context.Context, lease *storage.Lease, status storage.ExecutionStatus, reason *storage.ExecutionReason, progress storage.ExecutionProgress) error {
	if err := storage.ExecutionRunning.To(status); err != nil {
		return err
	}
	var finished any
	if status.Over() {
		finished = s.now().UnixMicro()
	}
	return s.db.WithTx(ctx, func(tx Runner) error {
		changed, err := exec(ctx, tx, "end an execution", `
		UPDATE executions
		SET lease_until = 0, `+progressed+`, status = $13, reason = $14, finished_at = $15, untold = 1
		WHERE `+held+` AND status = 'RUNNING'`, leaseArguments(lease, progress, string(status), (*string)(reason), finished)...)
		if err != nil {
			return err
		}
		if changed > 0 {
			return s.announceKey(ctx, tx, executionEvents[status], lease.Execution.Key)
		}
		state, err := oneExecution(ctx, tx, lease.Execution.Key)
		if err != nil {
			return err
		}
		if err := state.Status.To(status); err != nil {
			return err
		}
		return leaseLost()
	})
}

// CommandExecution pauses, resumes or cancels a run.
func (s *Store) CommandExecution(ctx context.Context, workspaceKey, key string, status storage.ExecutionStatus) (*storage.ExecutionState, error) {
	var reason, finished any
	switch status {
	case storage.ExecutionQueued:
	case storage.ExecutionPaused:
		reason = string(storage.ReasonUser)
	case storage.ExecutionCancelled:
		finished = s.now().UnixMicro()
	default:
		return nil, fmt.Errorf("nobody can command a run to be %s", status)
	}
	var state *storage.ExecutionState
	before := make([]string, 0, 3)
	for _, from := range status.Before() {
		before = append(before, "'"+string(from)+"'")
	}
	err := s.db.WithTx(ctx, func(tx Runner) error {
		changed, err := exec(ctx, tx, "command an execution", `
		UPDATE executions
		SET status = $3, reason = $4, finished_at = $5, untold = 1
		WHERE id = $1 AND workspace_id = $2 AND status IN (`+strings.Join(before, ", ")+`)`, key, workspaceKey, string(status), reason, finished)
		if err != nil {
			return err
		}
		if state, err = oneExecution(ctx, tx, key); err != nil {
			return err
		}
		if state.WorkspaceKey != workspaceKey {
			return noExecution()
		}
		if changed == 0 {
			return state.Status.To(status)
		}
		return s.announce(ctx, tx, executionEvents[status], state, 0)
	})
	if err != nil {
		return nil, err
	}
	return state, nil
}

// UntoldExecutions lists runs whose state a workspace's store may not know.
func (s *Store) UntoldExecutions(ctx context.Context, most int) ([]*storage.ExecutionState, error) {
	return list(ctx, s.db, "read untold executions", scanExecution, `
		SELECT `+executionColumns+`
		FROM executions AS e
		WHERE e.untold = 1
		ORDER BY e.id
		LIMIT $1`, most)
}

// ToldExecution notes that a workspace's store knows the state of a run.
func (s *Store) ToldExecution(ctx context.Context, key string, status storage.ExecutionStatus) (bool, error) {
	changed, err := exec(ctx, s.db, "note that an execution was told", `
		UPDATE executions
		SET untold = 0
		WHERE id = $1 AND status = $2`, key, string(status))
	return changed > 0, err
}

// ExecutionStates reads how runs stand.
func (s *Store) ExecutionStates(ctx context.Context, keys []string) (map[string]*storage.ExecutionState, error) {
	return executionListing.byKey(ctx, s.db, keys)
}

// LiveExecutions lists the runs of a workspace that are not over, and have a plan.
func (s *Store) LiveExecutions(ctx context.Context, workspaceKey string) ([]*storage.ExecutionState, error) {
	return list(ctx, s.db, "read live executions", scanExecution, `
		SELECT `+executionColumns+`
		FROM executions AS e
		WHERE e.workspace_id = $1 AND e.status IN ('QUEUED', 'RUNNING', 'PAUSED') AND NOT (e.lease_epoch = 0 AND e.lease_until > 0)
		ORDER BY e.queued_at, e.id`, workspaceKey)
}
