package userstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// BenchmarkRead measures the statements of one GraphQL page over 100,000 attacks
// with ten messages each. best-ms is the fastest of the runs, which a busy machine
// disturbs least.
func BenchmarkRead(b *testing.B) {
	store, engine := openStore(b)
	fill(b, engine,
		`INSERT INTO attacks SELECT 'o1', i, 'PYRIT', 's' || i, 'e' || (i % 5), 'C' || (i % 7), NULL, 'objective ' || i, 'h' || i, 'p' || (i // 5), NULL,
			['a', 'b'], [], NULL, NULL, 't' || (i % 3), NULL, '', [], i, CASE WHEN i % 3 = 0 THEN 'SUCCESS' ELSE 'FAILURE' END, NULL, 'STATED', NULL,
			i % 10, i, NULL, NULL, NULL, TIMESTAMP '2026-01-01' + INTERVAL 1 SECOND * (i // 3), NULL, '{"a":1}' FROM range(1, 100001) r(i)`,
		`INSERT INTO conversations SELECT 'o1', i, 'PYRIT', 's' || i, i, 'TARGET', NULL, 't1', NULL, NULL, 10,
			TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', NULL FROM range(1, 100001) r(i)`,
		`INSERT INTO prompt_request_responses SELECT 'o1', 1 + i // 10, i % 10, 0, 'PYRIT', 'm' || i, NULL, NULL, NULL,
			CASE WHEN i % 2 = 0 THEN 'USER' ELSE 'ASSISTANT' END, 'some text of a message ' || i || repeat(' lorem ipsum', 15), NULL, 'text', 'text', [],
			'none', NULL, NULL, NULL, NULL, sha256(CAST(i AS TEXT)), NULL, NULL, TIMESTAMP '2026-01-01', NULL FROM range(1000000) r(i)`,
		`INSERT INTO scores SELECT 'o1', i, i, 9, 0, 'PYRIT', 's' || i, NULL, 'k1', 'TRUE_FALSE', i % 3 = 0, NULL, 'True', 'COMPLETE', [],
			'because', NULL, NULL, TRUE, NULL, TIMESTAMP '2026-01-01', NULL FROM range(1, 100001) r(i)`)
	newest := storage.AttackOrder{Field: storage.AttackOrderStartedAt, Direction: storage.Descending}
	top := storage.Page{Limit: 50}
	var conversations []int64
	var keys []storage.MessageKey
	for n := range int64(50) {
		conversations = append(conversations, 100000-n)
		keys = append(keys, storage.MessageKey{Conversation: 100000 - n, Sequence: 9})
	}
	half, err := store.Attacks(b.Context(), nil, newest, storage.Page{Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	second := storage.Page{Limit: 50, After: *half.PageInfo.EndCursor}
	for _, c := range []struct {
		name string
		run  func(ctx context.Context) error
	}{
		{"attacks 50 newest", func(ctx context.Context) error { _, err := store.Attacks(ctx, nil, newest, top); return err }},
		{"attacks after 1000", func(ctx context.Context) error { _, err := store.Attacks(ctx, nil, newest, second); return err }},
		{"attacks by number", func(ctx context.Context) error { _, err := store.AttacksByNumber(ctx, conversations); return err }},
		{"conversations by number", func(ctx context.Context) error { _, err := store.ConversationsByNumber(ctx, conversations); return err }},
		{"messages 50 x 10", func(ctx context.Context) error {
			_, err := store.MessagesByConversation(ctx, conversations, nil, storage.Page{Limit: 10})
			return err
		}},
		{"messages first page", func(ctx context.Context) error {
			_, err := store.Messages(ctx, nil, storage.MessageOrder{}, top)
			return err
		}},
		{"scores by message", func(ctx context.Context) error { _, err := store.ScoresByMessage(ctx, keys); return err }},
		{"labels by attack", func(ctx context.Context) error { _, err := store.LabelsByAttack(ctx, conversations); return err }},
		{"facet harm category", func(ctx context.Context) error {
			_, err := store.AttackFacet(ctx, storage.FacetHarmCategory, nil, 20)
			return err
		}},
		{"facet role", func(ctx context.Context) error {
			_, err := store.AttackFacet(ctx, storage.FacetRole, nil, 20)
			return err
		}},
		{"text of any message", func(ctx context.Context) error {
			_, err := store.Attacks(ctx, &storage.AttackFilter{Text: &storage.TextMatch{Contains: ptr("message 77777")}}, newest, top)
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			best := time.Duration(1 << 62)
			for b.Loop() {
				start := time.Now()
				if err := c.run(b.Context()); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
		})
	}
}
