package userstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// The size of filters. Deeper or longer ones are BAD_USER_INPUT.
const (
	maxFilterDepth      = 10
	maxFilterConditions = 200
	maxPatternLength    = 1000
)

// query collects the parameters of one statement; $1 is the workspace.
type query struct {
	args       []any
	conditions int
	err        error // the first mistake of the caller, BAD_USER_INPUT
	dialect    Dialect
	key        string // the store's, to know its ids
}

func (s *Store) query() *query {
	return &query{args: []any{s.owner}, dialect: s.engine.Dialect(), key: s.key}
}

// arg adds a parameter and returns its place.
func (q *query) arg(value any) string {
	q.args = append(q.args, value)
	return "$" + strconv.Itoa(len(q.args))
}

// list adds a list parameter of BIGINTs or TEXTs.
func (q *query) list(values any, kind string) string {
	return "CAST(" + q.arg(values) + " AS " + kind + "[])"
}

func (q *query) texts(values []string) string { return q.list(values, "TEXT") }

// numberBounds adds the range of a list of numbers, as one more condition: zone
// maps then skip what is outside, which IN alone does not achieve.
func (q *query) numberBounds(column string, values any) string {
	numbers, ok := values.([]int64)
	if !ok || len(numbers) == 0 {
		return ""
	}
	return " AND " + column + " BETWEEN CAST(" + q.arg(slices.Min(numbers)) + " AS BIGINT) AND CAST(" +
		q.arg(slices.Max(numbers)) + " AS BIGINT)"
}

// literalKeys is how many numbers may stand in a statement's text: DuckDB filters a
// scan by such a list in half the time that a join with a parameter's rows takes,
// but it has to parse it.
const literalKeys = 2 * storage.MaxPageSize

// keyed is the condition that a column is one of the keys, int64 or string.
func (q *query) keyed(column string, keys any, kind string) string {
	if numbers, ok := keys.([]int64); ok && len(numbers) > 0 && len(numbers) <= literalKeys {
		texts := make([]string, len(numbers))
		for i, number := range numbers {
			texts[i] = strconv.FormatInt(number, 10)
		}
		return fmt.Sprintf("%[1]s IN (%[2]s) AND %[1]s BETWEEN %[3]d AND %[4]d", column, strings.Join(texts, ", "), slices.Min(numbers), slices.Max(numbers))
	}
	return column + " IN (SELECT unnest(" + q.list(keys, kind) + "))" + q.numberBounds(column, keys)
}

func (q *query) fail(err error) {
	if q.err == nil {
		q.err = err
	}
}

// combine joins a filter's own conditions with its nested filters; where makes the
// condition of a nested one.
func combine[F any](q *query, depth int, own []string, and, or []*F, not *F, where func(*query, *F, int) string) string {
	if depth > maxFilterDepth {
		q.fail(storage.BadInput("filter", "the filter is nested deeper than %d levels: flatten it", maxFilterDepth))
		return "FALSE"
	}
	q.conditions += max(len(own), 1)
	if q.conditions > maxFilterConditions {
		q.fail(storage.BadInput("filter", "the filter has more than %d conditions: use in: [...] for alternatives of one field", maxFilterConditions))
		return "FALSE"
	}
	for _, filter := range and {
		own = append(own, where(q, filter, depth+1))
	}
	if or != nil {
		alternatives := make([]string, len(or))
		for i, filter := range or {
			alternatives[i] = where(q, filter, depth+1)
		}
		own = append(own, oneOf(alternatives))
	}
	if not != nil {
		own = append(own, negate(where(q, not, depth+1)))
	}
	return all(own)
}

func all(conditions []string) string {
	if len(conditions) == 0 {
		return "TRUE"
	}
	return "(" + strings.Join(conditions, " AND ") + ")"
}

func oneOf(conditions []string) string {
	if len(conditions) == 0 {
		return "FALSE"
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// negate also holds where the condition is unknown, for a missing value.
func negate(condition string) string { return "NOT COALESCE(" + condition + ", FALSE)" }

// truth is the condition or its negation.
func truth(condition string, holds bool) string {
	if holds {
		return condition
	}
	return negate(condition)
}

// in narrows a text column.
func (q *query) in(column string, f *storage.TextIn) []string {
	if f == nil {
		return nil
	}
	own := q.among(column, f.In, f.NotIn)
	if f.IsNull != nil {
		own = append(own, truth(column+" IS NULL", *f.IsNull))
	}
	return own
}

// among narrows a column to a set; an empty set that was given holds nothing.
func (q *query) among(column string, in, notIn []string) []string {
	var own []string
	if in != nil {
		own = append(own, column+" = ANY("+q.texts(in)+")")
	}
	if len(notIn) > 0 {
		own = append(own, negate(column+" = ANY("+q.texts(notIn)+")"))
	}
	return own
}

// plain makes texts of an enum's values and keeps the difference of nil and empty.
func plain[E ~string](values []E) []string {
	if values == nil {
		return nil
	}
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}

// inList narrows a TEXT[] column by overlap.
func (q *query) inList(column string, f *storage.TextIn) []string {
	if f == nil {
		return nil
	}
	var own []string
	if f.In != nil {
		own = append(own, column+" && "+q.texts(f.In))
	}
	if len(f.NotIn) > 0 {
		own = append(own, negate(column+" && "+q.texts(f.NotIn)))
	}
	if f.IsNull != nil {
		own = append(own, truth("COALESCE(array_length("+column+", 1), 0) = 0", *f.IsNull))
	}
	return own
}

// via narrows a column by a subquery: set makes the query of the column's values
// that belong to the given ones, nil for any at all. It may give no NULL.
func (q *query) via(column string, f *storage.TextIn, set func(values []string) string) []string {
	if f == nil {
		return nil
	}
	var own []string
	if f.In != nil {
		own = append(own, column+" IN ("+set(f.In)+")")
	}
	if len(f.NotIn) > 0 {
		own = append(own, negate(column+" IN ("+set(f.NotIn)+")"))
	}
	if f.IsNull != nil {
		own = append(own, truth(column+" IN ("+set(nil)+")", !*f.IsNull))
	}
	return own
}

// namedOr matches a thing by name or by GraphQL id of this store; nil matches any.
func (q *query) namedOr(kind storage.Kind, values []string, key string, names ...string) string {
	if values == nil {
		return "TRUE"
	}
	list := q.texts(values)
	own := make([]string, 0, 1+len(names))
	for _, name := range names {
		own = append(own, name+" = ANY("+list+")")
	}
	if keys := q.keys(kind, values); len(keys) > 0 {
		own = append(own, key+" = ANY("+q.texts(keys)+")")
	}
	return oneOf(own)
}

// keys are those of the values that are ids of this kind and store.
func (q *query) keys(kind storage.Kind, values []string) []string {
	var keys []string
	for _, value := range values {
		if id, ok := storage.ParseID(value); ok && id.Kind == kind && id.Store == q.key && isText(id.Key) {
			keys = append(keys, id.Key)
		}
	}
	return keys
}

// isText keeps bytes that no engine takes as text out of parameters.
func isText(key string) bool {
	return strings.ToValidUTF8(key, "") == key && !strings.ContainsRune(key, 0)
}

// match narrows a text column by what it contains.
func (q *query) match(field, column string, f *storage.TextMatch) []string {
	if f == nil {
		return nil
	}
	fold := f.CaseSensitive == nil || !*f.CaseSensitive
	text, part := column, func(value string) string { return "CAST(" + q.arg(value) + " AS TEXT)" }
	if fold {
		text = "lower(" + column + ")"
		part = func(value string) string { return "lower(CAST(" + q.arg(value) + " AS TEXT))" }
	}
	var own []string
	if f.Contains != nil {
		own = append(own, q.dialect.Contains(text, part(*f.Contains)))
	}
	if f.Equals != nil {
		own = append(own, text+" = "+part(*f.Equals))
	}
	if f.StartsWith != nil {
		own = append(own, "starts_with("+text+", "+part(*f.StartsWith)+")")
	}
	if f.Matches != nil {
		if len(*f.Matches) > maxPatternLength {
			q.fail(storage.BadInput("filter."+field, "the pattern of %s is longer than %d bytes", field, maxPatternLength))
			return []string{"FALSE"}
		}
		pattern, err := enginePattern(*f.Matches)
		if err != nil {
			q.fail(storage.BadInput("filter."+field, "the pattern of %s is no regular expression (RE2): %v", field, err))
			return []string{"FALSE"}
		}
		if fold {
			pattern = "(?i)" + pattern
		}
		own = append(own, q.dialect.Regexp(column, "CAST("+q.arg(pattern)+" AS TEXT)"))
	}
	return own
}

// between narrows a whole number.
func (q *query) between(column string, f *storage.LongRange) []string {
	if f == nil {
		return nil
	}
	var own []string
	if f.Min != nil {
		own = append(own, column+" >= CAST("+q.arg(*f.Min)+" AS BIGINT)")
	}
	if f.Max != nil {
		own = append(own, column+" <= CAST("+q.arg(*f.Max)+" AS BIGINT)")
	}
	if f.In != nil {
		own = append(own, column+" = ANY("+q.list(f.In, "BIGINT")+")")
	}
	return own
}

// during narrows a time, which the store keeps in UTC.
func (q *query) during(column string, f *storage.TimeRange) []string {
	if f == nil {
		return nil
	}
	var own []string
	if f.From != nil {
		own = append(own, column+" >= CAST("+q.arg(f.From.UTC())+" AS TIMESTAMP)")
	}
	if f.To != nil {
		own = append(own, column+" < CAST("+q.arg(f.To.UTC())+" AS TIMESTAMP)")
	}
	return own
}
