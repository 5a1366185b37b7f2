package resolvers_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
)

// What docs/graphql.md shows runs, in its order, without an error.
func TestExamplesOfThePageRun(t *testing.T) {
	page, err := os.ReadFile("../docs/graphql.md")
	if err != nil {
		t.Fatal(err)
	}
	stores := newStores(t, 2, 2)
	s := newTeamOn(t, stores.server)
	everything := *alice
	everything.Roles = []auth.Role{auth.RoleUser, auth.RoleAdmin, auth.RoleAuditor}
	given := map[string]any{"workspace": s.red.ID(), "user": s.users["vi"].ID()}

	examples := regexp.MustCompile("(?s)```graphql\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 14 {
		t.Fatalf("the page has %d examples", len(examples))
	}
	for _, example := range examples {
		variables := map[string]any{}
		for name, value := range given {
			if strings.Contains(example[1], "$"+name) {
				variables[name] = value
			}
		}
		a := s.ask(t, &everything, example[1], variables)
		if a.refusal() != "" {
			t.Errorf("%s\nanswers %s", example[1], a.body)
		}
		if id := at(a.Data, "annotate", "annotations", 0, "id"); id != nil {
			given["annotation"] = id // for the next example
		}
		if id := at(a.Data, "moveToTrash", "trashEntry", "id"); id != nil {
			given["entry"] = id
		}
	}
}
