package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// NewComponent makes a component of a source's description: identifier is a JSON
// object, known is what of it has a column (class, module, model, endpoint, name),
// and parameters is the rest. The hash is the SHA-256 of kind, a newline and the
// canonical identifier (keys sorted, no insignificant space, numbers as written).
func NewComponent(kind ComponentKind, identifier any, known Component) (*Component, error) {
	canonical, err := CanonicalJSON(identifier)
	if err != nil {
		return nil, fmt.Errorf("describe %s component: %w", kind, err)
	}
	known.Kind = kind
	known.Identifier = canonical
	sum := sha256.Sum256([]byte(string(kind) + "\n" + string(canonical)))
	known.Hash = hex.EncodeToString(sum[:])
	if known.Name == "" {
		known.Name = known.ClassName
	}
	if known.Parameters == "" {
		known.Parameters = "{}"
	}
	return &known, nil
}

// CanonicalJSON writes a value, or a JSON text given as JSON, with sorted keys,
// without insignificant space and with numbers as they were written.
func CanonicalJSON(value any) (JSON, error) {
	raw, isText := value.(JSON)
	if !isText {
		encoded, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		raw = JSON(encoded)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(raw)))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(tree); err != nil {
		return "", err
	}
	return JSON(bytes.TrimRight(out.Bytes(), "\n")), nil
}

// TextHash is the SHA-256 of a text, hex: as PyRIT computes it for a prompt.
func TextHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
