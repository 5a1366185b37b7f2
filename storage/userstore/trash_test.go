package userstore_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/userstore"
)

// nothingToDelete are the tables whose rows no deletion takes, and why.
var nothingToDelete = map[string]string{
	"store_info": "the store itself",
	"components": "what runs used, whoever used it; they are shared and stay",
	"imports":    "the history of the store: rows do not tell which import brought them",
	"trash":      "the trash", "trash_links": "the trash", "trash_files": "the trash",
}

// A table that is in neither list would keep rows of what was deleted.
func TestEveryTableIsInTheTrashOrHasNothingToDelete(t *testing.T) {
	_, engine := openStore(t)
	known := userstore.TrashTables()
	for _, table := range ownedTables(t, engine) {
		if (nothingToDelete[table] == "") != slices.Contains(known, table) {
			t.Errorf("%s is in both lists or in none: add a line to trashTables, or to nothingToDelete with the reason", table)
		}
	}
	for _, table := range known {
		if !slices.Contains(ownedTables(t, engine), table) {
			t.Errorf("there is no table %s with an owner", table)
		}
	}
}

func TestNoTableIsListedTwice(t *testing.T) {
	store, _ := openStore(t)
	use, err := store.StorageUse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var counted []string
	for _, table := range use.Tables {
		counted = append(counted, table.Name)
	}
	for _, names := range [][]string{counted, userstore.TrashTables()} {
		slices.Sort(names)
		if once := slices.Compact(slices.Clone(names)); len(once) < len(names) {
			t.Errorf("twice in %v", names)
		}
	}
}

func ownedTables(t testing.TB, engine userstore.Engine) []string {
	t.Helper()
	rows, err := engine.Read().QueryContext(t.Context(), `
SELECT table_name
FROM information_schema.columns
WHERE column_name = 'owner_id' AND table_catalog = current_database()
ORDER BY table_name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	if rows.Err() != nil || len(tables) < 20 {
		t.Fatalf("tables %v, %v", tables, rows.Err())
	}
	return tables
}

// checksums are of all rows of every table but store_info, whose revision rises.
func checksums(t testing.TB, engine userstore.Engine, tables []string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, table := range tables {
		if table == "store_info" {
			continue
		}
		var rows int
		var sum string
		err := engine.Read().QueryRowContext(t.Context(), `
SELECT count(*), COALESCE(md5(string_agg(r, '|' ORDER BY r)), '')
FROM (SELECT CAST(t AS TEXT) AS r FROM `+table+` t) AS texts`).Scan(&rows, &sum)
		if err != nil {
			t.Fatal(err)
		}
		sums[table] = fmt.Sprint(rows, " ", sum)
	}
	return sums
}

// Whatever is deleted, together or apart, comes back bit for bit, in whatever order.
func TestWhateverIsDeletedComesBackAsItWas(t *testing.T) {
	store, engine := openStore(t)
	tables := ownedTables(t, engine)
	// Half a second each; -rapid.checks asks for more.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("20"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		for _, table := range tables {
			if table != "store_info" {
				fill(t, engine, "DELETE FROM "+table)
			}
		}
		c := drawContent(r)
		c.insert(t, engine)
		before := checksums(t, engine, tables)
		var entries []string
		for i := range rapid.IntRange(1, 6).Draw(r, "deletions") {
			d := c.drawDeletion(r)
			d.Key = fmt.Sprintf("entry-%d", i)
			// What was named is gone by now, or is in the way of what stays.
			switch done, err := store.MoveToTrash(t.Context(), d); storage.CodeOf(err) {
			case "":
				if len(done.Tables) > 0 {
					entries = append(entries, d.Key)
				}
			case storage.CodeNotFound, storage.CodeConflict:
			default:
				r.Fatal(err)
			}
			if problems, err := store.Check(t.Context()); err != nil || len(problems) > 0 {
				r.Fatalf("after deleting %+v: %v, %v", d, problems, err)
			}
		}
		left := rapid.Permutation(entries).Draw(r, "order")
		for waited := 0; len(left) > 0; {
			key := left[0]
			left = left[1:]
			switch _, err := store.RestoreFromTrash(t.Context(), key); {
			case storage.CodeOf(err) == storage.CodeConflict && waited < len(left):
				// It is made of something in another entry.
				left, waited = append(left, key), waited+1
				continue
			case err != nil:
				r.Fatal(err)
			}
			waited = 0
			if problems, err := store.Check(t.Context()); err != nil || len(problems) > 0 {
				r.Fatalf("after restoring %s: %v, %v", key, problems, err)
			}
		}
		for table, sum := range checksums(t, engine, tables) {
			if sum != before[table] {
				r.Errorf("%s is %s, was %s", table, sum, before[table])
			}
		}
	})
}

// content is rows by table, in the order of the columns.
type content struct {
	rows     map[string][][]any
	attacks  int
	threads  int
	keyed    map[string][]string
	numbered map[string][]int64
}

func drawContent(r *rapid.T) *content {
	c := &content{rows: map[string][][]any{}, keyed: map[string][]string{}, numbered: map[string][]int64{}}
	text := rapid.StringMatching(`[ -~äöü€𝄞\n]{0,20}`)
	when := rapid.Custom(func(r *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(-1e15, 4e15).Draw(r, "microseconds")).UTC()
	})
	float := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1), 0.1 + 0.2, 5e-324}))
	lists := rapid.SliceOfN(text, 0, 3)
	add := func(table string, values ...any) {
		c.rows[table] = append(c.rows[table], append([]any{"o1"}, values...))
	}
	maybe := func(value any) any {
		if rapid.Bool().Draw(r, "set") {
			return value
		}
		return nil
	}
	pick := func(table string, n int) any {
		if n == 0 || rapid.Bool().Draw(r, "none of "+table) {
			return nil
		}
		return int64(rapid.IntRange(1, n).Draw(r, table))
	}
	key := func(table string) any {
		if keys := c.keyed[table]; len(keys) > 0 {
			return maybe(rapid.SampledFrom(keys).Draw(r, table))
		}
		return nil
	}
	names := func(table string, most int) {
		for i := range rapid.IntRange(0, most).Draw(r, table) {
			c.keyed[table] = append(c.keyed[table], fmt.Sprintf("%s-%d-key", table, i))
		}
	}
	for _, table := range []string{"execution_plans", "datasets", "generators", "converters", "scorers", "findings", "orchestrators"} {
		names(table, 2)
	}
	for i, id := range c.keyed["execution_plans"] {
		add("execution_plans", id, "IMPORTED", "GARAK", fmt.Sprintf("run%d", i), text.Draw(r, "t"), nil, "SUCCEEDED", false, nil, nil, maybe(when.Draw(r, "w")), nil, nil, key("orchestrators"))
		add("source_ranks", "execution_plans", "GARAK", fmt.Sprintf("run%d", i), int64(i))
		add("attributes_raw", "GARAK", "garak.digest", fmt.Sprintf("run%d/1", i), text.Draw(r, "t"))
	}
	prompts := 0
	hash := func() string { return rapid.SampledFrom(c.keyed["files"]).Draw(r, "hash") }
	for i := range 3 {
		id := fmt.Sprint("file", i)
		c.keyed["files"] = append(c.keyed["files"], id)
		add("files", id, "n", "image/png", int64(3), when.Draw(r, "w"))
		if rapid.Bool().Draw(r, "described") {
			add("file_details", id, text.Draw(r, "t"), nil, "alice", when.Draw(r, "w"))
			add("file_tags", id, "tag")
		}
	}
	for _, id := range c.keyed["datasets"] {
		versions := int64(rapid.IntRange(1, 3).Draw(r, "versions"))
		add("datasets", id, "NATIVE", id, id, "x", "y", "{}", lists.Draw(r, "l"), "ready", versions, when.Draw(r, "w"), when.Draw(r, "w"), nil)
		var known []int64
		for version := int64(1); version <= versions; version++ {
			for range rapid.IntRange(0, 2).Draw(r, "new prompts") {
				prompts++
				known = append(known, int64(prompts))
				add("dataset_prompts", int64(prompts), id, version, "NATIVE", fmt.Sprint("p", prompts), int64(0), "prompt", nil, nil, text.Draw(r, "t"), "text", lists.Draw(r, "l"), nil, nil, "h", nil, nil, when.Draw(r, "w"), nil)
			}
			members := slices.DeleteFunc(slices.Clone(known), func(int64) bool { return rapid.Bool().Draw(r, "not in it") })
			for place, number := range members {
				add("dataset_members", id, version, int64(place), number, number)
			}
			add("dataset_versions", id, version, int64(len(members)), []string{}, "{}", nil, when.Draw(r, "w"), nil, nil)
			c.keyed["dataset_versions"] = append(c.keyed["dataset_versions"], fmt.Sprint(id, "-", version))
			add("dataset_splits", id, version, "split", int64(0), int64(len(members)), "{}", "alice", when.Draw(r, "w"))
			if rapid.Bool().Draw(r, "from a file") {
				add("dataset_files", id, version, hash())
			}
		}
	}
	keep := func(table string, values ...any) {
		key := fmt.Sprint(table, "-key")
		c.keyed[table] = append(c.keyed[table], key)
		add(table, append([]any{key}, values...)...)
	}
	made := []any{"name", nil, lists.Draw(r, "l"), "alice", int64(1), when.Draw(r, "w"), when.Draw(r, "w")}
	keep("saved_queries", append(slices.Clone(made), "{a}", "{}", true)...)
	keep("parameter_files", append(slices.Clone(made), "JSON", "{}", "{}")...)
	keep("templates", append(slices.Clone(made), text.Draw(r, "t"), "[]", nil, lists.Draw(r, "l"), nil)...)
	keep("prices", "gpt*", "EUR", float.Draw(r, "price"), 0.1, when.Draw(r, "w"))
	keep("taxonomies", "house", "1", nil, nil, when.Draw(r, "w"), when.Draw(r, "w"))
	add("taxonomy_entries", "house:a", c.keyed["taxonomies"][0], "A", nil)
	c.keyed["user_sessions"] = []string{"screen"}
	add("user_sessions", "NATIVE", "screen", "ui", "{}", when.Draw(r, "w"), when.Draw(r, "w"), maybe(when.Draw(r, "w")), nil, "alice", int64(1))
	for _, table := range []string{"generators", "converters", "scorers"} {
		for _, id := range c.keyed[table] {
			parameters := "{}"
			if part := key("generators"); part != nil && table != "generators" {
				parameters = `{"target": "` + part.(string) + `"}`
			}
			add(table, id, "NATIVE", id, id, "ECHO", parameters, maybe("sealed"), nil, maybe(when.Draw(r, "w")), "ready", nil, when.Draw(r, "w"), when.Draw(r, "w"), nil)
		}
	}
	for i, id := range c.keyed["orchestrators"] {
		uses := []string{}
		for _, table := range []string{"generators", "scorers", "datasets"} {
			if used := key(table); used != nil {
				uses = append(uses, used.(string))
			}
		}
		add("orchestrators", id, fmt.Sprint("o", i), "PROMPT_SENDING", nil, nil, nil, lists.Draw(r, "l"), "[]", lists.Draw(r, "l"), nil, "{}", "{}", lists.Draw(r, "l"),
			nil, nil, maybe(float.Draw(r, "money")), nil, int64(1), nil, nil, uses, "alice", when.Draw(r, "w"), when.Draw(r, "w"))
	}
	add("components", "hash", "TARGET", "n", "c", nil, nil, nil, "{}", "{}", key("generators"), key("converters"), key("scorers"))
	c.attacks = rapid.IntRange(0, 5).Draw(r, "attacks")
	c.threads = c.attacks + rapid.IntRange(0, 4).Draw(r, "more conversations")
	scores, messages := 0, [][2]int64{}
	for n := 1; n <= c.threads; n++ {
		attack := any(int64(n))
		if n > c.attacks {
			attack = pick("attacks", c.attacks)
		}
		branched := pick("conversations", n-1)
		var sequence any
		if branched != nil {
			sequence = int64(0)
		}
		count := rapid.IntRange(0, 3).Draw(r, "messages")
		add("conversations", int64(n), "PYRIT", fmt.Sprint("c", n), attack, "TARGET", nil, nil, branched, sequence, int64(count), maybe(when.Draw(r, "w")), nil, nil)
		c.numbered["conversations"] = append(c.numbered["conversations"], int64(n))
		for j := range int64(count) {
			var original [3]any
			if len(messages) > 0 && rapid.IntRange(0, 3).Draw(r, "repeats") == 0 {
				of := rapid.SampledFrom(messages).Draw(r, "original")
				original = [3]any{of[0], of[1], int64(0)}
			}
			messages = append(messages, [2]int64{int64(n), j})
			add("prompt_request_responses", int64(n), j, int64(0), "PYRIT", fmt.Sprint("m", n, j), original[0], original[1], original[2], "user", text.Draw(r, "t"), maybe(text.Draw(r, "t")),
				"text", "text", lists.Draw(r, "l"), "none", nil, maybe(rapid.Int64().Draw(r, "latency")), nil, nil, "h", nil, nil, when.Draw(r, "w"), maybe(text.Draw(r, "t")))
			vector := rapid.SliceOfN(rapid.Float32(), 1, 3).Draw(r, "vector")
			add("embeddings", int64(n), j, int64(0), "PYRIT", fmt.Sprint("m", n, j), "ada", int64(len(vector)), vector)
			for range rapid.IntRange(0, 2).Draw(r, "scores") {
				scores++
				add("scores", int64(scores), int64(n), j, int64(0), "PYRIT", fmt.Sprint("s", scores), nil, "hash", "FLOAT_SCALE", nil, float.Draw(r, "scale"), nil, "COMPLETE", lists.Draw(r, "l"), nil, nil, nil, false, nil, when.Draw(r, "w"), nil)
				add("source_ranks", "scores", "PYRIT", fmt.Sprint("s", scores), int64(2))
			}
			if rapid.IntRange(0, 2).Draw(r, "file") == 0 {
				add("message_files", int64(n), j, int64(0), "ORIGINAL", hash())
			}
		}
		add("memory_labels", nil, int64(n), "op", text.Draw(r, "t"))
	}
	for n := 1; n <= c.attacks; n++ {
		add("attacks", int64(n), "PYRIT", fmt.Sprint("a", n), key("execution_plans"), "c", nil, maybe(text.Draw(r, "t")), nil, nil, pick("prompts", prompts), lists.Draw(r, "l"), lists.Draw(r, "l"),
			nil, nil, "hash", nil, "", lists.Draw(r, "l"), int64(n), "SUCCESS", nil, "STATED", pick("scores", scores), nil, nil, nil, nil, nil, when.Draw(r, "w"), nil, nil)
		add("source_ranks", "attacks", "PYRIT", fmt.Sprint("a", n), int64(1))
		add("memory_labels", int64(n), nil, "op", text.Draw(r, "t"))
		c.numbered["attacks"] = append(c.numbered["attacks"], int64(n))
	}
	annotate := func(on ...any) {
		id := fmt.Sprint("note", len(c.keyed["annotations"]))
		c.keyed["annotations"] = append(c.keyed["annotations"], id)
		add("annotations", append(append([]any{id, "batch"}, on...), nil, text.Draw(r, "t"), nil, "alice", when.Draw(r, "w"), nil, nil, nil, nil, nil, nil)...)
	}
	for range rapid.IntRange(0, 3).Draw(r, "annotations") {
		if n := pick("attacks", c.attacks); n != nil {
			annotate(n, nil, nil, nil)
		}
		if n := pick("conversations", c.threads); n != nil {
			annotate(nil, n, nil, nil)
		}
	}
	for _, id := range c.keyed["findings"] {
		add("findings", id, "t", nil, "LOW", "NEW", nil, nil, "alice", when.Draw(r, "w"), when.Draw(r, "w"))
		if n := pick("attacks", c.attacks); n != nil {
			add("finding_attacks", id, n)
		}
		if len(messages) > 0 && rapid.Bool().Draw(r, "evidence") {
			of := rapid.SampledFrom(messages).Draw(r, "evidence")
			add("finding_messages", id, of[0], of[1], int64(0))
		}
	}
	return c
}

func (c *content) insert(t testing.TB, engine userstore.Engine) {
	t.Helper()
	err := engine.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for table, rows := range c.rows {
			for _, row := range rows {
				places := make([]string, len(row))
				for i := range row {
					places[i] = fmt.Sprint("$", i+1)
				}
				// What later migrations added is left empty.
				var columns string
				if err := tx.QueryRowContext(ctx, `
SELECT string_agg(column_name, ', ' ORDER BY ordinal_position)
FROM information_schema.columns
WHERE table_name = $1 AND table_catalog = current_database() AND ordinal_position <= $2`, table, len(row)).Scan(&columns); err != nil {
					return err
				}
				if _, err := tx.ExecContext(ctx, "INSERT INTO "+table+" ("+columns+") VALUES ("+strings.Join(places, ", ")+")", row...); err != nil {
					return fmt.Errorf("%s: %w", table, err)
				}
			}
		}
		// Numbers behind those that were given.
		_, err := tx.ExecContext(ctx, "UPDATE store_info SET next_attack_no = 1000, next_conversation_no = 1000, next_score_no = 1000, next_prompt_no = 1000")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *content) drawDeletion(r *rapid.T) *storage.Deletion {
	d := &storage.Deletion{
		Numbered: map[string][]int64{}, Keyed: map[string][]string{}, Chosen: "{}", By: "alice", At: time.Now(), Until: time.Now(),
		Cascade: rapid.IntRange(0, 3).Draw(r, "cascade") > 0, WithAttacks: rapid.Bool().Draw(r, "with attacks"),
	}
	nouns := slices.Sorted(maps.Keys(c.keyed))
	nouns = append(nouns, slices.Sorted(maps.Keys(c.numbered))...)
	if len(nouns) == 0 {
		return d
	}
	for range rapid.IntRange(1, 2).Draw(r, "nouns") {
		noun := rapid.SampledFrom(nouns).Draw(r, "noun")
		if numbers := c.numbered[noun]; len(numbers) > 0 {
			d.Numbered[noun] = rapid.SliceOfN(rapid.SampledFrom(numbers), 1, 3).Draw(r, "numbers")
		} else {
			d.Keyed[noun] = rapid.SliceOfN(rapid.SampledFrom(c.keyed[noun]), 1, 2).Draw(r, "keys")
		}
	}
	return d
}

// What a migration adds comes back too.
func TestAColumnThatCameMeanwhileIsNoObstacle(t *testing.T) {
	store, engine := openStore(t)
	fill(t, engine, smallRows...)
	d := &storage.Deletion{Key: "e", Numbered: map[string][]int64{"attacks": {5}}, Chosen: "{}", By: "alice", At: time.Now(), Until: time.Now()}
	if _, err := store.MoveToTrash(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	fill(t, engine, "ALTER TABLE attacks ADD COLUMN more TEXT DEFAULT 'more'")
	if _, err := store.RestoreFromTrash(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	var more string
	if err := engine.Read().QueryRowContext(t.Context(), "SELECT more FROM attacks WHERE owner_id = 'o1' AND attack_no = 5").Scan(&more); err != nil || more != "more" {
		t.Errorf("%q, %v", more, err)
	}
}

// An old reader must not be in the way of rows with a primary key that go and come.
func TestReadersSeeWhatTheyBeganWith(t *testing.T) {
	store, engine := openStore(t)
	fill(t, engine, smallRows...)
	old, err := store.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	for i := range 3 {
		d := &storage.Deletion{
			Key: fmt.Sprint("e", i), Keyed: map[string][]string{"generators": {"g1"}, "datasets": {"d1"}}, Cascade: true,
			Chosen: "{}", By: "alice", At: time.Now(), Until: time.Now(),
		}
		if _, err := store.MoveToTrash(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if seen, err := old.GeneratorsByKey(t.Context(), []string{"g1"}); err != nil || seen["g1"] == nil {
			t.Fatalf("%v, %v", seen, err)
		}
		if _, err := store.RestoreFromTrash(t.Context(), d.Key); err != nil {
			t.Fatal(err)
		}
	}
}
