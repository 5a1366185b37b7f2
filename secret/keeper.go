// Package secret keeps credentials unreadable. It seals them for storage, finds
// them in parameters that come from elsewhere, takes them out of texts, and
// encrypts backup files that hold them in plain text.
package secret

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"filippo.io/age"
)

// The files of a Keeper, inside its configuration folder, wrapped with the master key.
// What they open is lost with them, and with the master key.
const (
	KeysetFile    = "keyset.json"
	BackupKeyFile = "backup.agekey"
)

// ErrCannotOpen says that a sealed text is damaged, was sealed with another keyset,
// or was sealed for another place.
var ErrCannotOpen = errors.New("sealed credential cannot be opened: it is damaged, belongs to another place or was sealed with another keyset")

// Keeper seals and opens credentials and encrypts backup files. It is safe for
// concurrent use. Its texts in logs say nothing of its keys.
type Keeper struct {
	folder string
	master *master
	backup []age.Identity
	reader age.Recipient

	keys     atomic.Pointer[keys]
	rotating sync.Mutex // held by the one rotation
	sessions sessions
}

// OpenKeeper is OpenKeeperWith the master key in the file that is there unless
// somebody says otherwise.
func OpenKeeper(configDir string) (*Keeper, error) {
	return OpenKeeperWith(context.Background(), configDir, MasterKey{})
}

// OpenKeeperWith reads the keys in configDir and makes the missing ones, of mode 0600
// in a folder of mode 0700, wrapped with the master key. Files of before there was a
// master key are wrapped where they are. It refuses a key file that others can read,
// one that it cannot parse, and one that another master key wrapped: such a file is
// never replaced, because what it sealed would be lost.
func OpenKeeperWith(ctx context.Context, configDir string, where MasterKey) (*Keeper, error) {
	k := &Keeper{folder: configDir}
	someWrapped := false
	for _, name := range []string{KeysetFile, BackupKeyFile} {
		text, err := readKey(filepath.Join(configDir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open the keys: %w", err)
		}
		someWrapped = someWrapped || isWrapped(text)
	}
	var err error
	if k.master, err = openMaster(ctx, configDir, where, !someWrapped); err != nil {
		return nil, err
	}
	if err := k.openKey(KeysetFile, newKeyset, k.takeKeyset); err != nil {
		return nil, err
	}
	if err := k.openKey(BackupKeyFile, newBackupKey, k.takeBackupKey); err != nil {
		return nil, err
	}
	return k, nil
}

// Derive makes a key of 32 bytes from the master key, by HKDF-SHA256: another one for
// each label, the same one for the same label until the master key is another. Of
// such a key neither the master key nor another derived one can be told.
func (k *Keeper) Derive(label string) []byte { return k.master.derive("for " + label) }

// Place is where a sealed credential lives. It is bound into the sealed text, so that
// a text copied into another row, table or workspace does not open there.
type Place struct{ Workspace, Table, Row, Field string }

// Seal encrypts plaintext for p with AES256-SIV (RFC 5297); the result is base64 text
// (RFC 4648 section 4). The same text for the same place seals to the same result
// until a rotation, so that importing a file again finds its credentials unchanged
// without opening them. What that shows, that a place's credential is what it was, is
// no secret here: no two places share a result.
//
// Who stores the result needs a Session around both, or a rotation in between could
// leave it without its key.
func (k *Keeper) Seal(plaintext string, p Place) (string, error) {
	return k.keys.Load().seal(plaintext, p)
}

// Open gives back what Seal was given for the same place, else ErrCannotOpen.
func (k *Keeper) Open(sealed string, p Place) (string, error) { return k.keys.Load().open(sealed, p) }

// String names the folder of the keys, never a key.
func (k *Keeper) String() string { return "secret.Keeper(" + k.folder + ")" }

// GoString is String, for %#v would print the keys.
func (k *Keeper) GoString() string { return k.String() }

// associatedData puts its length before each part, so that no two places share an
// encoding however their parts are cut. The label leaves room for a second encoding.
func (p Place) associatedData() []byte {
	out := []byte("violentutf place 1\x00")
	for _, part := range []string{p.Workspace, p.Table, p.Row, p.Field} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out
}

// openKey reads a wrapped key file, or makes it, and wraps one in clear text.
func (k *Keeper) openKey(name string, create func() ([]byte, error), take func([]byte) error) error {
	path := filepath.Join(k.folder, name)
	text, err := readOrCreateKey(path, func() ([]byte, error) {
		plain, err := create()
		if err != nil {
			return nil, err
		}
		return k.master.wrap(name, plain)
	})
	if err != nil {
		return fmt.Errorf("open the keys: %w", err)
	}
	plain, clear := text, !isWrapped(text)
	if !clear {
		if plain, err = k.master.unwrap(path, name, text); err != nil {
			return err
		}
	}
	if take(plain) != nil {
		return damaged(path)
	}
	if !clear {
		return nil
	}
	if err := k.replaceKey(name, plain); err != nil {
		return fmt.Errorf("wrap key file %s: %w", path, err)
	}
	return nil
}

func (k *Keeper) takeKeyset(text []byte) error {
	parsed, err := parseKeys(text)
	if err != nil {
		return err
	}
	k.keys.Store(parsed)
	return nil
}

// takeBackupKey encrypts to the first identity of the file and decrypts with any, so
// that an older identity can stay in it.
func (k *Keeper) takeBackupKey(text []byte) (err error) {
	if k.backup, err = age.ParseIdentities(bytes.NewReader(text)); err != nil {
		return err
	}
	first, ok := k.backup[0].(*age.X25519Identity)
	if !ok {
		return errors.New("not an X25519 identity")
	}
	k.reader = first.Recipient()
	return nil
}

// newBackupKey writes the key the way age does.
func newBackupKey() ([]byte, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "# public key: %s\n%s\n", identity.Recipient(), identity), nil
}

// damaged leaves the parser's own words out: they can quote the key.
func damaged(path string) error {
	return fmt.Errorf("key file %s is damaged or of another kind: put it back from a backup of the configuration folder", path)
}
