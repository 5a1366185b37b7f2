package userstore

import "github.com/violentutf/violentutf/storage"

// datasetFilter makes the condition of a filter on datasets d.
func datasetFilter(q *query, f *storage.DatasetFilter, depth int) string {
	if f == nil {
		return "TRUE"
	}
	own := append(q.match("name", "d.name", f.Name), q.in("d.source_type", f.SourceType)...)
	own = append(own, q.in("d.format", f.Format)...)
	own = append(own, q.inList("d.tags", f.Tag)...)
	own = append(own, q.in("d.author", f.Author)...)
	own = append(own, q.via("d.id", f.HarmCategory, func(values []string) string {
		if values == nil {
			return "SELECT h.dataset_id FROM (" + newestHarms + ") h"
		}
		return "SELECT h.dataset_id FROM (" + newestHarms + ") h WHERE h.category = ANY(" + q.texts(values) + ")"
	})...)
	own = append(own, q.during("d.created_at", f.CreatedAt)...)
	own = append(own, q.during("d.updated_at", f.UpdatedAt)...)
	if f.PromptCount != nil {
		own = append(own, `d.id IN (SELECT v.dataset_id FROM dataset_versions v
			JOIN datasets n ON n.owner_id = v.owner_id AND n.id = v.dataset_id AND n.version = v.version
			WHERE v.owner_id = $1 AND `+all(q.between("v.prompts", f.PromptCount))+")")
	}
	return combine(q, depth, own, f.And, f.Or, f.Not, datasetFilter)
}

// promptFilter makes the condition of a filter on prompts p that members m name. What
// attacks did is found by uncorrelated subqueries, each one hash join.
func promptFilter(q *query, f *storage.PromptFilter, depth int) string {
	if f == nil {
		return "TRUE"
	}
	own := append(q.match("text", "p.text", f.Text), q.in("p.seed_type", f.SeedType)...)
	own = append(own, q.inList("p.harm_categories", f.HarmCategory)...)
	own = append(own, q.in("p.data_type", f.DataType)...)
	own = append(own, q.in("p.group_id", f.GroupID)...)
	own = append(own, q.in("p.sha256", f.Hash)...)
	for _, tried := range []struct {
		targets   []string
		condition string
		holds     bool
	}{
		{f.TriedOn, "TRUE", true},
		{f.NotTriedOn, "TRUE", false},
		{f.SucceededOn, "a.outcome = 'SUCCESS'", true},
		{f.NotSucceededOn, "a.outcome = 'SUCCESS'", false},
	} {
		if tried.targets != nil {
			own = append(own, truth(`m.prompt_no IN (SELECT a.prompt_no FROM attacks a
				WHERE a.owner_id = $1 AND a.prompt_no IS NOT NULL AND `+tried.condition+` AND `+
				all(q.target("a.target_hash", &storage.TextIn{In: tried.targets}))+")", tried.holds))
		}
	}
	if f.Split != nil {
		own = append(own, `(m.dataset_id, m.version, m.prompt_no) IN (SELECT s.dataset_id, s.version, s.prompt_no
			FROM dataset_split_members s
			WHERE s.owner_id = $1 AND s.name = CAST(`+q.arg(*f.Split)+` AS TEXT))`)
	}
	return combine(q, depth, own, f.And, f.Or, f.Not, promptFilter)
}
