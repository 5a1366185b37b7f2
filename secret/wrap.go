package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
)

// wrapped is a key file whose content the master key encrypts, with AES256-GCM. The
// name of the file is bound into it.
type wrapped struct {
	Format     string `json:"format"`
	MasterKey  string `json:"masterKeyId"`
	Ciphertext []byte `json:"ciphertext"`
}

const wrappedFormat = "violentutf wrapped key 1"

// wrap encrypts the content of a key file.
func (m *master) wrap(name string, plain []byte) ([]byte, error) {
	aead, err := m.aead()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(wrapped{
		Format: wrappedFormat, MasterKey: m.keyID, Ciphertext: aead.Seal(nil, nil, plain, []byte(name)),
	}, "", "  ")
	return append(text, '\n'), err
}

// isWrapped tells a wrapped file from one in clear text.
func isWrapped(text []byte) bool {
	var w wrapped
	return json.Unmarshal(text, &w) == nil && w.Format != ""
}

// unwrap gives back what wrap was given. path is for the message.
func (m *master) unwrap(path, name string, text []byte) ([]byte, error) {
	var w wrapped
	if err := json.Unmarshal(text, &w); err != nil || w.Format != wrappedFormat {
		return nil, damaged(path)
	}
	if w.MasterKey != m.keyID {
		return nil, fmt.Errorf("key file %s is wrapped with another master key (its id is %.16q) than the one from %s (%s): give the master key that it was wrapped with; nothing was changed", path, w.MasterKey, m.from, m.keyID)
	}
	aead, err := m.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, w.Ciphertext, []byte(name))
	if err != nil {
		return nil, damaged(path)
	}
	return plain, nil
}

func (m *master) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(m.derive("wrap"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
