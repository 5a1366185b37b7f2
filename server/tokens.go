package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// tokenRequest asks the owner of a data folder for a token of the development issuer.
type tokenRequest struct {
	User string        `json:"user"`
	Role auth.Role     `json:"role"`
	Life time.Duration `json:"life"` // nanoseconds
}

type tokenAnswer struct {
	Token string       `json:"token,omitempty"`
	Error string       `json:"error,omitempty"`
	Code  storage.Code `json:"code,omitempty"`
}

func (s *Server) issueToken(w http.ResponseWriter, r *http.Request) {
	var request tokenRequest
	err := json.NewDecoder(r.Body).Decode(&request)
	if err != nil {
		err = storage.BadInput("body", "%v", err)
	}
	var answer tokenAnswer
	if err == nil {
		answer.Token, err = s.options.House.IssueToken(r.Context(), request.User, request.Role, request.Life)
	}
	if err != nil {
		answer = tokenAnswer{Error: err.Error(), Code: storage.CodeOf(err)}
	}
	s.log.InfoContext(r.Context(), "token by command", "code", answer.Code)
	writeJSON(w, http.StatusOK, answer)
}

// IssueTokenThrough asks the process that owns a data folder for a token of the
// development issuer: the audit log, which must have it, is open there.
func IssueTokenThrough(ctx context.Context, dir, username string, role auth.Role, life time.Duration) (string, error) {
	body, err := json.Marshal(tokenRequest{username, role, life})
	if err != nil {
		return "", err
	}
	response, end, err := askOwner(ctx, dir, http.MethodPost, "/tokens", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer end()
	if response.StatusCode == http.StatusNotFound {
		return "", fmt.Errorf("the process that owns %s does not know this command: it is of another version", dir)
	}
	var answer tokenAnswer
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.Error != "" {
		return "", &storage.Error{Code: answer.Code, Message: answer.Error}
	}
	return answer.Token, nil
}
