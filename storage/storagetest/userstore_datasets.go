package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// these gives prompts one after another.
func these(prompts ...*storage.Prompt) storage.NextPrompt {
	return func(context.Context) (*storage.Prompt, error) {
		if len(prompts) == 0 {
			return nil, io.EOF
		}
		p := prompts[0]
		prompts = prompts[1:]
		return p, nil
	}
}

// texts makes new prompts.
func texts(of ...string) []*storage.Prompt {
	prompts := make([]*storage.Prompt, len(of))
	for i, text := range of {
		prompts[i] = &storage.Prompt{Text: text}
	}
	return prompts
}

func numbered(n int) []*storage.Prompt {
	prompts := make([]*storage.Prompt, n)
	for i := range prompts {
		prompts[i] = &storage.Prompt{Text: fmt.Sprint("prompt ", i), HarmCategories: []string{[]string{"hate", "violence", "fraud"}[i*i%7%3]}}
	}
	return prompts
}

func by(author string, operation string) storage.NewVersion {
	return storage.NewVersion{MadeBy: storage.MadeBy{Operation: operation}, Author: author, At: at(20)}
}

// dataset adds a dataset of native prompts.
func dataset(t *testing.T, store storage.UserStore, key string, prompts ...*storage.Prompt) {
	t.Helper()
	count, err := store.AddDataset(t.Context(), &storage.NewDataset{
		Key: key, Name: "name of " + key, SourceType: "manual", Tags: []string{"t1"}, CreatedAt: at(10), NewVersion: by("alice", "CREATE"),
	}, these(prompts...), nil)
	if err != nil || count != int64(len(prompts)) {
		t.Fatal(count, err)
	}
}

// promptsOf are the prompts of a version, read in pages of three.
func promptsOf(t *testing.T, store storage.UserStore, key string, number int64) []*storage.Prompt {
	t.Helper()
	version, page := storage.VersionKey{Dataset: key, Number: number}.String(), storage.Page{Limit: 3}
	var all []*storage.Prompt
	for {
		list := must(store.PromptsByVersion(t.Context(), []string{version}, nil, page))(t)[version]
		all = append(all, list.Nodes()...)
		if !list.PageInfo.HasNextPage {
			return all
		}
		page.After = *list.PageInfo.EndCursor
	}
}

func textsOf(prompts []*storage.Prompt) string {
	all := make([]string, len(prompts))
	for i, p := range prompts {
		all[i] = p.Text
	}
	return strings.Join(all, " ")
}

func versionsAreReadBack(t *testing.T, store storage.UserStore) {
	dataset(t, store, "d1", &storage.Prompt{
		Text: "a\x00b", SeedType: "objective", Role: new("user"), Name: new("n"), DataType: "text", HarmCategories: []string{"hate", "fraud"},
		Parameters: new(storage.JSON(`["x"]`)), Metadata: new(storage.JSON(`{"k":1}`)), GroupID: new("g"), Sequence: new(int64(2)),
	}, &storage.Prompt{Text: "c"})
	d := must(store.DatasetsByKey(t.Context(), []string{"d1"}))(t)["d1"]
	equal(t, "dataset", d, storage.Dataset{
		ID: storage.ID{Kind: storage.KindDataset, Store: store.Key(), Key: "d1"}.String(), Key: "d1", Source: storage.SourceNative, SourceID: "d1",
		Name: "name of d1", Author: new("alice"), SourceType: "manual", Configuration: "{}", Tags: []string{"t1"}, Status: storage.StatusReady,
		Version: 1, PromptCount: 2, HarmCategories: []string{"fraud", "hate"}, CreatedAt: at(10), UpdatedAt: at(10),
	})
	first := promptsOf(t, store, "d1", 1)[0]
	equal(t, "prompt", first, storage.Prompt{
		ID: first.ID, Number: 1, DatasetKey: "d1", Version: 1, Source: storage.SourceNative, SourceID: "d1/1", SeedType: "objective",
		Role: new("user"), Name: new("n"), Text: "a\u2400b", DataType: "text", HarmCategories: []string{"hate", "fraud"},
		Parameters: new(storage.JSON(`["x"]`)), Metadata: new(storage.JSON(`{"k":1}`)), Hash: storage.TextHash("a\u2400b"),
		GroupID: new("g"), Sequence: new(int64(2)), CreatedAt: at(20),
	})
	second := must(store.AddDatasetVersion(t.Context(), "d1", 1, by("bob", "EDIT"), these(
		&storage.Prompt{Text: "new", HarmCategories: []string{}}, &storage.Prompt{Number: 1}, &storage.Prompt{Text: "C", Replaces: 2}), nil))(t)
	equal(t, "version", second, storage.DatasetVersion{
		ID: storage.ID{Kind: storage.KindVersion, Store: store.Key(), Key: "d1-2"}.String(), DatasetKey: "d1", Number: 2, PromptCount: 3,
		HarmCategories: []string{"fraud", "hate"}, MadeBy: `{"operation":"EDIT"}`, Author: new("bob"), CreatedAt: at(20),
	})
	versions := must(store.DatasetVersions(t.Context(), []string{"d1"}, storage.Page{Limit: 9}))(t)["d1"].Nodes()
	if len(versions) != 2 || versions[0].Number != 2 || versions[1].Number != 1 {
		t.Errorf("versions %v", versions)
	}
	newest := must(store.DatasetVersionsByKey(t.Context(), []storage.VersionKey{{Dataset: "d1"}, {Dataset: "d1", Number: 1}, {Dataset: "d1", Number: 7}, {Dataset: "none"}}))(t)
	if len(newest) != 2 || newest[storage.VersionKey{Dataset: "d1"}].Number != 2 || newest[storage.VersionKey{Dataset: "d1", Number: 1}].PromptCount != 2 {
		t.Errorf("versions by key %v", newest)
	}
	both := must(store.PromptsByVersion(t.Context(), []string{"d1-1", "d1-2", "no version"}, nil, storage.Page{Limit: 9}))(t)
	if got := textsOf(both["d1-1"].Nodes()) + "|" + textsOf(both["d1-2"].Nodes()); got != "a\u2400b c|new a\u2400b C" {
		t.Errorf("prompts of two versions: %q", got)
	}
	kept := both["d1-2"].Nodes()[1]
	if kept.Number != 1 || kept.Index != 1 || kept.Version != 1 {
		t.Errorf("the prompt that stayed: %+v", kept)
	}
	if last := must(store.PromptsByVersion(t.Context(), []string{"d1-2"}, nil, storage.Page{Limit: 2, Backward: true}))(t)["d1-2"]; textsOf(last.Nodes()) != "a\u2400b C" || must(last.TotalCount(t.Context()))(t) != 3 {
		t.Errorf("the last two: %q", textsOf(last.Nodes()))
	}
}

func versionsRefuseWhatDoesNotFit(t *testing.T, store storage.UserStore) {
	dataset(t, store, "d1", numbered(3)...)
	before := must(store.Revision(t.Context()))(t)
	stop := errors.New("stop")
	for name, c := range map[string]struct {
		do   func() error
		code storage.Code
	}{
		"a base that is not the newest": {func() error {
			_, err := store.AddDatasetVersion(t.Context(), "d1", 0, by("a", "EDIT"), these(), nil)
			return err
		}, storage.CodeConflict},
		"no such dataset": {func() error {
			_, err := store.AddDatasetVersion(t.Context(), "none", 1, by("a", "EDIT"), these(), nil)
			return err
		}, storage.CodeNotFound},
		"a name that is taken": {func() error {
			_, err := store.AddDataset(t.Context(), &storage.NewDataset{Key: "d2", Name: "name of d1", CreatedAt: at(1), NewVersion: by("a", "CREATE")}, these(), nil)
			return err
		}, storage.CodeConflict},
		"a prompt of no version": {func() error {
			_, err := store.AddDatasetVersion(t.Context(), "d1", 1, by("a", "EDIT"), these(&storage.Prompt{Number: 9}), nil)
			return err
		}, storage.CodeNotFound},
		"a prompt twice": {func() error {
			_, err := store.AddDatasetVersion(t.Context(), "d1", 1, by("a", "EDIT"), these(&storage.Prompt{Number: 1}, &storage.Prompt{Text: "x", Replaces: 1}), nil)
			return err
		}, storage.CodeBadInput},
		"a change of nothing": {func() error {
			_, err := store.ChangePrompts(t.Context(), "d1", 1, by("a", "EDIT"), storage.PromptChange{}, nil)
			return err
		}, storage.CodeBadInput},
		"to remove what is not there": {func() error {
			_, err := store.ChangePrompts(t.Context(), "d1", 1, by("a", "EDIT"), storage.PromptChange{Remove: []int64{9}}, nil)
			return err
		}, storage.CodeNotFound},
		"to edit and remove the same": {func() error {
			_, err := store.ChangePrompts(t.Context(), "d1", 1, by("a", "EDIT"), storage.PromptChange{Remove: []int64{1}, Edit: []*storage.Prompt{{Text: "x", Replaces: 1}}}, nil)
			return err
		}, storage.CodeBadInput},
		"whoever may not any more": {func() error {
			_, err := store.AddDatasetVersion(t.Context(), "d1", 1, by("a", "EDIT"), these(texts("x")...),
				func(context.Context) error { return storage.Errorf(storage.CodeForbidden, "no") })
			return err
		}, storage.CodeForbidden},
		"to delete the newest": {func() error {
			_, err := store.MoveToTrash(t.Context(), deletion("t1", 30, "dataset_versions", "d1-1"))
			return err
		}, storage.CodeConflict},
		"to use none": {func() error {
			return store.UseDatasetVersion(t.Context(), storage.VersionKey{Dataset: "d1", Number: 5}, "run", at(1))
		}, storage.CodeNotFound},
		"to compare datasets": {func() error {
			_, err := store.DatasetDifference(t.Context(), storage.VersionKey{Dataset: "d1"}, storage.VersionKey{Dataset: "d2"})
			return err
		}, storage.CodeBadInput},
	} {
		if err := c.do(); storage.CodeOf(err) != c.code {
			t.Errorf("%s: %v instead of %s", name, err, c.code)
		}
	}
	broken := func(context.Context) (*storage.Prompt, error) { return nil, stop }
	if _, err := store.AddDatasetVersion(t.Context(), "d1", 1, by("a", "EDIT"), broken, nil); !errors.Is(err, stop) {
		t.Errorf("an error of the source: %v", err)
	}
	if after := must(store.Revision(t.Context()))(t); after != before {
		t.Errorf("what was refused raised the revision from %d to %d", before, after)
	}
	if rows := counts(t, store); rows["dataset_prompts"] != 3 || rows["dataset_members"] != 3 || rows["datasets"] != 1 {
		t.Errorf("what was refused left rows: %v", rows)
	}
}

func changedPromptsKeepTheOthers(t *testing.T, store storage.UserStore) {
	dataset(t, store, "d1", texts("a", "b", "c", "d")...)
	change := storage.PromptChange{
		Add: texts("x", "y"), At: new(int64(1)), Remove: []int64{3},
		Edit: []*storage.Prompt{{Text: "D", Replaces: 4}},
	}
	must(store.ChangePrompts(t.Context(), "d1", 1, by("a", "EDIT"), change, nil))(t)
	now := promptsOf(t, store, "d1", 2)
	if got := textsOf(now); got != "a x y b D" {
		t.Errorf("version 2: %q", got)
	}
	if now[0].Number != 1 || now[3].Number != 2 || now[4].Number == 4 || now[4].Index != 4 {
		t.Errorf("numbers %d %d %d", now[0].Number, now[3].Number, now[4].Number)
	}
	if got := textsOf(promptsOf(t, store, "d1", 1)); got != "a b c d" {
		t.Errorf("version 1 became %q", got)
	}
	must(store.ChangePrompts(t.Context(), "d1", 2, by("a", "EDIT"), storage.PromptChange{Add: texts("z")}, nil))(t)
	if got := textsOf(promptsOf(t, store, "d1", 3)); got != "a x y b D z" {
		t.Errorf("version 3: %q", got)
	}
	equal(t, "difference", must(store.DatasetDifference(t.Context(), storage.VersionKey{Dataset: "d1", Number: 1}, storage.VersionKey{Dataset: "d1"}))(t),
		storage.DatasetDifference{
			DatasetID: storage.ID{Kind: storage.KindDataset, Store: store.Key(), Key: "d1"}.String(),
			From:      storage.VersionKey{Dataset: "d1", Number: 1}, To: storage.VersionKey{Dataset: "d1", Number: 3},
			Added: 3, Removed: 1, Changed: 1, Unchanged: 2,
		})
}

// A difference that is applied to the one version gives the other, whatever the change.
func differencesLeadFromOneVersionToTheOther(t *testing.T, store storage.UserStore) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	dataset(t, store, "d1", numbered(30)...)
	for base := int64(1); base < 9; base++ {
		var next []*storage.Prompt
		for i, p := range promptsOf(t, store, "d1", base) {
			switch random.IntN(6) {
			case 0:
			case 1:
				next = append(next, &storage.Prompt{Text: fmt.Sprint("edited ", base, i), Replaces: p.Number})
			case 2:
				next = append(next, &storage.Prompt{Text: fmt.Sprint("added ", base, i)}, &storage.Prompt{Number: p.Number})
			default:
				next = append(next, &storage.Prompt{Number: p.Number})
			}
		}
		for range random.IntN(3) {
			if len(next) > 1 {
				i, j := random.IntN(len(next)), random.IntN(len(next))
				next[i], next[j] = next[j], next[i]
			}
		}
		must(store.AddDatasetVersion(t.Context(), "d1", base, by("a", "EDIT"), these(next...), nil))(t)
	}
	for range 12 {
		from, to := storage.VersionKey{Dataset: "d1", Number: 1 + random.Int64N(9)}, storage.VersionKey{Dataset: "d1", Number: 1 + random.Int64N(9)}
		a, b := promptsOf(t, store, "d1", from.Number), promptsOf(t, store, "d1", to.Number)
		changes := changesOf(t, store, from, to)
		if got, want := numbersOf(applied(a, changes, len(b))), numbersOf(b); !slices.Equal(got, want) {
			t.Errorf("seed %d: from version %d to %d: %v instead of %v", seed, from.Number, to.Number, got, want)
		}
		d := must(store.DatasetDifference(t.Context(), from, to))(t)
		if int64(len(changes)) != d.Added+d.Removed+d.Changed+d.Moved || int64(len(a)) != d.Removed+d.Changed+d.Moved+d.Unchanged {
			t.Errorf("seed %d: %d changes of %d prompts, counted as %+v", seed, len(changes), len(a), d)
		}
	}
}

func changesOf(t *testing.T, store storage.UserStore, from, to storage.VersionKey) []*storage.PromptDifference {
	t.Helper()
	var all []*storage.PromptDifference
	page := storage.Page{Limit: 4}
	for {
		list := must(store.DatasetChanges(t.Context(), from, to, page))(t)
		all = append(all, list.Nodes()...)
		if !list.PageInfo.HasNextPage {
			return all
		}
		page.After = *list.PageInfo.EndCursor
	}
}

// applied puts what was added, changed or moved at its place, and between it what is left.
func applied(a []*storage.Prompt, changes []*storage.PromptDifference, length int) []*storage.Prompt {
	gone, b := map[int64]bool{}, make([]*storage.Prompt, length)
	for _, c := range changes {
		if c.Before != nil {
			gone[*c.Before] = true
		}
		if c.After != nil {
			b[*c.AfterIndex] = &storage.Prompt{Number: *c.After}
		}
	}
	at := 0
	for _, p := range a {
		if gone[p.Number] {
			continue
		}
		for at < length && b[at] != nil {
			at++
		}
		if at < length {
			b[at] = p
		}
	}
	return b
}

func numbersOf(prompts []*storage.Prompt) []int64 {
	numbers := make([]int64, len(prompts))
	for i, p := range prompts {
		if p != nil {
			numbers[i] = p.Number
		}
	}
	return numbers
}

func usedVersionsStay(t *testing.T, store storage.UserStore) {
	dataset(t, store, "d1", texts("a", "b")...)
	if err := store.UseDatasetVersion(t.Context(), storage.VersionKey{Dataset: "d1"}, "run 1", at(30)); err != nil {
		t.Fatal(err)
	}
	must(store.ChangePrompts(t.Context(), "d1", 1, by("a", "EDIT"), storage.PromptChange{Edit: []*storage.Prompt{{Text: "A", Replaces: 1}}}, nil))(t)
	must(store.ChangePrompts(t.Context(), "d1", 2, by("a", "EDIT"), storage.PromptChange{Remove: []int64{2}}, nil))(t)
	if got := textsOf(promptsOf(t, store, "d1", 1)); got != "a b" {
		t.Errorf("the used version became %q", got)
	}
	if err := store.UseDatasetVersion(t.Context(), storage.VersionKey{Dataset: "d1", Number: 1}, "run 2", at(31)); err != nil {
		t.Fatal(err)
	}
	version := must(store.DatasetVersionsByKey(t.Context(), []storage.VersionKey{{Dataset: "d1", Number: 1}}))(t)[storage.VersionKey{Dataset: "d1", Number: 1}]
	if version.UsedAt == nil || !version.UsedAt.Equal(at(30)) || *version.UsedBy != "run 1" {
		t.Errorf("used %+v", version)
	}
	if err := store.CheckDelete(t.Context(), storage.Selection{Datasets: []string{"d1"}}); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("moving what has a history: %v", err)
	}
	_, err := store.MoveToTrash(t.Context(), cascading(deletion("t1", 32, "dataset_versions", version.VersionKey().String())))
	refusedAs(t, err, storage.CodeConflict, "datasetVersions")
	if !strings.Contains(err.Error(), `"run 1"`) {
		t.Errorf("who used it is not named: %v", err)
	}
	if _, err := store.MoveToTrash(t.Context(), cascading(deletion("t1", 32, "datasets", "d1"))); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("deleting the dataset with the used version: %v", err)
	}
	must(store.MoveToTrash(t.Context(), deletion("t2", 33, "dataset_versions", "d1-2")))(t)
	if got := textsOf(promptsOf(t, store, "d1", 1)) + "|" + textsOf(promptsOf(t, store, "d1", 2)) + "|" + textsOf(promptsOf(t, store, "d1", 3)); got != "a b||A" {
		t.Errorf("what is left: %q", got)
	}
}

// all reads what a reader gives.
func all(t *testing.T, reader storage.PromptReader, err error) []*storage.Prompt {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var prompts []*storage.Prompt
	for {
		p, err := reader.Next(t.Context())
		if errors.Is(err, io.EOF) {
			if reader.Count() != int64(len(prompts)) {
				t.Errorf("%d prompts instead of %d", len(prompts), reader.Count())
			}
			return prompts
		}
		if err != nil {
			t.Fatal(err)
		}
		prompts = append(prompts, p)
	}
}

func splitsAreDisjointAndComplete(t *testing.T, store storage.UserStore) {
	dataset(t, store, "d1", numbered(101)...)
	version := storage.VersionKey{Dataset: "d1", Number: 1}
	for _, stratified := range []bool{false, true} {
		plan := &storage.SplitPlan{
			Seed: 7, Stratified: stratified, Author: "alice", At: at(40),
			Parts: []storage.SplitPart{{Name: "train", Fraction: new(0.7)}, {Name: "dev", Fraction: new(0.2)}, {Name: "test", Fraction: new(0.1)}},
		}
		var first []int64
		for range 2 {
			if err := store.SplitDataset(t.Context(), version, plan); err != nil {
				t.Fatal(err)
			}
			seen := map[int64]int{}
			var order []int64
			for i, split := range must(store.SplitsByVersion(t.Context(), []storage.VersionKey{version}))(t)[version] {
				reader, err := store.OpenPrompts(t.Context(), storage.PromptSelection{From: []storage.PromptsOf{{VersionKey: version, Split: split.Name}}})
				prompts := all(t, reader, err)
				if want := []int64{71, 20, 10}[i]; split.PromptCount != want || int64(len(prompts)) != want || split.Name != plan.Parts[i].Name {
					t.Errorf("split %s has %d prompts and says %d instead of %d", split.Name, len(prompts), split.PromptCount, want)
				}
				for _, p := range prompts {
					seen[p.Number]++
					order = append(order, p.Number)
				}
			}
			if len(seen) != 101 || len(order) != 101 {
				t.Errorf("%d prompts of 101 stand in %d places", len(seen), len(order))
			}
			if first != nil && !slices.Equal(first, order) {
				t.Error("the same seed split another way")
			}
			first = order
		}
	}
	filter := &storage.PromptFilter{Split: new("dev")}
	if n := must(must(store.PromptsByDataset(t.Context(), []string{"d1"}, filter, storage.Page{Limit: 2}))(t)["d1"].TotalCount(t.Context()))(t); n != 20 {
		t.Errorf("%d prompts in a split of the list", n)
	}
	if err := store.RemoveSplit(t.Context(), version, "dev"); err != nil {
		t.Fatal(err)
	}
	if err := store.RemoveSplit(t.Context(), version, "dev"); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("removing a split twice: %v", err)
	}
	half, counts := 0.5, []storage.SplitPart{{Name: "a", Count: new(int64(1))}, {Name: "b", Count: new(int64(99))}}
	for name, parts := range map[string][]storage.SplitPart{
		"one part": {{Name: "a", Fraction: &half}}, "a name twice": {{Name: "a", Fraction: &half}, {Name: "a", Fraction: &half}},
		"fractions of less than one": {{Name: "a", Fraction: &half}, {Name: "b", Fraction: new(0.3)}}, "counts of fewer": counts,
		"both": {{Name: "a", Fraction: &half}, {Name: "b", Count: new(int64(3))}}, "no name": {{Fraction: &half}, {Name: "b", Fraction: &half}},
	} {
		if err := store.SplitDataset(t.Context(), version, &storage.SplitPlan{Parts: parts}); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func selectionsChooseWhatTheySay(t *testing.T, store storage.UserStore) {
	dataset(t, store, "d1", numbered(60)...)
	dataset(t, store, "d2", texts("a", "A", " a", "b")...)
	open := func(what storage.PromptSelection) []*storage.Prompt {
		reader, err := store.OpenPrompts(t.Context(), what)
		return all(t, reader, err)
	}
	from := []storage.PromptsOf{{VersionKey: storage.VersionKey{Dataset: "d2"}}, {VersionKey: storage.VersionKey{Dataset: "d2", Number: 1}}}
	if got := textsOf(open(storage.PromptSelection{From: from})); got != "a A  a b a A  a b" {
		t.Errorf("two versions: %q", got)
	}
	normal := func(text string) string { return strings.ToLower(strings.TrimSpace(text)) }
	if got := textsOf(open(storage.PromptSelection{From: from, Distinct: normal})); got != "a b" {
		t.Errorf("distinct ones: %q", got)
	}
	whole := []storage.PromptsOf{{VersionKey: storage.VersionKey{Dataset: "d1"}}}
	harm := &storage.PromptFilter{HarmCategory: &storage.TextIn{In: []string{"hate"}}}
	hate := open(storage.PromptSelection{From: whole, Filter: harm})
	for _, p := range hate {
		if !slices.Contains(p.HarmCategories, "hate") {
			t.Errorf("the filter left %v", p.HarmCategories)
		}
	}
	ten := &storage.Sample{Seed: 3, Count: new(int64(10))}
	first := numbersOf(open(storage.PromptSelection{From: whole, Sample: ten}))
	if len(first) != 10 || !slices.IsSorted(first) || !slices.Equal(first, numbersOf(open(storage.PromptSelection{From: whole, Sample: ten}))) {
		t.Errorf("a sample of ten: %v", first)
	}
	if slices.Equal(first, numbersOf(open(storage.PromptSelection{From: whole, Sample: &storage.Sample{Seed: 4, Count: new(int64(10))}}))) {
		t.Error("another seed chose the same")
	}
	in := 0
	half := open(storage.PromptSelection{From: whole, Sample: &storage.Sample{Seed: 3, Fraction: new(0.5), Stratified: true}})
	for _, p := range half {
		if p.HarmCategories[0] == "hate" {
			in++
		}
	}
	if len(half) != 30 || in < len(hate)/2 || in > (len(hate)+1)/2 {
		t.Errorf("a half has %d prompts, %d of %d of one category", len(half), in, len(hate))
	}
	for _, what := range []storage.PromptSelection{
		{From: []storage.PromptsOf{{VersionKey: storage.VersionKey{Dataset: "none"}}}},
		{From: []storage.PromptsOf{{VersionKey: storage.VersionKey{Dataset: "d1", Number: 2}}}},
		{From: []storage.PromptsOf{{VersionKey: storage.VersionKey{Dataset: "d1"}, Split: "none"}}},
	} {
		if _, err := store.OpenPrompts(t.Context(), what); storage.CodeOf(err) != storage.CodeNotFound {
			t.Errorf("%+v: %v", what, err)
		}
	}
}

func promptsOfAttacksAreDistinct(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	for _, first := range []bool{false, true} {
		reader, err := store.OpenAttackPrompts(t.Context(), storage.AttackPrompts{FirstPrompt: first})
		prompts := all(t, reader, err)
		if len(prompts) == 0 {
			t.Fatal("no prompts")
		}
		seen := map[string]bool{}
		for _, p := range prompts {
			if seen[p.Text] || p.Text == "" || p.Metadata == nil || !strings.Contains(string(*p.Metadata), `"attack":`) {
				t.Errorf("prompt %+v", p)
			}
			seen[p.Text] = true
		}
	}
}

func promptsAreFoundByWhatAttacksDid(t *testing.T, store storage.UserStore) {
	f := sample()
	f.load(t, store)
	key := must(store.Datasets(t.Context(), nil, storage.NameOrder{}, storage.Page{Limit: 1}))(t).Nodes()[0].Key
	target := f.components[0].Hash
	id := storage.ID{Kind: storage.KindComponent, Store: store.Key(), Key: target}.String()
	for name, c := range map[string]struct {
		filter storage.PromptFilter
		want   string
	}{
		"tried":             {storage.PromptFilter{TriedOn: []string{id}}, "1"},
		"never tried":       {storage.PromptFilter{NotTriedOn: []string{id}}, "2"},
		"never on another":  {storage.PromptFilter{NotTriedOn: []string{"another"}}, "1 2"},
		"succeeded":         {storage.PromptFilter{SucceededOn: []string{id}}, "1"},
		"not there":         {storage.PromptFilter{SucceededOn: []string{id}, NotSucceededOn: []string{id}}, ""},
		"there but not":     {storage.PromptFilter{SucceededOn: []string{id}, NotSucceededOn: []string{"another"}}, "1"},
		"either":            {storage.PromptFilter{Or: []*storage.PromptFilter{{TriedOn: []string{id}}, {NotTriedOn: []string{id}}}}, "1 2"},
		"not what succeeds": {storage.PromptFilter{Not: &storage.PromptFilter{SucceededOn: []string{id}}}, "2"},
	} {
		found := must(store.PromptsByDataset(t.Context(), []string{key}, &c.filter, storage.Page{Limit: 9}))(t)[key].Nodes()
		var numbers []string
		for _, p := range found {
			numbers = append(numbers, fmt.Sprint(p.Number))
		}
		if got := strings.Join(numbers, " "); got != c.want {
			t.Errorf("%s: %q instead of %q", name, got, c.want)
		}
	}
}

func importsLeaveWhatWasUsed(t *testing.T, store storage.UserStore) {
	f := sample()
	f.load(t, store)
	d := must(store.Datasets(t.Context(), nil, storage.NameOrder{}, storage.Page{Limit: 1}))(t).Nodes()[0]
	before := textsOf(promptsOf(t, store, d.Key, 1))
	// Nobody has used it: the file is what the dataset is.
	f = sample()
	f.prompts[0].Text, f.prompts[0].Hash = "second text", storage.TextHash("second text")
	f.load(t, store)
	second := textsOf(promptsOf(t, store, d.Key, 1))
	if second == before || !strings.Contains(second, "second text") {
		t.Errorf("the file came again with another text: %q", second)
	}
	if err := store.UseDatasetVersion(t.Context(), storage.VersionKey{Dataset: d.Key}, "run", at(1)); err != nil {
		t.Fatal(err)
	}
	f = sample()
	f.prompts[0].Text, f.prompts[0].Hash = "third text", storage.TextHash("third text")
	added := *f.prompts[0]
	added.SourceID, added.Text, added.Hash, added.Index = "p9", "added text", storage.TextHash("added text"), 9
	f.prompts = append(f.prompts, &added)
	f.load(t, store)
	if got := textsOf(promptsOf(t, store, d.Key, 1)); got != second {
		t.Errorf("the used version became %q", got)
	}
	third := promptsOf(t, store, d.Key, 2)
	if got := textsOf(third); got != strings.Replace(second, "second text", "third text", 1)+" added text" {
		t.Errorf("the next version has %q", got)
	}
	now := must(store.DatasetsByKey(t.Context(), []string{d.Key}))(t)[d.Key]
	if now.Version != 2 || now.PromptCount != 3 {
		t.Errorf("the dataset has %d prompts in version %d", now.PromptCount, now.Version)
	}
	revision := must(store.Revision(t.Context()))(t)
	f.load(t, store)
	if again := must(store.Revision(t.Context()))(t); again != revision {
		t.Error("the same file changed something")
	}
}

func datasetsAreFoundByWhatTheyHave(t *testing.T, store storage.UserStore) {
	dataset(t, store, "d1", numbered(9)...)
	dataset(t, store, "d2", texts("a")...)
	if err := store.ChangeDataset(t.Context(), "d2", storage.DatasetChange{Name: new("other"), Description: new("about"), Tags: []string{"t2", "t3"}}, at(50)); err != nil {
		t.Fatal(err)
	}
	if err := store.ChangeDataset(t.Context(), "d1", storage.DatasetChange{Name: new("other")}, at(50)); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := store.ChangeDataset(t.Context(), "none", storage.DatasetChange{Tags: []string{}}, at(50)); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("no dataset: %v", err)
	}
	for name, c := range map[string]struct {
		filter storage.DatasetFilter
		want   string
	}{
		"tag": {storage.DatasetFilter{Tag: &storage.TextIn{In: []string{"t3"}}}, "d2"}, "harm": {storage.DatasetFilter{HarmCategory: &storage.TextIn{In: []string{"hate"}}}, "d1"},
		"no harm": {storage.DatasetFilter{HarmCategory: &storage.TextIn{IsNull: new(true)}}, "d2"}, "author": {storage.DatasetFilter{Author: &storage.TextIn{In: []string{"alice"}}}, "d1 d2"},
		"count": {storage.DatasetFilter{PromptCount: &storage.LongRange{Min: new(int64(5))}}, "d1"}, "time": {storage.DatasetFilter{UpdatedAt: &storage.TimeRange{From: new(at(50))}}, "d2"},
		"format": {storage.DatasetFilter{Format: &storage.TextIn{In: []string{"csv"}}}, ""}, "not": {storage.DatasetFilter{Not: &storage.DatasetFilter{Name: &storage.TextMatch{Equals: new("other")}}}, "d1"},
	} {
		var keys []string
		for _, d := range must(store.Datasets(t.Context(), &c.filter, storage.NameOrder{}, storage.Page{Limit: 9}))(t).Nodes() {
			keys = append(keys, d.Key)
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("%s: %q instead of %q", name, got, c.want)
		}
	}
	equal(t, "facet", must(store.DatasetFacet(t.Context(), storage.DatasetFacetTag, nil, 9))(t),
		[]storage.FacetValue{{Value: new("t1"), Count: 1}, {Value: new("t2"), Count: 1}, {Value: new("t3"), Count: 1}})
	for _, facet := range []storage.DatasetFacet{storage.DatasetFacetAuthor, storage.DatasetFacetFormat, storage.DatasetFacetHarmCategory, storage.DatasetFacetSourceType} {
		if values := must(store.DatasetFacet(t.Context(), facet, nil, 9))(t); len(values) == 0 {
			t.Errorf("facet %s has no values", facet)
		}
	}
}
