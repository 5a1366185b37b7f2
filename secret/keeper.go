// Package secret keeps credentials unreadable. It seals them for storage, finds
// them in parameters that come from elsewhere, takes them out of texts, and
// encrypts backup files that hold them in plain text.
package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"filippo.io/age"
	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// The files of a Keeper, inside its configuration folder. Whoever can read them can
// read every credential: they belong in a backup of their own.
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
	sealer tink.DeterministicAEAD
	backup []age.Identity
	reader age.Recipient
}

// OpenKeeper reads the keys in configDir and makes the missing ones, of mode 0600 in
// a folder of mode 0700. It refuses a key file that others can read, and one that it
// cannot parse: a damaged key is never replaced, because what it sealed would be lost.
//
// The keyset is in clear text, protected by the file's mode alone. A master key that
// wraps it is still to come.
func OpenKeeper(configDir string) (*Keeper, error) {
	k := &Keeper{folder: configDir}
	if err := k.openKeyset(filepath.Join(configDir, KeysetFile)); err != nil {
		return nil, err
	}
	if err := k.openBackupKey(filepath.Join(configDir, BackupKeyFile)); err != nil {
		return nil, err
	}
	return k, nil
}

// Place is where a sealed credential lives. It is bound into the sealed text, so that
// a text copied into another row, table or workspace does not open there.
type Place struct{ Workspace, Table, Row, Field string }

// Seal encrypts plaintext for p with AES256-SIV (RFC 5297); the result is base64 text
// (RFC 4648 section 4). The same text for the same place seals to the same result, so
// that importing a file again finds its credentials unchanged without opening them.
// What that shows, that a place's credential is what it was, is no secret here: no two
// places share a result.
func (k *Keeper) Seal(plaintext string, p Place) (string, error) {
	sealed, err := k.sealer.EncryptDeterministically([]byte(plaintext), p.associatedData())
	if err != nil {
		return "", fmt.Errorf("seal credential: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// Open gives back what Seal was given for the same place, else ErrCannotOpen.
func (k *Keeper) Open(sealed string, p Place) (string, error) {
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

func (k *Keeper) openKeyset(path string) error {
	text, err := readOrCreateKey(path, newKeyset)
	if err != nil {
		return fmt.Errorf("open credential keyset: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return damaged(path)
	}
	if k.sealer, err = daead.New(handle); err != nil {
		return damaged(path)
	}
	return nil
}

func newKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(daead.AESSIVKeyTemplate())
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// openBackupKey encrypts to the first identity of the file and decrypts with any, so
// that an older identity can stay in it.
func (k *Keeper) openBackupKey(path string) error {
	text, err := readOrCreateKey(path, newBackupKey)
	if err != nil {
		return fmt.Errorf("open backup key: %w", err)
	}
	if k.backup, err = age.ParseIdentities(bytes.NewReader(text)); err != nil {
		return damaged(path)
	}
	first, ok := k.backup[0].(*age.X25519Identity)
	if !ok {
		return damaged(path)
	}
	k.reader = first.Recipient()
	return nil
}

// newBackupKey writes the key the way the age command line reads it (age -d -i FILE).
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
