package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Resealer is a place where sealed texts lie, as a rotation needs it.
type Resealer interface {
	// Sealed lists at most limit sealed texts behind a cursor, in an order that lasts;
	// the empty cursor is the beginning.
	Sealed(ctx context.Context, after string, limit int) ([]SealedText, error)
	// Replace stores each new text where the old one still is, in one transaction.
	Replace(ctx context.Context, changes []Resealed) error
}

// SealedText is a sealed text and where it lies.
type SealedText struct {
	Cursor string
	Place  Place
	Text   string
}

// Resealed is a sealed text with what replaces it.
type Resealed struct {
	SealedText
	New string
}

// Rotation is what became of a rotation.
type Rotation struct {
	Key      uint32 `json:"key"`      // the key that seals now
	Resealed int64  `json:"resealed"` // texts that another key had sealed
	Removed  int    `json:"removed"`  // old keys
	Resumed  bool   `json:"resumed"`  // it went on with a rotation that had not ended
}

// ErrRotating says that a rotation is under way.
var ErrRotating = errors.New("the keys are being rotated already: wait until that has ended")

// Rotate gives the keyset a new key, seals every text anew with it, and removes the
// old keys from disk when nothing is left that they seal. Texts can be sealed and
// opened all the while.
//
// each calls its function for every place with sealed texts. A rotation that was
// interrupted, by an error or a crash, is gone on with by the next: a keyset of more
// than one key says that it has not ended, and a text tells the key that sealed it.
// After an error both keys are there, and every text can be opened.
func (k *Keeper) Rotate(ctx context.Context, each func(context.Context, func(context.Context, Resealer) error) error) (Rotation, error) {
	if !k.rotating.TryLock() {
		return Rotation{}, ErrRotating
	}
	defer k.rotating.Unlock()
	now := k.keys.Load()
	done := Rotation{Resumed: len(now.old) > 0}
	if !done.Resumed {
		next, err := now.withNewPrimary()
		if err == nil {
			err = k.save(next)
		}
		if err != nil {
			return done, fmt.Errorf("add a new key: %w", err)
		}
		k.keys.Store(next)
		now = next
	}
	done.Key = now.primary
	// What was sealed with the old key has to be stored before it is looked for.
	if err := k.sessions.waitForOthers(ctx, now.primary); err != nil {
		return done, fmt.Errorf("wait for imports that use the old key: %w", err)
	}
	err := each(ctx, func(ctx context.Context, place Resealer) error {
		n, err := k.Reseal(ctx, place)
		done.Resealed += n
		return err
	})
	if err != nil {
		return done, fmt.Errorf("seal again (the old keys stay; start it again to go on): %w", err)
	}
	alone, err := now.withoutOld()
	if err == nil {
		err = k.save(alone)
	}
	if err != nil {
		return done, fmt.Errorf("remove the old keys: %w", err)
	}
	// Whoever has read a text before it was replaced can still open it: the old keys
	// end with the process. They only open; the next rotation begins with one key.
	done.Removed = len(now.old)
	k.keys.Store(&keys{handle: alone.handle, sealer: now.sealer, primary: alone.primary})
	return done, nil
}

// resealBatch is how many texts are read and replaced at once.
const resealBatch = 256

// Reseal seals the texts of one place anew that an old key has sealed, and returns
// how many. It reads the place again until no such text is left: somebody may change
// a text between its reading and its replacing. A text that cannot be opened is an
// error: its key must stay, so that whatever is wrong can be put right.
func (k *Keeper) Reseal(ctx context.Context, place Resealer) (int64, error) {
	resealed := int64(0)
	for {
		found, err := k.resealOnce(ctx, place)
		resealed += found
		if err != nil || found == 0 {
			return resealed, err
		}
	}
}

func (k *Keeper) resealOnce(ctx context.Context, place Resealer) (found int64, err error) {
	now := k.keys.Load()
	for after := ""; ; {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		texts, err := place.Sealed(ctx, after, resealBatch)
		if err != nil || len(texts) == 0 {
			return found, err
		}
		var changes []Resealed
		for _, text := range texts {
			if id, ok := SealedBy(text.Text); !ok || !slices.Contains(now.old, id) {
				continue // of the primary key, or of none that we could lose
			}
			plaintext, err := now.open(text.Text, text.Place)
			if err != nil {
				return found, fmt.Errorf("%s %s: %w", text.Place.Table, text.Place.Row, err)
			}
			sealed, err := now.seal(plaintext, text.Place)
			if err != nil {
				return found, err
			}
			changes = append(changes, Resealed{text, sealed})
		}
		if len(changes) > 0 {
			if err := place.Replace(ctx, changes); err != nil {
				return found, err
			}
		}
		found += int64(len(changes))
		after = texts[len(texts)-1].Cursor
	}
}
