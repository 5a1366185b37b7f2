package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/violentutf/violentutf/internal/provider"
)

// FuzzVerify looks for a token that is accepted and should not be. The three parts are
// sent as they are, and header and payload signed with the provider's key too: then only
// the checks of what they say stand between them and a viewer.
func FuzzVerify(f *testing.F) {
	public, err := jwk.Import(provider.EdKey().Public())
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(public.Set(jwk.KeyIDKey, "ed-1"), public.Set(jwk.AlgorithmKey, jwa.EdDSA())); err != nil {
		f.Fatal(err)
	}
	keys := jwk.NewSet()
	if err := keys.AddKey(public); err != nil {
		f.Fatal(err)
	}
	c := &clock{noon}
	p := &Provider{now: c.now, roles: roleMap{names: DefaultRoleMap(), clients: []string{"violentutf"}}, rules: rules{
		issuer: "https://idp.example", audience: "violentutf", parties: []string{"violentutf"},
		kinds: accessKinds, purpose: isAccessToken, algorithms: providerAlgorithms, keys: fixedKeys{keys}, now: c.now,
	}}
	f.Fuzz(func(t *testing.T, header, payload, signature string) {
		if viewer, err := p.Verify(context.Background(), header+"."+payload+"."+signature); err == nil && !signed(t, header, payload, signature) {
			t.Fatalf("accepted unsigned as %+v", viewer)
		}
		viewer, err := p.Verify(context.Background(), forgery{algorithm: jwa.EdDSA(), key: provider.EdKey()}.raw(t, header, payload))
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		var head struct{ Alg, Kid string }
		var claims struct {
			Iss, Sub, Azp string
			Aud           any
			Exp           json.Number
		}
		if err := errors.Join(json.Unmarshal([]byte(header), &head), json.Unmarshal([]byte(payload), &claims)); err != nil {
			t.Fatalf("accepted what another parser does not read: %v", err)
		}
		audiences, ok := claims.Aud.([]any)
		if !ok {
			audiences = []any{claims.Aud}
		}
		expires, err := claims.Exp.Float64()
		if head.Alg != "EdDSA" || head.Kid != "ed-1" || claims.Iss != "https://idp.example" || claims.Sub == "" ||
			!slices.Contains(audiences, any("violentutf")) || err != nil || expires <= float64(noon.Add(-clockSkew).Unix()) {
			t.Fatalf("accepted %s . %s", header, payload)
		}
		if again, err := CanonicalUsername(viewer.Username); viewer.Subject != claims.Sub || err != nil || again != viewer.Username || viewer.ExpiresAt.Before(time.Unix(1, 0)) {
			t.Fatalf("accepted as %+v", viewer)
		}
	})
}

// signed says whether a signature is the provider's: Ed25519 gives one for each text.
func signed(t *testing.T, header, payload, signature string) bool {
	t.Helper()
	h, _ := base64.RawURLEncoding.DecodeString(header)
	p, _ := base64.RawURLEncoding.DecodeString(payload)
	return forgery{algorithm: jwa.EdDSA(), key: provider.EdKey()}.raw(t, string(h), string(p)) == header+"."+payload+"."+signature
}
