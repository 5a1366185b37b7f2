// Package web holds the GraphiQL page: its source, and the bundle built from it, which is committed
// compressed so that a build of the server needs no Node. `npm ci && npm run bundle` in this folder
// rebuilds it.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
)

//go:embed all:bundle
var bundle embed.FS

// ContentSecurityPolicy is sent with every answer of Handler. Nothing is loaded from another origin and no
// inline script runs; Monaco needs inline styles.
const ContentSecurityPolicy = "script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; connect-src 'self'; " +
	"default-src 'self'; img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// Handler serves the page at / and /graphiql and what it loads below /assets/, to GET and HEAD; any other
// path is 404. Files are sent as brotli to who accepts it and uncompressed to everyone else.
func Handler() http.Handler {
	pages := pagesByPath()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", ContentSecurityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		// The link of `serve --dev` carries a one-time code, which no other site may learn.
		header.Set("Referrer-Policy", "no-referrer")
		found, ok := pages[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			header.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		default:
			found.serve(w, r)
		}
	})
}

// page is one file of the bundle.
type page struct {
	compressed  []byte // brotli
	contentType string
	immutable   bool   // its name holds a hash of its content
	hash        string // of the compressed bytes, for ETags
}

func pagesByPath() map[string]page {
	pages := map[string]page{}
	err := fs.WalkDir(bundle, "bundle", func(file string, entry fs.DirEntry, err error) error {
		name, compressed := strings.CutSuffix(strings.TrimPrefix(file, "bundle"), ".br")
		if err != nil || entry.IsDir() || !compressed {
			return err
		}
		content, err := bundle.ReadFile(file)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		pages[name] = page{
			compressed:  content,
			contentType: contentType(name),
			immutable:   strings.HasPrefix(name, "/assets/"),
			hash:        hex.EncodeToString(sum[:16]),
		}
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("web: read the embedded bundle: %v", err)) // embed.FS is memory: it cannot fail
	}
	index := pages["/index.html"]
	delete(pages, "/index.html")
	pages["/"], pages["/graphiql"] = index, index
	return pages
}

func (p page) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", p.contentType)
	header.Add("Vary", "Accept-Encoding")
	if p.immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "no-cache")
	}

	content := p.compressed
	if acceptsBrotli(r.Header.Values("Accept-Encoding")) {
		header.Set("Content-Encoding", "br")
		header.Set("ETag", `"`+p.hash+`-br"`)
	} else {
		var err error
		if content, err = io.ReadAll(brotli.NewReader(bytes.NewReader(p.compressed))); err != nil {
			http.Error(w, "the page is damaged", http.StatusInternalServerError)
			return
		}
		header.Set("ETag", `"`+p.hash+`"`)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// contentType knows the kinds of files that Vite writes. It does not ask package mime, whose answers
// depend on the tables of the machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".md":
		return "text/markdown; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ttf":
		return "font/ttf"
	case ".woff2":
		return "font/woff2"
	default:
		return "application/octet-stream"
	}
}

// acceptsBrotli reads Accept-Encoding (RFC 9110, section 12.5.3): br, or * when br is not named, with a
// weight above zero.
func acceptsBrotli(acceptEncoding []string) bool {
	accepted := false
	for _, coding := range strings.Split(strings.Join(acceptEncoding, ","), ",") {
		name, parameters, _ := strings.Cut(coding, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "br" && name != "*" {
			continue
		}
		weight := 1.0
		if key, value, ok := strings.Cut(strings.TrimSpace(parameters), "="); ok && strings.EqualFold(key, "q") {
			weight, _ = strconv.ParseFloat(value, 64)
		}
		accepted = weight > 0
		if name == "br" {
			return accepted
		}
	}
	return accepted
}
