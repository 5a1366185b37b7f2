package appstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// listing says how rows become pages of T.
type listing[T any] struct {
	name    string // in cursors and errors
	columns string
	from    string // tables and aliases
	key     string // TEXT column that identifies a row and breaks ties
	scan    func(row *sql.Rows, into *T) error
	keyOf   func(*T) string
}

// order is an order of a list; ties go by the listing's key.
type order[T any] struct {
	name  string
	expr  string // never null
	desc  bool
	value func(*T) any // what expr gives: int64 or string
}

// page reads one page of the rows that q's conditions hold for.
func (l *listing[T]) page(ctx context.Context, db Runner, q *query, o order[T], page storage.Page) (*storage.Connection[T], error) {
	counted := q.where()
	countArgs := q.args[:len(q.args):len(q.args)]
	if err := o.beyond(l, q, page); err != nil {
		return nil, err
	}
	direction := " ASC"
	if o.desc != page.Backward {
		direction = " DESC"
	}
	rows, err := list(ctx, db, "list "+l.name, l.scan, `
		SELECT `+l.columns+`
		FROM `+l.from+`
		WHERE `+q.where()+`
		ORDER BY `+o.expr+direction+`, `+l.key+direction+`
		LIMIT `+strconv.Itoa(page.Limit+1), q.args...)
	if err != nil {
		return nil, err
	}
	count := func(ctx context.Context) (int64, error) {
		return number(ctx, db, "count "+l.name, `
			SELECT count(*)
			FROM `+l.from+`
			WHERE `+counted, countArgs...)
	}
	return storage.NewConnection(page, rows, o.cursor(l), count), nil
}

// byKey reads the rows with those keys.
func (l *listing[T]) byKey(ctx context.Context, db Runner, keys []string) (map[string]*T, error) {
	found := make(map[string]*T, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := &query{}
	q.among(l.key, keys)
	rows, err := list(ctx, db, "read "+l.name, l.scan, `
		SELECT `+l.columns+`
		FROM `+l.from+`
		WHERE `+q.where(), q.args...)
	for _, row := range rows {
		found[l.keyOf(row)] = row
	}
	return found, err
}

// list names the list in cursors.
func (o order[T]) list(l *listing[T]) string {
	if o.desc {
		return l.name + "/" + o.name + "/desc"
	}
	return l.name + "/" + o.name + "/asc"
}

func (o order[T]) cursor(l *listing[T]) func(*T) string {
	return func(row *T) string {
		c := storage.Cursor{List: o.list(l), Number: l.keyOf(row)}
		switch value := o.value(row).(type) {
		case int64:
			c.Value = strconv.FormatInt(value, 10)
		case string: // quoted, it cannot hold the cursor's separator
			c.Value = strconv.QuoteToASCII(value)
		}
		return c.String()
	}
}

// beyond adds what the page's cursors demand. The first comparison stands alone so
// that an index can use it.
func (o order[T]) beyond(l *listing[T], q *query, page storage.Page) error {
	for _, end := range []struct {
		field, text string
		after       bool
	}{{"after", page.After, true}, {"before", page.Before, false}} {
		if end.text == "" {
			continue
		}
		c, err := storage.ParseCursor(end.field, end.text, o.list(l))
		if err != nil {
			return err
		}
		value, err := o.decode(c.Value)
		if err != nil || strings.ContainsRune(c.Number, 0) {
			return storage.BadInput(end.field, "%s is not a cursor of this server: pass an endCursor or startCursor unchanged", end.field)
		}
		operator := "<"
		if end.after != o.desc {
			operator = ">"
		}
		at, key := q.arg(value), q.arg(c.Number)
		q.and(o.expr + " " + operator + "= " + at)
		q.and("(" + o.expr + " " + operator + " " + at + " OR " + l.key + " " + operator + " " + key + ")")
	}
	return nil
}

func (o order[T]) decode(text string) (any, error) {
	var row T
	if _, isNumber := o.value(&row).(int64); isNumber {
		return strconv.ParseInt(text, 10, 64)
	}
	return strconv.Unquote(text)
}

// query collects the conditions and parameters of one statement.
type query struct {
	conditions []string
	args       []any
}

// arg adds a parameter and returns its place.
func (q *query) arg(value any) string {
	q.args = append(q.args, value)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *query) and(condition string) { q.conditions = append(q.conditions, condition) }

func (q *query) where() string {
	if len(q.conditions) == 0 {
		return "TRUE"
	}
	return strings.Join(q.conditions, " AND ")
}

// equal narrows a column to a value, unless that is nil.
func equal[V any](q *query, column string, value *V) {
	if value != nil {
		q.and(column + " = " + q.arg(*value))
	}
}

// is demands that a condition holds, or that it does not, unless wanted is nil.
func (q *query) is(condition string, wanted *bool) {
	switch {
	case wanted == nil:
	case *wanted:
		q.and(condition)
	default:
		q.and("NOT (" + condition + ")")
	}
}

// contains narrows a text to those with a part, letter by letter, unless that is nil.
func (q *query) contains(column string, part *string) {
	if part != nil {
		escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(*part)
		q.and(column + " LIKE " + q.arg("%"+escaped+"%") + ` ESCAPE '\'`)
	}
}

// startsWith narrows a text by its begin, in a way that an index can use.
func (q *query) startsWith(column string, prefix *string) {
	if prefix != nil && *prefix != "" {
		q.and(column + " >= " + q.arg(*prefix))
		q.and(column + " < " + q.arg(*prefix+"\U0010FFFF"))
	}
}

func (q *query) during(column string, f *storage.TimeRange) {
	if f == nil {
		return
	}
	if f.From != nil {
		q.and(column + " >= " + q.arg(ceilMicros(*f.From)))
	}
	if f.To != nil {
		q.and(column + " < " + q.arg(ceilMicros(*f.To)))
	}
}

// ceilMicros rounds up, so that what is stored to the microsecond compares as the
// finer time would.
func ceilMicros(t time.Time) int64 {
	return t.Add(time.Microsecond - time.Nanosecond).UnixMicro()
}

// among narrows a column to the values. They are parameters of their own, which
// every engine takes, while a list in one parameter is written differently in each;
// the last is repeated up to a power of two, so that few texts have to be prepared.
func (q *query) among(column string, values []string) {
	size := 1
	for size < len(values) {
		size *= 2
	}
	places := make([]string, size)
	for i := range places {
		places[i] = q.arg(values[min(i, len(values)-1)])
	}
	q.and(column + " IN (" + strings.Join(places, ", ") + ")")
}
