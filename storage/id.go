package storage

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// Kind is the type part of a GraphQL id.
type Kind byte

// The kinds of things that have an id of their own.
const (
	KindWorkspace    Kind = 'w'
	KindAttack       Kind = 'a'
	KindConversation Kind = 'c'
	KindMessage      Kind = 'm'
	KindScore        Kind = 's'
	KindComponent    Kind = 'k'
	KindGenerator    Kind = 'g'
	KindDataset      Kind = 'd'
	KindVersion      Kind = 'v'
	KindPrompt       Kind = 'p'
	KindConverter    Kind = 't'
	KindScorer       Kind = 'r'
	KindExecution    Kind = 'e'
	KindImport       Kind = 'i'
	KindAnnotation   Kind = 'b'
	KindFinding      Kind = 'h'
	KindTrashEntry   Kind = 'z'
	KindFile         Kind = 'x'
	KindOrchestrator Kind = 'O'
	KindPrice        Kind = 'P'

	KindSavedSession  Kind = 'J'
	KindSavedQuery    Kind = 'Q'
	KindParameterFile Kind = 'F'
	KindTemplate      Kind = 'L'
	KindTaxonomy      Kind = 'T'

	// Of a workspace, but kept by the app store.
	KindWebhook         Kind = 'W'
	KindWebhookDelivery Kind = 'D'

	// What the app store keeps: who may see it is not told by a store's key.
	KindUser       Kind = 'u'
	KindAPIKey     Kind = 'y'
	KindSession    Kind = 'n'
	KindAuditEvent Kind = 'l'
	KindSetting    Kind = 'o'
	KindErrorLog   Kind = 'f'

	KindUserSetting Kind = 'U'
)

// InWorkspace tells whether a thing of this kind is a workspace or lies in one.
func (k Kind) InWorkspace() bool {
	return !strings.ContainsRune(appKinds, rune(k))
}

const (
	storeKinds = "acmskgdvptreibhOPJQFLTzxWD"
	appKinds   = "uynlofU"
)

// StoreKeyBytes is the length of a user store's random key for ids.
const StoreKeyBytes = 8

// ID is a decoded GraphQL id: what it names, the random key of the user store
// that holds it, and its key in there (text, or 8-byte numbers one after another).
type ID struct {
	Kind Kind
	// Store is the random key of the store; for KindWorkspace and what the app store
	// keeps it is empty.
	Store string
	Key   string
}

// String encodes the id as base64url(kind, store key, key). It is opaque to
// clients: the same number in two stores gives two different ids.
func (id ID) String() string {
	raw := make([]byte, 0, 1+len(id.Store)+len(id.Key))
	raw = append(raw, byte(id.Kind))
	raw = append(raw, id.Store...)
	raw = append(raw, id.Key...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseID decodes an id. It reports false for anything that String cannot have
// made; whether the thing exists is for the store to say.
func ParseID(text string) (ID, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	// The decoder passes over line ends and spare bits: an id has one spelling.
	if err != nil || len(raw) < 2 || base64.RawURLEncoding.EncodeToString(raw) != text {
		return ID{}, false
	}
	id := ID{Kind: Kind(raw[0])}
	rest := string(raw[1:])
	if id.Kind == KindWorkspace || !id.Kind.InWorkspace() {
		id.Key = rest
		return id, true
	}
	if !strings.ContainsRune(storeKinds, rune(id.Kind)) || len(rest) <= StoreKeyBytes {
		return ID{}, false
	}
	id.Store, id.Key = rest[:StoreKeyBytes], rest[StoreKeyBytes:]
	return id, true
}

// NumberKey encodes the numbers of a key, each as eight big-endian bytes.
func NumberKey(numbers ...int64) string {
	raw := make([]byte, 0, 8*len(numbers))
	for _, n := range numbers {
		raw = binary.BigEndian.AppendUint64(raw, uint64(n))
	}
	return string(raw)
}

// Numbers decodes a key that NumberKey made of n numbers.
func (id ID) Numbers(n int) ([]int64, bool) {
	if len(id.Key) != 8*n {
		return nil, false
	}
	numbers := make([]int64, n)
	for i := range numbers {
		numbers[i] = int64(binary.BigEndian.Uint64([]byte(id.Key[8*i:])))
	}
	return numbers, true
}
