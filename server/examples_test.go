package server_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/web"
)

// TestEveryExampleShowsTheSampleData runs what GraphiQL offers at a first visit over
// what `serve --sample` imports.
func TestEveryExampleShowsTheSampleData(t *testing.T) {
	s := newSite(t)
	folder := filepath.Join("..", "app_data", "sample")
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Ext(file.Name()) == ".md" {
			continue
		}
		if _, err := s.house.Import(context.Background(), "sample", filepath.Join(folder, file.Name()), interop.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	token := s.token("sample", auth.RoleUser)
	// The lists that each example is about; an example that is missing here fails.
	workspace := func(path ...any) []any { return append([]any{"viewer", "workspace"}, path...) }
	lists := map[string][][]any{
		"1-who-am-i.graphql": {{"viewer", "roles"}, {"viewer", "workspaces"}},
		"2-my-workspace.graphql": {
			workspace("facets", "outcome"), workspace("facets", "attackClass"), workspace("facets", "harmCategory"), workspace("facets", "converterChain"),
			workspace("datasets", "nodes", 0, "prompts", "nodes"), workspace("storage", "tables"),
		},
		"3-last-attacks.graphql": {
			workspace("attacks", "nodes", 0, "labels"), workspace("attacks", "nodes", 0, "harmCategories"),
			workspace("attacks", "nodes", 0, "conversation", "messages", "nodes", 3, "scores"),
		},
		"4-conversations-by-purpose.graphql": {
			workspace("attackers", "nodes", 0, "messages", "nodes"), workspace("judges", "nodes", 0, "messages", "nodes"),
			workspace("abandoned", "nodes", 0, "messages", "nodes"),
		},
		"5-executions-and-imports.graphql": {workspace("executions", "nodes"), workspace("imports", "nodes", 0, "tables")},
	}
	examples, err := web.Examples()
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range examples {
		t.Run(example.Name, func(t *testing.T) {
			a := s.ask(token, example.Query, nil)
			if len(a.Errors) > 0 {
				t.Fatalf("%+v", a.Errors)
			}
			if len(lists[example.Name]) == 0 {
				t.Error("the test knows no list that it shows")
			}
			for _, path := range lists[example.Name] {
				if list, _ := at(a.Data, path...).([]any); len(list) == 0 {
					t.Errorf("nothing at %v: %.2000s", path, a.body)
				}
			}
		})
	}
}
