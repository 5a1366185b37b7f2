package auth

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/violentutf/violentutf/internal/provider"
)

// forgery is a token that a test is about to sign: RS256, with the provider's own key
// and claims, unless changed.
type forgery struct {
	algorithm jwa.SignatureAlgorithm
	key       any
	header    map[string]any
	claims    map[string]any
}

// raw signs exactly these two texts.
func (f forgery) raw(t *testing.T, header, payload string) string {
	t.Helper()
	signer, err := jws.SignerFor(f.algorithm)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := signer.Sign(f.key, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (f forgery) token(t *testing.T) string {
	t.Helper()
	return f.raw(t, asJSON(t, f.header), asJSON(t, f.claims))
}

// head, say, without and by give a forgery with another header, claims or signer.
func (f forgery) head(changes ...any) forgery { f.header = with(f.header, changes...); return f }
func (f forgery) say(changes ...any) forgery  { f.claims = with(f.claims, changes...); return f }

func (f forgery) without(name string) forgery {
	f.header, f.claims = with(f.header), with(f.claims)
	delete(f.header, name)
	delete(f.claims, name)
	return f
}

func (f forgery) by(algorithm jwa.SignatureAlgorithm, key any) forgery {
	f.algorithm, f.key = algorithm, key
	return f
}

// unsigned ends with the dot before the signature.
func (f forgery) unsigned(t *testing.T) string {
	t.Helper()
	return encode(t, f.header) + "." + encode(t, f.claims) + "."
}

// payload signs this text.
func (f forgery) payload(t *testing.T, text string) string {
	t.Helper()
	return f.raw(t, asJSON(t, f.header), text)
}

// more gives the claims as JSON with more text before the last brace.
func (f forgery) more(t *testing.T, text string) string {
	t.Helper()
	return strings.TrimSuffix(asJSON(t, f.claims), "}") + "," + text + "}"
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestForgedProviderTokensAreRefused(t *testing.T) {
	z := startZitadel(t)
	p := z.open(t, time.Now)
	signedIn := z.tokens(t, z.openSignIn(t, p))
	evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the token made this server fetch %s", r.URL)
	}))
	t.Cleanup(evil.Close)
	good := func() forgery {
		header, claims := parts(t, signedIn.AccessToken)
		claims["azp"] = "violentutf" // as Keycloak says it
		return forgery{jwa.RS256(), provider.RSAKey(), header, claims}
	}
	pemOf := func(key any) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	strangersJWK, err := jwk.Import(provider.OtherRSAKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Split(good().token(t), ".")

	for _, test := range []struct {
		name  string
		forge func(f forgery) string
		ok    bool
	}{
		// So that the others fail for their own reason alone.
		{"nothing", func(f forgery) string { return f.token(t) }, true},
		{"nothing, as the provider signs it", func(forgery) string { return signedIn.AccessToken }, true},
		{"ES256 with the provider's key for it", func(f forgery) string {
			return f.head("alg", "ES256", "kid", "ec-1").by(jwa.ES256(), provider.ECKey()).token(t)
		}, true},
		{"EdDSA with the provider's key for it", func(f forgery) string {
			return f.head("alg", "EdDSA", "kid", "ed-1").by(jwa.EdDSA(), provider.EdKey()).token(t)
		}, true},
		{"at+jwt of RFC 9068", func(f forgery) string { return f.head("typ", "at+jwt").without("client_id").token(t) }, true},
		{"Bearer of Keycloak", func(f forgery) string { return f.say("typ", "Bearer").without("client_id").token(t) }, true},
		{"several audiences", func(f forgery) string { return f.say("aud", []string{"account", "violentutf"}).token(t) }, true},

		// Signature and algorithm.
		{"none", func(f forgery) string { return f.head("alg", "none").unsigned(t) }, false},
		{"None with the signature kept", func(f forgery) string { return f.head("alg", "None").unsigned(t) + text[2] }, false},
		{"an empty algorithm", func(f forgery) string { return f.head("alg", "").token(t) }, false},
		{"no algorithm", func(f forgery) string { return f.without("alg").token(t) }, false},
		{"an algorithm that is a list", func(f forgery) string { return f.head("alg", []string{"RS256"}).token(t) }, false},
		{"HS256 with the public key in PEM", func(f forgery) string {
			return f.head("alg", "HS256").by(jwa.HS256(), pemOf(provider.RSAKey().Public())).token(t)
		}, false},
		{"HS256 with the public key in DER", func(f forgery) string {
			return f.head("alg", "HS256").by(jwa.HS256(), x509.MarshalPKCS1PublicKey(&provider.RSAKey().PublicKey)).token(t)
		}, false},
		{"HS256 with the Ed25519 key", func(f forgery) string {
			return f.head("alg", "HS256", "kid", "ed-1").by(jwa.HS256(), []byte(provider.EdKey().Public().(ed25519.PublicKey))).token(t)
		}, false},
		{"RS384, the provider's key", func(f forgery) string { return f.head("alg", "RS384").by(jwa.RS384(), provider.RSAKey()).token(t) }, false},
		{"RS512, the provider's key", func(f forgery) string { return f.head("alg", "RS512").by(jwa.RS512(), provider.RSAKey()).token(t) }, false},
		{"PS256, the provider's key", func(f forgery) string { return f.head("alg", "PS256").by(jwa.PS256(), provider.RSAKey()).token(t) }, false},
		{"RS256 said of an ES256 signature", func(f forgery) string { return f.by(jwa.ES256(), provider.ECKey()).token(t) }, false},
		{"ES256 with an RSA kid", func(f forgery) string { return f.head("alg", "ES256").by(jwa.ES256(), provider.ECKey()).token(t) }, false},
		{"EdDSA with an EC kid", func(f forgery) string {
			return f.head("alg", "EdDSA", "kid", "ec-1").by(jwa.EdDSA(), provider.EdKey()).token(t)
		}, false},
		{"a stranger's key", func(f forgery) string { return f.by(jwa.RS256(), provider.OtherRSAKey()).token(t) }, false},
		{"no signature", func(forgery) string { return text[0] + "." + text[1] + "." }, false},
		{"a truncated signature", func(forgery) string { return text[0] + "." + text[1] + "." + text[2][:len(text[2])-4] }, false},
		{"a lengthened signature", func(forgery) string { return text[0] + "." + text[1] + "." + text[2] + "AAAA" }, false},
		{"a signature of zeros", func(forgery) string { return text[0] + "." + text[1] + "." + strings.Repeat("A", len(text[2])) }, false},
		{"an ES256 signature of zeros (CVE-2022-21449)", func(f forgery) string {
			return f.head("alg", "ES256", "kid", "ec-1").unsigned(t) + strings.Repeat("A", 86)
		}, false},
		{"spare bits in the signature", func(forgery) string { return text[0] + "." + text[1] + "." + spareBits(text[2]) }, false},
		{"a changed payload", func(f forgery) string {
			return text[0] + "." + encode(t, f.say("sub", "id-bob").claims) + "." + text[2]
		}, false},
		{"a swapped header", func(f forgery) string {
			return encode(t, with(f.header, "typ", "at+jwt")) + "." + text[1] + "." + text[2]
		}, false},
		{"header and payload of two tokens", func(f forgery) string {
			return text[0] + "." + strings.Split(f.say("jti", "2").token(t), ".")[1] + "." + text[2]
		}, false},

		// Where the key comes from.
		{"an unknown kid", func(f forgery) string { return f.head("kid", "rsa-9").token(t) }, false},
		{"no kid", func(f forgery) string { return f.without("kid").token(t) }, false},
		{"an empty kid", func(f forgery) string { return f.head("kid", "").token(t) }, false},
		{"a kid that is a number", func(f forgery) string { return f.head("kid", 1).token(t) }, false},
		{"a kid that is a path", func(f forgery) string {
			return f.head("alg", "HS256", "kid", "../../../dev/null").by(jwa.HS256(), []byte{0}).token(t)
		}, false},
		{"a kid that is SQL", func(f forgery) string { return f.head("kid", "x' UNION SELECT 'AAAA").token(t) }, false},
		{"a kid that is a URL", func(f forgery) string { return f.head("kid", evil.URL).token(t) }, false},
		{"another key's kid", func(f forgery) string { return f.head("kid", "ec-1").token(t) }, false},
		{"an embedded jwk", func(f forgery) string {
			return f.head("jwk", strangersJWK).by(jwa.RS256(), provider.OtherRSAKey()).token(t)
		}, false},
		{"an embedded jwk without a kid", func(f forgery) string {
			return f.head("jwk", strangersJWK).without("kid").by(jwa.RS256(), provider.OtherRSAKey()).token(t)
		}, false},
		{"an embedded jwk, signed by the provider", func(f forgery) string { return f.head("jwk", strangersJWK).token(t) }, false},
		{"a jku", func(f forgery) string {
			return f.head("jku", evil.URL+"/keys", "kid", "evil").by(jwa.RS256(), provider.OtherRSAKey()).token(t)
		}, false},
		{"an x5u", func(f forgery) string {
			return f.head("x5u", evil.URL+"/cert").by(jwa.RS256(), provider.OtherRSAKey()).token(t)
		}, false},
		{"an x5c", func(f forgery) string {
			return f.head("x5c", []string{"AAAA"}).by(jwa.RS256(), provider.OtherRSAKey()).token(t)
		}, false},

		// What kind of token it is.
		{"the ID token", func(forgery) string { return signedIn.IDToken }, false},
		{"the refresh token", func(forgery) string { return signedIn.RefreshToken }, false},
		{"an ID token of Keycloak", func(f forgery) string { return f.say("typ", "ID").token(t) }, false},
		{"a refresh token of Keycloak", func(f forgery) string { return f.say("typ", "Refresh").token(t) }, false},
		{"an offline token of Keycloak", func(f forgery) string { return f.say("typ", "Offline").token(t) }, false},
		{"a logout token of Keycloak", func(f forgery) string { return f.say("typ", "Logout").token(t) }, false},
		{"a type that is a list", func(f forgery) string { return f.say("typ", []string{"Bearer"}).token(t) }, false},
		{"an ID token that says at+jwt, with a nonce and no scope", func(f forgery) string { return f.head("typ", "at+jwt").say("nonce", "n").token(t) }, false},
		{"an unmarked token with a nonce", func(f forgery) string { return f.say("nonce", "n", "scope", "openid").token(t) }, false},
		{"an unmarked token with at_hash", func(f forgery) string { return f.say("at_hash", "n").token(t) }, false},
		{"a token that nothing marks", func(f forgery) string { return f.without("client_id").token(t) }, false},
		{"a logout token", func(f forgery) string {
			return f.say("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}).token(t)
		}, false},
		{"the header type logout+jwt", func(f forgery) string { return f.head("typ", "logout+jwt").token(t) }, false},
		{"the header type dpop+jwt", func(f forgery) string { return f.head("typ", "dpop+jwt").token(t) }, false},
		{"no header type", func(f forgery) string { return f.without("typ").token(t) }, false},
		{"a token bound to a key", func(f forgery) string { return f.say("cnf", map[string]any{"jkt": "x"}).token(t) }, false},

		// For whom, by whom, when.
		{"another issuer", func(f forgery) string { return f.say("iss", evil.URL).token(t) }, false},
		{"the issuer with a slash", func(f forgery) string { return f.say("iss", z.URL+"/").token(t) }, false},
		{"the issuer in capitals", func(f forgery) string { return f.say("iss", strings.ToUpper(z.URL)).token(t) }, false},
		{"an issuer that begins alike", func(f forgery) string { return f.say("iss", z.URL+".evil.example").token(t) }, false},
		{"issuers in a list", func(f forgery) string { return f.say("iss", []string{z.URL}).token(t) }, false},
		{"no issuer", func(f forgery) string { return f.without("iss").token(t) }, false},
		{"the development issuer", func(f forgery) string { return f.say("iss", DevIssuerName).token(t) }, false},
		{"another audience", func(f forgery) string { return f.say("aud", "account").token(t) }, false},
		{"an audience that begins alike", func(f forgery) string { return f.say("aud", "violentutf-evil").token(t) }, false},
		{"an empty list of audiences", func(f forgery) string { return f.say("aud", []string{}).token(t) }, false},
		{"no audience", func(f forgery) string { return f.without("aud").token(t) }, false},
		{"another party", func(f forgery) string { return f.say("azp", "other").token(t) }, false},
		{"a party that is a list", func(f forgery) string { return f.say("azp", []string{"violentutf"}).token(t) }, false},
		{"two parties that differ", func(f forgery) string { return f.say("client_id", "other").token(t) }, false},
		{"no party", func(f forgery) string { return f.say("typ", "Bearer").without("azp").without("client_id").token(t) }, false},
		{"expired", func(f forgery) string { return f.say("exp", time.Now().Add(-31*time.Second).Unix()).token(t) }, false},
		{"not yet valid", func(f forgery) string { return f.say("nbf", time.Now().Add(40*time.Second).Unix()).token(t) }, false},
		{"issued in the future", func(f forgery) string { return f.say("iat", time.Now().Add(40*time.Second).Unix()).token(t) }, false},
		{"no time of issue", func(f forgery) string { return f.without("iat").token(t) }, false},
		{"no expiry", func(f forgery) string { return f.without("exp").token(t) }, false},
		{"an expiry of null", func(f forgery) string { return f.say("exp", nil).token(t) }, false},
		{"an expiry in words", func(f forgery) string { return f.say("exp", "tomorrow").token(t) }, false},
		{"an expiry without end", func(f forgery) string { return f.say("exp", json.Number("1e400")).token(t) }, false},
		{"a negative expiry", func(f forgery) string { return f.say("exp", -1).token(t) }, false},
		{"no subject", func(f forgery) string { return f.without("sub").token(t) }, false},
		{"an empty subject", func(f forgery) string { return f.say("sub", "").token(t) }, false},
		{"a subject of null", func(f forgery) string { return f.say("sub", nil).token(t) }, false},
		{"a subject that is a number", func(f forgery) string { return f.say("sub", 1).token(t) }, false},

		// How it is written.
		{"huge", func(f forgery) string { return f.say("fill", strings.Repeat("x", longestToken)).token(t) }, false},
		{"a subject given twice", func(f forgery) string { return f.payload(t, f.more(t, `"sub":"id-bob"`)) }, false},
		{"a subject given twice, once escaped", func(f forgery) string { return f.payload(t, f.more(t, `"s\u0075b":"id-bob"`)) }, false},
		{"roles given twice, deep inside", func(f forgery) string {
			return f.payload(t, f.without("realm_access").more(t, `"realm_access":{"roles":[],"roles":["admin"]}`))
		}, false},
		{"an algorithm given twice", func(f forgery) string { return f.raw(t, `{"alg":"none",`+asJSON(t, f.header)[1:], asJSON(t, f.claims)) }, false},
		{"a critical extension", func(f forgery) string { return f.head("crit", []string{"exp"}, "exp", 1).token(t) }, false},
		{"a critical extension that is standard (b64, RFC 7797)", func(f forgery) string { return f.head("crit", []string{"b64"}, "b64", false).token(t) }, false},
		{"an empty list of critical extensions", func(f forgery) string { return f.head("crit", []string{}).token(t) }, false},
		{"a nested JWT", func(f forgery) string { return f.head("cty", "JWT").payload(t, f.token(t)) }, false},
		{"a compressed payload", func(f forgery) string { return f.head("zip", "DEF").payload(t, "\x78\x9c\x03\x00") }, false},
		{"an encrypted token", func(f forgery) string { return f.token(t) + ".AAAA.AAAA" }, false},
		{"a payload that is a list", func(f forgery) string { return f.payload(t, "["+asJSON(t, f.claims)+"]") }, false},
		{"a payload that is null", func(f forgery) string { return f.payload(t, "null") }, false},
		{"a payload with more after it", func(f forgery) string { return f.payload(t, asJSON(t, f.claims)+"{}") }, false},
		{"a payload in invalid UTF-8", func(f forgery) string { return f.payload(t, f.more(t, "\"x\":\"\xff\"")) }, false},
		{"a payload without bottom", func(f forgery) string {
			return f.payload(t, f.more(t, `"x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)))
		}, false},
		{"white space before", func(f forgery) string { return " " + f.token(t) }, false},
		{"white space after", func(f forgery) string { return f.token(t) + "\n" }, false},
		{"white space inside", func(forgery) string { return text[0] + "." + text[1] + ". " + text[2] }, false},
		{"a NUL after", func(f forgery) string { return f.token(t) + "\x00" }, false},
		{"padding", func(forgery) string { return text[0] + "=." + text[1] + "." + text[2] }, false},
		{"the other alphabet of base64", func(forgery) string { return text[0] + "." + text[1] + ".+/" + text[2][2:] }, false},
		{"the JSON form", func(forgery) string {
			return fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, text[1], text[0], text[2])
		}, false},
		{"two tokens", func(f forgery) string { return f.token(t) + "," + f.token(t) }, false},
		{"nothing at all", func(forgery) string { return "" }, false},
		{"dots", func(forgery) string { return ".." }, false},

		// Who it says it is.
		{"no username", func(f forgery) string { return f.without("preferred_username").token(t) }, false},
		{"a username that is a list", func(f forgery) string { return f.say("preferred_username", []string{"alice"}).token(t) }, false},
		{"a username with a Cyrillic letter", func(f forgery) string { return f.say("preferred_username", "аlice").token(t) }, false},
		{"a username that is a path", func(f forgery) string { return f.say("preferred_username", "../alice").token(t) }, false},
		{"a username with a mark of direction", func(f forgery) string { return f.say("preferred_username", "alice\u202e").token(t) }, false},
		{"a username with an invisible letter", func(f forgery) string { return f.say("preferred_username", "al\u200dice").token(t) }, false},
		{"roles as a string", func(f forgery) string { return f.say("realm_access", map[string]any{"roles": "admin"}).token(t) }, false},
		{"roles as an object", func(f forgery) string {
			return f.say("realm_access", map[string]any{"roles": map[string]any{"admin": true}}).token(t)
		}, false},
		{"a role that is a list", func(f forgery) string {
			return f.say("realm_access", map[string]any{"roles": []any{[]string{"admin"}}}).token(t)
		}, false},
		{"realm_access as a list", func(f forgery) string { return f.say("realm_access", []string{"admin"}).token(t) }, false},
		{"resource_access as a list", func(f forgery) string { return f.say("resource_access", []string{"admin"}).token(t) }, false},
	} {
		token := test.forge(good())
		viewer, err := p.Verify(t.Context(), token)
		if test.ok {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if viewer != nil || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %+v, %v", test.name, viewer, err)
			continue
		}
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 8 && strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error quotes the token", test.name)
			}
		}
	}
}

// with gives a copy with members changed.
func with(members map[string]any, changes ...any) map[string]any {
	changed := maps.Clone(members)
	for i := 0; i < len(changes); i += 2 {
		changed[changes[i].(string)] = changes[i+1]
	}
	return changed
}

// spareBits sets the lowest bit of a text in base64url that stands for 4n+2 characters:
// another text of the same bytes.
func spareBits(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last^1])
}

func TestTokenGivesItsViewer(t *testing.T) {
	z := startZitadel(t)
	p := z.open(t, time.Now)
	s := z.openSignIn(t, p)
	for _, test := range []struct {
		name   string
		claims map[string]any
		roles  []Role
	}{
		{"a role of the realm", provider.UserClaims("ai-api-access"), []Role{RoleUser}},
		{"all of them, and unknown ones", provider.UserClaims("auditor", "uma_authorization", "ai-api-access", "admin", "admin"), []Role{RoleAdmin, RoleAuditor, RoleUser}},
		{"no role", provider.UserClaims(), nil},
		{"no role that means something, in any case", provider.UserClaims("USER", "Admin", "ai-api-access ", "root"), nil},
		{"no roles at all", with(provider.UserClaims(), "realm_access", map[string]any{}), nil},
		{"a role of this client", with(provider.UserClaims(), "resource_access", map[string]any{"violentutf": map[string]any{"roles": []string{"auditor"}}}), []Role{RoleAuditor}},
		{"admin of another client", with(provider.UserClaims(), "resource_access", map[string]any{"realm-management": map[string]any{"roles": []string{"admin"}}}), nil},
	} {
		z.Set(func() { z.Claims = test.claims })
		viewer := z.tokens(t, s).Viewer
		want := &Viewer{
			Issuer: z.URL, Subject: "id-alice", Username: "alice", DisplayName: "Alice Example",
			Email: "alice@example.org", Roles: test.roles, IssuedAt: viewer.IssuedAt, ExpiresAt: viewer.ExpiresAt,
		}
		if !reflect.DeepEqual(viewer, want) || time.Since(viewer.IssuedAt).Abs() > time.Minute {
			t.Errorf("%s: %+v", test.name, viewer)
		}
	}
	z.Set(func() {
		z.Claims = map[string]any{"preferred_username": "ALICE", "name": "A\u202ex", "email": "alice@example.org", "email_verified": false}
	})
	if viewer := z.tokens(t, s).Viewer; viewer.Username != "alice" || viewer.DisplayName != "alice" || viewer.Email != "" {
		t.Errorf("got %+v", viewer)
	}
}

func TestRoleTakenAwayIsGoneWithTheNextToken(t *testing.T) {
	z := startZitadel(t)
	p := z.open(t, time.Now)
	s := z.openSignIn(t, p)
	z.Set(func() { z.Claims = provider.UserClaims("ai-api-access", "admin") })
	before := z.tokens(t, s)
	z.Set(func() { z.Claims = provider.UserClaims("ai-api-access") })
	after, err := s.Refresh(t.Context(), before.RefreshToken, "id-alice")
	if err != nil || !before.Viewer.HasRole(RoleAdmin) || after.Viewer.HasRole(RoleAdmin) || !after.Viewer.HasRole(RoleUser) {
		t.Errorf("%v before, %v after, %v", before.Viewer.Roles, after.Viewer, err)
	}
}

func TestKeysRotateWithoutRestart(t *testing.T) {
	z := startZitadel(t)
	c := &clock{time.Now()}
	p := z.open(t, c.now)
	s := z.openSignIn(t, p)
	old := z.tokens(t, s).AccessToken
	z.Set(func() {
		z.Signing, z.Others = provider.SigningKey{Name: "rsa-2", With: jose.RS256, Private: provider.OtherRSAKey()}, nil
	})
	if _, err := p.Verify(t.Context(), old); err != nil {
		t.Errorf("the old token before anybody noticed: %v", err)
	}
	gets := z.KeyGets.Load()
	z.tokens(t, s) // signed with the new key
	if got := z.KeyGets.Load() - gets; got != 1 {
		t.Errorf("the keys were fetched %d times", got)
	}
	// The verified token is remembered for a minute; then its key is gone.
	c.at = c.at.Add(cachedFor)
	if _, err := p.Verify(t.Context(), old); !errors.Is(err, ErrInvalid) {
		t.Errorf("the old token after its key was withdrawn: %v", err)
	}
}

func TestWithdrawnKeyEndsWithoutANewOne(t *testing.T) {
	z := startZitadel(t)
	c := &clock{time.Now()}
	p := z.open(t, c.now)
	f := forgery{jwa.ES256(), provider.ECKey(), map[string]any{"alg": "ES256", "kid": "ec-1", "typ": "at+jwt"}, with(provider.UserClaims("ai-api-access"),
		"iss", z.URL, "aud", "violentutf", "azp", "violentutf", "sub", "id-alice", "iat", c.at.Unix(), "exp", c.at.Add(time.Hour).Unix())}
	token := f.token(t)
	if _, err := p.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	z.Set(func() { z.Others = nil })
	c.at = c.at.Add(keysFresh)
	if _, err := p.Verify(t.Context(), token); !errors.Is(err, ErrInvalid) {
		t.Errorf("ten minutes after its key was withdrawn: %v", err)
	}
}

func TestInventedKidsCauseOneFetchInTenSeconds(t *testing.T) {
	z := startZitadel(t)
	c := &clock{time.Now()}
	p := z.open(t, c.now)
	gets := z.KeyGets.Load()
	flood := func() {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				f := forgery{jwa.EdDSA(), provider.EdKey(), map[string]any{"alg": "EdDSA", "kid": fmt.Sprint("x", i), "typ": "JWT"}, map[string]any{"sub": "x"}}
				if _, err := p.Verify(t.Context(), f.token(t)); !errors.Is(err, ErrInvalid) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	for turn := range int64(3) {
		flood()
		if got := z.KeyGets.Load() - gets; got != turn+1 {
			t.Errorf("150 tokens with invented kids caused %d fetches in turn %d", got, turn)
		}
		c.at = c.at.Add(refreshEvery - time.Millisecond)
		flood()
		if got := z.KeyGets.Load() - gets; got != turn+1 {
			t.Errorf("a fetch before ten seconds: %d in turn %d", got, turn)
		}
		c.at = c.at.Add(time.Millisecond)
	}
}

func TestProviderThatIsDownIsPutUpWithForAnHour(t *testing.T) {
	z := startZitadel(t)
	c := &clock{time.Now()}
	p := z.open(t, c.now)
	claims := with(provider.UserClaims("ai-api-access"), "iss", z.URL, "aud", "violentutf", "azp", "violentutf", "sub", "id-alice", "iat", c.at.Unix(), "exp", c.at.Add(5*time.Hour).Unix())
	token := func(kid string) string {
		return forgery{jwa.ES256(), provider.ECKey(), map[string]any{"alg": "ES256", "kid": kid, "typ": "at+jwt"}, claims}.token(t)
	}
	z.Set(func() { z.Down = true })
	c.at = c.at.Add(keysStale)
	if _, err := p.Verify(t.Context(), token("ec-1")); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	for range 2 { // the second is within ten seconds, and must not be told from the first
		if _, err := p.Verify(t.Context(), token("ec-2")); err == nil || errors.Is(err, ErrInvalid) {
			t.Errorf("a kid that cannot be looked up: %v", err)
		}
	}
	c.at = c.at.Add(2 * time.Minute)
	if _, err := p.Verify(t.Context(), token("ec-1")); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("after the hour: %v", err)
	}
	z.Set(func() { z.Down = false })
	c.at = c.at.Add(refreshEvery)
	if _, err := p.Verify(t.Context(), token("ec-1")); err != nil {
		t.Errorf("when it is up again: %v", err)
	}
}

func TestProviderThatDoesNotAnswerHoldsUpOneRequest(t *testing.T) {
	z := startZitadel(t)
	c := &clock{time.Now()}
	p := z.open(t, c.now)
	token := func(id string) string {
		return forgery{
			jwa.ES256(), provider.ECKey(),
			map[string]any{"alg": "ES256", "kid": "ec-1", "typ": "at+jwt"},
			with(provider.UserClaims("ai-api-access"), "iss", z.URL, "aud", "violentutf", "azp", "violentutf", "sub", "id-alice", "iat", c.at.Unix(), "exp", c.at.Add(time.Hour).Unix(), "jti", id),
		}.token(t)
	}
	tokens := []string{token("1"), token("2")}
	hold := make(chan struct{})
	z.Set(func() { z.Hold = hold })
	c.at = c.at.Add(keysFresh)
	first := make(chan error)
	go func() {
		_, err := p.Verify(t.Context(), tokens[0])
		first <- err
	}()
	<-hold
	if _, err := p.Verify(t.Context(), tokens[1]); err != nil {
		t.Error(err)
	}
	hold <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestPublishedKeysThatCannotVerifyAreNotUsed(t *testing.T) {
	public := func(key any, set ...any) map[string]any {
		imported, err := jwk.Import(key)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(asJSON(t, imported)), &members); err != nil {
			t.Fatal(err)
		}
		return with(members, set...)
	}
	edPublic := provider.EdKey().Public()
	for name, test := range map[string]struct {
		keys []map[string]any
		want []string
	}{
		"algorithms left out":     {[]map[string]any{public(provider.RSAKey().Public(), "kid", "a"), public(provider.ECKey().Public(), "kid", "b"), public(edPublic, "kid", "c")}, []string{"a", "b", "c"}},
		"for encryption":          {[]map[string]any{public(provider.RSAKey().Public(), "kid", "a", "use", "enc"), public(edPublic, "kid", "c")}, []string{"c"}},
		"another algorithm":       {[]map[string]any{public(provider.RSAKey().Public(), "kid", "a", "alg", "RSA-OAEP"), public(provider.ECKey().Public(), "kid", "b", "alg", "RS256")}, nil},
		"without a kid":           {[]map[string]any{public(provider.RSAKey().Public())}, nil},
		"two of one kid":          {[]map[string]any{public(edPublic, "kid", "a"), public(provider.ECKey().Public(), "kid", "a"), public(provider.RSAKey().Public(), "kid", "b")}, []string{"b"}},
		"symmetric":               {[]map[string]any{{"kty": "oct", "k": "AAAA", "kid": "a", "alg": "HS256"}}, nil},
		"private":                 {[]map[string]any{public(provider.EdKey(), "kid", "a")}, nil},
		"of a kind that is new":   {[]map[string]any{{"kty": "AKP", "kid": "a", "alg": "ML-DSA-44", "pub": "AAAA"}, public(edPublic, "kid", "c")}, []string{"c"}},
		"damaged, beside another": {[]map[string]any{{"kty": "RSA", "kid": "a", "n": "!", "e": "AQAB"}, public(edPublic, "kid", "c")}, []string{"c"}},
	} {
		set, err := jwk.Parse([]byte(asJSON(t, map[string]any{"keys": test.keys})), jwk.WithIgnoreParseError(true))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := slices.Sorted(maps.Keys(verifying(set))); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestProviderThatIsNotOneIsRefused(t *testing.T) {
	z := startZitadel(t)
	many := make([]map[string]any, mostKeys+1)
	for i := range many {
		many[i] = map[string]any{"kty": "oct", "k": "AAAA", "kid": fmt.Sprint(i)}
	}
	for name, keys := range map[string]string{
		"no JSON": "<html>", "no keys": `{"keys":[]}`, "too many keys": asJSON(t, map[string]any{"keys": many}),
		"keys without end": `{"keys":[` + strings.Repeat(" ", longestAnswer+1) + `]}`,
	} {
		z.Set(func() { z.KeysText = keys })
		if _, err := OpenProvider(t.Context(), ProviderOptions{Issuer: z.URL, AuthorizedParties: []string{"violentutf"}}); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	z.Set(func() { z.KeysText = "" })
	redirect := httptest.NewServer(http.RedirectHandler(z.URL+"/.well-known/openid-configuration", http.StatusFound))
	t.Cleanup(redirect.Close)
	redirectedKeys := httptest.NewServer(http.RedirectHandler(z.URL+"/keys", http.StatusFound))
	t.Cleanup(redirectedKeys.Close)
	description := func(change map[string]any) string {
		var server *httptest.Server
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			members := map[string]any{"issuer": server.URL, "jwks_uri": z.URL + "/keys"}
			maps.Copy(members, change)
			_ = json.NewEncoder(w).Encode(members)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, options := range map[string]ProviderOptions{
		"a redirect":                  {Issuer: redirect.URL},
		"another issuer":              {Issuer: description(map[string]any{"issuer": z.URL})},
		"the issuer with a slash":     {Issuer: z.URL + "/"},
		"keys by plain HTTP":          {Issuer: description(map[string]any{"jwks_uri": "http://keys.example/keys"})},
		"keys behind a redirect":      {Issuer: description(map[string]any{"jwks_uri": redirectedKeys.URL})},
		"keys in a file":              {Issuer: description(map[string]any{"jwks_uri": "file:///etc/passwd"})},
		"sign-in by plain HTTP":       {Issuer: description(map[string]any{"token_endpoint": "http://token.example/"})},
		"plain HTTP":                  {Issuer: "http://idp.example"},
		"a name that begins alike":    {Issuer: "http://localhost.evil.example"},
		"an address that is not ours": {Issuer: "http://10.0.0.1"},
		"a password":                  {Issuer: "https://u:p@idp.example"},
		"a query":                     {Issuer: z.URL + "?x=1"},
		"no issuer":                   {},
		"an unknown role":             {Issuer: z.URL, RoleMap: map[string]Role{"x": "ROOT"}},
	} {
		options.AuthorizedParties = []string{"violentutf"}
		if _, err := OpenProvider(t.Context(), options); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := OpenProvider(t.Context(), ProviderOptions{Issuer: z.URL}); err == nil || !strings.Contains(err.Error(), "authorized parties") {
		t.Errorf("any client: %v", err)
	}
}

func TestRoleMapIsReadFromText(t *testing.T) {
	got, err := ParseRoleMap(" ai-api-access=user, red team = ADMIN ")
	if want := map[string]Role{"ai-api-access": RoleUser, "red team": RoleAdmin}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := ParseRoleMap(""); err != nil || !maps.Equal(got, DefaultRoleMap()) {
		t.Errorf("nothing: %v, %v", got, err)
	}
	for _, bad := range []string{"admin", "admin=", "=ADMIN", "admin=root", "a=USER,a=ADMIN", "a=USER,"} {
		if got, err := ParseRoleMap(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}
