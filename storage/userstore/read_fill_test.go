package userstore_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"testing"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/userstore"
)

// openStore makes an empty store with a real engine.
func openStore(t testing.TB) (*userstore.Store, userstore.Engine) {
	t.Helper()
	registry, err := duckdb.Open(t.Context(), duckdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	engine, err := registry.Engine(t.Context(), "store.db", "o1")
	if err != nil {
		t.Fatal(err)
	}
	store, err := userstore.New(t.Context(), engine, "o1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, engine
}

func fill(t testing.TB, engine userstore.Engine, statements ...string) {
	t.Helper()
	err := engine.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range statements {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// smallStore holds 12 attacks; attack i has conversation i with i messages. Attack
// 3 has a second conversation, 20; conversation 21 belongs to none.
func smallStore(t testing.TB) *userstore.Store {
	t.Helper()
	store, engine := openStore(t)
	fill(t, engine, smallRows...)
	return store
}

// Every row is also there for the workspace o2, which nothing may show.
var smallRows = func() []string {
	var statements []string
	for _, owner := range []string{"o1", "o2"} {
		for _, values := range []string{
			`INSERT INTO components (owner_id, hash, kind, name, class_name, module, model, endpoint, parameters, identifier, generator_id) VALUES
				('o1', 'ht1', 'TARGET', 'chat one', 'OpenAIChatTarget', NULL, 'gpt-x', 'http://a', '{}', '{"a":1}', 'g1'),
				('o1', 'ht2', 'TARGET', 'chat two', 'HTTPTarget', NULL, NULL, NULL, '{}', '{"a":2}', NULL),
				('o1', 'hs1', 'SCORER', 'substring', 'SubStringScorer', NULL, NULL, NULL, '{}', '{}', NULL),
				('o1', 'hs2', 'SCORER', 'likert', 'LikertScorer', NULL, NULL, NULL, '{}', '{}', NULL),
				('o1', 'hc1', 'CONVERTER', 'Base64Converter', 'Base64Converter', NULL, NULL, NULL, '{}', '{}', NULL)`,
			`INSERT INTO generators VALUES
				('o1', 'g1', 'NATIVE', 'g1', 'my target', 'openai', '{}', 'sealed', 'wxyz', NULL, 'READY', NULL, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', NULL),
				('o1', 'g2', 'NATIVE', 'g2', 'Another, with a comma', 'http', '{}', NULL, NULL, NULL, 'READY', NULL, TIMESTAMP '2026-01-02', TIMESTAMP '2026-01-02', NULL)`,
			`INSERT INTO datasets VALUES
				('o1', 'd1', 'NATIVE', 'd1', 'harms', 'seeds', 'yaml', '{}', ['t1','t2'], 'READY', 2, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', NULL, NULL, NULL),
				('o1', 'd2', 'NATIVE', 'd2', 'empty', 'manual', 'csv', '{}', [], 'READY', 1, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', NULL, NULL, NULL)`,
			`INSERT INTO dataset_prompts SELECT 'o1', i, 'd1', CASE WHEN i = 9 THEN 1 ELSE 2 END, 'NATIVE', 'p' || i, i, 'objective', NULL, NULL,
				'prompt ' || i, 'text', CASE WHEN i = 1 THEN ['violence', 'hate'] ELSE [] END, NULL, NULL, 'h', NULL, NULL, TIMESTAMP '2026-01-01', NULL
				FROM range(1, 10) r(i)`,
			`INSERT INTO dataset_versions VALUES
				('o1', 'd1', 1, 1, [], '{"operation":"IMPORT"}', NULL, TIMESTAMP '2026-01-01', NULL, NULL),
				('o1', 'd1', 2, 8, ['hate', 'violence'], '{"operation":"EDIT"}', 'me', TIMESTAMP '2026-01-02', NULL, NULL),
				('o1', 'd2', 1, 0, [], '{"operation":"CREATE"}', 'me', TIMESTAMP '2026-01-01', NULL, NULL)`,
			`INSERT INTO dataset_members SELECT 'o1', 'd1', CASE WHEN i = 9 THEN 1 ELSE 2 END, CASE WHEN i = 9 THEN 0 ELSE i - 1 END, i, i FROM range(1, 10) r(i)`,
			`INSERT INTO execution_plans (owner_id, id, origin, source, source_id, name, orchestrator, status, partial, configuration, error, started_at, finished_at, attributes, orchestrator_id) VALUES
				('o1', 'e1', 'IMPORTED', 'PYRIT', 'e1', 'first run', NULL, 'SUCCEEDED', FALSE, NULL, NULL, TIMESTAMP '2026-01-01', NULL, NULL, NULL),
				('o1', 'e2', 'NATIVE', 'NATIVE', 'e2', 'second run', NULL, 'QUEUED', FALSE, NULL, NULL, NULL, NULL, NULL, NULL)`,
			`INSERT INTO attacks SELECT 'o1', i, CASE WHEN i <= 6 THEN 'PYRIT' ELSE 'GARAK' END, 's' || i, CASE WHEN i <= 8 THEN 'e1' END,
				CASE WHEN i % 2 = 0 THEN 'RedTeaming' ELSE 'Prompt' END, NULL, CASE WHEN i <> 12 THEN 'Objective 100% number ' || i END, 'h' || i,
				'key' || (i // 2), CASE WHEN i <= 4 THEN (i + 1) // 2 END, CASE WHEN i = 1 THEN ['violence', 'hate'] WHEN i = 2 THEN ['hate'] ELSE [] END,
				CASE WHEN i = 5 THEN ['owasp:llm01'] ELSE [] END, CASE WHEN i > 6 THEN 'dan.Dan' END, NULL,
				CASE WHEN i <= 5 THEN 'ht1' WHEN i <= 8 THEN 'ht2' END, NULL, CASE WHEN i = 7 THEN 'Base64Converter > ROT13Converter' ELSE '' END,
				CASE WHEN i = 7 THEN ['hc1'] ELSE [] END, i, CASE WHEN i % 3 = 0 THEN 'SUCCESS' WHEN i % 3 = 1 THEN 'FAILURE' ELSE 'UNDETERMINED' END,
				NULL, CASE WHEN i = 4 THEN 'RULE' ELSE 'STATED' END, NULL, CASE WHEN i % 4 <> 0 THEN i END, i * 100, i % 2, CASE WHEN i = 10 THEN 'Timeout' END, NULL,
				TIMESTAMP '2026-01-01 00:00:00.000123' + INTERVAL 1 HOUR * (i // 4), NULL, NULL FROM range(1, 13) r(i)`,
			`INSERT INTO conversations SELECT 'o1', i, 'PYRIT', 'c' || i, CASE WHEN i <= 12 THEN i WHEN i = 20 THEN 3 END,
				CASE WHEN i = 20 THEN 'ALTERNATIVE' WHEN i = 21 THEN 'JUDGE' ELSE 'TARGET' END, NULL, CASE WHEN i <= 5 THEN 'ht1' END,
				CASE WHEN i = 20 THEN 3 END, CASE WHEN i = 20 THEN 1 END, CASE WHEN i <= 12 THEN i WHEN i = 20 THEN 2 ELSE 0 END,
				CASE WHEN i <> 21 THEN TIMESTAMP '2026-01-01' END, CASE WHEN i <> 21 THEN TIMESTAMP '2026-01-01' END, NULL
				FROM (SELECT unnest([1,2,3,4,5,6,7,8,9,10,11,12,20,21])) r(i)`,
			`INSERT INTO prompt_request_responses SELECT 'o1', c, j, 0, 'PYRIT', 'm' || c || '/' || j, CASE WHEN c = 20 THEN 3 END, CASE WHEN c = 20 THEN j END,
				CASE WHEN c = 20 THEN 0 END, CASE WHEN j % 2 = 0 THEN 'USER' ELSE 'ASSISTANT' END, 'Text ' || c || ' of ' || j,
				CASE WHEN c = 7 THEN 'VGV4dA== ' || j END, 'text', CASE WHEN c = 8 THEN 'image_path' ELSE 'text' END, CASE WHEN c = 7 THEN ['hc1'] ELSE [] END,
				CASE WHEN c = 9 THEN 'blocked' ELSE 'none' END, NULL, NULL, NULL, NULL, 'sha' || c, NULL, NULL, TIMESTAMP '2026-01-01' + INTERVAL 1 MINUTE * j, NULL
				FROM (SELECT c.conversation_no AS c, unnest(range(c.message_count)) AS j FROM conversations c WHERE c.owner_id = 'o1')`,
			`INSERT INTO scores SELECT 'o1', no, c, seq, 0, 'PYRIT', 'sc' || no, NULL, hash, type, verdict, scale, NULL, 'COMPLETE', ['cat'], NULL, NULL, NULL, FALSE, NULL,
				TIMESTAMP '2026-01-01' + INTERVAL 1 SECOND * (10 - no), NULL FROM (VALUES
				(1, 2, 1, 'hs1', 'TRUE_FALSE', TRUE, NULL), (2, 2, 1, 'hs2', 'TRUE_FALSE', FALSE, NULL),
				(3, 4, 3, 'hs1', 'TRUE_FALSE', TRUE, NULL), (4, 5, 0, 'hs2', 'FLOAT_SCALE', NULL, 0.75),
				(5, 3, 1, 'hs1', 'TRUE_FALSE', FALSE, NULL)) v(no, c, seq, hash, type, verdict, scale)`,
			`INSERT INTO memory_labels VALUES ('o1', 1, NULL, 'op', 'plain'), ('o1', NULL, 2, 'op', 'plain'), ('o1', 3, NULL, 'op', 'other'), ('o1', 3, NULL, 'user', 'me'), ('o1', NULL, 21, 'op', 'plain')`,
			`INSERT INTO imports VALUES ('o1', 'i1', 'PYRIT', '1.1', 'duckdb', 'a.db', 'x', 10, '[{"table":"attacks","read":3,"inserted":2}]', ['a note'], TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01')`,
		} {
			statements = append(statements, ownedBy(values, owner))
		}
	}
	return statements
}()

func ownedBy(statement, owner string) string {
	out := make([]byte, 0, len(statement))
	for i := 0; i < len(statement); i++ {
		if i+4 <= len(statement) && statement[i:i+4] == "'o1'" {
			out = append(out, "'"+owner+"'"...)
			i += 3
			continue
		}
		out = append(out, statement[i])
	}
	return string(out)
}

func ptr[V any](value V) *V { return &value }

// otherID is an id as another store would give it.
func otherID(kind storage.Kind, key string) string {
	raw, _ := hex.DecodeString("0011223344556677")
	return storage.ID{Kind: kind, Store: string(raw), Key: key}.String()
}
