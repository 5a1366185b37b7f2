package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// shelf keeps sealed texts in memory; house tests rotations over real stores.
type shelf struct {
	mu    sync.Mutex
	texts []SealedText
	// beforeReplace is called with the number of texts that were replaced so far.
	beforeReplace func(replaced int) error
	replaced      int
}

func (s *shelf) Sealed(_ context.Context, after string, limit int) ([]SealedText, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := 0
	if after != "" {
		from = 1 + slices.IndexFunc(s.texts, func(t SealedText) bool { return t.Cursor == after })
	}
	return slices.Clone(s.texts[from:min(from+limit, len(s.texts))]), nil
}

func (s *shelf) Replace(_ context.Context, changes []Resealed) error {
	if s.beforeReplace != nil {
		if err := s.beforeReplace(s.replaced); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, change := range changes {
		i := slices.IndexFunc(s.texts, func(t SealedText) bool { return t.Cursor == change.Cursor })
		if s.texts[i].Text == change.Text {
			s.texts[i].Text = change.New
			s.replaced++
		}
	}
	return nil
}

func (s *shelf) each(ctx context.Context, reseal func(context.Context, Resealer) error) error {
	return reseal(ctx, s)
}

// fill puts n sealed texts onto a new shelf.
func fill(t *testing.T, k *Keeper, n int) *shelf {
	t.Helper()
	s := &shelf{}
	for i := range n {
		s.add(t, fmt.Sprintf("%05d", i), k.Seal)
	}
	return s
}

func (s *shelf) add(t *testing.T, row string, seal func(string, Place) (string, error)) {
	t.Helper()
	place := Place{Workspace: "w", Table: "generators", Row: row, Field: "credential"}
	text, err := seal("secret of "+row, place)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, SealedText{Cursor: row, Place: place, Text: text})
}

// opens checks that every text opens, and says by which keys they are sealed.
func (s *shelf) opens(t *testing.T, k *Keeper) map[uint32]int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	by := map[uint32]int{}
	for _, text := range s.texts {
		if got, err := k.Open(text.Text, text.Place); err != nil || got != "secret of "+text.Place.Row {
			t.Errorf("%s: %q, %v", text.Place.Row, got, err)
		}
		id, _ := SealedBy(text.Text)
		by[id]++
	}
	return by
}

func TestRotationSealsAllAnewAndRemovesTheOldKey(t *testing.T) {
	folder := t.TempDir()
	k := openKeeper(t, folder)
	s := fill(t, k, 2*resealBatch+3)
	first, held := k.Status().Primary, s.texts[0]
	s.beforeReplace = func(int) error {
		s.opens(t, k) // while it runs
		return nil
	}
	done, err := k.Rotate(t.Context(), s.each)
	if err != nil || done.Resumed || done.Resealed != int64(len(s.texts)) || done.Removed != 1 || done.Key == first {
		t.Fatalf("%+v, %v", done, err)
	}
	if by := s.opens(t, k); len(by) != 1 || by[done.Key] != len(s.texts) {
		t.Errorf("sealed by %v", by)
	}
	if got, err := k.Open(held.Text, held.Place); err != nil || got != "secret of 00000" {
		t.Errorf("what was read before no longer opens: %q, %v", got, err)
	}
	again := openKeeper(t, folder)
	s.opens(t, again)
	if status := again.Status(); status.Primary != done.Key || len(status.Old) > 0 {
		t.Errorf("status %+v", status)
	}
	if _, err := again.Open(held.Text, held.Place); !errors.Is(err, ErrCannotOpen) {
		t.Errorf("the old key is still on disk: %v", err)
	}
	if resealed, err := k.Seal("secret of 00000", held.Place); err != nil || resealed != s.texts[0].Text {
		t.Errorf("the same text seals to %q, %v", resealed, err)
	}
	if more, err := k.Rotate(t.Context(), s.each); err != nil || more.Resealed != int64(len(s.texts)) || more.Removed != 1 {
		t.Errorf("a second rotation: %+v, %v", more, err)
	}
	s.opens(t, openKeeper(t, folder))
}

func TestAnInterruptedRotationIsGoneOnWith(t *testing.T) {
	folder := t.TempDir()
	k := openKeeper(t, folder)
	s := fill(t, k, 3*resealBatch)
	killed := errors.New("killed")
	s.beforeReplace = func(replaced int) error {
		if replaced >= resealBatch {
			return killed
		}
		return nil
	}
	first, err := k.Rotate(t.Context(), s.each)
	if !errors.Is(err, killed) {
		t.Fatal(err)
	}
	again := openKeeper(t, folder) // as after a crash: only the disk is left
	if by := s.opens(t, again); by[first.Key] != resealBatch || len(by) != 2 {
		t.Errorf("sealed by %v", by)
	}
	if status := again.Status(); status.Primary != first.Key || len(status.Old) != 1 {
		t.Errorf("status %+v", status)
	}
	s.beforeReplace = nil
	done, err := again.Rotate(t.Context(), s.each)
	if err != nil || !done.Resumed || done.Key != first.Key || done.Resealed != 2*resealBatch || done.Removed != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	s.opens(t, openKeeper(t, folder))
}

func TestAKeyThatIsNotSavedIsNotUsed(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root writes into any folder")
	}
	folder := t.TempDir()
	k := openKeeper(t, folder)
	before := k.Status()
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := k.Rotate(t.Context(), fill(t, k, 1).each)
	if after := k.Status(); err == nil || after.Primary != before.Primary || len(after.Old) > 0 {
		t.Errorf("%+v, %v", after, err)
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestATextThatCannotBeOpenedKeepsItsKey(t *testing.T) {
	folder := t.TempDir()
	k := openKeeper(t, folder)
	s := fill(t, k, 3)
	s.texts[1].Place.Row = "moved"
	if _, err := k.Rotate(t.Context(), s.each); !errors.Is(err, ErrCannotOpen) {
		t.Fatal(err)
	}
	if status := openKeeper(t, folder).Status(); len(status.Old) != 1 {
		t.Errorf("status %+v", status)
	}
	s.texts[1].Place.Row = "00001"
	if done, err := k.Rotate(t.Context(), s.each); err != nil || done.Removed != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	s.opens(t, k)
	// One of a key that nobody has any more does not stop a rotation.
	other := openKeeper(t, t.TempDir())
	s.add(t, "lost", other.Seal)
	if done, err := k.Rotate(t.Context(), s.each); err != nil || done.Resealed != 3 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestARotationWaitsForWhatItsKeysSeal(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	s := fill(t, k, 2)
	before := k.Begin()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := k.Rotate(ctx, s.each)
		ended <- err
	}()
	for len(k.Status().Old) == 0 { // until the new key is there
		runtime.Gosched()
	}
	during := k.Begin()
	if before.Rotating() || !during.Rotating() {
		t.Error("sessions do not know whether a rotation is under way")
	}
	if _, err := k.Rotate(t.Context(), s.each); !errors.Is(err, ErrRotating) {
		t.Errorf("a second rotation: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	// The rotation that goes on waits for the same session.
	go func() {
		_, err := k.Rotate(t.Context(), s.each)
		ended <- err
	}()
	s.add(t, "late", before.Seal)
	s.add(t, "new", during.Seal)
	before.End()
	before.End()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	during.End()
	if by := s.opens(t, k); len(by) != 1 {
		t.Errorf("sealed by %v", by)
	}
}

func TestKeysetOnDiskIsReplacedWhole(t *testing.T) {
	folder := t.TempDir()
	k := openKeeper(t, folder)
	if _, err := k.Rotate(t.Context(), fill(t, k, 1).each); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
