package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"slices"
	"strings"
)

// An API key is "vutf_", 256 random bits in base62 (43 characters), and the CRC-32 of
// all before it, in base62 (6 characters). So a scanner for leaked secrets knows one by
// `vutf_[0-9A-Za-z]{49}`, and by the checksum without asking this server; a typing error
// is told from a wrong key.
const (
	apiKeyBegin    = "vutf_"
	apiKeyRandom   = 43
	apiKeyChecksum = 6
	apiKeyLength   = len(apiKeyBegin) + apiKeyRandom + apiKeyChecksum
	apiKeyPrefix   = len(apiKeyBegin) + 6 // characters; 36 of 256 bits may be shown
)

// NewAPIKey makes a key. The secret is shown once; hash, its SHA-256 in hexadecimal, is
// what the store keeps and looks up; prefix ("vutf_3fX0aB") tells keys apart in a list.
func NewAPIKey() (secret, hash, prefix string) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // ends the program rather than fail
	secret = apiKeyBegin + base62(new(big.Int).SetBytes(raw), apiKeyRandom)
	secret += checksum(secret)
	hash, _ = HashAPIKey(secret)
	return secret, hash, secret[:apiKeyPrefix]
}

// HashAPIKey gives the hash under which a key is stored. A text that is no key, by its
// form or checksum, gives an error that is ErrInvalid and quotes nothing of it.
func HashAPIKey(secret string) (string, error) {
	if !IsAPIKey(secret) || len(secret) != apiKeyLength {
		return "", invalid("it is not an API key")
	}
	body := secret[:apiKeyLength-apiKeyChecksum]
	for _, r := range secret[len(apiKeyBegin):] {
		if !strings.ContainsRune(digits62, r) {
			return "", invalid("it is not an API key")
		}
	}
	if checksum(body) != secret[len(body):] {
		return "", invalid("it is mistyped or cut off")
	}
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:]), nil
}

// SameHash compares two hashes in a time that does not depend on them.
func SameHash(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// IsAPIKey says whether a bearer token means to be an API key: it begins like one.
func IsAPIKey(token string) bool { return strings.HasPrefix(token, apiKeyBegin) }

// APIKeyOf reads the API key of a request: from X-API-Key, or from Authorization with
// the scheme Bearer. Without one present is false, and a bearer token that is no API key
// is left to a Verifier. Two credentials, even of the same text, are an error that is
// ErrInvalid: which counts would be a guess.
func APIKeyOf(r *http.Request) (secret string, present bool, err error) {
	own := r.Header.Values("X-API-Key")
	if len(own) == 0 {
		// Whatever is wrong with the header, BearerToken says again to who asks for a token.
		token, _, err := BearerToken(r)
		if err != nil || !IsAPIKey(token) {
			return "", false, nil
		}
		return token, true, nil
	}
	if len(own) > 1 || len(r.Header.Values("Authorization")) > 0 {
		return "", true, invalid("there is more than one credential")
	}
	if !IsAPIKey(own[0]) {
		return "", true, invalid("X-API-Key does not hold an API key")
	}
	return own[0], true, nil
}

const digits62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func checksum(text string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(text)))), apiKeyChecksum)
}

// base62 writes a number with so many digits.
func base62(number *big.Int, width int) string {
	text := make([]byte, width)
	rest, digit, base := new(big.Int).Set(number), new(big.Int), big.NewInt(int64(len(digits62)))
	for i := range slices.Backward(text) {
		rest.DivMod(rest, base, digit)
		text[i] = digits62[digit.Int64()]
	}
	return string(text)
}

// Scope is what an API key may be used for. Scopes do not contain each other.
type Scope string

// The scopes, as the schema and the store spell them.
const (
	ScopeRead    Scope = "READ"    // queries and subscriptions
	ScopeWrite   Scope = "WRITE"   // mutations, imports and uploads
	ScopeExecute Scope = "EXECUTE" // starting and steering executions, and tests of targets
)

// Scopes are those of one key, each once, in the order above.
type Scopes []Scope

// ParseScopes reads scopes in any case, and wants at least one.
func ParseScopes(names []string) (Scopes, error) {
	var scopes Scopes
	for _, scope := range []Scope{ScopeRead, ScopeWrite, ScopeExecute} {
		if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, string(scope)) }) {
			scopes = append(scopes, scope)
		}
	}
	for _, name := range names {
		if !scopes.Has(Scope(strings.ToUpper(name))) {
			return nil, fmt.Errorf("unknown scope %q: use read, write or execute", name)
		}
	}
	if len(scopes) == 0 {
		return nil, fmt.Errorf("an API key needs a scope: read, write or execute")
	}
	return scopes, nil
}

// Has says whether a key has that very scope.
func (s Scopes) Has(scope Scope) bool { return slices.Contains(s, scope) }
