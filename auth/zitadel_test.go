package auth

import (
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/provider"
)

// zitadel is the provider of internal/provider, with clocks of the tests.
type zitadel struct{ *provider.Server }

func startZitadel(t *testing.T) *zitadel {
	t.Helper()
	return &zitadel{provider.Start(t, "http://127.0.0.1:1")}
}

func (z *zitadel) open(t *testing.T, now func() time.Time) *Provider {
	t.Helper()
	p, err := openProvider(t.Context(), ProviderOptions{Issuer: z.URL, AuthorizedParties: []string{"violentutf"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func (z *zitadel) openSignIn(t *testing.T, p *Provider) *SignIn {
	t.Helper()
	s, err := OpenSignIn(t.Context(), p, SignInOptions{ClientID: "violentutf", PublicURL: "http://127.0.0.1:1", Scopes: []string{"offline_access"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tokens signs alice in at the provider.
func (z *zitadel) tokens(t *testing.T, s *SignIn) SignedIn {
	t.Helper()
	page, browser := s.Begin("/graphiql?q=1")
	signedIn, err := s.Complete(t.Context(), browser, provider.Visit(t, page))
	if err != nil {
		t.Fatal(err)
	}
	return signedIn
}
