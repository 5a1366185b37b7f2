package userstore

import (
	"slices"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/taxonomy"
)

// inAnySpelling narrows tags to those that mean the same as the ones that are named.
func inAnySpelling(f *storage.TextIn) *storage.TextIn {
	if f == nil {
		return nil
	}
	spell := func(tags []string) []string {
		if tags == nil {
			return nil
		}
		all := []string{}
		for _, tag := range tags {
			all = append(all, taxonomy.Spellings(tag)...)
		}
		return all
	}
	return &storage.TextIn{In: spell(f.In), NotIn: spell(f.NotIn), IsNull: f.IsNull}
}

// taxonomies narrows attacks by the taxonomies of their tags.
func (q *query) taxonomies(f *storage.TextIn) []string {
	return q.via("a.attack_no", f, func(values []string) string {
		var tags []string
		for _, of := range taxonomy.All() {
			if values == nil || slices.Contains(values, of.Key) || slices.Contains(values, of.Name) {
				tags = append(tags, tagsOf(of)...)
			}
		}
		return `SELECT u.attack_no FROM (SELECT t.attack_no, unnest(t.tags) AS tag FROM attacks t WHERE t.owner_id = $1) u
			WHERE u.tag IN (SELECT unnest(` + q.texts(append([]string{}, tags...)) + `))
				OR u.tag IN (SELECT e.code FROM taxonomy_entries e JOIN taxonomies o ON o.owner_id = e.owner_id AND o.id = e.taxonomy_id
					WHERE e.owner_id = $1 AND ` + q.namedOr(storage.KindTaxonomy, values, "o.id", "o.name") + ")"
	})
}

// tagsOf are all spellings of the entries of a taxonomy.
func tagsOf(of *storage.Taxonomy) []string {
	var tags []string
	for _, entry := range of.Entries {
		tags = append(tags, entry.Spellings()...)
	}
	return tags
}

// annotation is the condition on annotations n.
func (q *query) annotation(f *storage.AnnotationFilter) string {
	own := []string{"n.owner_id = $1", "n.retracted_at IS NULL"}
	if f.Retracted != nil && *f.Retracted {
		own[1] = "n.retracted_at IS NOT NULL"
	}
	if f.Verdict != nil {
		own = append(own, q.among("n.verdict", plain(f.Verdict.In), plain(f.Verdict.NotIn))...)
	}
	own = append(own, q.in("n.author", f.Author)...)
	return all(append(own, q.during("n.created_at", f.CreatedAt)...))
}

// withAnnotation selects the attacks with such an annotation n on anything of theirs.
func withAnnotation(condition string) string {
	return `SELECT n.attack_no FROM annotations n
		WHERE n.attack_no IS NOT NULL AND ` + condition + `
		UNION
		SELECT c.attack_no FROM annotations n
		JOIN conversations c ON c.owner_id = n.owner_id AND c.conversation_no = n.conversation_no
		WHERE c.attack_no IS NOT NULL AND ` + condition
}

// finding selects, of a table e of evidence, the columns of what findings name.
func (q *query) finding(table, columns string, values []string) string {
	return "SELECT " + columns + " FROM " + table + ` e JOIN findings f ON f.owner_id = e.owner_id AND f.id = e.finding_id
		WHERE e.owner_id = $1 AND ` + q.namedOr(storage.KindFinding, values, "f.id", "f.title")
}
