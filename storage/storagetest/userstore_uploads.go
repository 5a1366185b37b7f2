package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func contentHash(digit string) string { return strings.Repeat(digit, 64) }

// handOver adds a file whose hash is made of one digit.
func handOver(t *testing.T, store storage.UserStore, digit, author string, minute int, change storage.FileChange) bool {
	t.Helper()
	return must(store.AddFile(t.Context(), &storage.File{
		Hash: contentHash(digit), Name: "first of " + digit, MediaType: "text/plain; charset=utf-8", Bytes: int64(minute), Author: &author, CreatedAt: at(minute),
	}, change))(t)
}

func fileNow(t *testing.T, store storage.UserStore, digit string) *storage.File {
	t.Helper()
	return must(store.FilesByHash(t.Context(), []string{contentHash(digit)}))(t)[contentHash(digit)]
}

func filesHandedOverAreReadBack(t *testing.T, store storage.UserStore) {
	revision := must(store.Revision(t.Context()))(t)
	if handOver(t, store, "a", "alice", 1, storage.FileChange{Name: new("seeds.csv"), Description: new("what"), Tags: []string{"b", "a", "b"}}) {
		t.Error("a new file is known")
	}
	if must(store.Revision(t.Context()))(t) == revision {
		t.Error("the revision was not raised")
	}
	want := &storage.File{
		Owner: store.Owner(), ID: storage.ID{Kind: storage.KindFile, Store: store.Key(), Key: contentHash("a")}.String(), Hash: contentHash("a"),
		Name: "seeds.csv", MediaType: "text/plain; charset=utf-8", Bytes: 1, CreatedAt: at(1), Description: new("what"), Tags: []string{"a", "b"},
		Author: new("alice"), UpdatedAt: new(at(1)),
	}
	equal(t, "file", fileNow(t, store, "a"), want)

	// The same content is one file, of which is known what was said last.
	if !handOver(t, store, "a", "bob", 2, storage.FileChange{Tags: []string{"b", "c"}}) {
		t.Error("the same content is another file")
	}
	want.Tags, want.UpdatedAt = []string{"b", "c"}, new(at(2))
	equal(t, "file after the second time", fileNow(t, store, "a"), want)
	if err := store.ChangeFile(t.Context(), contentHash("a"), "bob", storage.FileChange{Description: new(""), Tags: []string{}}, at(3)); err != nil {
		t.Fatal(err)
	}
	want.Description, want.Tags, want.UpdatedAt = nil, []string{}, new(at(3))
	equal(t, "file after a change", fileNow(t, store, "a"), want)

	for field, change := range map[string]storage.FileChange{
		"name": {Name: new("a/b")}, "description": {Description: new(strings.Repeat("x", storage.MaxNoteBytes+1))}, "tags": {Tags: []string{""}},
	} {
		err := store.ChangeFile(t.Context(), contentHash("a"), "bob", change, at(4))
		if e, ok := err.(*storage.Error); !ok || e.Code != storage.CodeBadInput || e.Field != field {
			t.Errorf("a bad %s: %v", field, err)
		}
	}
	refusedAs(t, store.ChangeFile(t.Context(), contentHash("9"), "bob", storage.FileChange{}, at(4)), storage.CodeNotFound, "id")
	_, err := store.MoveToTrash(t.Context(), deletion("t1", 5, "files", contentHash("9")))
	refusedAs(t, err, storage.CodeNotFound, "files")
	must(store.MoveToTrash(t.Context(), deletion("t1", 5, "files", contentHash("a"))))(t)
	if rows := counts(t, store); rows["files"] != 0 || rows["file_details"] != 0 || rows["file_tags"] != 0 {
		t.Errorf("left of a deleted file: %v", rows)
	}
}

func filesAreListedFilteredAndCounted(t *testing.T, store storage.UserStore) {
	handOver(t, store, "a", "alice", 1, storage.FileChange{Name: new("z"), Tags: []string{"t"}})
	handOver(t, store, "b", "bob", 2, storage.FileChange{Name: new("y")})
	f := sample()
	f.media = []*storage.StagedMedium{medium("m1", storage.PartOriginal, "c", "x.png")}
	f.load(t, store)
	names := func(filter *storage.FileFilter, order storage.FileOrder, page storage.Page) string {
		var names []string
		for _, file := range must(store.Files(t.Context(), filter, order, page))(t).Nodes() {
			names = append(names, file.Name)
		}
		return strings.Join(names, " ")
	}
	all := storage.Page{Limit: 9}
	newest := storage.FileOrder{Field: storage.FileOrderCreatedAt, Direction: storage.Descending}
	for _, test := range []struct {
		filter *storage.FileFilter
		order  storage.FileOrder
		want   string
	}{
		{nil, newest, "x.png y z"},
		{nil, storage.FileOrder{Field: storage.FileOrderName, Direction: storage.Ascending}, "x.png y z"},
		{nil, storage.FileOrder{Field: storage.FileOrderBytes, Direction: storage.Ascending}, "z y x.png"},
		{&storage.FileFilter{Name: &storage.TextMatch{Contains: new("Z")}}, newest, "z"},
		{&storage.FileFilter{MediaType: &storage.TextIn{In: []string{"image/png"}}}, newest, "x.png"},
		{&storage.FileFilter{Tag: &storage.TextIn{In: []string{"t"}}}, newest, "z"},
		{&storage.FileFilter{Author: &storage.TextIn{IsNull: new(true)}}, newest, "x.png"},
		{&storage.FileFilter{Bytes: &storage.LongRange{Max: new(int64(2))}}, newest, "y z"},
		{&storage.FileFilter{CreatedAt: &storage.TimeRange{To: new(at(2))}}, newest, "z"},
		{&storage.FileFilter{InUse: new(true)}, newest, "x.png"},
		{&storage.FileFilter{InUse: new(false)}, newest, "y z"},
	} {
		if got := names(test.filter, test.order, all); got != test.want {
			t.Errorf("%+v ordered by %v lists %q, want %q", test.filter, test.order, got, test.want)
		}
	}
	first := must(store.Files(t.Context(), nil, newest, storage.Page{Limit: 2}))(t)
	if got := names(nil, newest, storage.Page{Limit: 2, After: first.Edges[1].Cursor}); got != "z" {
		t.Errorf("the next page is %q", got)
	}
	types := must(store.FileTypes(t.Context(), nil, 9))(t)
	if len(types) != 2 || *types[0].Value != "text/plain; charset=utf-8" || types[0].Count != 2 || types[1].Count != 1 {
		t.Errorf("media types %+v", types)
	}
}

func aFileIsNotDeletedWhileSomethingRefersToIt(t *testing.T, store storage.UserStore) {
	handOver(t, store, "a", "alice", 1, storage.FileChange{})
	f := sample()
	f.media = []*storage.StagedMedium{medium("m1", storage.PartOriginal, "b", "b.png"), medium("m1", storage.PartConverted, "b", "b.png")}
	f.load(t, store)
	dataset := must(store.Datasets(t.Context(), nil, storage.NameOrder{}, storage.Page{Limit: 1}))(t).Nodes()[0].Key
	if err := store.LinkDatasetFile(t.Context(), dataset, 1, contentHash("a")); err != nil {
		t.Fatal(err)
	}
	equal(t, "uses", must(store.FileUses(t.Context(), []string{contentHash("a"), contentHash("b"), contentHash("c"), contentHash("a")}, 9))(t), map[string]*storage.FileUse{
		contentHash("a"): {Messages: []storage.MessageKey{}, DatasetCount: 1, Datasets: []string{dataset}},
		contentHash("b"): {MessageCount: 1, Messages: []storage.MessageKey{{Conversation: 1}}, Datasets: []string{}},
		contentHash("c"): {Messages: []storage.MessageKey{}, Datasets: []string{}},
	})
	for _, digit := range []string{"a", "b"} {
		_, err := store.MoveToTrash(t.Context(), cascading(deletion("t1", 40, "files", contentHash(digit))))
		refusedAs(t, err, storage.CodeConflict, "files")
	}
	// Deleted attacks take their media along, and not what a user handed over.
	handOver(t, store, "b", "alice", 2, storage.FileChange{})
	always := func(context.Context) error { return nil }
	if err := store.Delete(t.Context(), storage.Selection{Attacks: []int64{1, 2}, Datasets: []string{dataset}}, must(store.Revision(t.Context()))(t), always); err != nil {
		t.Fatal(err)
	}
	must(store.MoveToTrash(t.Context(), deletion("t1", 41, "files", contentHash("a"), contentHash("b"))))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{All: true}))(t)
	if left := slices.Collect(func(yield func(string) bool) {
		for table, rows := range counts(t, store) {
			if strings.Contains(table, "file") && rows > 0 && !yield(table) {
				return
			}
		}
	}); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Whichever entry is restored or purged first, what comes back has its files, and they
// have what was said of them.
func aFileStaysWithWhateverNeedsIt(t *testing.T, store storage.UserStore) {
	f := sample()
	f.media = []*storage.StagedMedium{medium("m1", storage.PartOriginal, "b", "b.png")}
	f.load(t, store)
	described := storage.FileChange{Description: new("what it is"), Tags: []string{"x"}}
	handOver(t, store, "a", "alice", 1, described)
	handOver(t, store, "b", "alice", 1, described)
	dataset := must(store.Datasets(t.Context(), nil, storage.NameOrder{}, storage.Page{Limit: 1}))(t).Nodes()[0].Key
	if err := store.LinkDatasetFile(t.Context(), dataset, 1, contentHash("a")); err != nil {
		t.Fatal(err)
	}
	rows := counts(t, store)
	hashes := []string{contentHash("a"), contentHash("b")}
	before := must(store.FilesByHash(t.Context(), hashes))(t)
	for name, end := range map[string]func(){
		"what needs them first": func() { restored(t, store, "needs"); restored(t, store, "files") },
		"the files first":       func() { restored(t, store, "files"); restored(t, store, "needs") },
		"the files are purged": func() {
			must(store.PurgeTrash(t.Context(), storage.Purge{Key: "files"}))(t)
			equal(t, "purged contents", must(store.PurgedFiles(t.Context(), "", 9))(t), []string{})
			restored(t, store, "needs")
		},
	} {
		d := cascading(deletionOf("needs", 40, "attacks", 1, 2))
		d.Keyed = map[string][]string{"datasets": {dataset}}
		must(store.MoveToTrash(t.Context(), d))(t)
		must(store.MoveToTrash(t.Context(), deletion("files", 41, "files", hashes...)))(t)
		if left := must(store.FilesByHash(t.Context(), hashes))(t); len(left) > 0 {
			t.Fatalf("%s: left %v", name, left)
		}
		equal(t, name+": named", must(store.NamedFiles(t.Context(), append(hashes, contentHash("9"))))(t), map[string]bool{hashes[0]: true, hashes[1]: true})
		end()
		equal(t, name+": files", must(store.FilesByHash(t.Context(), hashes))(t), before)
		equal(t, name+": rows", counts(t, store), rows)
	}
	// With what needs them, they go at once, and their contents with the purge.
	d := cascading(deletionOf("all", 42, "attacks", 1, 2))
	d.Keyed = map[string][]string{"datasets": {dataset}, "files": hashes}
	must(store.MoveToTrash(t.Context(), d))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{All: true}))(t)
	equal(t, "purged contents", must(store.PurgedFiles(t.Context(), "", 9))(t), hashes)
	equal(t, "named", must(store.NamedFiles(t.Context(), hashes))(t), map[string]bool{})
}

func aFileThatCameAgainStaysAsItIs(t *testing.T, store storage.UserStore) {
	handOver(t, store, "a", "alice", 1, storage.FileChange{Description: new("old"), Tags: []string{"old", "both"}})
	handOver(t, store, "b", "alice", 1, storage.FileChange{Description: new("only"), Tags: []string{"only"}})
	must(store.MoveToTrash(t.Context(), deletion("t1", 10, "files", contentHash("a"), contentHash("b"))))(t)
	if handOver(t, store, "a", "bob", 11, storage.FileChange{Description: new("new"), Tags: []string{"both"}}) {
		t.Error("a file in the trash is known")
	}
	again := fileNow(t, store, "a")
	restored(t, store, "t1")
	equal(t, "file that came again", fileNow(t, store, "a"), again)
	if back := fileNow(t, store, "b"); *back.Description != "only" || len(back.Tags) != 1 {
		t.Errorf("the other came back as %+v", back)
	}
}

// prompting gives that many new prompts, and then its error.
func prompting(texts []string, end error) storage.NextPrompt {
	at := 0
	return func(context.Context) (*storage.Prompt, error) {
		if at == len(texts) {
			return nil, end
		}
		at++
		return &storage.Prompt{Text: texts[at-1], HarmCategories: []string{"h" + texts[at-1]}, Metadata: new(storage.JSON(`{"n":1}`))}, nil
	}
}

// Prompts that are all new are written as they come: what is read is the same.
func streamedVersionsAreAsOthers(t *testing.T, store storage.UserStore) {
	staged, streamed := storage.NewVersion{Author: "alice", At: at(1)}, storage.NewVersion{Author: "alice", At: at(1), AllNew: true}
	for _, made := range []storage.NewVersion{staged, streamed} {
		name := map[bool]string{false: "staged", true: "streamed"}[made.AllNew]
		made.MadeBy = storage.MadeBy{Operation: "UPLOAD"}
		d := &storage.NewDataset{Key: name, Name: name, SourceType: "file", Format: "txt", CreatedAt: at(1), NewVersion: made}
		if n := must(store.AddDataset(t.Context(), d, prompting([]string{"b", "a", "b"}, io.EOF), nil))(t); n != 3 {
			t.Errorf("%s: %d prompts", name, n)
		}
		v := must(store.AddDatasetVersion(t.Context(), name, 1, made, prompting([]string{"c", "d"}, io.EOF), nil))(t)
		if v.Number != 2 || v.PromptCount != 2 || !slices.Equal(v.HarmCategories, []string{"hc", "hd"}) {
			t.Errorf("%s: %+v", name, v)
		}
	}
	read := func(key string) (rows []string) {
		for number := range int64(2) {
			version := storage.VersionKey{Dataset: key, Number: number + 1}.String()
			for _, p := range must(store.PromptsByVersion(t.Context(), []string{version}, nil, storage.Page{Limit: 9}))(t)[version].Nodes() {
				rows = append(rows, fmt.Sprint(number+1, p.Index, p.Text, p.Hash, p.SeedType, p.DataType, p.HarmCategories, *p.Metadata, p.Version, p.CreatedAt))
			}
		}
		return rows
	}
	if a, b := read("staged"), read("streamed"); len(a) != 5 || !slices.Equal(a, b) {
		t.Errorf("staged\n%s\nstreamed\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}

	// Whatever fails, and whenever, leaves nothing.
	before, revision := counts(t, store), must(store.Revision(t.Context()))(t)
	fault := errors.New("the file ends too early")
	for name, test := range map[string]struct {
		next    storage.NextPrompt
		allowed storage.Allowed
		named   string
		want    error
	}{
		"the last row":              {prompting([]string{"x", "y"}, fault), nil, "other", fault},
		"the right ended":           {prompting([]string{"x"}, io.EOF), func(context.Context) error { return fault }, "other", fault},
		"a name that is taken":      {prompting([]string{"x"}, io.EOF), nil, "staged", nil},
		"a prompt that is not new":  {func(context.Context) (*storage.Prompt, error) { return &storage.Prompt{Number: 1}, nil }, nil, "other", nil},
		"one that replaces another": {func(context.Context) (*storage.Prompt, error) { return &storage.Prompt{Replaces: 1}, nil }, nil, "other", nil},
	} {
		d := &storage.NewDataset{Key: "other", Name: test.named, SourceType: "file", CreatedAt: at(1), NewVersion: streamed}
		if _, err := store.AddDataset(t.Context(), d, test.next, test.allowed); err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := store.AddDatasetVersion(t.Context(), "streamed", 1, streamed, prompting(nil, io.EOF), nil); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("an old base: %v", err)
	}
	equal(t, "rows", counts(t, store), before)
	if now := must(store.Revision(t.Context()))(t); now != revision {
		t.Error("what failed raised the revision")
	}
}
