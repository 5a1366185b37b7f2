package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keys are the sealing keys as one moment has them; a rotation replaces the whole.
type keys struct {
	handle  *keyset.Handle
	sealer  tink.DeterministicAEAD // seals with the primary key, opens with any
	primary uint32
	old     []uint32 // keys that only open
}

func newKeys(handle *keyset.Handle) (*keys, error) {
	sealer, err := daead.New(handle)
	if err != nil {
		return nil, err
	}
	k := &keys{handle: handle, sealer: sealer}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, err
		}
		if entry.IsPrimary() {
			k.primary = entry.KeyID()
		} else {
			k.old = append(k.old, entry.KeyID())
		}
	}
	return k, nil
}

func (k *keys) seal(plaintext string, p Place) (string, error) {
	sealed, err := k.sealer.EncryptDeterministically([]byte(plaintext), p.associatedData())
	if err != nil {
		return "", fmt.Errorf("seal credential: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

func (k *keys) open(sealed string, p Place) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrCannotOpen
	}
	plaintext, err := k.sealer.DecryptDeterministically(raw, p.associatedData())
	if err != nil {
		return "", ErrCannotOpen
	}
	return string(plaintext), nil
}

// SealedBy is the id of the key that sealed a text: Tink writes it in front, after a
// byte 1. It reports false for a text that Seal cannot have made.
func SealedBy(sealed string) (keyID uint32, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < 5 || raw[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(raw[1:5]), true
}

// withNewPrimary is the keyset with a new key that seals from now on.
func (k *keys) withNewPrimary() (*keys, error) {
	manager := keyset.NewManagerFromHandle(k.handle)
	id, err := manager.Add(daead.AESSIVKeyTemplate())
	if err != nil {
		return nil, err
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, err
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return newKeys(handle)
}

// withoutOld is the keyset with its primary key alone.
func (k *keys) withoutOld() (*keys, error) {
	manager := keyset.NewManagerFromHandle(k.handle)
	for _, id := range k.old {
		if err := manager.Delete(id); err != nil {
			return nil, err
		}
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return newKeys(handle)
}

// text is the keyset as Tink writes it, in clear.
func (k *keys) text() ([]byte, error) {
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewJSONWriter(&text)); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

func parseKeys(text []byte) (*keys, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, err
	}
	k, err := newKeys(handle)
	if err == nil && k.primary == 0 {
		err = errors.New("a keyset without a primary key")
	}
	return k, err
}

func newKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(daead.AESSIVKeyTemplate())
	if err != nil {
		return nil, err
	}
	return (&keys{handle: handle}).text()
}

// save brings a keyset to disk, wrapped, before anything is sealed with it.
func (k *Keeper) save(next *keys) error {
	plain, err := next.text()
	if err != nil {
		return err
	}
	return k.replaceKey(KeysetFile, plain)
}

// replaceKey wraps a key into its file: either the old content or the new is there,
// whatever happens.
func (k *Keeper) replaceKey(name string, plain []byte) error {
	text, err := k.master.wrap(name, plain)
	if err != nil {
		return err
	}
	return writeAtomically(filepath.Join(k.folder, name), os.Rename, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
