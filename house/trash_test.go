package house

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// The upkeep purges what has lain for its time, row first and content after; what came
// lately stays until no import can be about to name it.
func TestWhatHasLainInTheTrashIsPurgedWithItsContents(t *testing.T) {
	h, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	const picture = "\x89PNG\r\n\x1a\n a picture"
	sum := sha256.Sum256([]byte(picture))
	hash := hex.EncodeToString(sum[:])
	store, err := h.Personal(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	content := filepath.Join(h.Dir, "violentutf", "files", store.Owner(), hash[:2], hash)
	there := func() bool {
		_, err := os.Stat(content)
		return err == nil
	}
	for round := range 2 {
		attackWithAPicture(t, h, store, picture)
		if !there() {
			t.Fatal("the content was not kept")
		}
		d := &storage.Deletion{
			Key: uuid.Must(uuid.NewV7()).String(), DeletionFilters: storage.DeletionFilters{AttackFilter: &storage.AttackFilter{}}, All: true, Chosen: "{}", By: "alice",
			At: time.Now(), Until: time.Now().Add(time.Hour),
		}
		if _, err := store.MoveToTrash(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		h.purgeTrash(t.Context())
		if entries, err := store.TrashByKey(t.Context(), []string{d.Key}); err != nil || len(entries) != 1 || !there() {
			t.Fatalf("purged before its time: %v, %v", entries, err)
		}
		if _, err := store.RestoreFromTrash(t.Context(), d.Key); err != nil {
			t.Fatal(err)
		}
		d.Until = time.Now().Add(-time.Second)
		if _, err := store.MoveToTrash(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		h.purgeTrash(t.Context())
		if entries, err := store.TrashByKey(t.Context(), []string{d.Key}); err != nil || len(entries) > 0 {
			t.Fatalf("not purged: %v, %v", entries, err)
		}
		if !there() {
			t.Fatal("a content that came just now is gone: an import may be about to name it")
		}
		if round == 0 {
			continue // it comes again, so it is no older
		}
		old := time.Now().Add(-25 * time.Hour)
		if err := os.Chtimes(content, old, old); err != nil {
			t.Fatal(err)
		}
		h.purgeTrash(t.Context())
		if there() {
			t.Error("the content is still there")
		}
		if hashes, err := store.PurgedFiles(t.Context(), "", 9); err != nil || len(hashes) > 0 {
			t.Errorf("still noted: %v, %v", hashes, err)
		}
	}
}

func attackWithAPicture(t *testing.T, h *House, store storage.UserStore, picture string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "x.png"), []byte(picture), 0o600); err != nil {
		t.Fatal(err)
	}
	held := h.Files.Hold()
	defer held.Release()
	source, err := h.Files.Source(folder, store.Owner(), false, held)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	file, _, err := source.Keep(t.Context(), "x.png")
	if err != nil {
		t.Fatal(err)
	}
	stage, err := store.NewStage(t.Context(), cleanAlready{})
	if err != nil {
		t.Fatal(err)
	}
	defer stage.Close()
	now := time.Now().UTC().Truncate(time.Microsecond)
	for _, err := range []error{
		stage.AddAttack(t.Context(), &storage.StagedAttack{Conversation: "c", Attack: storage.Attack{
			Source: storage.SourcePyRIT, SourceID: "a", AttackClass: "x", Outcome: storage.OutcomeFailure, OutcomeSource: storage.OutcomeStated, StartedAt: now,
		}}),
		stage.AddConversation(t.Context(), &storage.StagedConversation{Attack: "a", Conversation: storage.Conversation{
			Source: storage.SourcePyRIT, SourceID: "c", Purpose: storage.PurposeTarget,
		}}),
		stage.AddMessage(t.Context(), &storage.StagedMessage{Conversation: "c", Message: storage.Message{
			Source: storage.SourcePyRIT, SourceID: "m", Role: "user", OriginalValue: "x.png", ConvertedValue: "x.png", DataType: "image_path", CreatedAt: now,
		}}),
		stage.AddMedium(t.Context(), &storage.StagedMedium{Source: storage.SourcePyRIT, Message: "m", Part: storage.PartOriginal, File: file}),
		stage.Commit(t.Context(), &storage.Import{Tool: storage.SourcePyRIT, Format: "x", FileName: "x", StartedAt: now}, nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A credential in the trash is sealed anew with the others, or it would be lost.
func TestACredentialInTheTrashOutlivesARotation(t *testing.T) {
	h, err := Open(t.Context(), Options{Dir: t.TempDir(), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	store, err := h.Personal(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Now().UTC().Truncate(time.Microsecond)
	key := uuid.Must(uuid.NewV7()).String()
	place := secret.Place{Workspace: store.Owner(), Table: string(storage.KindGenerators), Row: key, Field: "credential"}
	sealed, err := h.Keeper.Seal("the credential", place)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.AddConfigured(t.Context(), storage.KindGenerators, &storage.Configured{
		Key: key, Source: storage.SourceNative, SourceID: key, Name: "mine", Type: "ECHO", Parameters: "{}", Status: storage.StatusReady, CreatedAt: now, UpdatedAt: now,
	}, &storage.NewCredential{Sealed: sealed}); err != nil {
		t.Fatal(err)
	}
	d := &storage.Deletion{
		Key: uuid.Must(uuid.NewV7()).String(), Keyed: map[string][]string{"generators": {key}}, Chosen: "{}", By: "alice", At: now, Until: now,
	}
	if _, err := store.MoveToTrash(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if done, err := h.RotateKeys(t.Context()); err != nil || done.Resealed != 1 || done.Removed != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, err := store.RestoreFromTrash(t.Context(), d.Key); err != nil {
		t.Fatal(err)
	}
	after, err := store.SealedCredential(t.Context(), storage.KindGenerators, key)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := h.Keeper.Open(after, place); err != nil || plain != "the credential" || after == sealed {
		t.Errorf("%q, %v", plain, err)
	}
}
