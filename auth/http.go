package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// BearerToken reads the token of the Authorization header (RFC 6750 section 2.1).
// Without the header present is false. A header of another scheme, without a token,
// with more than one, or given twice is an error that is ErrInvalid.
func BearerToken(r *http.Request) (token string, present bool, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", false, nil
	}
	if len(values) > 1 {
		return "", true, invalid("there is more than one Authorization header")
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true, invalid("the Authorization header must be of the scheme Bearer")
	}
	token = strings.TrimLeft(token, " ")
	if token == "" || strings.ContainsAny(token, " \t,") {
		return "", true, invalid("the Authorization header must hold one token")
	}
	return token, true, nil
}

// Refuse answers a request whose credential does not hold with 401, and one whose
// credential cannot be checked now with 503. It says what a client can act on; which
// check failed is not its business.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, code, message := http.StatusUnauthorized, "UNAUTHENTICATED", "The token is not valid: sign in again."
	switch {
	case errors.Is(err, ErrExpired):
		message = "The token has expired: sign in again."
	case errors.Is(err, ErrNotYetValid):
		message = "The token is not valid yet: compare the clocks of both machines."
	case errors.Is(err, ErrOldRoles):
		message = "The owner of this API key has not signed in for too long: sign in once, then use it again."
	case !errors.Is(err, ErrInvalid):
		status, code, message = http.StatusServiceUnavailable, "INTERNAL", "The token cannot be checked now: try again."
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer error=%q, error_description=%q", "invalid_token", message))
	}
	contentType := "application/json; charset=utf-8"
	if strings.Contains(r.Header.Get("Accept"), "application/graphql-response+json") {
		contentType = "application/graphql-response+json; charset=utf-8"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)

	type extensions struct {
		Code string `json:"code"`
	}
	type graphError struct {
		Message    string     `json:"message"`
		Extensions extensions `json:"extensions"`
	}
	body := map[string][]graphError{"errors": {{message, extensions{code}}}}
	_ = json.NewEncoder(w).Encode(body) // the client has gone, there is nobody to tell
}
