package userstore

// obstacle is what a deletion finds in its way beside references.
type obstacle struct {
	what string
	// count counts rows of the workspace, $1, that need what has gone to the owner $2.
	count    string
	names    string // the expression of what they are called, instead of count(*); empty for none
	argument string
	remedy   string // empty where cascading is one
}

// evidenceOfFindings is what findings that stay would lose.
const evidenceOfFindings = "pieces of evidence of findings"

var obstacles = []obstacle{
	{what: evidenceOfFindings, argument: "attacks", count: `
SELECT (
  SELECT count(*) FROM finding_attacks t
  JOIN findings f ON f.owner_id = $1 AND f.id = t.finding_id
  WHERE t.owner_id = $2
) + (
  SELECT count(*) FROM finding_messages t
  JOIN findings f ON f.owner_id = $1 AND f.id = t.finding_id
  WHERE t.owner_id = $2
)`},
	{what: "verdicts that decide the outcome of attacks", argument: "annotations", remedy: "retract them first", count: `
SELECT count(*)
FROM annotations t
JOIN attacks a ON a.owner_id = $1 AND a.attack_no = t.attack_no
WHERE t.owner_id = $2 AND t.verdict IS NOT NULL AND t.retracted_at IS NULL`},
	usedVersions("datasets", "$2"), usedVersions("datasetVersions", "$1"),
	{what: "newest versions of datasets that stay", argument: "datasetVersions", remedy: "only older ones can be deleted, or the dataset with all of them", count: `
SELECT count(*)
FROM dataset_versions t
JOIN datasets d ON d.owner_id = $1 AND d.id = t.dataset_id AND d.version = t.version
WHERE t.owner_id = $2`},
	{what: "orchestrators that name these versions", names: "t.name", argument: "datasetVersions", remedy: "change or delete them first", count: `
SELECT count(*)
FROM orchestrators t
JOIN dataset_versions v ON v.owner_id = $2 AND v.dataset_id = t.dataset_id AND v.version = t.dataset_version
JOIN datasets d ON d.owner_id = $1 AND d.id = t.dataset_id
WHERE t.owner_id = $1`},
	{what: "messages that show these files", argument: "files", remedy: "delete their attacks first", count: `
SELECT count(*)
FROM message_files t
JOIN files f ON f.owner_id = $2 AND f.sha256 = t.sha256
WHERE t.owner_id = $1`},
	{what: "versions of datasets that were read from these files", argument: "files", remedy: "delete the datasets first", count: `
SELECT count(*)
FROM dataset_files t
JOIN files f ON f.owner_id = $2 AND f.sha256 = t.sha256
WHERE t.owner_id = $1`},
	{what: "runs that have not ended", argument: "executions", remedy: "cancel them first", count: `
SELECT count(*)
FROM execution_plans t
WHERE t.owner_id = $2 AND t.owner_id <> $1 AND t.origin = 'NATIVE' AND t.status IN ('QUEUED', 'RUNNING', 'PAUSED')`},
	{what: "runs of theirs that have not ended", argument: "orchestrators", remedy: "cancel them first", count: `
SELECT count(*)
FROM execution_plans t
JOIN orchestrators o ON o.owner_id = $2 AND o.id = t.orchestrator_id
WHERE t.owner_id = $1 AND t.status IN ('QUEUED', 'RUNNING', 'PAUSED')`},
	partsOf("generators"), partsOf("converters"), partsOf("scorers"),
}

// usedVersions counts versions that go and whose datasets are of an owner.
func usedVersions(argument, owner string) obstacle {
	return obstacle{
		what: "versions that runs or orchestrators took", names: "DISTINCT COALESCE(t.used_by, '')", argument: argument, remedy: "they stay, so that what was made with them can be read",
		count: `
SELECT count(*)
FROM dataset_versions t
JOIN datasets d ON d.owner_id = ` + owner + ` AND d.id = t.dataset_id
WHERE t.owner_id = $2 AND t.owner_id <> $1 AND t.used_at IS NOT NULL`,
	}
}

// partsOf counts the converters and scorers whose parameters name a thing that goes: its
// key is long and random, so that it stands nowhere by chance.
func partsOf(table string) obstacle {
	count := func(whole string) string {
		return `(SELECT count(*) FROM ` + whole + ` w JOIN ` + table + ` t ON strpos(w.parameters, t.id) > 0 WHERE w.owner_id = $1 AND t.owner_id = $2)`
	}
	return obstacle{
		what: "converters and scorers that are made of these " + table, argument: table, remedy: "change or delete them first",
		count: "SELECT " + count("converters") + " + " + count("scorers"),
	}
}
