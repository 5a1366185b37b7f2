package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func TestIssuedTokenGivesItsViewer(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "config")
	c := &clock{noon}
	d := openDev(t, folder, c)
	token, expires, err := d.Issue("alice@example.org", RoleAuditor, 90*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	want := &Viewer{
		Issuer: "violentutf-dev", Subject: "dev:alice@example.org", Username: "alice@example.org", DisplayName: "alice@example.org",
		Roles: []Role{RoleAuditor}, IssuedAt: noon, ExpiresAt: noon.Add(90 * time.Minute), Dev: true,
	}
	// Another process reads the same key from the folder.
	for _, verifier := range []Verifier{d, openDev(t, folder, c), d} {
		viewer, err := verifier.Verify(t.Context(), token)
		if err != nil || !reflect.DeepEqual(viewer, want) || !expires.Equal(want.ExpiresAt) {
			t.Fatalf("got %+v, %v, %v", viewer, expires, err)
		}
		viewer.UserID, viewer.Roles[0] = "changed", RoleAdmin // the caller's own
	}
	header, claims := parts(t, token)
	if header["alg"] != "EdDSA" || header["typ"] != "at+jwt" || header["kid"] == "" {
		t.Errorf("header %v", header)
	}
	for _, name := range []string{"iat", "nbf", "exp", "jti"} {
		if claims[name] == nil {
			t.Errorf("%s is missing in %v", name, claims)
		}
	}
	other, _, err := d.Issue("alice@example.org", RoleAuditor, 90*time.Minute)
	if err != nil || other == token {
		t.Errorf("two tokens are one: %v", err)
	}
}

func TestTokenHoldsExactlyFromItsBeginToItsEndWithSkew(t *testing.T) {
	folder := t.TempDir()
	d := openDev(t, folder, &clock{noon})
	token, _, err := d.Issue("alice", RoleUser, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		at   time.Duration
		want error
	}{
		{-31 * time.Second, ErrNotYetValid},
		{-30 * time.Second, nil},
		{0, nil},
		{time.Hour + 29*time.Second, nil},
		{time.Hour + 30*time.Second, ErrExpired},
		{24 * time.Hour, ErrExpired},
	} {
		_, err := openDev(t, folder, &clock{noon.Add(test.at)}).Verify(t.Context(), token)
		if !errors.Is(err, test.want) || test.want != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("at %v: %v, want %v", test.at, err, test.want)
		}
	}
}

func TestRememberedTokenEndsWithTheToken(t *testing.T) {
	c := &clock{noon}
	d := openDev(t, t.TempDir(), c)
	token, _, err := d.Issue("alice", RoleUser, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.cache.get(token, noon); !ok {
		t.Fatal("the token is not remembered")
	}
	c.at = noon.Add(39 * time.Second)
	if _, err := d.Verify(t.Context(), token); err != nil {
		t.Errorf("within the skew: %v", err)
	}
	c.at = noon.Add(40 * time.Second)
	if _, err := d.Verify(t.Context(), token); !errors.Is(err, ErrExpired) {
		t.Errorf("after its end: %v", err)
	}
}

func TestCacheForgetsAfterAMinuteAndStaysBounded(t *testing.T) {
	var c cache
	viewer := &Viewer{ExpiresAt: noon.Add(time.Hour)}
	c.put("first", viewer, noon)
	if _, ok := c.get("first", noon.Add(time.Minute-1)); !ok {
		t.Error("forgotten too early")
	}
	if _, ok := c.get("first", noon.Add(time.Minute)); ok {
		t.Error("still there after a minute")
	}
	for i := range 2*cachedTokens + 1 {
		c.put(fmt.Sprint(i), viewer, noon)
		if size := len(c.young) + len(c.old); size > cachedTokens {
			t.Fatalf("holds %d", size)
		}
	}
	if _, ok := c.get(fmt.Sprint(2*cachedTokens), noon); !ok {
		t.Error("the newest is not there")
	}
	if _, ok := c.get("0", noon); ok {
		t.Error("the oldest is still there")
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	c := &clock{noon}
	d := openDev(t, t.TempDir(), c)
	good, _, err := d.Issue("alice", RoleUser, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	header, _ := parts(t, good)
	kid := header["kid"].(string)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := seed(t, d)
	public := []byte(own.Public().(ed25519.PublicKey))

	with := func(change map[string]any) map[string]any {
		_, claims := parts(t, good)
		for name, value := range change {
			if value == nil {
				delete(claims, name)
			} else {
				claims[name] = value
			}
		}
		return claims
	}
	typed := map[string]any{"typ": "at+jwt", "kid": kid}
	// So that the others fail for their own reason alone.
	if _, err := d.Verify(t.Context(), sign(t, jwa.EdDSA(), own, typed, with(nil))); err != nil {
		t.Fatalf("the unchanged token is refused: %v", err)
	}
	cut := strings.LastIndex(good, ".")
	flipped := []byte(good)
	flipped[cut+5] ^= 1
	swapped := strings.Split(sign(t, jwa.EdDSA(), stranger, typed, with(map[string]any{"roles": []string{"ADMIN"}})), ".")
	signature := good[cut+1:]

	for name, token := range map[string]string{
		"HS256 with the public key": sign(t, jwa.HS256(), public, typed, with(nil)),
		"none":                      encode(t, map[string]any{"alg": "none", "typ": "at+jwt", "kid": kid}) + "." + encode(t, with(nil)) + ".",
		"none with a signature":     encode(t, map[string]any{"alg": "none", "typ": "at+jwt", "kid": kid}) + "." + encode(t, with(nil)) + "." + signature,
		"a stranger's key":          sign(t, jwa.EdDSA(), stranger, typed, with(nil)),
		"another kid":               sign(t, jwa.EdDSA(), own, map[string]any{"typ": "at+jwt", "kid": "other"}, with(nil)),
		"no kid":                    sign(t, jwa.EdDSA(), own, map[string]any{"typ": "at+jwt"}, with(nil)),
		"another type":              sign(t, jwa.EdDSA(), own, map[string]any{"typ": "logout+jwt", "kid": kid}, with(nil)),
		"a critical extension":      sign(t, jwa.EdDSA(), own, map[string]any{"typ": "at+jwt", "kid": kid, "crit": []string{"x"}, "x": 1}, with(nil)),
		"another issuer":            sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"iss": "violentutf-dev/"})),
		"no issuer":                 sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"iss": nil})),
		"another audience":          sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"aud": "violentutf-other"})),
		"no audience":               sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"aud": nil})),
		"no expiry":                 sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"exp": nil})),
		"another subject":           sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"sub": "dev:bob"})),
		"no username":               sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"preferred_username": nil})),
		"a username with a path":    sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"preferred_username": "../bob", "sub": "dev:../bob"})),
		"no roles":                  sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"roles": nil})),
		"an unknown role":           sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"roles": []string{"USER", "ROOT"}})),
		"a changed signature":       string(flipped),
		"a changed payload":         swapped[0] + "." + swapped[1] + "." + signature,
		"no signature":              good[:cut+1],
		"a longer one":              good + ".x",
		"white space":               " " + good,
		"JSON form":                 `{"payload":"e30","signatures":[]}`,
		"nothing":                   "",
		"more than 8 KiB":           sign(t, jwa.EdDSA(), own, typed, with(map[string]any{"fill": strings.Repeat("x", longestToken)})),
	} {
		viewer, err := d.Verify(t.Context(), token)
		if viewer != nil || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, %v", name, viewer, err)
			continue
		}
		for _, part := range strings.Split(token, ".") {
			if len(part) > 8 && strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error quotes the token", name)
			}
		}
	}
}

func TestIssueRefusesWhatWouldNotVerify(t *testing.T) {
	d := openDev(t, t.TempDir(), &clock{noon})
	for _, test := range []struct {
		username string
		role     Role
		ttl      time.Duration
	}{{"../x", RoleUser, time.Hour}, {"alice", "ROOT", time.Hour}, {"alice", RoleUser, 0}, {"alice", RoleUser, -time.Hour}} {
		if token, _, err := d.Issue(test.username, test.role, test.ttl); err == nil || token != "" {
			t.Errorf("%v was issued", test)
		}
	}
}

func TestDevKeyIsPrivateAndNeverReplaced(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "config")
	d := openDev(t, folder, &clock{noon})
	path := filepath.Join(folder, DevKeyFile)
	if printed := fmt.Sprintf("%v %+v %#v", d, d, d); strings.Contains(printed, base64.RawURLEncoding.EncodeToString(seed(t, d).Seed())) || len(printed) > 200 {
		t.Errorf("printed %s", printed)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v", entries, err)
	}
	for _, content := range []string{"", "{}", `{"kty":"oct","k":"aHVzaA"}`, `{"kty":"OKP","crv":"Ed25519","x":"aHVzaA","d":"aHVzaA"}`} {
		write(t, path, content, 0o600)
		if _, err := OpenDevIssuer(folder); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "aHVzaA") {
			t.Errorf("%s: %v", content, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("the file became %q, %v", after, err)
		}
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
	fresh := t.TempDir()
	openDev(t, fresh, &clock{noon})
	path = filepath.Join(fresh, DevKeyFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDevIssuer(fresh); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
		t.Errorf("a key that others can read: %v", err)
	}
}

func TestIssuersThatStartAtOnceShareOneKey(t *testing.T) {
	folder := t.TempDir()
	issuers := make([]*DevIssuer, 8)
	var all sync.WaitGroup
	for i := range issuers {
		all.Go(func() {
			var err error
			if issuers[i], err = OpenDevIssuer(folder); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	token, _, err := issuers[0].Issue("alice", RoleUser, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range issuers {
		if _, err := d.Verify(t.Context(), token); err != nil {
			t.Errorf("issuer %d has another key: %v", i, err)
		}
	}
}

func openDev(t *testing.T, folder string, c *clock) *DevIssuer {
	t.Helper()
	d, err := openDevIssuer(folder, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func seed(t *testing.T, d *DevIssuer) ed25519.PrivateKey {
	t.Helper()
	var private ed25519.PrivateKey
	if err := jwk.Export(d.key, &private); err != nil {
		t.Fatal(err)
	}
	return private
}

func sign(t *testing.T, algorithm jwa.SignatureAlgorithm, key any, header, claims map[string]any) string {
	t.Helper()
	headers := jws.NewHeaders()
	for name, value := range header {
		if err := headers.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jws.Sign(payload, jws.WithKey(algorithm, key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func encode(t *testing.T, part map[string]any) string {
	t.Helper()
	text, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parts(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	for i, out := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func write(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
