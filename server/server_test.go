package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// site is a server over a data folder of its own.
type site struct {
	t      *testing.T
	house  *house.House
	issuer *auth.DevIssuer
	server *server.Server
	http   *httptest.Server
	log    *bytes.Buffer
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteWith(t, func(*server.Options) {})
}

func newSiteWith(t *testing.T, change func(*server.Options)) *site {
	t.Helper()
	return newSiteIn(t, t.TempDir(), change)
}

// newSiteIn serves a data folder that may hold something already.
func newSiteIn(t *testing.T, dir string, change func(*server.Options)) *site {
	t.Helper()
	ctx := context.Background()
	s := &site{t: t, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	var err error
	if s.house, err = house.Open(ctx, house.Options{Dir: dir, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.house.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if s.issuer, err = auth.OpenDevIssuer(s.house.ConfigDir()); err != nil {
		t.Fatal(err)
	}
	options := server.Options{House: s.house, Issuer: s.issuer, Dev: true, Version: "test", Log: log}
	change(&options)
	s.server = server.New(options)
	s.http = httptest.NewServer(s.server.Handler())
	t.Cleanup(s.http.Close)
	return s
}

func (s *site) take(user, file string) *storage.Import {
	s.t.Helper()
	imp, err := s.house.Import(context.Background(), user, testfiles.Path(s.t, file), interop.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return imp
}

func (s *site) token(user string, role auth.Role) string {
	s.t.Helper()
	token, _, err := s.issuer.Issue(user, role, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// answer is a GraphQL response.
type answer struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	Extensions struct {
		Stats struct {
			Cost           float64 `json:"cost"`
			UserStatements int64   `json:"userStatements"`
			AppStatements  int64   `json:"appStatements"`
			Rows           int64   `json:"rows"`
		} `json:"stats"`
	} `json:"extensions"`
	body string
}

func (s *site) ask(token, query string, variables map[string]any) answer {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, s.http.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Graphql-Stats", "1")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		s.t.Fatalf("%v in %.300s", err, raw)
	}
	a.body = string(raw)
	return a
}

// mustAsk is ask without errors in the answer.
func (s *site) mustAsk(token, query string, variables map[string]any) answer {
	s.t.Helper()
	a := s.ask(token, query, variables)
	if len(a.Errors) > 0 {
		s.t.Fatalf("%s: %+v", query, a.Errors)
	}
	return a
}

// at walks into decoded JSON by keys and list places.
func at(value any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[s]
		case int:
			l, _ := value.([]any)
			if s >= len(l) {
				return nil
			}
			value = l[s]
		}
	}
	return value
}

const questionOne = `query Q($n: Int!) { viewer { workspace { attacks(first: $n) { edges { node {
	id number outcome target { name model } labels { key value }
	conversation { id messages(first: 20) { edges { node {
		id sequence role originalValue convertedValue scores { id scorerName }
	} } } }
} } } } } }`

func TestQuestionOneTakesTheSameStatementsForAnyNumberOfAttacks(t *testing.T) {
	s := newSite(t)
	for _, file := range []string{"pyrit/memory-1.1.0.sqlite", "pyrit/seeded-1.1.0.sqlite", "pyrit/memory-0.14.0.sqlite", "garak/leaky.report.jsonl", "garak/buffed.report.jsonl", "garak/demo.report.jsonl"} {
		s.take("alice", file)
	}
	token := s.token("alice", auth.RoleUser)
	s.mustAsk(token, questionOne, map[string]any{"n": 1}) // the first request opens the store
	for _, n := range []int{1, 50, 500} {
		a := s.mustAsk(token, questionOne, map[string]any{"n": n})
		edges, _ := at(a.Data, "viewer", "workspace", "attacks", "edges").([]any)
		if len(edges) != n {
			t.Fatalf("asked for %d attacks, got %d", n, len(edges))
		}
		if stats := a.Extensions.Stats; stats.UserStatements > 8 || stats.UserStatements == 0 || stats.AppStatements > 3 {
			t.Errorf("%d attacks took %d user-store and %d app-store statements, want at most 8 and 3", n, stats.UserStatements, stats.AppStatements)
		}
	}
}

// page is the query of the contract, verbatim.
const page = `query Page {
  viewer { username workspace {
    attacks(first: 50, orderBy: {field: STARTED_AT, direction: DESC},
            filter: {outcome: {in: [SUCCESS]}, label: {key: "op", value: "plain"}, text: {contains: "step"}}) {
      totalCount pageInfo { hasNextPage endCursor }
      edges { cursor node {
        id number sourceId attackClass objective outcome outcomeReason converterChain harmCategories
        target { name model } labels { key value } objectiveScore { id scorerName }
        conversation { id messages(first: 20) { edges { node {
          id sequence role originalValue convertedValue dataType responseError createdAt
          scores { id scorerName categories rationale ... on TrueFalseScore { isTrue } ... on FloatScaleScore { scale } ... on CategoryScore { label } }
        } } } }
      } }
    }
    conversations(first: 5, filter: {purpose: {in: [JUDGE]}}) { totalCount edges { node { id number purpose messageCount attack { id } } } }
    messages(first: 1) { totalCount }
    generators(first: 10) { totalCount edges { node { id name type credential { isSet lastFour } } } }
    datasets(first: 10) { totalCount edges { node { id name promptCount prompts(first: 5) { totalCount edges { node { index text } } } } } }
    storage { bytes tables { name rows } }
  } }
}`

func TestPageOfTheContractAnswersOverRealFiles(t *testing.T) {
	s := newSite(t)
	s.take("alice", testfiles.Original)
	s.take("alice", "pyrit/memory-1.1.0.sqlite")
	a := s.mustAsk(s.token("alice", auth.RoleUser), page, nil)
	w := at(a.Data, "viewer", "workspace")
	if n := at(w, "attacks", "totalCount"); n == nil || n.(float64) == 0 {
		t.Errorf("no attack that succeeded with the label op=plain")
	}
	if n := at(w, "messages", "totalCount"); n != float64(255+344) {
		t.Errorf("%v messages, want %d", n, 255+344)
	}
	if n := at(w, "conversations", "totalCount"); n != float64(50+17) {
		t.Errorf("%v conversations of a judge, want %d", n, 50+17)
	}
	if set := at(w, "generators", "edges", 0, "node", "credential", "isSet"); set != true {
		t.Errorf("the generator's credential is not there: %v", at(w, "generators"))
	}
	if n := at(w, "datasets", "edges", 0, "node", "promptCount"); n == nil {
		t.Errorf("no dataset: %v", at(w, "datasets"))
	}
}

func TestAliceFindsNothingOfBobs(t *testing.T) {
	s := newSite(t)
	s.take("bob", "pyrit/memory-1.1.0.sqlite")
	s.take("alice", "garak/demo.report.jsonl")
	alice, bob := s.token("alice", auth.RoleUser), s.token("bob", auth.RoleUser)
	const first = `{ viewer { workspace { id attacks(first: 1) { edges { cursor node { id target { id } execution { id }
		conversation { id messages(first: 1) { edges { node { id } } } } objectiveScore { id } } } }
		datasets(first: 1) { edges { node { id prompts(first: 1) { edges { node { id } } } } } } imports { edges { node { id } } } } } }`
	theirs := s.mustAsk(bob, first, nil)
	ids := idsIn(theirs.Data)
	if len(ids) < 7 {
		t.Fatalf("bob's page shows only the ids %v", ids)
	}
	for _, id := range ids {
		a := s.ask(alice, `query($id: ID!) { node(id: $id) { id __typename } nodes(ids: [$id]) { id } }`, map[string]any{"id": id})
		if at(a.Data, "node") != nil || at(a.Data, "nodes", 0) != nil {
			t.Errorf("alice reaches bob's %s: %s", id, a.body)
		}
		if b := s.mustAsk(bob, `query($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": id}); at(b.Data, "node", "id") != id {
			t.Errorf("bob does not reach his own %s: %s", id, b.body)
		}
	}
	if a := s.ask(alice, `{ viewer { workspace(name: "bob") { id } } }`, nil); at(a.Data, "viewer", "workspace") != nil {
		t.Errorf("alice opens bob's workspace by name: %s", a.body)
	}
	mine := s.mustAsk(alice, `{ viewer { workspace { attacks(first: 1000) { totalCount edges { node { source } } } } } }`, nil)
	if strings.Contains(mine.body, "PYRIT") || at(mine.Data, "viewer", "workspace", "attacks", "totalCount") != float64(102) {
		t.Errorf("alice's attacks are not hers: %.300s", mine.body)
	}
	if a := s.ask("", first, nil); len(a.Errors) == 0 || a.Errors[0].Extensions["code"] != "UNAUTHENTICATED" {
		t.Errorf("an anonymous viewer got %s", a.body)
	}
}

func TestAListWithoutRowsIsEmptyNotNull(t *testing.T) {
	s := newSite(t)
	s.take("alice", "garak/demo.report.jsonl")
	a := s.mustAsk(s.token("alice", auth.RoleUser), `{ viewer { workspace { attacks(first: 1) { edges { node { labels { key } converters { id } conversation { labels { key } branches { id }
		messages { edges { node { scores { id } converters { id } } } } } } } } facets { label { count } dataset { count } } generators { edges { node { id } } } } } }`, nil)
	if data, _, _ := strings.Cut(a.body, `"extensions"`); strings.Contains(data, "null") {
		t.Errorf("a list is null in %s", a.body)
	}
}

// idsIn collects the values of every field named id.
func idsIn(value any) []string {
	var ids []string
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if id, ok := child.(string); ok && key == "id" {
				ids = append(ids, id)
				continue
			}
			ids = append(ids, idsIn(child)...)
		}
	case []any:
		for _, child := range v {
			ids = append(ids, idsIn(child)...)
		}
	}
	return ids
}

// The credentials in the original's file.
var credentials = []string{"sk-test-THIS-MUST-NEVER-BE-READABLE-0001", "secret-0002"}

func TestCredentialsAreReadableNowhere(t *testing.T) {
	s := newSite(t)
	s.take("alice", testfiles.Original)
	// A file of the original at a store's own path is upgraded in place.
	testfiles.Unpack(t, testfiles.Original, filepath.Join(s.house.Dir, filepath.FromSlash(s.house.PersonalFile("bob"))))
	for _, user := range []string{"alice", "bob"} {
		a := s.mustAsk(s.token(user, auth.RoleUser), `{ viewer { workspace { generators { edges { node { name type parameters credential { isSet lastFour } attributes lastTest } } }
			components { edges { node { parameters identifier } } } datasets { edges { node { configuration } } } messages(first: 1000) { totalCount edges { node { originalValue metadata attributes } } } } } }`, nil)
		if n := at(a.Data, "viewer", "workspace", "messages", "totalCount"); n != float64(255) {
			t.Errorf("%s has %v messages, want 255", user, n)
		}
		for _, credential := range credentials {
			if strings.Contains(a.body, credential) {
				t.Errorf("a response shows %s", credential)
			}
		}
	}
	if backups, _ := filepath.Glob(filepath.Join(s.house.Dir, "backups", "*.age")); len(backups) != 1 {
		t.Errorf("encrypted backups: %v, want one", backups)
	}
	if err := s.house.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(s.house.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, credential := range credentials {
			if bytes.Contains(raw, []byte(credential)) {
				t.Errorf("%s holds %s", path, credential)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, credential := range credentials {
		if strings.Contains(s.log.String(), credential) {
			t.Errorf("the log shows %s", credential)
		}
	}
}

func TestEveryMessageAndScoreComesBackByPages(t *testing.T) {
	s := newSite(t)
	s.take("alice", "pyrit/seeded-1.1.0.sqlite")
	token := s.token("alice", auth.RoleUser)
	for _, forward := range []bool{true, false} {
		seen := map[string]bool{}
		cursor := any(nil)
		for {
			query := `query($c: String) { viewer { workspace { messages(first: 37, after: $c) { edges { node { id } } pageInfo { hasNextPage endCursor } } } } }`
			if !forward {
				query = `query($c: String) { viewer { workspace { messages(last: 37, before: $c) { edges { node { id } } pageInfo { hasPreviousPage startCursor } } } } }`
			}
			a := s.mustAsk(token, query, map[string]any{"c": cursor})
			list := at(a.Data, "viewer", "workspace", "messages")
			for _, id := range idsIn(at(list, "edges")) {
				if seen[id] {
					t.Fatalf("%s comes twice", id)
				}
				seen[id] = true
			}
			more, next := at(list, "pageInfo", "hasNextPage"), at(list, "pageInfo", "endCursor")
			if !forward {
				more, next = at(list, "pageInfo", "hasPreviousPage"), at(list, "pageInfo", "startCursor")
			}
			if more != true {
				break
			}
			cursor = next
		}
		if len(seen) != 401 {
			t.Errorf("pages (forward %v) show %d messages, want 401", forward, len(seen))
		}
	}
}

func TestErrorsTellTheCodeAndTheRequestButNothingInternal(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	for query, code := range map[string]string{
		`{ viewer { workspace { attacks(first: -1) { totalCount } } } }`:               "BAD_USER_INPUT",
		`{ viewer { workspace { attacks(after: "nonsense") { edges { cursor } } } } }`: "BAD_USER_INPUT",
		`{ viewer { nothing } }`: "BAD_USER_INPUT",
		`{ viewer {`:             "BAD_USER_INPUT",
		`{ admin { users { nodes { username } } } }`: "FORBIDDEN",
	} {
		a := s.ask(token, query, nil)
		if len(a.Errors) == 0 || fmt.Sprint(a.Errors[0].Extensions["code"]) != code || a.Errors[0].Extensions["requestId"] == "" {
			t.Errorf("%s answers %s, want the code %s and a request id", query, a.body, code)
		}
	}
}
