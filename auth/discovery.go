package auth

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

const (
	providerPatience = 10 * time.Second // for one answer of the provider
	longestAnswer    = 1 << 20          // bytes; descriptions, keys and tokens have some kB
)

// checkIssuer wants what OpenID Connect Discovery section 3 wants, and HTTP only where
// nobody else can listen.
func checkIssuer(issuer string) error {
	if err := checkURL(issuer, false); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if u, _ := url.Parse(issuer); u.RawQuery != "" || u.ForceQuery {
		return fmt.Errorf("issuer: %s has a query", issuer)
	}
	return nil
}

// checkEndpoints keeps the description of a provider on HTTPS from naming an endpoint
// that is not: keys fetched from there could be anybody's.
func checkEndpoints(issuer string, description *oidc.DiscoveryConfiguration) error {
	from, err := url.Parse(issuer)
	if err != nil {
		return err
	}
	for _, endpoint := range []struct {
		name, url string
		must      bool
	}{
		{"jwks_uri", description.JwksURI, true},
		{"authorization_endpoint", description.AuthorizationEndpoint, false},
		{"token_endpoint", description.TokenEndpoint, false},
		{"end_session_endpoint", description.EndSessionEndpoint, false},
	} {
		if endpoint.url == "" && !endpoint.must {
			continue
		}
		if err := checkURL(endpoint.url, from.Scheme == "https"); err != nil {
			return fmt.Errorf("%s of %s: %w", endpoint.name, issuer, err)
		}
	}
	return nil
}

func checkURL(text string, onlyHTTPS bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%q is not the URL of a server", text)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && !onlyHTTPS && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s must be https (http is allowed on a loopback address only)", text)
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// newProviderClient follows no redirect, because what it reads decides whom to trust,
// and reads no answer without end.
func newProviderClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &http.Client{
		Timeout:       providerPatience,
		Transport:     boundedAnswers{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type boundedAnswers struct{ *http.Transport }

// RoundTrip ends an answer with an error when it is too long.
func (b boundedAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.Transport.RoundTrip(r)
	if err == nil {
		answer.Body = &boundedBody{answer.Body, longestAnswer}
	}
	return answer, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the answer is longer than 1 MiB")
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
