package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// AddOrchestrator adds an orchestrator with what it names.
func (s *Store) AddOrchestrator(ctx context.Context, o *storage.Orchestrator, names []storage.Named) error {
	return s.changing(ctx, "add an orchestrator", func(ctx context.Context, tx *sql.Tx) error {
		if err := s.checkOrchestrator(ctx, tx, o, names); err != nil {
			return err
		}
		values, err := s.orchestratorValues(o, names)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
INSERT INTO orchestrators (owner_id, id, name, type, generator_id, dataset_id, dataset_version, prompts, converter_chains, scorers,
  objective_scorer, parameters, labels, tags, most_calls, most_tokens, most_money, currency, concurrency, call_timeout_seconds,
  run_timeout_seconds, uses, updated_at, author, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, CAST($8 AS TEXT[]), $9, CAST($10 AS TEXT[]), $11, $12, $13, CAST($14 AS TEXT[]), $15, $16, $17, $18,
  $19, $20, $21, CAST($22 AS TEXT[]), $23, $24, $25)`, append(values, o.Author, o.CreatedAt)...)
		return err
	})
}

// ChangeOrchestrator makes an orchestrator another one.
func (s *Store) ChangeOrchestrator(ctx context.Context, key string, change func(*storage.Orchestrator) ([]storage.Named, error)) error {
	return s.changing(ctx, "change an orchestrator", func(ctx context.Context, tx *sql.Tx) error {
		o, err := s.orchestratorNow(ctx, tx, key)
		if err != nil {
			return err
		}
		names, err := change(o)
		if err != nil {
			return err
		}
		if err := s.checkOrchestrator(ctx, tx, o, names); err != nil {
			return err
		}
		values, err := s.orchestratorValues(o, names)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
UPDATE orchestrators
SET name = $3, type = $4, generator_id = $5, dataset_id = $6, dataset_version = $7, prompts = CAST($8 AS TEXT[]), converter_chains = $9,
  scorers = CAST($10 AS TEXT[]), objective_scorer = $11, parameters = $12, labels = $13, tags = CAST($14 AS TEXT[]), most_calls = $15,
  most_tokens = $16, most_money = $17, currency = $18, concurrency = $19, call_timeout_seconds = $20, run_timeout_seconds = $21,
  uses = CAST($22 AS TEXT[]), updated_at = $23
WHERE owner_id = $1 AND id = $2`, values...)
		return err
	})
}

// orchestratorNow reads one in the transaction that changes it.
func (s *Store) orchestratorNow(ctx context.Context, tx *sql.Tx, key string) (*storage.Orchestrator, error) {
	t := s.orchestratorTable()
	rows, err := tx.QueryContext(ctx, `
SELECT `+t.columns+`
FROM orchestrators o
WHERE o.owner_id = $1 AND o.id = $2`, s.owner, key)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("look for an orchestrator: %w", err)
		}
		return nil, notThere("id")
	}
	return t.read(rows)
}

// orchestratorValues are the parameters of both statements, from $1 to $23.
func (s *Store) orchestratorValues(o *storage.Orchestrator, names []storage.Named) ([]any, error) {
	chains, err := json.Marshal(o.Chains)
	if err != nil {
		return nil, err
	}
	labelled := map[string]string{}
	for _, label := range o.Labels {
		labelled[label.Key] = label.Value
	}
	labels, err := json.Marshal(labelled)
	if err != nil {
		return nil, err
	}
	uses := map[string]bool{}
	for _, named := range names {
		uses[named.Key] = true
	}
	return []any{
		s.owner, o.Key, o.Name, o.Type, given(o.GeneratorKey), given(o.DatasetKey), given(o.DatasetVersion), textsOf(o.Prompts),
		string(chains), textsOf(o.Scorers), given(o.ObjectiveScorer), string(o.Parameters), string(labels), textsOf(o.Tags),
		given(o.Budget.Calls), given(o.Budget.Tokens), given(o.Budget.Money), given(o.Budget.Currency), o.Concurrency,
		given(o.CallTimeoutSeconds), given(o.RunTimeoutSeconds), textsOf(slices.Sorted(maps.Keys(uses))), o.UpdatedAt,
	}, nil
}

// textsOf is never nil: a NULL is no list.
func textsOf(texts []string) []string { return append([]string{}, texts...) }

// checkOrchestrator refuses a name that is taken, and to name what is not there.
func (s *Store) checkOrchestrator(ctx context.Context, tx *sql.Tx, o *storage.Orchestrator, names []storage.Named) error {
	if err := s.nameIsFree(ctx, tx, "orchestrators", o.Key, &o.Name); err != nil {
		return err
	}
	byTable := map[storage.ConfiguredKind][]string{}
	for _, named := range names {
		byTable[named.Table] = append(byTable[named.Table], named.Key)
	}
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		there, err := textsIn(ctx, tx, `
SELECT id
FROM `+string(table)+`
WHERE owner_id = $1 AND id IN (SELECT unnest(CAST($2 AS TEXT[])))`, s.owner, byTable[table])
		if err != nil {
			return err
		}
		for _, named := range names {
			if named.Table == table && !slices.Contains(there, named.Key) {
				return notThere(named.Argument)
			}
		}
	}
	return nil
}

// textsIn runs a statement of one text a row in a transaction.
func textsIn(ctx context.Context, tx *sql.Tx, text string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		one, err := scanOne[string](rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func (s *Store) orchestratorTable() *table[storage.Orchestrator] {
	return &table[storage.Orchestrator]{
		name: "orchestrators", from: "orchestrators o", alias: "o", keys: []string{"id"}, keyType: "TEXT",
		columns: `o.id, o.name, o.type, o.generator_id, o.dataset_id, o.dataset_version, o.prompts, o.converter_chains, o.scorers,
  o.objective_scorer, o.parameters, o.labels, o.tags, o.most_calls, o.most_tokens, o.most_money, o.currency, o.concurrency,
  o.call_timeout_seconds, o.run_timeout_seconds, o.author, o.created_at, o.updated_at`,
		scan: func(scan func(columns ...any) error, o *storage.Orchestrator) error {
			var chains, labels string
			if err := scan(&o.Key, &o.Name, &o.Type, &o.GeneratorKey, &o.DatasetKey, &o.DatasetVersion, (*textList)(&o.Prompts), &chains,
				(*textList)(&o.Scorers), &o.ObjectiveScorer, &o.Parameters, &labels, (*textList)(&o.Tags), &o.Budget.Calls, &o.Budget.Tokens,
				&o.Budget.Money, &o.Budget.Currency, &o.Concurrency, &o.CallTimeoutSeconds, &o.RunTimeoutSeconds, &o.Author,
				&o.CreatedAt, &o.UpdatedAt); err != nil {
				return err
			}
			o.ID = s.id(storage.KindOrchestrator, o.Key)
			if err := json.Unmarshal([]byte(chains), &o.Chains); err != nil {
				return fmt.Errorf("read the chains of an orchestrator: %w", err)
			}
			var labelled map[string]string
			if err := json.Unmarshal([]byte(labels), &labelled); err != nil {
				return fmt.Errorf("read the labels of an orchestrator: %w", err)
			}
			o.Labels = []*storage.Label{}
			for _, key := range slices.Sorted(maps.Keys(labelled)) {
				o.Labels = append(o.Labels, &storage.Label{Key: key, Value: labelled[key]})
			}
			return nil
		},
		keysOf: func(o *storage.Orchestrator) []any { return []any{o.Key} },
	}
}

func byOrchestratorName(by storage.NameOrder) order[storage.Orchestrator] {
	return nameOrder("o", by,
		func(o *storage.Orchestrator) string { return o.Name },
		func(o *storage.Orchestrator) time.Time { return o.CreatedAt })
}

// Orchestrators lists orchestrators.
func (s *Store) Orchestrators(ctx context.Context, filter *storage.OrchestratorFilter, by storage.NameOrder, page storage.Page) (*storage.Connection[storage.Orchestrator], error) {
	q := s.query()
	return s.orchestratorTable().page(ctx, s, q, orchestratorFilter(q, filter), byOrchestratorName(by), page)
}

func orchestratorFilter(q *query, f *storage.OrchestratorFilter) string {
	if f == nil {
		return "TRUE"
	}
	own := append(q.match("name", "o.name", f.Name), q.in("o.type", f.Type)...)
	own = append(own, q.inList("o.tags", f.Tag)...)
	for _, named := range []struct {
		column, table string
		kind          storage.Kind
		filter        *storage.TextIn
	}{
		{"o.generator_id", "generators", storage.KindGenerator, f.Generator},
		{"o.dataset_id", "datasets", storage.KindDataset, f.Dataset},
	} {
		own = append(own, q.via(named.column, named.filter, func(values []string) string {
			return "SELECT n.id FROM " + named.table + " n WHERE n.owner_id = $1 AND " + q.namedOr(named.kind, values, "n.id", "n.name")
		})...)
	}
	return combine(q, 1, own, nil, nil, nil, func(*query, *storage.OrchestratorFilter, int) string { return "TRUE" })
}

// OrchestratorsByKey reads orchestrators.
func (s *Store) OrchestratorsByKey(ctx context.Context, keys []string) (map[string]*storage.Orchestrator, error) {
	return byKey(ctx, s.orchestratorTable(), s, keys)
}

// OrchestratorsUsing lists the orchestrators that name a thing.
func (s *Store) OrchestratorsUsing(ctx context.Context, keys []string, page storage.Page) (map[string]*storage.Connection[storage.Orchestrator], error) {
	const uses = `SELECT unnest(u.uses) AS parent, u.id FROM orchestrators u WHERE u.owner_id = $1`
	q := s.query()
	return nested(ctx, s.orchestratorTable(), s, q, nest{parent: "edge.parent", kind: "TEXT", edges: uses}, keys,
		func() string { return "TRUE" }, byOrchestratorName(storage.NameOrder{Field: storage.NameOrderName, Direction: storage.Ascending}), page)
}

// ExecutionsByOrchestrator lists the runs of orchestrators.
func (s *Store) ExecutionsByOrchestrator(ctx context.Context, keys []string, filter *storage.ExecutionFilter, by storage.ExecutionOrder, page storage.Page) (map[string]*storage.Connection[storage.Execution], error) {
	q := s.query()
	return nested(ctx, s.executionTable(), s, q, nest{parent: "e.orchestrator_id", kind: "TEXT"}, keys,
		func() string { return executionFilter(q, filter) }, executionOrder(by), page)
}
