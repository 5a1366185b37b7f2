package storagetest

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// medium is a link of a message to a file whose hash is made of one digit.
func medium(message string, part storage.MessagePart, digit, name string) *storage.StagedMedium {
	return &storage.StagedMedium{Source: storage.SourcePyRIT, Message: message, Part: part, File: &storage.File{
		Hash: strings.Repeat(digit, 64), Name: name, MediaType: "image/png", Bytes: 7, CreatedAt: at(3),
	}}
}

func filesOfMessagesAreReadBack(t *testing.T, store storage.UserStore) {
	f := sample()
	f.media = []*storage.StagedMedium{
		medium("m1", storage.PartOriginal, "a", "a.png"), medium("m1", storage.PartConverted, "b", "b.png"),
		medium("l1", storage.PartConverted, "a", "z.png"), medium("no such message", storage.PartConverted, "c", "c.png"),
	}
	f.load(t, store)
	file := func(digit, name string) *storage.File {
		made := *medium("", "", digit, name).File
		made.Owner = store.Owner()
		return &made
	}
	keys := []storage.MessageKey{{Conversation: 1}, {Conversation: 1, Sequence: 1}, {Conversation: 2}, {Conversation: 9}}
	read := func() []*storage.MessageFiles {
		found := must(store.FilesByMessage(t.Context(), keys))(t)
		return []*storage.MessageFiles{found[keys[0]], found[keys[1]], found[keys[2]], found[keys[3]]}
	}
	want := []*storage.MessageFiles{
		{Original: file("a", "a.png"), Converted: file("b", "b.png")}, nil, {Converted: file("a", "a.png")}, nil,
	}
	equal(t, "files", read(), want)

	revision := must(store.Revision(t.Context()))(t)
	f.load(t, store)
	if now := must(store.Revision(t.Context()))(t); now != revision {
		t.Error("the same media again changed the store")
	}
	f.media = []*storage.StagedMedium{medium("l1", storage.PartConverted, "b", "b.png")}
	f.load(t, store)
	want[2].Converted = file("b", "b.png")
	equal(t, "files after a change", read(), want)
}

func lowerRankOfALaterFileIsHeldBack(t *testing.T, store storage.UserStore) {
	load := func(rank int, class string) {
		f := sample()
		f.attacks[1].Rank, f.attacks[1].AttackClass = rank, class
		f.load(t, store)
	}
	for _, step := range []struct {
		rank        int
		class, want string
	}{
		{2, "of rank 2", "of rank 2"},
		{1, "of rank 1", "of rank 2"},
		{2, "again of rank 2", "again of rank 2"},
		{3, "of rank 3", "of rank 3"},
		{2, "of rank 2", "of rank 3"},
	} {
		load(step.rank, step.class)
		if a := attackBy(t, store, "a1"); a.AttackClass != step.want {
			t.Errorf("after rank %d it is %s, want %s", step.rank, a.AttackClass, step.want)
		}
	}
}
