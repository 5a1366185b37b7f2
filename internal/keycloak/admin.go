package keycloak

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// Admin asks the administration interface of the realm: path is below
// /admin/realms/ViolentUTF. body and answer may be nil. What is not 2xx ends the test.
func (s *Server) Admin(t testing.TB, method, path string, body, answer any) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.BaseURL+"/admin/realms/"+Realm+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.adminToken(t))
	request.Header.Set("Content-Type", "application/json")
	s.ask(t, request, answer)
}

// adminToken lives for a minute, so each request gets its own.
func (s *Server) adminToken(t testing.TB) string {
	t.Helper()
	form := url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {s.admin}, "password": {s.password}}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	s.ask(t, formRequest(t, s.BaseURL+"/realms/master/protocol/openid-connect/token", form), &answer)
	return answer.AccessToken
}

func (s *Server) ask(t testing.TB, request *http.Request, answer any) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s: %s", request.Method, request.URL.Path, response.Status, text)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatalf("%s %s: %v: %s", request.Method, request.URL.Path, err, text)
	}
}

// RotateSigningKey adds an RSA key that signs from now on. The old ones stay published
// until WithdrawOldKeys.
func (s *Server) RotateSigningKey(t testing.TB) {
	t.Helper()
	s.Admin(t, http.MethodPost, "/components", map[string]any{
		"name": rotatedKey, "providerId": "rsa-generated", "providerType": keyProviders, "parentId": s.realmID(t),
		"config": map[string]any{
			"priority": []string{"1000"}, "enabled": []string{"true"}, "active": []string{"true"},
			"algorithm": []string{"RS256"}, "keySize": []string{"2048"},
		},
	}, nil)
}

const (
	keyProviders = "org.keycloak.keys.KeyProvider"
	rotatedKey   = "rotated"
)

// WithdrawOldKeys takes out the RSA keys for signing that were there before
// RotateSigningKey.
func (s *Server) WithdrawOldKeys(t testing.TB) {
	t.Helper()
	var components []struct{ ID, Name, ProviderID string }
	s.Admin(t, http.MethodGet, "/components?type="+url.QueryEscape(keyProviders), nil, &components)
	for _, one := range components {
		if one.ProviderID == "rsa-generated" && one.Name != rotatedKey {
			s.Admin(t, http.MethodDelete, "/components/"+one.ID, nil, nil)
		}
	}
}

func (s *Server) realmID(t testing.TB) string {
	t.Helper()
	var realm struct{ ID string }
	s.Admin(t, http.MethodGet, "", nil, &realm)
	return realm.ID
}

// GrantRole gives a user a role of the realm.
func (s *Server) GrantRole(t testing.TB, username, role string) {
	t.Helper()
	s.changeRole(t, http.MethodPost, username, role)
}

// TakeRole takes a role of the realm from a user.
func (s *Server) TakeRole(t testing.TB, username, role string) {
	t.Helper()
	s.changeRole(t, http.MethodDelete, username, role)
}

func (s *Server) changeRole(t testing.TB, method, username, name string) {
	t.Helper()
	var role map[string]any
	s.Admin(t, http.MethodGet, "/roles/"+url.PathEscape(name), nil, &role)
	s.Admin(t, method, "/users/"+s.UserID(t, username)+"/role-mappings/realm", []any{role}, nil)
}

// UserID is the subject of a user's tokens.
func (s *Server) UserID(t testing.TB, username string) string {
	t.Helper()
	var users []struct{ ID string }
	s.Admin(t, http.MethodGet, "/users?exact=true&username="+url.QueryEscape(username), nil, &users)
	if len(users) != 1 {
		t.Fatalf("there are %d users %s", len(users), username)
	}
	return users[0].ID
}

// SetClientAttribute changes an attribute of a client, and leaves the others as the realm
// file has them.
func (s *Server) SetClientAttribute(t testing.TB, client, name, value string) {
	t.Helper()
	var found []map[string]any
	s.Admin(t, http.MethodGet, "/clients?clientId="+url.QueryEscape(client), nil, &found)
	if len(found) != 1 {
		t.Fatalf("there are %d clients %s", len(found), client)
	}
	attributes, _ := found[0]["attributes"].(map[string]any)
	attributes[name] = value
	id, _ := found[0]["id"].(string)
	s.Admin(t, http.MethodPut, "/clients/"+id, found[0], nil)
}
