package userstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

// AddRawExchanges keeps what went over the wire, without credentials.
func (s *Store) AddRawExchanges(ctx context.Context, clean func(text string) string, exchanges []*storage.RawExchange) error {
	if clean == nil {
		return errors.New("keep raw exchanges: nothing takes credentials out")
	}
	if len(exchanges) == 0 {
		return nil
	}
	// The last one of a message counts.
	last := map[storage.MessagePlace]int{}
	for i, exchange := range exchanges {
		last[exchange.MessagePlace] = i
	}
	var conversations, sequences, statuses []int64
	var requests, responses, types []string
	var kept []time.Time
	for i, exchange := range exchanges {
		if last[exchange.MessagePlace] != i {
			continue
		}
		conversations, sequences = append(conversations, exchange.Conversation), append(sequences, exchange.Sequence)
		requests, responses = append(requests, storedExchange(clean, exchange.Request)), append(responses, storedExchange(clean, exchange.Response))
		kind, status := "", int64(0) // a list holds no NULL
		if exchange.ContentType != nil {
			kind = storedExchange(clean, *exchange.ContentType)
		}
		if exchange.Status != nil {
			status = *exchange.Status
		}
		types, statuses, kept = append(types, kind), append(statuses, status), append(kept, exchange.KeptAt.UTC())
	}
	return s.changing(ctx, "keep raw exchanges", func(ctx context.Context, tx *sql.Tx) error {
		q := s.query()
		places := "SELECT unnest(" + q.list(conversations, "BIGINT") + "), unnest(" + q.list(sequences, "BIGINT") + ")"
		var there int64
		if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM (
  SELECT DISTINCT m.conversation_no, m.sequence
  FROM prompt_request_responses m
  WHERE m.owner_id = $1 AND (m.conversation_no, m.sequence) IN (`+places+`)`+q.numberBounds("m.conversation_no", conversations)+`
) AS messages`, q.args...).Scan(&there); err != nil {
			return err
		}
		if there != int64(len(conversations)) {
			return notThere("messages")
		}
		if _, err := tx.ExecContext(ctx, `
DELETE FROM raw_exchanges
WHERE owner_id = $1 AND (conversation_no, sequence) IN (
  SELECT unnest(CAST($2 AS BIGINT[])), unnest(CAST($3 AS BIGINT[])))`, s.owner, conversations, sequences); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO raw_exchanges (owner_id, conversation_no, sequence, request, response, content_type, status, kept_at)
SELECT CAST($1 AS TEXT), x.conversation_no, x.sequence, x.request, x.response, NULLIF(x.content_type, ''), NULLIF(x.status, 0), x.kept_at
FROM (
  SELECT unnest(CAST($2 AS BIGINT[])) AS conversation_no, unnest(CAST($3 AS BIGINT[])) AS sequence, unnest(CAST($4 AS TEXT[])) AS request,
    unnest(CAST($5 AS TEXT[])) AS response, unnest(CAST($6 AS TEXT[])) AS content_type, unnest(CAST($7 AS BIGINT[])) AS status,
    unnest(CAST($8 AS TIMESTAMP[])) AS kept_at
) AS x
ORDER BY x.conversation_no, x.sequence`, s.owner, conversations, sequences, requests, responses, types, statuses, kept)
		return err
	})
}

// storedExchange is a text as it is kept: cleaned before it is cut, so that no credential
// stays because it was cut in two.
func storedExchange(clean func(text string) string, text string) string {
	text = clean(text)
	if len(text) > storage.MaxExchangeBytes {
		cut := storage.MaxExchangeBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "\n[cut]"
	}
	if storable(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\u2400")
}

// RawExchanges reads what went over the wire for messages.
func (s *Store) RawExchanges(ctx context.Context, places []storage.MessagePlace) (map[storage.MessagePlace]*storage.RawExchange, error) {
	found := make(map[storage.MessagePlace]*storage.RawExchange, len(places))
	if len(places) == 0 {
		return found, nil
	}
	conversations, sequences := make([]int64, len(places)), make([]int64, len(places))
	for i, place := range places {
		conversations[i], sequences[i] = place.Conversation, place.Sequence
	}
	q := s.query()
	rows, err := collect(ctx, s, "read raw exchanges", `
SELECT x.conversation_no, x.sequence, x.request, x.response, x.content_type, x.status, x.kept_at
FROM raw_exchanges x
WHERE x.owner_id = $1 AND (x.conversation_no, x.sequence) IN (SELECT unnest(`+q.list(conversations, "BIGINT")+`), unnest(`+q.list(sequences, "BIGINT")+`))`+
		q.numberBounds("x.conversation_no", conversations), q.args, func(rows *sql.Rows) (*storage.RawExchange, error) {
		x := &storage.RawExchange{}
		return x, rows.Scan(&x.Conversation, &x.Sequence, &x.Request, &x.Response, &x.ContentType, &x.Status, &x.KeptAt)
	})
	for _, row := range rows {
		found[row.MessagePlace] = row
	}
	return found, err
}
