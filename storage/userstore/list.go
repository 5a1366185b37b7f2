package userstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// table says how rows of one table become pages of T.
type table[T any] struct {
	name    string // in cursors and errors
	from    string // table and alias
	alias   string
	keys    []string // columns that identify a row and break ties, in this order
	keyType string   // of all of them
	columns string
	joins   string // what columns needs besides the table
	scan    func(scan func(columns ...any) error, row *T) error
	keysOf  func(*T) []any // int64 or string, as keyType says
}

// order is an order of a list; ties and a nil value go by the table's keys.
type order[T any] struct {
	name string
	expr string // never null: nulls come last by way of COALESCE; empty: keys alone
	kind string // SQL type of expr
	desc bool
	// computed says that expr is no column, so that zone maps know nothing of it.
	computed bool
	value    func(*T) any // what expr gives: int64, time.Time or string
}

// What stands for a missing value in an order, so that it comes last.
const lastNumber = int64(1<<63 - 1)

var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// nullsLast makes an order by a nullable BIGINT or TIMESTAMP column.
func nullsLast[T any](name, column, kind string, desc bool, value func(*T) any) order[T] {
	var missing any
	var literal string
	switch {
	case kind == "BIGINT" && desc:
		missing, literal = int64(-1), "-1"
	case kind == "BIGINT":
		missing, literal = lastNumber, strconv.FormatInt(lastNumber, 10)
	case desc:
		missing, literal = firstTime, "TIMESTAMP '0001-01-01 00:00:00'"
	default:
		missing, literal = lastTime, "TIMESTAMP '9999-12-31 00:00:00'"
	}
	return order[T]{
		name: name, kind: kind, desc: desc, expr: "COALESCE(" + column + ", " + literal + ")", computed: true,
		value: func(row *T) any {
			if v := value(row); v != nil {
				return v
			}
			return missing
		},
	}
}

// list names the list in cursors.
func (o order[T]) list(t *table[T], parent string) string {
	direction := "asc"
	if o.desc {
		direction = "desc"
	}
	return t.name + "/" + o.name + "/" + direction + "/" + parent
}

// sorts are the expressions of the order with their types.
func (o order[T]) sorts(t *table[T]) (exprs, kinds []string) {
	if o.expr != "" {
		exprs, kinds = append(exprs, o.expr), append(kinds, o.kind)
	}
	for _, key := range t.keys {
		exprs, kinds = append(exprs, t.alias+"."+key), append(kinds, t.keyType)
	}
	return exprs, kinds
}

// by is the ORDER BY list in the page's own direction.
func (o order[T]) by(t *table[T], backward bool) string {
	exprs, _ := o.sorts(t)
	direction := " ASC"
	if o.desc != backward {
		direction = " DESC"
	}
	return strings.Join(exprs, direction+", ") + direction
}

func (o order[T]) cursor(t *table[T], parent string) func(*T) string {
	list := o.list(t, parent)
	return func(row *T) string {
		c := storage.Cursor{List: list}
		if o.expr != "" {
			c.Value = encodeSort(o.value(row))
		}
		parts := make([]string, 0, len(t.keys))
		for _, key := range t.keysOf(row) {
			parts = append(parts, encodeSort(key))
		}
		c.Number = strings.Join(parts, ",")
		return c.String()
	}
}

// keyset is the condition that a page's cursors set, empty without a cursor.
func (o order[T]) keyset(t *table[T], q *query, page storage.Page, parent string) (string, error) {
	var conditions []string
	for _, end := range []struct {
		field, text string
		after       bool
	}{{"after", page.After, true}, {"before", page.Before, false}} {
		if end.text == "" {
			continue
		}
		c, err := storage.ParseCursor(end.field, end.text, o.list(t, parent))
		if err != nil {
			return "", err
		}
		exprs, kinds := o.sorts(t)
		texts := strings.Split(c.Number, ",")
		if o.expr != "" {
			texts = append([]string{c.Value}, texts...)
		}
		if len(texts) != len(exprs) {
			return "", storage.BadInput(end.field, "%s is not a cursor of this server: pass an endCursor or startCursor unchanged", end.field)
		}
		args := make([]string, len(texts))
		for i, text := range texts {
			value, ok := decodeSort(kinds[i], text)
			if !ok {
				return "", storage.BadInput(end.field, "%s is not a cursor of this server: pass an endCursor or startCursor unchanged", end.field)
			}
			args[i] = "CAST(" + q.arg(value) + " AS " + kinds[i] + ")"
		}
		operator := "<"
		if end.after != o.desc {
			operator = ">"
		}
		conditions = append(conditions, beyond(exprs, args, operator))
	}
	return strings.Join(conditions, " AND "), nil
}

// beyond compares rows of expressions. The first comparison stands alone so that
// zone maps and indexes can use it.
func beyond(exprs, args []string, operator string) string {
	if len(exprs) == 1 {
		return exprs[0] + " " + operator + " " + args[0]
	}
	return fmt.Sprintf("(%s %s= %s AND (%s %s %s OR %s))",
		exprs[0], operator, args[0], exprs[0], operator, args[0], beyond(exprs[1:], args[1:], operator))
}

// encodeSort writes a sort value into a cursor; times keep their microseconds.
func encodeSort(value any) string {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return strconv.FormatInt(v.UnixMicro(), 10)
	case string:
		// Quoted, a name can hold neither the cursor's separator nor a comma's harm.
		return strings.ReplaceAll(strconv.QuoteToASCII(v), ",", `\u002c`)
	default:
		panic(fmt.Sprintf("a sort value of type %T", value))
	}
}

func decodeSort(kind, text string) (any, bool) {
	if kind == "TEXT" {
		value, err := strconv.Unquote(text)
		return value, err == nil && !strings.ContainsRune(value, 0)
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || kind == "BIGINT" {
		return number, err == nil
	}
	value := time.UnixMicro(number).UTC()
	return value, !value.Before(firstTime) && !value.After(lastTime)
}

// narrow leaves out the columns that no wanted field shows. shownBy names, for those
// that can be left out, the fields that need them.
func (t *table[T]) narrow(wanted storage.Fields, shownBy map[string]string) *table[T] {
	if wanted == nil {
		return t
	}
	var columns []string
	var kept []int
	for i, column := range strings.Split(t.columns, ",") {
		column = strings.TrimSpace(column)
		fields, optional := shownBy[strings.TrimPrefix(column, t.alias+".")]
		if !optional || slices.ContainsFunc(strings.Fields(fields), wanted.Has) {
			columns, kept = append(columns, column), append(kept, i)
		}
	}
	t.columns = strings.Join(columns, ", ")
	whole := t.scan
	t.scan = func(scan func(columns ...any) error, row *T) error {
		return whole(func(columns ...any) error {
			targets := make([]any, len(kept))
			for i, place := range kept {
				targets[i] = columns[place]
			}
			return scan(targets...)
		}, row)
	}
	return t
}

func (t *table[T]) read(rows *sql.Rows) (*T, error) {
	row := new(T)
	return row, t.scan(rows.Scan, row)
}

// on joins the table to rows named page that hold its keys.
func (t *table[T]) on() string {
	conditions := make([]string, 0, 1+len(t.keys))
	conditions = append(conditions, t.alias+".owner_id = $1")
	for _, key := range t.keys {
		conditions = append(conditions, t.alias+"."+key+" = page."+key)
	}
	return strings.Join(conditions, " AND ")
}

func (t *table[T]) keyColumns() string {
	return t.alias + "." + strings.Join(t.keys, ", "+t.alias+".")
}

// page reads one page of all rows that the condition holds for.
func (t *table[T]) page(ctx context.Context, s *Store, q *query, condition string, o order[T], page storage.Page) (*storage.Connection[T], error) {
	if q.err != nil {
		return nil, q.err
	}
	where := t.alias + ".owner_id = $1 AND " + condition
	countArgs := q.args[:len(q.args):len(q.args)]
	keyset, err := o.keyset(t, q, page, "")
	if err != nil {
		return nil, err
	}
	inner := where
	if keyset != "" {
		inner += " AND " + keyset
	}
	rows, err := collect(ctx, s, "list "+t.name, t.pageStatement(inner, o, page), q.args, t.read)
	if err != nil {
		return nil, err
	}
	count := func(ctx context.Context) (int64, error) {
		return s.number(ctx, "count "+t.name, `
SELECT count(*)
FROM `+t.from+`
WHERE `+where, countArgs)
	}
	return storage.NewConnection(page, rows, o.cursor(t, ""), count), nil
}

// pageStatement sorts whole rows where zone maps end the search early, by a column of
// the table, and otherwise the keys alone, for whole rows would cost three times as
// much.
func (t *table[T]) pageStatement(where string, o order[T], page storage.Page) string {
	by, limit := o.by(t, page.Backward), strconv.Itoa(page.Limit+1)
	if t.joins == "" && !o.computed {
		return `
SELECT ` + t.columns + `
FROM ` + t.from + `
WHERE ` + where + `
ORDER BY ` + by + `
LIMIT ` + limit
	}
	return `
SELECT ` + t.columns + `
FROM (
  SELECT ` + t.keyColumns() + `
  FROM ` + t.from + `
  WHERE ` + where + `
  ORDER BY ` + by + `
  LIMIT ` + limit + `
) page
JOIN ` + t.from + ` ON ` + t.on() + `
` + t.joins + `
ORDER BY ` + by
}

// nest says how rows hang on parents.
type nest struct {
	parent string // expression for the row's parent
	kind   string // SQL type of the parent
	// edges, where a row may have several parents or the table does not hold them,
	// is a query of (parent, keys...) that parent refers to as edge.parent.
	edges string
	// whole says that most parents have few rows, so that reading all of them and
	// cutting is cheaper than a window; the order must be by number, rising.
	whole bool
	// count, where there is a cheaper one, is a query of (parent, number of rows)
	// over all parents of $2.
	count string
}

// nested reads a page for each parent, int64 or string, in one statement. A cursor
// belongs to one parent. The parents are $2 of count. All parents' counts cost one more statement together.
func nested[T any, P int64 | string](ctx context.Context, t *table[T], s *Store, q *query, n nest, parents []P, condition func() string, o order[T], page storage.Page) (map[P]*storage.Connection[T], error) {
	if len(parents) == 0 {
		return map[P]*storage.Connection[T]{}, nil
	}
	from := t.from
	if n.edges != "" {
		joined := make([]string, len(t.keys))
		for i, key := range t.keys {
			joined[i] = t.alias + "." + key + " = edge." + key
		}
		from = "(" + n.edges + ") edge JOIN " + t.from + " ON " + strings.Join(joined, " AND ")
	}
	among := q.keyed(n.parent, parents, n.kind)
	where := t.alias + ".owner_id = $1 AND " + among + " AND " + condition()
	if q.err != nil {
		return nil, q.err
	}
	countArgs := q.args[:len(q.args):len(q.args)]

	inner := where
	for i, parent := range parents {
		checked := q
		if i > 0 {
			checked = &query{} // the statement has the condition already
		}
		keyset, err := o.keyset(t, checked, page, fmt.Sprint(parent))
		if err != nil {
			return nil, err
		}
		if i == 0 && keyset != "" {
			inner += " AND " + keyset
		}
	}
	outer := "page.n <= " + strconv.Itoa(page.Limit+1)
	if n.edges == "" {
		outer += " AND " + among
	}
	text := `
SELECT page.parent, ` + t.columns + `
FROM (
  SELECT ` + n.parent + ` AS parent, ` + t.keyColumns() + `,
    row_number() OVER (PARTITION BY ` + n.parent + ` ORDER BY ` + o.by(t, page.Backward) + `) AS n
  FROM ` + from + `
  WHERE ` + inner + `
) page
JOIN ` + t.from + ` ON ` + t.on() + `
` + t.joins + `
WHERE ` + outer + `
ORDER BY page.parent, page.n`
	var byParent map[P][]*T
	var err error
	if n.whole && page.After == "" && page.Before == "" {
		byParent, err = wholeParents[T, P](ctx, t, s, q, n, where, page, len(parents))
	}
	if byParent == nil && err == nil {
		byParent, err = childrenOf[T, P](ctx, t, s, q, text)
	}
	if err != nil {
		return nil, err
	}
	counting := `
SELECT ` + n.parent + `, count(*)
FROM ` + from + `
WHERE ` + where + `
GROUP BY ` + n.parent
	if n.count != "" {
		counting, countArgs = n.count, []any{s.owner, parents}
	}
	counts := &counts[P]{read: func(ctx context.Context) ([]counted[P], error) {
		return collect(ctx, s, "count "+t.name+" of parents", counting, countArgs, func(rows *sql.Rows) (counted[P], error) {
			var c counted[P]
			return c, rows.Scan(&c.parent, &c.rows)
		})
	}}
	pages := make(map[P]*storage.Connection[T], len(parents))
	for _, parent := range parents {
		pages[parent] = storage.NewConnection(page, byParent[parent], o.cursor(t, fmt.Sprint(parent)),
			func(ctx context.Context) (int64, error) { return counts.of(ctx, parent) })
	}
	return pages, nil
}

// childrenOf runs a statement of (parent, the table's columns).
func childrenOf[T any, P int64 | string](ctx context.Context, t *table[T], s *Store, q *query, text string) (map[P][]*T, error) {
	type child struct {
		parent P
		row    *T
	}
	children, err := collect(ctx, s, "list "+t.name+" of parents", text, q.args, func(rows *sql.Rows) (child, error) {
		c := child{row: new(T)}
		return c, t.scan(func(columns ...any) error {
			return rows.Scan(append([]any{&c.parent}, columns...)...)
		}, c.row)
	})
	byParent := map[P][]*T{}
	for _, c := range children {
		byParent[c.parent] = append(byParent[c.parent], c.row)
	}
	return byParent, err
}

// wholeParents reads all rows of the parents and cuts the pages out of them, which
// takes a third of the time of a window over them; nil when there are many more rows
// than the pages show. The keys of the table are its order.
func wholeParents[T any, P int64 | string](ctx context.Context, t *table[T], s *Store, q *query, n nest, where string, page storage.Page, parents int) (map[P][]*T, error) {
	most := 2*parents*(page.Limit+1) + 1
	byParent, err := childrenOf[T, P](ctx, t, s, q, `
SELECT `+n.parent+`, `+t.columns+`
FROM `+t.from+`
`+t.joins+`
WHERE `+where+`
LIMIT `+strconv.Itoa(most))
	if err != nil {
		return nil, err
	}
	total := 0
	for parent, rows := range byParent {
		total += len(rows)
		slices.SortFunc(rows, func(a, b *T) int {
			return slices.CompareFunc(t.keysOf(a), t.keysOf(b), func(x, y any) int { return cmp.Compare(x.(int64), y.(int64)) })
		})
		if page.Backward {
			slices.Reverse(rows)
		}
		byParent[parent] = rows[:min(len(rows), page.Limit+1)]
	}
	if total == most {
		return nil, nil
	}
	return byParent, nil
}

type counted[P comparable] struct {
	parent P
	rows   int64
}

// counts holds the counts of all parents of one call, once any is asked for.
type counts[P comparable] struct {
	read     func(ctx context.Context) ([]counted[P], error)
	mu       sync.Mutex
	byParent map[P]int64
}

func (c *counts[P]) of(ctx context.Context, parent P) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byParent == nil {
		all, err := c.read(ctx)
		if err != nil {
			return 0, err
		}
		c.byParent = make(map[P]int64, len(all))
		for _, count := range all {
			c.byParent[count.parent] = count.rows
		}
	}
	return c.byParent[parent], nil
}

// byKey reads the rows whose only key is one of the given.
func byKey[T any, K int64 | string](ctx context.Context, t *table[T], s *Store, keys []K) (map[K]*T, error) {
	found := make(map[K]*T, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	column := t.alias + "." + t.keys[0]
	condition := q.keyed(column, keys, t.keyType)
	rows, err := collect(ctx, s, "read "+t.name, `
SELECT `+t.columns+`
FROM `+t.from+`
`+t.joins+`
WHERE `+t.alias+`.owner_id = $1 AND `+condition, q.args, t.read)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		found[t.keysOf(row)[0].(K)] = row
	}
	return found, nil
}
