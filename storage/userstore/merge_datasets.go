package userstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// An import gives a new dataset its first version, and renews it when the file comes
// again with other prompts. As soon as a run took a version, or a person made one, no
// version changes any more: what the file changed then becomes new editions of its
// prompts, and with what is new a next version.

// editedDatasets are the datasets whose versions stay as they are, with their newest.
const editedDatasets = `
	INSERT INTO merge_edited
	SELECT dataset_id, max(version)
	FROM dataset_versions
	WHERE owner_id = $1
	GROUP BY dataset_id
	HAVING count(used_at) > 0 OR count(author) > 0 OR max(version) > 1`

// promptKeys gives staged prompts the numbers of the newest edition that the file's
// source has made of them, or new ones where that may not change and differs.
const promptKeys = `
	INSERT INTO merge_prompts
	SELECT s.source, s.source_id,
		COALESCE(t.prompt_no, CAST($2 AS BIGINT) - 1 + row_number() OVER (PARTITION BY t.prompt_no IS NULL ORDER BY s.dataset_source_id, s.position, s.ord)),
		s.ord, t.prompt_no IS NOT NULL
	FROM stage_prompts AS s
	LEFT JOIN (
		SELECT p.source, p.source_id, p.prompt_no, p.sha256, p.seed_type, p.role, p.name, p.data_type, p.harm_categories,
			p.parameters, p.metadata, p.group_id, p.sequence, e.dataset_id IS NOT NULL AS kept,
			row_number() OVER (PARTITION BY p.source, p.source_id ORDER BY p.prompt_no DESC) AS edition
		FROM dataset_prompts AS p
		LEFT JOIN merge_edited AS e ON e.dataset_id = p.dataset_id
		WHERE p.owner_id = $1 AND (p.source, p.source_id) IN (SELECT source, source_id FROM stage_prompts)
	) AS t ON t.source = s.source AND t.source_id = s.source_id AND t.edition = 1
		AND NOT (t.kept AND (t.sha256 <> s.sha256 OR t.seed_type <> s.seed_type OR t.role IS DISTINCT FROM s.role
			OR t.name IS DISTINCT FROM s.name OR t.data_type <> s.data_type OR t.harm_categories <> s.harm_categories
			OR t.parameters IS DISTINCT FROM s.parameters OR t.metadata IS DISTINCT FROM s.metadata
			OR t.group_id IS DISTINCT FROM s.group_id OR t.sequence IS DISTINCT FROM s.sequence))`

// versionStatements make the versions of the datasets that the file has changed, $1 being
// the owner and $2 whether any prompt is new or another. A version that may change is written anew: base is null.
var versionStatements = []string{
	`INSERT INTO merge_versions
	SELECT d.id, 1, NULL
	FROM merge_datasets AS d
	WHERE CAST($1 AS TEXT) IS NOT NULL AND d.id NOT IN (SELECT dataset_id FROM merge_edited) AND (NOT d.known OR CAST($2 AS BOOLEAN))`,
	`INSERT INTO merge_versions
	SELECT e.dataset_id, e.version + 1, e.version
	FROM merge_edited AS e
	WHERE e.dataset_id IN (
		SELECT p.dataset_id
		FROM dataset_prompts AS p
		WHERE p.owner_id = $1 AND p.prompt_no IN (SELECT no FROM merge_prompts WHERE NOT known))`,
	`DELETE FROM dataset_members
	WHERE owner_id = $1 AND dataset_id IN (SELECT dataset_id FROM merge_versions WHERE base IS NULL)`,
	`INSERT INTO dataset_members (owner_id, dataset_id, version, position, prompt_no, origin_no)
	SELECT p.owner_id, p.dataset_id, v.version,
		row_number() OVER (PARTITION BY p.dataset_id ORDER BY p.position, p.prompt_no) - 1, p.prompt_no, p.prompt_no
	FROM dataset_prompts AS p
	JOIN merge_versions AS v ON v.dataset_id = p.dataset_id AND v.base IS NULL
	WHERE p.owner_id = $1
	ORDER BY 2, 4`,
	// A new edition takes the place of the one before if that is still there: a person may
	// have removed or rewritten it. What is wholly new goes behind the others.
	`INSERT INTO dataset_members (owner_id, dataset_id, version, position, prompt_no, origin_no)
	SELECT CAST($1 AS TEXT), n.dataset_id, n.version,
		row_number() OVER (PARTITION BY n.dataset_id ORDER BY n.fresh, n.place, n.prompt_no) - 1, n.prompt_no, n.origin_no
	FROM (
		SELECT m.dataset_id, v.version, m.position AS place, COALESCE(e.prompt_no, m.prompt_no) AS prompt_no, m.origin_no, FALSE AS fresh
		FROM dataset_members AS m
		JOIN merge_versions AS v ON v.dataset_id = m.dataset_id AND v.base = m.version
		LEFT JOIN (` + editionsOfPrompts + `) AS e ON e.before_no = m.prompt_no
		WHERE m.owner_id = $1
		UNION ALL
		SELECT e.dataset_id, v.version, e.position, e.prompt_no, e.prompt_no, TRUE
		FROM (` + editionsOfPrompts + `) AS e
		JOIN merge_versions AS v ON v.dataset_id = e.dataset_id AND v.base IS NOT NULL
		WHERE e.before_no IS NULL
	) AS n
	ORDER BY 2, 4`,
	`INSERT INTO dataset_versions (owner_id, dataset_id, version, prompts, harm_categories, made_by, author, created_at)
	SELECT d.owner_id, d.id, v.version, COALESCE(n.prompts, 0), COALESCE(h.categories, CAST(ARRAY[] AS TEXT[])),
		'{"operation":"IMPORT"}', NULL, CASE WHEN v.base IS NULL THEN d.created_at ELSE CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP) END
	FROM merge_versions AS v
	JOIN datasets AS d ON d.owner_id = $1 AND d.id = v.dataset_id
	LEFT JOIN (
		SELECT m.dataset_id, m.version, count(*) AS prompts
		FROM dataset_members AS m
		WHERE m.owner_id = $1
		GROUP BY m.dataset_id, m.version
	) AS n ON n.dataset_id = v.dataset_id AND n.version = v.version
	LEFT JOIN (
		SELECT c.dataset_id, c.version, array_agg(DISTINCT c.category ORDER BY c.category) AS categories
		FROM (
			SELECT m.dataset_id, m.version, unnest(p.harm_categories) AS category
			FROM dataset_members AS m
			JOIN dataset_prompts AS p ON p.owner_id = m.owner_id AND p.prompt_no = m.prompt_no
			WHERE m.owner_id = $1 AND (m.dataset_id, m.version) IN (SELECT dataset_id, version FROM merge_versions)
		) AS c
		GROUP BY c.dataset_id, c.version
	) AS h ON h.dataset_id = v.dataset_id AND h.version = v.version
	ON CONFLICT (owner_id, dataset_id, version) DO UPDATE
	SET prompts = excluded.prompts, harm_categories = excluded.harm_categories`,
	`UPDATE datasets
	SET version = v.version
	FROM merge_versions AS v
	WHERE datasets.owner_id = $1 AND v.dataset_id = datasets.id AND v.base IS NOT NULL`,
}

// editionsOfPrompts are the prompts that the merge added, each with the edition before it
// that the source had made.
const editionsOfPrompts = `
			SELECT p.dataset_id, p.position, p.prompt_no, max(o.prompt_no) AS before_no
			FROM dataset_prompts AS p
			LEFT JOIN dataset_prompts AS o ON o.owner_id = p.owner_id AND o.source = p.source AND o.source_id = p.source_id
				AND o.prompt_no < p.prompt_no
			WHERE p.owner_id = $1 AND p.prompt_no IN (SELECT no FROM merge_prompts WHERE NOT known)
			GROUP BY p.dataset_id, p.position, p.prompt_no`

// mergeVersions gives the datasets of the file their versions.
func (st *stage) mergeVersions(ctx context.Context, tx *sql.Tx, prompts *storage.ImportCount) error {
	var datasets bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM merge_datasets)").Scan(&datasets); err != nil || !datasets {
		return err
	}
	for _, statement := range versionStatements {
		args := []any{st.store.owner}
		if strings.Contains(statement, "$2") {
			args = append(args, prompts.Inserted+prompts.Updated > 0)
		}
		if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}
