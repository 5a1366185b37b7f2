package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// signInTTL is how long a browser stays signed in in dev mode.
const signInTTL = 12 * time.Hour

// signedIn answers a sign-in of dev mode.
type signedIn struct {
	Token     string    `json:"token"`
	Username  string    `json:"username"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (s *Server) devUsers(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"dev": true, "users": s.options.DevUsers})
}

// devSignIn signs in as one of the dev users, from a page of this server only.
func (s *Server) devSignIn(w http.ResponseWriter, r *http.Request) {
	var user DevUser
	if !sameOrigin(r) || json.NewDecoder(r.Body).Decode(&user) != nil || !slices.Contains(s.options.DevUsers, user) {
		writeJSON(w, http.StatusForbidden, map[string]string{"error": "only the users listed by GET /auth/dev can sign in here, from a page of this server"})
		return
	}
	s.signIn(w, r, user.Username, user.Role)
}

// exchange turns a one-time code of a sign-in link into a token.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Code string `json:"code"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": `send {"code": "..."} of a sign-in link`})
		return
	}
	username, role, ok := s.codes.Redeem(body.Code)
	if !ok {
		if wait, ok := s.failedSignIn(r.Context(), "LINK", fmt.Errorf("%w: the code of a link", auth.ErrSignIn)); !ok {
			s.tooOften(w, r, signInAttempts, wait)
			return
		}
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "this sign-in link was used already or has expired: restart the server for a new one, or paste a token of `violentutf token`"})
		return
	}
	s.signIn(w, r, username, role)
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, username string, role auth.Role) {
	var token string
	var expires time.Time
	row := act(r.Context(), actSignIn, nil, map[string]string{"way": "DEVELOPMENT", "role": string(role)})
	row.Actor = username
	err := s.options.House.App.Audited(r.Context(), row, func(context.Context, *storage.AuditAct) (err error) {
		token, expires, err = s.options.Issuer.Issue(username, role, signInTTL)
		return err
	})
	if err != nil {
		s.internal(w, r, "sign in", err)
		return
	}
	writeJSON(w, http.StatusOK, signedIn{Token: token, Username: username, ExpiresAt: expires.UTC()})
}

// sameOrigin tells whether a browser's request came from a page of this server; a
// page elsewhere must not sign anybody in, nor may a name that was rebound to this
// machine's address.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Header.Get("Sec-Fetch-Site") == "" // not a browser
	}
	from, err := url.Parse(origin)
	return err == nil && from.Host == r.Host && loopbackHost(r.Host)
}

func loopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}
