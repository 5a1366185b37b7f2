package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/server"
)

// identityFlags add what says who may sign in, and from where. The environment has the
// same names (VIOLENTUTF_OIDC_ISSUER for --oidc-issuer); secrets are no flags, because a
// command line can be read by others.
func identityFlags(set *flag.FlagSet) {
	set.String("oidc-issuer", "", "`URL` of the identity provider, to the letter as its tokens name it")
	set.String("oidc-audience", "", "what a token must be meant for (default violentutf)")
	set.String("oidc-client-id", "", "`client` of the provider that signs people in (default violentutf)")
	set.String("oidc-client-secret-file", "", "`file` with the secret of a confidential client (or the secret itself in VIOLENTUTF_OIDC_CLIENT_SECRET)")
	set.String("oidc-authorized-parties", "", "`clients` whose tokens are accepted, with commas (default: the one that signs people in)")
	set.String("oidc-role-map", "", "`roles` of the provider and what they mean, as ai-api-access=USER,admin=ADMIN")
	set.String("oidc-scopes", "", "`scopes` beside openid, profile and email: offline_access where a provider gives no refresh token without it")
	set.String("public-url", "", "`origin` at which browsers reach the server, as https://red.example.org (default, on a loopback address: the one it listens on)")
	set.String("forwarded-key-file", "", "`file` with the key that a gateway in front signs identities with: at least 32 random characters")
	set.String("trusted-proxy", "", "`addresses` and prefixes, with commas, of proxies that say by X-Forwarded-For and X-Forwarded-Proto who asks")
	set.String("cors-origin", "", "`origins`, with commas, of other servers' pages that may ask /graphql with a token")
	set.String("tls-cert", "", "`file` with the certificate and its chain, in PEM; read again when it changes")
	set.String("tls-key", "", "`file` with the certificate's key, in PEM")
}

// identities is what identityFlags say, checked as far as it can be without a network.
type identities struct {
	provider  auth.ProviderOptions // without an Issuer: there is none
	signIn    auth.SignInOptions
	forwarded *auth.Forwarded
	proxies   server.Proxies
	origins   server.Origins
	cert, key string
}

func (c *command) identities(set *flag.FlagSet) (ids identities, err error) {
	secret, err := oneLine(text(set, "oidc-client-secret-file"))
	if err != nil {
		return ids, usageError("--oidc-client-secret-file: " + err.Error())
	}
	ids.provider, ids.signIn, err = auth.OptionsFromEnvironment(func(name string) string {
		if name == "VIOLENTUTF_OIDC_CLIENT_SECRET" && secret != "" {
			return secret
		}
		flagName := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "VIOLENTUTF_"), "_", "-"))
		if set.Lookup(flagName) != nil {
			return text(set, flagName)
		}
		return c.getenv(name)
	})
	if err != nil {
		return ids, usageError(err.Error())
	}
	if ids.forwarded, err = openForwarded(text(set, "forwarded-key-file"), ids.provider.Issuer); err != nil {
		return ids, usageError("--forwarded-key-file: " + err.Error())
	}
	if ids.proxies, err = server.ParseProxies(text(set, "trusted-proxy")); err != nil {
		return ids, usageError("--trusted-proxy: " + err.Error())
	}
	if ids.origins, err = server.ParseOrigins(text(set, "cors-origin")); err != nil {
		return ids, usageError("--cors-origin: " + err.Error())
	}
	ids.cert, ids.key = text(set, "tls-cert"), text(set, "tls-key")
	if (ids.cert == "") != (ids.key == "") {
		return ids, usageError("--tls-cert and --tls-key belong together")
	}
	return ids, nil
}

// openForwarded is nil without a file.
func openForwarded(file, issuer string) (*auth.Forwarded, error) {
	key, err := oneLine(file)
	if err != nil || key == "" {
		return nil, err
	}
	return auth.OpenForwarded(auth.ForwardedOptions{Key: []byte(key), Issuer: issuer})
}

// oneLine reads a secret from a file that others cannot read, without its line end; no
// file gives nothing.
func oneLine(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	from, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%s has mode %04o, so others can read it: run `chmod 600 %s`", file, mode, file)
	}
	raw, err := io.ReadAll(io.LimitReader(from, 64<<10))
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(raw), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return secret, nil
}

// may says whether there is anybody who could sign in.
func (ids identities) may(dev bool) error {
	if !dev && ids.provider.Issuer == "" {
		return usageError("no identity provider is configured, so nobody could sign in: name one by --oidc-issuer or VIOLENTUTF_OIDC_ISSUER (docs/keycloak.md), or pass --dev to serve on this machine with a local issuer of tokens")
	}
	return nil
}

// listen opens the address, with TLS if there is a certificate, and gives the origin that
// is listened on.
func (ids identities) listen(address string, log *slog.Logger) (listener net.Listener, origin string, err error) {
	if ids.cert == "" {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, "", fmt.Errorf("listen on %s: %w", address, err)
		}
		return listener, "http://" + listener.Addr().String(), nil
	}
	certificate, err := server.OpenCertificate(ids.cert, ids.key, log)
	if err != nil {
		return nil, "", err
	}
	listener, err = net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("listen on %s: %w", address, err)
	}
	return certificate.Listener(listener), "https://" + listener.Addr().String(), nil
}

// open asks the provider for its description and puts all of it into the options of a
// server that listens at the origin. close gives it back.
func (ids identities) open(ctx context.Context, options *server.Options, origin string) (end func(), err error) {
	options.Forwarded, options.Proxies, options.Origins = ids.forwarded, ids.proxies, ids.origins
	options.PublicURL = ids.signIn.PublicURL
	if ids.provider.Issuer == "" {
		return func() {}, nil
	}
	if options.PublicURL == "" {
		if loopbackOnly(strings.SplitN(origin, "://", 2)[1]) != nil {
			return nil, usageError("--public-url is required: the origin at which browsers reach the server, as https://red.example.org")
		}
		options.PublicURL = origin
	}
	provider, err := auth.OpenProvider(ctx, ids.provider)
	if err != nil {
		return nil, err
	}
	ids.signIn.PublicURL = options.PublicURL
	signIn, err := auth.OpenSignIn(ctx, provider, ids.signIn)
	if err != nil {
		provider.Close()
		return nil, err
	}
	options.Provider, options.SignIn = provider, signIn
	return provider.Close, nil
}
