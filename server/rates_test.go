package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// set changes a setting; RefreshRates lets a server notice.
func (s *site) set(t *testing.T, key string, value storage.JSON) {
	t.Helper()
	if _, err := s.house.App.SetSetting(context.Background(), storage.ActorCommand, key, value, 0); err != nil {
		t.Fatal(err)
	}
}

func TestWhoAsksTooOftenIsToldWhenToAskAgain(t *testing.T) {
	r := newRealm(t, nil)
	r.set(t, "rate.query.per_minute.user", "4")
	server.RefreshRates(t, r.server)
	b := r.browser()
	b.signIn()
	user, err := r.house.App.UserByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	key := map[string]string{"X-API-Key": r.apiKey(user, storage.ScopeRead)}
	for range 2 { // by two ways, but one person
		for name, a := range map[string]reply{"page": b.query(whoAmI, nil), "key": r.browser().query(whoAmI, key)} {
			if a.status != http.StatusOK {
				t.Fatalf("the %s is answered %d %s", name, a.status, a.body)
			}
		}
	}
	for name, a := range map[string]reply{"page": b.query(whoAmI, nil), "key": r.browser().query(whoAmI, key)} {
		if a.status != http.StatusTooManyRequests || a.code() != "RATE_LIMITED" || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "alice") {
			t.Errorf("the %s is answered %d %v %s", name, a.status, a.header, a.body)
		}
	}
	// By GET too, and others are not held back.
	if answer := b.get("/graphql?query=%7Bviewer%7Busername%7D%7D"); answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("by GET: %s", answer.Status)
	}
	if a := r.browser().query(`{ server { version } }`, nil); a.status != http.StatusOK {
		t.Errorf("an anonymous one: %d %s", a.status, a.body)
	}
}

func TestGuessingIsHeldBackAndTheLogIsNotFlooded(t *testing.T) {
	r := newRealm(t, nil)
	r.set(t, "rate.sign_in.per_minute", "4")
	server.RefreshRates(t, r.server)
	guesses := []map[string]string{
		{"Authorization": "Bearer guess"},
		{"X-API-Key": "vutf_guess"},
		{"Cookie": "violentutf=" + string(auth.NewSessionToken())},
		{"Authorization": "Basic guess"},
	}
	for _, header := range guesses {
		if a := r.browser().query(whoAmI, header); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%v: %d %s", header, a.status, a.body)
		}
	}
	for range 3 {
		for _, header := range guesses {
			if a := r.browser().query(whoAmI, header); a.status != http.StatusTooManyRequests || a.code() != "RATE_LIMITED" {
				t.Errorf("%v again: %d %s", header, a.status, a.body)
			}
		}
	}
	if answer := r.browser().get("/auth/login"); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("signing in: %s", answer.Status)
	}
	rows := r.audited("sign_in")
	if len(rows) != 4 {
		t.Errorf("on record: %q", rows)
	}
	if all := strings.Join(rows, "\n"); strings.Contains(all, "guess") {
		t.Errorf("the record quotes a credential: %s", all)
	}
}

func TestWhatIsNoValidDocumentIsCounted(t *testing.T) {
	s := newSite(t)
	if _, err := s.house.App.SetSetting(t.Context(), storage.ActorCommand, "rate.query.per_minute.user", "3", 0); err != nil {
		t.Fatal(err)
	}
	server.RefreshRates(t, s.server)
	for _, document := range []string{`{nope}`, `{`, `{server{version}}`} {
		s.ask("", document, nil)
	}
	if a := s.ask("", `{nope}`, nil); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "RATE_LIMITED" {
		t.Errorf("the fourth: %+v", a.Errors)
	}
}

func TestEachMutationOfADocumentIsCounted(t *testing.T) {
	s := newSite(t)
	if _, err := s.house.App.SetSetting(t.Context(), storage.ActorCommand, "rate.mutation.per_minute.user", "4", 0); err != nil {
		t.Fatal(err)
	}
	server.RefreshRates(t, s.server)
	alice := s.token("alice", auth.RoleUser)
	make := func(names ...string) string {
		text := "mutation{"
		for _, name := range names {
			text += name + `:createWorkspace(input:{name:"` + name + `"}){userErrors{code}} `
		}
		return text + "}"
	}
	s.mustAsk(alice, make("a", "b", "c"), nil)
	if a := s.ask(alice, make("d", "e"), nil); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "RATE_LIMITED" {
		t.Errorf("two more: %+v", a.Errors)
	}
	s.mustAsk(alice, make("f"), nil)
	list := s.mustAsk(alice, `{viewer{workspaces{name}}}`, nil)
	if workspaces, _ := at(list.Data, "viewer", "workspaces").([]any); len(workspaces) != 5 {
		t.Errorf("there are %v", workspaces)
	}
}
