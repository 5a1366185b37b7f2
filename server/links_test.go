package server

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestALinkNamesOneFileOfOneWorkspaceForTenMinutes(t *testing.T) {
	const owner = "0199c000-0000-7000-8000-000000000001"
	hash := strings.Repeat("ab", 32)
	now := time.Unix(1_800_000_000, 0)
	l := links{key: []byte(strings.Repeat("k", 32)), now: func() time.Time { return now }}
	path, err := l.make(owner, hash, "../a/b\u202e\r.txt")
	if err != nil {
		t.Fatal(err)
	}
	link := strings.TrimPrefix(path, "/files/")
	now = now.Add(linkTTL - time.Second)
	if gotOwner, gotHash, gotName, ok := l.read(link); !ok || gotOwner != owner || gotHash != hash || gotName != "b.txt" {
		t.Errorf("read %q, %q, %q, %v", gotOwner, gotHash, gotName, ok)
	}
	raw, err := base64.RawURLEncoding.DecodeString(link)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 1
		if _, _, _, ok := l.read(base64.RawURLEncoding.EncodeToString(raw)); ok {
			t.Fatalf("read with byte %d changed", i)
		}
		raw[i] ^= 1
	}
	other := links{key: []byte(strings.Repeat("l", 32)), now: l.now}
	if _, _, _, ok := other.read(link); ok {
		t.Error("read with another key")
	}
	for _, text := range []string{"", "!", link[:40], link + "A", link + "=="} {
		if _, _, _, ok := l.read(text); ok {
			t.Errorf("read %q", text)
		}
	}
	now = now.Add(time.Second)
	if _, _, _, ok := l.read(link); ok {
		t.Error("read after ten minutes")
	}
	if _, err := l.make(owner, "ab", ""); err == nil {
		t.Error("a link to no hash")
	}
}
