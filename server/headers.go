package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// Origins are those of other servers' pages that may ask /graphql (CORS). They need a
// token or an API key: the session cookie counts for this server's own pages alone.
type Origins []string

// ParseOrigins reads origins with commas, as https://console.example.org. "*" is refused:
// whose page may ask is to be known.
func ParseOrigins(text string) (Origins, error) {
	var origins Origins
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		u, err := url.Parse(part)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, storage.BadInput("cors-origin", "%q is no origin: write it as https://console.example.org, one for each page that may ask", part)
		}
		origins = append(origins, strings.ToLower(u.Scheme+"://"+u.Host))
	}
	return origins, nil
}

// longestHSTS is a year, in seconds (RFC 6797).
const longestHSTS = 365 * 24 * 60 * 60

// secured says with every answer what a browser may do with it. Pages and files say more.
func (s *Server) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.options.Proxies.overTLS(r) {
			header.Set("Strict-Transport-Security", fmt.Sprintf("max-age=%d", longestHSTS))
		}
		next.ServeHTTP(w, r)
	})
}

// shared lets the pages of the listed origins ask.
func (s *Server) shared(next http.Handler) http.Handler {
	if len(s.options.Origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" || !slices.Contains(s.options.Origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		// Without Access-Control-Allow-Credentials no page elsewhere sends a cookie.
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Methods", "GET, POST")
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-API-Key, X-Request-Id, X-Graphql-Stats, GraphQL-Require-Preflight")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}
