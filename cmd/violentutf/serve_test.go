package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/provider"
)

func TestServeRefusesToBeginWhenSomethingIsMissing(t *testing.T) {
	data := t.TempDir()
	idp := provider.Start(t, "http://127.0.0.1:1")
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte(strings.Repeat("k", 32)), 0o644); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("k"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"no provider":            {nil, exitUsage, "--oidc-issuer"},
		"a client alone":         {[]string{"--oidc-client-id", "web"}, exitUsage, "VIOLENTUTF_OIDC_ISSUER is not"},
		"plain HTTP":             {[]string{"--oidc-issuer", "http://idp.example"}, exitFailed, "must be https"},
		"a provider that is off": {[]string{"--oidc-issuer", "http://127.0.0.1:1/realms/x"}, exitFailed, "http://127.0.0.1:1/realms/x"},
		"no public URL":          {[]string{"--oidc-issuer", idp.URL, "--listen", "0.0.0.0:0"}, exitUsage, "--public-url is required"},
		"a public URL in clear":  {[]string{"--oidc-issuer", idp.URL, "--public-url", "http://red.example.org"}, exitFailed, "must be https"},
		"dev on the network":     {[]string{"--oidc-issuer", idp.URL, "--dev", "--listen", "0.0.0.0:0"}, exitUsage, "loopback"},
		"a certificate alone":    {[]string{"--oidc-issuer", idp.URL, "--tls-cert", "x"}, exitUsage, "--tls-key"},
		"every origin":           {[]string{"--oidc-issuer", idp.URL, "--cors-origin", "*"}, exitUsage, "--cors-origin"},
		"a proxy by name":        {[]string{"--oidc-issuer", idp.URL, "--trusted-proxy", "proxy"}, exitUsage, "--trusted-proxy"},
		"a key that others read": {[]string{"--oidc-issuer", idp.URL, "--forwarded-key-file", open}, exitUsage, "chmod 600"},
		"a short key":            {[]string{"--oidc-issuer", idp.URL, "--forwarded-key-file", short}, exitUsage, "32"},
		"a secret file missing":  {[]string{"--oidc-issuer", idp.URL, "--oidc-client-secret-file", "missing"}, exitUsage, "missing"},
	} {
		args := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, test.args...)
		if status, stdout, stderr := run(t, args...); status != test.status || !strings.Contains(stderr, test.says) || stdout != "" {
			t.Errorf("%s: status %d, %q and %q; want %d and %q", name, status, stdout, stderr, test.status, test.says)
		}
	}
}

// The provider from the environment, TLS from the file of --config.
func TestServeBesideAProviderOverTLS(t *testing.T) {
	idp := provider.Start(t, "https://127.0.0.1:1")
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	roots := selfSigned(t, cert, key)
	config := filepath.Join(folder, "config.json")
	text, err := json.Marshal(map[string]string{"tls-cert": cert, "tls-key": key, "listen": "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	base := serveBeside(t, idp.URL, "--config", config)
	if !strings.HasPrefix(base, "https://127.0.0.1:") {
		t.Fatalf("listens on %s", base)
	}
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	answer, err := client.Get(base + "/auth/session")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.ProtoMajor != 2 || answer.Header.Get("Strict-Transport-Security") == "" || !strings.Contains(string(body), `"loginUrl":"/auth/login"`) {
		t.Errorf("%s %s %v, %v", answer.Proto, body, answer.Header, err)
	}
	begun, err := client.Get(base + "/auth/login")
	if err != nil {
		t.Fatal(err)
	}
	begun.Body.Close()
	cookies := begun.Cookies()
	if !strings.HasPrefix(begun.Header.Get("Location"), idp.URL) || len(cookies) != 1 || !strings.HasPrefix(cookies[0].Name, "__Host-") || !cookies[0].Secure || !cookies[0].HttpOnly {
		t.Errorf("signing in begins with %v", begun.Header)
	}
	// No development issuer without --dev.
	if dev, err := client.Get(base + "/auth/dev"); err != nil || dev.StatusCode != http.StatusNotFound {
		t.Errorf("%v, %v", dev, err)
	}
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T, cert, key string) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: raw}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return pool
}
