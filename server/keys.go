package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// keysAnswer answers a command about the keys.
type keysAnswer struct {
	Status   *house.KeyStatus `json:"status,omitempty"`
	Rotation *secret.Rotation `json:"rotation,omitempty"`
	Error    string           `json:"error,omitempty"`
	Code     storage.Code     `json:"code,omitempty"`
}

func (s *Server) keyStatus(w http.ResponseWriter, r *http.Request) {
	status, err := s.options.House.KeyStatus(r.Context())
	s.answerKeys(w, r, keysAnswer{Status: status}, err)
}

// rotateKeys rotates the keys. A command that goes away interrupts it; the next one
// goes on.
func (s *Server) rotateKeys(w http.ResponseWriter, r *http.Request) {
	s.imports.Add(1)
	defer s.imports.Done()
	rotation, err := s.options.House.RotateKeys(r.Context())
	s.answerKeys(w, r, keysAnswer{Rotation: &rotation}, err)
}

func (s *Server) answerKeys(w http.ResponseWriter, r *http.Request, answer keysAnswer, err error) {
	if err != nil {
		answer = keysAnswer{Error: err.Error(), Code: storage.CodeOf(err)}
	}
	s.log.InfoContext(r.Context(), "keys by command", "path", r.URL.Path, "code", answer.Code)
	writeJSON(w, http.StatusOK, answer)
}

// KeyStatusThrough asks the process that owns a data folder for the state of its keys.
func KeyStatusThrough(ctx context.Context, dir string) (*house.KeyStatus, error) {
	answer, err := askKeys(ctx, dir, http.MethodGet, "/keys")
	return answer.Status, err
}

// RotateKeysThrough asks the process that owns a data folder to rotate its keys.
func RotateKeysThrough(ctx context.Context, dir string) (secret.Rotation, error) {
	answer, err := askKeys(ctx, dir, http.MethodPost, "/keys/rotate")
	if err != nil {
		return secret.Rotation{}, err
	}
	return *answer.Rotation, nil
}

func askKeys(ctx context.Context, dir, method, path string) (answer keysAnswer, err error) {
	response, end, err := askOwner(ctx, dir, method, path, nil)
	if err != nil {
		return answer, err
	}
	defer end()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("read the server's answer: %w", err)
	}
	switch {
	case answer.Error != "":
		return answer, &storage.Error{Code: answer.Code, Message: answer.Error}
	case answer.Status == nil && answer.Rotation == nil:
		return answer, fmt.Errorf("the process that owns %s does not know this command: it is of another version", dir)
	}
	return answer, nil
}
