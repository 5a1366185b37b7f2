package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/storage"
)

// usersAnswer answers a command about users.
type usersAnswer struct {
	Users []*storage.User `json:"users"`
	Error string          `json:"error,omitempty"`
	Code  storage.Code    `json:"code,omitempty"`
}

// userRequest asks the owner of a data folder to change a user.
type userRequest struct {
	Change house.UserChange `json:"change"`
	User   string           `json:"user"`
}

func (s *Server) listUsers(w http.ResponseWriter, r *http.Request) {
	users, err := s.options.House.App.Users(r.Context())
	s.answerUsers(w, r, users, err)
}

func (s *Server) changeUser(w http.ResponseWriter, r *http.Request) {
	var request userRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		s.answerUsers(w, r, nil, storage.BadInput("body", "%v", err))
		return
	}
	user, err := s.options.House.ChangeUser(r.Context(), request.Change, request.User)
	s.answerUsers(w, r, []*storage.User{user}, err)
}

func (s *Server) answerUsers(w http.ResponseWriter, r *http.Request, users []*storage.User, err error) {
	answer := usersAnswer{Users: users}
	if err != nil {
		answer = usersAnswer{Error: err.Error(), Code: storage.CodeOf(err)}
	}
	s.log.InfoContext(r.Context(), "users by command", "method", r.Method, "code", answer.Code)
	writeJSON(w, http.StatusOK, answer)
}

// UsersThrough asks the process that owns a data folder for its users.
func UsersThrough(ctx context.Context, dir string) ([]*storage.User, error) {
	return askUsers(ctx, dir, http.MethodGet, nil)
}

// ChangeUserThrough asks the process that owns a data folder to change a user.
func ChangeUserThrough(ctx context.Context, dir string, change house.UserChange, username string) (*storage.User, error) {
	body, err := json.Marshal(userRequest{change, username})
	if err != nil {
		return nil, err
	}
	users, err := askUsers(ctx, dir, http.MethodPost, body)
	if err != nil {
		return nil, err
	}
	if len(users) != 1 {
		return nil, fmt.Errorf("the process that owns %s answers with %d users, not one", dir, len(users))
	}
	return users[0], nil
}

func askUsers(ctx context.Context, dir, method string, body []byte) ([]*storage.User, error) {
	response, end, err := askOwner(ctx, dir, method, "/users", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer end()
	if response.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("the process that owns %s does not know this command: it is of another version", dir)
	}
	var answer usersAnswer
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.Error != "" {
		return nil, &storage.Error{Code: answer.Code, Message: answer.Error}
	}
	return answer.Users, nil
}
