package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// errUndone takes a deletion back that was only to be counted, or that took nothing.
var errUndone = errors.New("undone")

// MoveToTrash deletes what is chosen into one entry of the trash.
func (s *Store) MoveToTrash(ctx context.Context, d *storage.Deletion) (*storage.Deleted, error) {
	g := &going{store: s, entry: d.Key}
	err := s.changing(ctx, "move to the trash", func(ctx context.Context, tx *sql.Tx) error {
		g.tx = tx
		return g.move(ctx, d)
	})
	if err != nil && !errors.Is(err, errUndone) {
		return nil, err
	}
	return &g.done, nil
}

// going is a deletion under way: rows that go belong to the owner of its entry.
type going struct {
	store *Store
	tx    *sql.Tx
	entry string
	// lenient passes over keys of nothing.
	lenient bool

	moved map[string]int64 // rows by table
	found []found
	done  storage.Deleted
}

// found is an obstacle that is there.
type found struct {
	storage.Obstacle
	argument, remedy string
	reference        *reference
	along            bool     // it goes too
	names            []string // of what it is, where that is known
}

func (f found) refusal() error {
	what := f.What
	if len(f.names) > 0 {
		what += " (" + listed(f.names) + ")"
	}
	if f.Cascades {
		return &storage.Error{
			Code: storage.CodeConflict, Field: "cascade",
			Message: fmt.Sprintf("%d %s are in the way: delete those too, or set cascade, which takes them along or parts them from what goes", f.Count, what),
		}
	}
	return &storage.Error{
		Code: storage.CodeConflict, Field: f.argument,
		Message: fmt.Sprintf("there are %d %s: %s", f.Count, what, f.remedy),
	}
}

func (g *going) owner() string { return trashOwner + g.entry }

// move makes the entry, or is errUndone.
func (g *going) move(ctx context.Context, d *storage.Deletion) error {
	if err := g.take(ctx, d); err != nil {
		return err
	}
	if d.DryRun || len(g.done.Tables) == 0 {
		return errUndone
	}
	for _, found := range g.found {
		if !found.Cascades || !d.Cascade {
			return found.refusal()
		}
	}
	if err := g.part(ctx); err != nil {
		return err
	}
	return g.record(ctx, d)
}

// take gives what is chosen, and what hangs on it, to the owner of the entry, and looks
// for what is in the way.
func (g *going) take(ctx context.Context, d *storage.Deletion) error {
	g.moved = map[string]int64{}
	for _, t := range trashTables {
		var names []string
		if t.taken != "" {
			var err error
			if names, err = g.names(ctx, t); err != nil {
				return err
			}
		}
		rows, err := g.takeOf(ctx, t, d)
		if err != nil {
			return err
		}
		g.moved[t.name] += rows
		if t.taken != "" {
			g.find(found{Obstacle: storage.Obstacle{What: t.taken, Count: rows, Cascades: true}, argument: t.argument, along: true, names: names})
		}
	}
	g.done.Tables = told(g.moved)
	return g.look(ctx)
}

// names are those of rows that are to go along.
func (g *going) names(ctx context.Context, t trashTable) ([]string, error) {
	return textsIn(ctx, g.tx, `
SELECT t.name
FROM `+t.name+` t
WHERE t.owner_id = $1 AND `+t.along+`
ORDER BY t.name`, g.store.owner, g.owner())
}

// told are the rows by table, of the tables that a workspace's use tells of.
func told(rows map[string]int64) []*storage.TableUse {
	tables := []*storage.TableUse{}
	for _, name := range countedTables {
		if rows[name] > 0 {
			tables = append(tables, &storage.TableUse{Name: name, Rows: rows[name]})
		}
	}
	return tables
}

func (g *going) takeOf(ctx context.Context, t trashTable, d *storage.Deletion) (int64, error) {
	q := g.store.query()
	q.arg(g.owner())
	either, named, err := q.goes(t, d)
	if err != nil || len(either) == 0 {
		return 0, err
	}
	rows, err := execCount(ctx, g.tx, `
UPDATE `+t.name+` AS t
SET owner_id = $2
WHERE t.owner_id = $1 AND `+oneOf(either), q.args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", t.name, err)
	}
	if named == 0 || g.lenient {
		return rows, nil
	}
	return rows, g.allThere(ctx, t, d, named)
}

// goes are the conditions on rows t that go, and how many of them are named.
func (q *query) goes(t trashTable, d *storage.Deletion) (either []string, named int64, err error) {
	if t.along != "" {
		either = append(either, "("+t.along+")")
	}
	if chosen, count := q.named(t, d); count > 0 {
		either, named = append(either, chosen), count
	}
	if filter := filters[t.name]; filter.where != nil && t.key != "" {
		if where := filter.where(q, &d.DeletionFilters); where != "" {
			q.chooses(filter.argument, where, filter.alias+".", d.All)
			either = append(either, t.key+" IN (SELECT "+filter.alias+strings.TrimPrefix(t.key, "t")+" FROM "+filter.from+" WHERE "+filter.alias+".owner_id = $1 AND "+where+")")
		}
	}
	if t.name == "attacks" && d.WithAttacks {
		either = append(either, gone("execution_id", "execution_plans", "id"))
	}
	return either, named, q.err
}

// chooses names the argument of a filter that is wrong, and refuses one that looks at
// nothing of the rows.
func (q *query) chooses(argument, where, alias string, all bool) {
	if e, ok := errors.AsType[*storage.Error](q.err); ok {
		e.Field = argument
	}
	if !all && !strings.Contains(where, alias) {
		q.fail(storage.BadInput(argument, "an empty filter holds for everything: set all if that is meant"))
	}
}

// named is the condition on the rows that are chosen by their keys, and their number.
func (q *query) named(t trashTable, d *storage.Deletion) (string, int64) {
	switch numbers, keys := d.Numbered[t.name], d.Keyed[t.name]; {
	case t.key == "":
	case len(numbers) > 0:
		return t.key + " IN (SELECT unnest(" + q.list(numbers, "BIGINT") + "))", distinct(numbers)
	case len(keys) > 0:
		return t.key + " IN (SELECT unnest(" + q.list(keys, "TEXT") + "))", distinct(keys)
	}
	return "", 0
}

// allThere refuses a key of nothing.
func (g *going) allThere(ctx context.Context, t trashTable, d *storage.Deletion, named int64) error {
	q := &query{args: []any{g.owner()}}
	condition, _ := q.named(t, d)
	var there int64
	if err := g.tx.QueryRowContext(ctx, `
SELECT count(*)
FROM `+t.name+` t
WHERE t.owner_id = $1 AND `+condition, q.args...).Scan(&there); err != nil {
		return fmt.Errorf("look for chosen %s: %w", t.name, err)
	}
	if there != named {
		return notThere(t.argument)
	}
	return nil
}

// look finds what stays and needs what goes.
func (g *going) look(ctx context.Context) error {
	for i, r := range references {
		if g.moved[r.to] == 0 {
			continue
		}
		count, err := g.count(ctx, `
SELECT count(*)
FROM `+r.table+` t
JOIN `+r.to+` p ON `+r.on()+`
WHERE t.owner_id = $1 AND p.owner_id = $2`)
		if err != nil {
			return fmt.Errorf("look for %s: %w", r.what, err)
		}
		g.find(found{
			Obstacle: storage.Obstacle{What: r.what, Count: count, Cascades: !r.firm}, argument: r.argument,
			remedy: "delete those attacks instead", reference: &references[i],
		})
	}
	for _, o := range obstacles {
		count, err := g.count(ctx, o.count)
		if err != nil {
			return fmt.Errorf("look for %s: %w", o.what, err)
		}
		var names []string
		if count > 0 && o.names != "" {
			if names, err = textsIn(ctx, g.tx, strings.Replace(o.count, "count(*)", o.names, 1)+"\nORDER BY 1", g.store.owner, g.owner()); err != nil {
				return fmt.Errorf("name %s: %w", o.what, err)
			}
		}
		g.find(found{Obstacle: storage.Obstacle{What: o.what, Count: count, Cascades: o.remedy == ""}, argument: o.argument, remedy: o.remedy, names: names})
	}
	return nil
}

func (g *going) find(f found) {
	if f.Count > 0 {
		g.found, g.done.InTheWay = append(g.found, f), append(g.done.InTheWay, &f.Obstacle)
	}
}

func (g *going) count(ctx context.Context, text string) (count int64, err error) {
	err = g.tx.QueryRowContext(ctx, text, g.store.owner, g.owner()).Scan(&count)
	return count, err
}

// part empties the references that were found, and remembers them.
func (g *going) part(ctx context.Context) error {
	for _, found := range g.found {
		r := found.reference
		if r == nil {
			continue
		}
		if _, err := g.tx.ExecContext(ctx, `
INSERT INTO trash_links (owner_id, trash_id, link, `+r.row.firsts()+`, `+r.refers.firsts()+`)
SELECT CAST($1 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), `+r.row.of("t")+`, `+r.refers.of("t")+`
FROM `+r.table+` t
JOIN `+r.to+` p ON `+r.on()+`
WHERE t.owner_id = $1 AND p.owner_id = $2`, g.store.owner, g.owner(), g.entry, r.name); err != nil {
			return fmt.Errorf("remember %s: %w", r.what, err)
		}
		if _, err := g.tx.ExecContext(ctx, `
UPDATE `+r.table+` AS t
SET `+r.emptied()+`
FROM `+r.to+` AS p
WHERE t.owner_id = $1 AND p.owner_id = $2 AND `+r.on(), g.store.owner, g.owner()); err != nil {
			return fmt.Errorf("part %s: %w", r.what, err)
		}
	}
	return nil
}

// emptied is what a reference is set to without what it names.
func (r reference) emptied() string {
	return r.refers.join(", ", func(_, column string) string { return column + " = NULL" })
}

func (g *going) record(ctx context.Context, d *storage.Deletion) error {
	tables, err := json.Marshal(g.done.Tables)
	if err != nil {
		return err
	}
	_, err = g.tx.ExecContext(ctx, `
INSERT INTO trash (owner_id, id, deleted_at, deleted_by, expires_at, chosen, tables)
VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		g.store.owner, d.Key, d.At.UTC(), d.By, d.Until.UTC(), string(d.Chosen), string(tables))
	return err
}
