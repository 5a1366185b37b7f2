package appstore

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// auditGenesis stands for the MAC before the first row.
var auditGenesis = strings.Repeat("0", 2*sha256.Size)

// auditKeys are derived from one key, so that nothing that is signed for one purpose
// is good for another.
type auditKeys struct {
	chain, checkpoint []byte
}

func deriveAuditKeys(key []byte) auditKeys {
	derive := func(label string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(label))
		return mac.Sum(nil)
	}
	return auditKeys{chain: derive("violentutf audit chain 1"), checkpoint: derive("violentutf audit checkpoint 1")}
}

// mac is over all columns of a row but the MAC itself, in hex.
func (k auditKeys) mac(e *storage.AuditEvent) string {
	return sign(k.chain, auditRow(e))
}

// signature is over all of a checkpoint but the signature itself, in hex.
func (k auditKeys) signature(c *storage.AuditCheckpoint) string {
	return sign(k.checkpoint, []any{c.Count, c.Seq, c.MAC, c.At.UnixMicro()})
}

// sign writes each value behind its length, numbers in decimal, so that no two lists
// of values are written alike.
func sign(key []byte, values []any) string {
	mac := hmac.New(sha256.New, key)
	var length [8]byte
	for _, value := range values {
		text := fmt.Sprint(value)
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		mac.Write(length[:])
		mac.Write([]byte(text))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// equalMAC takes the same time wherever the two differ.
func equalMAC(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
