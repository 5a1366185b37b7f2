package userstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

var savedQueries = &kept[storage.SavedQuery]{
	kind: storage.KeptQueries, id: storage.KindSavedQuery,
	part:    func(q *storage.SavedQuery) *storage.Kept { return &q.Kept },
	columns: []string{"document", "variables", "pinned"}, types: []string{"TEXT", "TEXT", "BOOLEAN"},
	shownBy: map[string]string{"document": "document", "variables": "variables"},
	values:  func(q *storage.SavedQuery) []any { return []any{q.Document, string(q.Variables), q.Pinned} },
	into:    func(q *storage.SavedQuery) []any { return []any{&q.Document, &q.Variables, &q.Pinned} },
}

var parameterFiles = &kept[storage.ParameterFile]{
	kind: storage.KeptParameterFiles, id: storage.KindParameterFile,
	part:    func(f *storage.ParameterFile) *storage.Kept { return &f.Kept },
	columns: []string{"format", "body", "parameters"}, types: []string{"TEXT", "TEXT", "TEXT"},
	shownBy: map[string]string{"body": "text", "parameters": "parameters"},
	values:  func(f *storage.ParameterFile) []any { return []any{string(f.Format), f.Text, string(f.Parameters)} },
	into:    func(f *storage.ParameterFile) []any { return []any{&f.Format, &f.Text, &f.Parameters} },
}

var templates = &kept[storage.Template]{
	kind: storage.KeptTemplates, id: storage.KindTemplate,
	part:    func(t *storage.Template) *storage.Kept { return &t.Kept },
	columns: []string{"body", "parameters", "source", "harm_categories", "native"},
	types:   []string{"TEXT", "TEXT", "TEXT", "TEXT[]", "TEXT"},
	shownBy: map[string]string{"body": "body", "parameters": "parameters"},
	values: func(t *storage.Template) []any {
		parameters, _ := json.Marshal(t.Parameters) // texts are always JSON
		return []any{t.Body, string(parameters), given(t.Source), t.HarmCategories, given(t.Native)}
	},
	into: func(t *storage.Template) []any {
		return []any{&t.Body, (*templateParameters)(&t.Parameters), &t.Source, (*textList)(&t.HarmCategories), &t.Native}
	},
}

// templateParameters reads the JSON that values wrote.
type templateParameters []*storage.TemplateParameter

// Scan takes a text.
func (p *templateParameters) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("the parameters of a template are a %T, not a text", value)
	}
	*p = templateParameters{}
	if err := json.Unmarshal([]byte(text), (*[]*storage.TemplateParameter)(p)); err != nil {
		return fmt.Errorf("read the parameters of a template: %w", err)
	}
	return nil
}

// AddSavedQuery adds a saved query.
func (s *Store) AddSavedQuery(ctx context.Context, q *storage.SavedQuery) error {
	return savedQueries.add(ctx, s, q)
}

// AddParameterFile adds a parameter file.
func (s *Store) AddParameterFile(ctx context.Context, f *storage.ParameterFile) error {
	return parameterFiles.add(ctx, s, f)
}

// AddTemplate adds a template.
func (s *Store) AddTemplate(ctx context.Context, t *storage.Template) error {
	return templates.add(ctx, s, t)
}

// ReplaceSavedQuery changes a saved query.
func (s *Store) ReplaceSavedQuery(ctx context.Context, q *storage.SavedQuery) error {
	return savedQueries.replace(ctx, s, q)
}

// ReplaceParameterFile changes a parameter file.
func (s *Store) ReplaceParameterFile(ctx context.Context, f *storage.ParameterFile) error {
	return parameterFiles.replace(ctx, s, f)
}

// ReplaceTemplate changes a template.
func (s *Store) ReplaceTemplate(ctx context.Context, t *storage.Template) error {
	return templates.replace(ctx, s, t)
}

// SavedQueries lists saved queries.
func (s *Store) SavedQueries(ctx context.Context, filter *storage.SavedQueryFilter, by storage.SavedQueryOrder, page storage.Page) (*storage.Connection[storage.SavedQuery], error) {
	q := s.query()
	sorted := savedQueries.order(storage.KeptOrderField(by.Field), by.Direction)
	if by.Field == storage.SavedQueryOrderPinned {
		sorted = pinnedFirst(by.Direction == storage.Descending)
	}
	return savedQueries.rows(s).page(ctx, s, q, savedQueryFilter(q, filter), sorted, page)
}

// pinnedFirst orders by name, what is pinned before the rest.
func pinnedFirst(desc bool) order[storage.SavedQuery] {
	return order[storage.SavedQuery]{
		name: "pinned", kind: "TEXT", desc: desc, computed: true,
		expr: `(CASE WHEN k.pinned THEN '0' ELSE '1' END || k.name) COLLATE "C"`,
		value: func(q *storage.SavedQuery) any {
			if q.Pinned {
				return "0" + q.Name
			}
			return "1" + q.Name
		},
	}
}

func savedQueryFilter(q *query, f *storage.SavedQueryFilter) string {
	if f == nil {
		return "TRUE"
	}
	own := q.kept(&f.KeptFilter)
	if f.Pinned != nil {
		own = append(own, truth("k.pinned", *f.Pinned))
	}
	return all(own)
}

// ParameterFiles lists parameter files.
func (s *Store) ParameterFiles(ctx context.Context, filter *storage.ParameterFileFilter, by storage.KeptOrder, page storage.Page) (*storage.Connection[storage.ParameterFile], error) {
	q := s.query()
	return parameterFiles.rows(s).page(ctx, s, q, parameterFileFilter(q, filter), parameterFiles.order(by.Field, by.Direction), page)
}

func parameterFileFilter(q *query, f *storage.ParameterFileFilter) string {
	if f == nil {
		return "TRUE"
	}
	own := q.kept(&f.KeptFilter)
	if f.Format != nil {
		own = append(own, q.among("k.format", []string{string(*f.Format)}, nil)...)
	}
	return all(own)
}

// Templates lists templates.
func (s *Store) Templates(ctx context.Context, filter *storage.TemplateFilter, by storage.KeptOrder, page storage.Page) (*storage.Connection[storage.Template], error) {
	q := s.query()
	return templates.rows(s).page(ctx, s, q, templateFilter(q, filter), templates.order(by.Field, by.Direction), page)
}

func templateFilter(q *query, f *storage.TemplateFilter) string {
	if f == nil {
		return "TRUE"
	}
	own := q.kept(&f.KeptFilter)
	own = append(own, q.match("body", "k.body", f.Body)...)
	own = append(own, q.inList("k.harm_categories", f.HarmCategory)...)
	return all(append(own, q.in("k.native", f.Native)...))
}

// SavedQueriesByKey reads saved queries.
func (s *Store) SavedQueriesByKey(ctx context.Context, keys []string) (map[string]*storage.SavedQuery, error) {
	return byKey(ctx, savedQueries.rows(s), s, keys)
}

// ParameterFilesByKey reads parameter files.
func (s *Store) ParameterFilesByKey(ctx context.Context, keys []string) (map[string]*storage.ParameterFile, error) {
	return byKey(ctx, parameterFiles.rows(s), s, keys)
}

// TemplatesByKey reads templates.
func (s *Store) TemplatesByKey(ctx context.Context, keys []string) (map[string]*storage.Template, error) {
	return byKey(ctx, templates.rows(s), s, keys)
}

// SavedQueryTags counts saved queries by their tags.
func (s *Store) SavedQueryTags(ctx context.Context, filter *storage.SavedQueryFilter, limit int) ([]*storage.TagCount, error) {
	q := s.query()
	return savedQueries.tags(ctx, s, q, savedQueryFilter(q, filter), limit)
}

// ParameterFileTags counts parameter files by their tags.
func (s *Store) ParameterFileTags(ctx context.Context, filter *storage.ParameterFileFilter, limit int) ([]*storage.TagCount, error) {
	q := s.query()
	return parameterFiles.tags(ctx, s, q, parameterFileFilter(q, filter), limit)
}

// TemplateTags counts templates by their tags.
func (s *Store) TemplateTags(ctx context.Context, filter *storage.TemplateFilter, limit int) ([]*storage.TagCount, error) {
	q := s.query()
	return templates.tags(ctx, s, q, templateFilter(q, filter), limit)
}
