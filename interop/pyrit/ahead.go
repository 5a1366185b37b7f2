package pyrit

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// A batch of rows read ahead ends at either; batchesAhead of them wait.
const (
	batchRows    = 512
	batchBytes   = 1 << 20
	batchesAhead = 4
)

// readAhead scans a table on a goroutine of its own while fn takes the rows on the
// caller's: reading and staging cost about the same. It returns when both are done.
func readAhead(ctx context.Context, src storage.Foreign, table string, columns []string, fn func([]sql.NullString) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan [][]sql.NullString, batchesAhead)
	var scanErr error // written before batches is closed
	go func() {
		defer close(batches)
		scanErr = fill(ctx, src, table, columns, batches)
	}()
	var err error
	for batch := range batches {
		for _, values := range batch {
			if err = fn(values); err != nil {
				break
			}
		}
		if err != nil {
			cancel()
			break
		}
	}
	for range batches { // until the scan has ended
	}
	if err != nil {
		return err
	}
	return scanErr
}

// fill scans a table into batches.
func fill(ctx context.Context, src storage.Foreign, table string, columns []string, batches chan<- [][]sql.NullString) error {
	var batch [][]sql.NullString
	bytes := 0
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case batches <- batch:
			batch, bytes = make([][]sql.NullString, 0, batchRows), 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := src.Scan(ctx, table, columns, func(values []sql.NullString) error {
		batch = append(batch, append([]sql.NullString(nil), values...))
		for _, v := range values {
			bytes += len(v.String)
		}
		if len(batch) < batchRows && bytes < batchBytes {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}
