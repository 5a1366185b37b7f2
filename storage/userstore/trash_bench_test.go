package userstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// BenchmarkTrash deletes by a filter out of a million messages, and puts back.
func BenchmarkTrash(b *testing.B) {
	store, engine := openStore(b)
	fill(b, engine,
		`INSERT INTO attacks SELECT 'o1', i, 'GARAK', 's' || i, NULL, 'Prompt', NULL, 'objective ' || i, 'h', 'k', NULL, [], [], 'p' || (i % 10), NULL, 'ht', NULL, '', [], i,
			'FAILURE', NULL, 'STATED', i * 2, 1, 2, 0, NULL, NULL, TIMESTAMP '2026-01-01' + INTERVAL 1 SECOND * i, NULL, NULL FROM range(1, 100001) r(i)`,
		`INSERT INTO conversations SELECT 'o1', i, 'GARAK', 's' || i, i, 'TARGET', NULL, 'ht', NULL, NULL, 10, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', NULL FROM range(1, 100001) r(i)`,
		`INSERT INTO prompt_request_responses SELECT 'o1', i // 10 + 1, i % 10, 0, 'GARAK', 's' || i, NULL, NULL, NULL, 'user', repeat(md5(CAST(i AS TEXT)), 10), NULL, 'text', 'text', [],
			'none', NULL, NULL, NULL, NULL, md5(CAST(i AS TEXT)), NULL, NULL, TIMESTAMP '2026-01-01', NULL FROM range(1000000) r(i)`,
		`INSERT INTO scores SELECT 'o1', i, (i - 1) // 2 + 1, 9, 0, 'GARAK', 's' || i, NULL, 'hs', 'FLOAT_SCALE', NULL, 0.5, NULL, 'COMPLETE', [], NULL, NULL, NULL, FALSE, NULL, TIMESTAMP '2026-01-01', NULL FROM range(1, 200001) r(i)`,
		`INSERT INTO memory_labels SELECT 'o1', i, NULL, 'op', 'plain' FROM range(1, 100001) r(i)`,
		`INSERT INTO source_ranks SELECT 'o1', 'attacks', 'GARAK', 's' || i, 2 FROM range(1, 100001) r(i)`,
	)
	for name, d := range map[string]storage.Deletion{
		"one attack":           {Numbered: map[string][]int64{"attacks": {5000}}},
		"100k messages":        {DeletionFilters: storage.DeletionFilters{AttackFilter: &storage.AttackFilter{Probe: &storage.TextIn{In: []string{"p3"}}}}},
		"a million":            {DeletionFilters: storage.DeletionFilters{AttackFilter: &storage.AttackFilter{}}, All: true},
		"a million, by a text": {DeletionFilters: storage.DeletionFilters{AttackFilter: &storage.AttackFilter{Objective: &storage.TextMatch{Contains: ptr("objective")}}}},
	} {
		b.Run(name, func(b *testing.B) {
			var gone, back time.Duration
			for i := range b.N {
				d.Key, d.Chosen, d.By, d.At, d.Until = fmt.Sprint(name, i), "{}", "alice", time.Now(), time.Now()
				begin := time.Now()
				if _, err := store.MoveToTrash(b.Context(), &d); err != nil {
					b.Fatal(err)
				}
				gone += time.Since(begin)
				begin = time.Now()
				if _, err := store.RestoreFromTrash(b.Context(), d.Key); err != nil {
					b.Fatal(err)
				}
				back += time.Since(begin)
			}
			b.ReportMetric(float64(gone.Milliseconds())/float64(b.N), "ms/deletion")
			b.ReportMetric(float64(back.Milliseconds())/float64(b.N), "ms/restoration")
		})
	}
}
