package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// SetPrice sets the price of a pattern.
func (s *Store) SetPrice(ctx context.Context, price *storage.Price) (string, error) {
	if err := price.Check(); err != nil {
		return "", err
	}
	key := price.Key
	err := s.changing(ctx, "set a price", func(ctx context.Context, tx *sql.Tx) error {
		known, err := textsIn(ctx, tx, `
SELECT id
FROM prices
WHERE owner_id = $1 AND model = $2`, s.owner, price.Model)
		if err != nil {
			return err
		}
		values := []any{s.owner, key, price.Model, price.Currency, price.Input, price.Output, price.UpdatedAt}
		if len(known) > 0 {
			key, values[1] = known[0], known[0]
			_, err = tx.ExecContext(ctx, `
UPDATE prices
SET model = $3, currency = $4, input_price = $5, output_price = $6, updated_at = $7
WHERE owner_id = $1 AND id = $2`, values...)
			return err
		}
		var rows int64
		if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM prices
WHERE owner_id = $1`, s.owner).Scan(&rows); err != nil {
			return err
		}
		if rows >= storage.MaxPrices {
			return storage.BadInput("model", "a workspace has at most %d prices: remove one, or use a pattern for several models", storage.MaxPrices)
		}
		_, err = tx.ExecContext(ctx, `
INSERT INTO prices (owner_id, id, model, currency, input_price, output_price, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`, values...)
		return err
	})
	return key, err
}

func (s *Store) priceTable() *table[storage.Price] {
	return &table[storage.Price]{
		name: "prices", from: "prices p", alias: "p", keys: []string{"id"}, keyType: "TEXT",
		columns: "p.id, p.model, p.currency, p.input_price, p.output_price, p.updated_at",
		scan: func(scan func(columns ...any) error, p *storage.Price) error {
			err := scan(&p.Key, &p.Model, &p.Currency, &p.Input, &p.Output, &p.UpdatedAt)
			p.ID = s.id(storage.KindPrice, p.Key)
			return err
		},
		keysOf: func(p *storage.Price) []any { return []any{p.Key} },
	}
}

// Prices lists prices by pattern.
func (s *Store) Prices(ctx context.Context, page storage.Page) (*storage.Connection[storage.Price], error) {
	return s.priceTable().page(ctx, s, s.query(), "TRUE", order[storage.Price]{
		name: "model", expr: `p.model COLLATE "C"`, kind: "TEXT",
		value: func(p *storage.Price) any { return p.Model },
	}, page)
}

// PricesByKey reads prices.
func (s *Store) PricesByKey(ctx context.Context, keys []string) (map[string]*storage.Price, error) {
	return byKey(ctx, s.priceTable(), s, keys)
}
