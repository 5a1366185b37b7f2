package auth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestAPIKeyIsRecognisedOffline(t *testing.T) {
	form := regexp.MustCompile(`^vutf_[0-9A-Za-z]{49}$`)
	seen := make(map[string]bool)
	for range 200 {
		secret, hash, prefix := NewAPIKey()
		again, err := HashAPIKey(secret)
		if err != nil || !SameHash(again, hash) || !form.MatchString(secret) || prefix != secret[:11] || len(hash) != 64 || seen[secret] {
			t.Fatalf("%s %s %s %v", secret, hash, prefix, err)
		}
		seen[secret] = true
	}
	secret, hash, _ := NewAPIKey()
	for i := range len(secret) {
		mistyped := []byte(secret)
		mistyped[i] = 'x'
		if secret[i] == 'x' {
			mistyped[i] = 'y'
		}
		if got, err := HashAPIKey(string(mistyped)); err == nil || !errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), secret[5:20]) {
			t.Errorf("a wrong character at %d: %s, %v", i, got, err)
		}
	}
	for _, bad := range []string{"", "vutf_", secret[:len(secret)-1], secret + "0", " " + secret, secret + "\n", strings.ToLower(secret), strings.TrimPrefix(secret, "vutf_"), strings.Replace(secret, "vutf", "VUTF", 1)} {
		if got, err := HashAPIKey(bad); err == nil || SameHash(got, hash) {
			t.Errorf("%q is a key", bad)
		}
	}
	if SameHash(hash, "") || SameHash(hash, hash[:63]) {
		t.Error("a part is the same")
	}
}

func TestAPIKeyOfARequestIsItsOnlyCredential(t *testing.T) {
	secret, _, _ := NewAPIKey()
	other, _, _ := NewAPIKey()
	for _, test := range []struct {
		name    string
		header  http.Header
		want    string
		present bool
		ok      bool
	}{
		{"nothing", http.Header{}, "", false, true},
		{"X-API-Key", http.Header{"X-Api-Key": {secret}}, secret, true, true},
		{"Bearer", http.Header{"Authorization": {"Bearer " + secret}}, secret, true, true},
		{"bearer with spaces", http.Header{"Authorization": {"bearer   " + secret + " "}}, secret, true, true},
		{"a token", http.Header{"Authorization": {"Bearer a.b.c"}}, "", false, true},
		{"another scheme", http.Header{"Authorization": {"Basic " + secret}}, "", false, true},
		{"both, the same", http.Header{"Authorization": {"Bearer " + secret}, "X-Api-Key": {secret}}, "", true, false},
		{"both, two", http.Header{"Authorization": {"Bearer " + other}, "X-Api-Key": {secret}}, "", true, false},
		{"a token and a key", http.Header{"Authorization": {"Bearer a.b.c"}, "X-Api-Key": {secret}}, "", true, false},
		{"twice", http.Header{"X-Api-Key": {secret, other}}, "", true, false},
		{"a list", http.Header{"X-Api-Key": {""}}, "", true, false},
		{"a token in X-API-Key", http.Header{"X-Api-Key": {"a.b.c"}}, "", true, false},
		// Left to BearerToken, which refuses it.
		{"Authorization twice", http.Header{"Authorization": {"Bearer " + secret, "Bearer " + other}}, "", false, true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
		r.Header = test.header
		got, present, err := APIKeyOf(r)
		if got != test.want || present != test.present || (err == nil) != test.ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %q, %v, %v", test.name, got, present, err)
		}
	}
}

func TestScopesAreReadOnceAndInOrder(t *testing.T) {
	got, err := ParseScopes([]string{"execute", "READ", "read"})
	if err != nil || !slices.Equal(got, Scopes{ScopeRead, ScopeExecute}) || got.Has(ScopeWrite) || !got.Has(ScopeRead) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range [][]string{nil, {""}, {"read", "admin"}, {"read write"}} {
		if got, err := ParseScopes(bad); err == nil {
			t.Errorf("%v: %v", bad, got)
		}
	}
}
