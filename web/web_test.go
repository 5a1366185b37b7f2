package web

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

func TestPageIsServedAtBothPathsWithItsSecurityHeaders(t *testing.T) {
	for _, path := range []string{"/", "/graphiql", "/graphiql?code=once"} {
		answer := get(t, path, nil)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: status %d", path, answer.StatusCode)
		}
		for header, want := range map[string]string{
			"Content-Type":            "text/html; charset=utf-8",
			"Cache-Control":           "no-cache",
			"Content-Security-Policy": ContentSecurityPolicy,
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Vary":                    "Accept-Encoding",
		} {
			if got := answer.Header.Get(header); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, header, got, want)
			}
		}
		if body := read(t, answer); !bytes.Contains(body, []byte(`<div id="root">`)) {
			t.Errorf("GET %s: not the page: %.200s", path, body)
		}
	}
}

func TestPageHasNoInlineScriptAndNamesOnlyFilesThatAreServed(t *testing.T) {
	index := read(t, get(t, "/", nil))
	for _, script := range regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`).FindAllSubmatch(index, -1) {
		if !bytes.Contains(script[1], []byte(" src=")) || len(bytes.TrimSpace(script[2])) > 0 {
			t.Errorf("inline script: %s", script[0])
		}
	}
	references := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(index, -1)
	if len(references) < 3 {
		t.Fatalf("the page names %d files, want its script, its style and its icon at least", len(references))
	}
	for _, reference := range references {
		if answer := get(t, string(reference[1]), nil); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", reference[1], answer.StatusCode)
		}
	}
}

func TestAssetsAreImmutableAndTyped(t *testing.T) {
	want := map[string]string{
		".js":  "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml",
		".ttf": "font/ttf",
	}
	seen := map[string]bool{}
	for _, asset := range assets(t) {
		answer := get(t, asset, nil)
		kind := path.Ext(asset)
		seen[kind] = true
		if got := answer.Header.Get("Content-Type"); got != want[kind] {
			t.Errorf("%s: Content-Type is %q, want %q", asset, got, want[kind])
		}
		if got := answer.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control is %q", asset, got)
		}
	}
	for kind := range want {
		if !seen[kind] {
			t.Errorf("the bundle has no %s file: does this test still know what Vite writes?", kind)
		}
	}
}

func TestBrotliIsSentOnlyToWhoAcceptsIt(t *testing.T) {
	plain := read(t, get(t, "/", nil))
	for accept, brotliWanted := range map[string]bool{
		"":                        false,
		"gzip, deflate":           false,
		"br":                      true,
		"gzip, deflate, br, zstd": true,
		"gzip;q=1.0, BR;q=0.5":    true,
		"*":                       true,
		"br;q=0, *":               false,
		"*;q=0":                   false,
		"brotli":                  false,
	} {
		answer := get(t, "/", http.Header{"Accept-Encoding": {accept}})
		body := read(t, answer)
		if got := answer.Header.Get("Content-Encoding") == "br"; got != brotliWanted {
			t.Errorf("Accept-Encoding %q: brotli %v, want %v", accept, got, brotliWanted)
			continue
		}
		if brotliWanted {
			body = unpack(t, body)
		}
		if !bytes.Equal(body, plain) {
			t.Errorf("Accept-Encoding %q: another page than without", accept)
		}
	}
}

func TestKnownETagIsAnsweredWith304PerEncoding(t *testing.T) {
	encodings := []http.Header{{}, {"Accept-Encoding": {"br"}}}
	var tags []string
	for _, request := range encodings {
		tag := get(t, "/", request).Header.Get("ETag")
		if tag == "" {
			t.Fatal("no ETag")
		}
		tags = append(tags, tag)
		request.Set("If-None-Match", tag)
		answer := get(t, "/", request)
		if answer.StatusCode != http.StatusNotModified || len(read(t, answer)) > 0 {
			t.Errorf("If-None-Match %s: status %d, want 304 without a body", tag, answer.StatusCode)
		}
		request.Set("If-None-Match", `"another"`)
		if answer := get(t, "/", request); answer.StatusCode != http.StatusOK {
			t.Errorf("another ETag: status %d, want 200", answer.StatusCode)
		}
	}
	if tags[0] == tags[1] {
		t.Errorf("both encodings have the ETag %s, but their bytes differ", tags[0])
	}
}

func TestHeadAnswersAsGetWithoutBody(t *testing.T) {
	for _, path := range []string{"/", assets(t)[0]} {
		got, head := get(t, path, nil), do(t, http.MethodHead, path, nil)
		if head.StatusCode != http.StatusOK || len(read(t, head)) > 0 {
			t.Errorf("HEAD %s: status %d with a body, or none", path, head.StatusCode)
		}
		for _, header := range []string{"Content-Type", "ETag", "Cache-Control", "Content-Length"} {
			if got.Header.Get(header) != head.Header.Get(header) {
				t.Errorf("HEAD %s: %s is %q, GET says %q", path, header, head.Header.Get(header), got.Header.Get(header))
			}
		}
	}
}

func TestUnknownPathsAndMethodsAreRefused(t *testing.T) {
	for _, path := range []string{"/index.html", "/assets/", "/assets/none.js", "/assets", "/bundle/index.html.br", "/SOURCE.sha256", "/graphql", "/../web.go"} {
		answer := get(t, path, nil)
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", path, answer.StatusCode)
		}
		if answer.Header.Get("Content-Security-Policy") != ContentSecurityPolicy {
			t.Errorf("GET %s: no content security policy on the 404", path)
		}
	}
	answer := do(t, http.MethodPost, "/", nil)
	if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /: status %d, Allow %q", answer.StatusCode, answer.Header.Get("Allow"))
	}
}

func TestBundleIsBuiltFromThisSource(t *testing.T) {
	want := sumsInBundle(t, "SOURCE.sha256")
	got := map[string]string{}
	for _, source := range []string{".npmrc", "bundle.mjs", "index.html", "package-lock.json", "package.json", "vite.config.js", "src"} {
		err := filepath.WalkDir(source, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(file)
			got[filepath.ToSlash(file)] = sum(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	compareSums(t, got, want, "the bundle is stale: run `npm ci && npm run bundle` in web/ and commit web/bundle")
}

func TestBundleUnpacksToWhatWasBuilt(t *testing.T) {
	want := sumsInBundle(t, "FILES.sha256")
	got := map[string]string{}
	err := fs.WalkDir(bundle, "bundle", func(file string, entry fs.DirEntry, err error) error {
		name, compressed := strings.CutSuffix(strings.TrimPrefix(file, "bundle/"), ".br")
		if err != nil || entry.IsDir() || !compressed {
			return err
		}
		content, err := bundle.ReadFile(file)
		got[name] = sum(unpack(t, content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	compareSums(t, got, want, "web/bundle was changed by hand")
}

func TestLockFileNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Error(`package-lock.json names where packages came from; is "omit-lockfile-registry-resolved" still in .npmrc?`)
	}
}

func TestEveryExampleIsOneDescribedNamedOperation(t *testing.T) {
	examples, err := Examples()
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) < 5 {
		t.Fatalf("%d examples, want 5 at least", len(examples))
	}
	for _, example := range examples {
		if !strings.HasPrefix(example.Query, "# ") || example.About == "" {
			t.Errorf("%s: the first line is no comment that says what it shows", example.Name)
		}
		document, err := parser.ParseQuery(&ast.Source{Name: example.Name, Input: example.Query})
		if err != nil {
			t.Errorf("%s: %v", example.Name, err)
			continue
		}
		if len(document.Operations) != 1 || document.Operations[0].Name == "" {
			t.Errorf("%s: want one named operation, which becomes the tab's title", example.Name)
		}
	}
}

func get(t *testing.T, path string, header http.Header) *http.Response {
	t.Helper()
	return do(t, http.MethodGet, path, header)
}

func do(t *testing.T, method, path string, header http.Header) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	if header != nil {
		request.Header = header
	}
	recorder := httptest.NewRecorder()
	Handler().ServeHTTP(recorder, request)
	return recorder.Result()
}

func read(t *testing.T, answer *http.Response) []byte {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func unpack(t *testing.T, compressed []byte) []byte {
	t.Helper()
	content, err := io.ReadAll(brotli.NewReader(bytes.NewReader(compressed)))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// assets lists the paths of the hashed files.
func assets(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(bundle, "bundle/assets/*.br")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assets in the bundle: %v", err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, "bundle"), ".br")
	}
	return files
}

// sumsInBundle reads a file in the format of sha256sum: hash by path.
func sumsInBundle(t *testing.T, name string) map[string]string {
	t.Helper()
	content, err := bundle.ReadFile("bundle/" + name)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		hash, file, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			t.Fatalf("%s: %q is no line of sha256sum", name, lines.Text())
		}
		sums[file] = hash
	}
	return sums
}

func compareSums(t *testing.T, got, want map[string]string, advice string) {
	t.Helper()
	var differing []string
	for file, hash := range got {
		if want[file] != hash {
			differing = append(differing, file)
		}
	}
	for file := range want {
		if _, ok := got[file]; !ok {
			differing = append(differing, file)
		}
	}
	if len(differing) > 0 {
		slices.Sort(differing)
		t.Errorf("%s (differing: %s)", advice, strings.Join(differing, ", "))
	}
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
