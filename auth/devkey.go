package auth

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// DevKeyFile is the private key of dev mode inside the configuration folder, as a JWK
// (RFC 8037). Without the file a new key is made, and the tokens of the old one end.
const DevKeyFile = "dev_issuer.jwk"

func openDevKey(path string) (jwk.Key, error) {
	text, err := readDevKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createDevKey(path); err != nil {
			return nil, err
		}
		text, err = readDevKey(path)
	}
	if err != nil {
		return nil, err
	}
	key, err := jwk.ParseKey(text)
	if err != nil {
		return nil, damagedDevKey(path)
	}
	var private ed25519.PrivateKey
	if jwk.Export(key, &private) != nil || len(private) != ed25519.PrivateKeySize {
		return nil, damagedDevKey(path)
	}
	// All but the seed is made anew, so that nothing in the file can contradict it.
	return describeDevKey(ed25519.NewKeyFromSeed(private.Seed()))
}

// damagedDevKey leaves the parser's own words out: they can quote the key.
func damagedDevKey(path string) error {
	return fmt.Errorf("key file %s is damaged or not an Ed25519 key: delete it to get a new one, and sign in again", path)
}

// describeDevKey names the key by its thumbprint (RFC 7638).
func describeDevKey(private ed25519.PrivateKey) (jwk.Key, error) {
	key, err := jwk.Import(private)
	if err != nil {
		return nil, err
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return key, errors.Join(
		key.Set(jwk.KeyIDKey, base64.RawURLEncoding.EncodeToString(thumbprint)),
		key.Set(jwk.AlgorithmKey, jwa.EdDSA()),
		key.Set(jwk.KeyUsageKey, "sig"),
	)
}

func readDevKey(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	// Windows has no such modes; there the folder's access list protects the file.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("key file %s has mode %04o, so others can read it: run `chmod 600 %s`, or delete it to get a new key", path, mode, path)
	}
	return io.ReadAll(io.LimitReader(file, 64<<10))
}

// createDevKey makes the key under a name of its own and then links it to path, which
// fails if another process was first: its key is as good.
func createDevKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	key, err := describeDevKey(private)
	if err != nil {
		return err
	}
	text, err := json.Marshal(key)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, "."+DevKeyFile+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	err = os.Link(file.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return os.Rename(file.Name(), path) // a file system without hard links
}
