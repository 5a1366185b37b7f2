package secret

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// MasterKeyFile holds the master key where nothing else gives it, inside the
// configuration folder.
const MasterKeyFile = "master.key"

// MasterKey says where the key comes from that wraps all others: base64 of 32 bytes,
// as `openssl rand -base64 32` prints it. At most one field may be set; without any
// it is in the file MasterKeyFile, which is made on first use.
type MasterKey struct {
	Text    string // the key itself, from the environment
	File    string // another file; made on first use like the other
	Command string // prints the key; words are parted by spaces, no shell reads them
}

const (
	masterKeyBytes = 32
	// commandTimeout bounds a command that waits for a person or a network.
	commandTimeout = 10 * time.Second
)

// master is the master key and what is told of it.
type master struct {
	key   []byte
	from  string // for messages and status, never the key
	keyID string // tells keys apart without telling the key
}

// openMaster finds the master key. It makes a new one only if mayCreate: where
// something is wrapped already, another key could never open it.
func openMaster(ctx context.Context, configDir string, where MasterKey, mayCreate bool) (*master, error) {
	given := 0
	for _, field := range []string{where.Text, where.File, where.Command} {
		if field != "" {
			given++
		}
	}
	if given > 1 {
		return nil, errors.New("the master key comes from several places: set only one of VIOLENTUTF_MASTER_KEY, VIOLENTUTF_MASTER_KEY_FILE and VIOLENTUTF_MASTER_KEY_COMMAND")
	}
	switch {
	case where.Text != "":
		return newMaster([]byte(where.Text), "the environment")
	case where.Command != "":
		text, err := runMasterCommand(ctx, where.Command)
		if err != nil {
			return nil, err
		}
		return newMaster(text, "the command "+strings.Fields(where.Command)[0])
	}
	path := where.File
	if path == "" {
		path = filepath.Join(configDir, MasterKeyFile)
	}
	read := readKey
	if mayCreate {
		read = func(path string) ([]byte, error) { return readOrCreateKey(path, randomMasterKey) }
	}
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the master key %s is missing, and the keys in %s are wrapped with it: put it back from its backup, or tell where it is by VIOLENTUTF_MASTER_KEY, VIOLENTUTF_MASTER_KEY_FILE or VIOLENTUTF_MASTER_KEY_COMMAND; nothing was changed", path, configDir)
	}
	if err != nil {
		return nil, fmt.Errorf("open the master key: %w", err)
	}
	return newMaster(text, "the file "+path)
}

func randomMasterKey() ([]byte, error) {
	key := make([]byte, masterKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return append([]byte(base64.StdEncoding.EncodeToString(key)), '\n'), nil
}

func newMaster(text []byte, from string) (*master, error) {
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(string(text)), "="))
	if err != nil || len(key) != masterKeyBytes {
		return nil, fmt.Errorf("the master key from %s is not base64 of %d bytes: `openssl rand -base64 %[2]d` makes one", from, masterKeyBytes)
	}
	m := &master{key: key, from: from}
	m.keyID = hex.EncodeToString(m.derive("id")[:8])
	return m, nil
}

// runMasterCommand runs a command for its output. What it says on its way is left
// out of errors: it may be the key.
func runMasterCommand(ctx context.Context, command string) ([]byte, error) {
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, errors.New("VIOLENTUTF_MASTER_KEY_COMMAND is blank: name a program that prints the master key")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	run := exec.CommandContext(ctx, words[0], words[1:]...)
	run.WaitDelay = time.Second // a child of its own may keep the output open
	output, err := run.Output()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("the command %s did not print the master key within %v", words[0], commandTimeout)
	}
	if err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); ended {
			err = errors.New(run.ProcessState.String())
		}
		return nil, fmt.Errorf("the command %s did not print the master key: %w", words[0], err)
	}
	return bytes.TrimSpace(output), nil
}

// derive makes a key of its own for each label, by HKDF-SHA256 (RFC 5869).
func (m *master) derive(label string) []byte {
	key, err := hkdf.Key(sha256.New, m.key, nil, "violentutf master 1\x00"+label, sha256.Size)
	if err != nil { // only of a length that SHA-256 cannot give
		panic(err)
	}
	return key
}
