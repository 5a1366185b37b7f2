package schema_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/schema"
)

func TestEverythingHasADescription(t *testing.T) {
	for _, def := range load(t).Types {
		if def.BuiltIn {
			continue
		}
		described(t, def.Name, def.Description)
		for _, field := range def.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			described(t, def.Name+"."+field.Name, field.Description)
			for _, arg := range field.Arguments {
				described(t, def.Name+"."+field.Name+"("+arg.Name+":)", arg.Description)
			}
		}
		for _, value := range def.EnumValues {
			described(t, def.Name+"."+value.Name, value.Description)
		}
	}
}

func described(t *testing.T, what, description string) {
	t.Helper()
	if strings.TrimSpace(description) == "" {
		t.Errorf("%s has no description", what)
	}
}

// Without @userScoped a request must reach the bookkeeping only: whoever adds a
// type here says that it holds nothing of a user's data.
func TestUserDataIsBehindUserScoped(t *testing.T) {
	harmless := []string{
		"Admin", "Mutation", "Query", "ServerInfo", "ServerLimits", "Viewer", "PageInfo", "UserError",
		"User", "UserConnection", "UserEdge", "WorkspaceUse", "WorkspaceUseConnection", "WorkspaceUseEdge", "Member",
		"ApiKey", "ApiKeyConnection", "ApiKeyEdge", "Session", "SessionConnection", "SessionEdge",
		"AuditEvent", "AuditEventConnection", "AuditEventEdge", "AuditSubject", "UserReference", "WorkspaceReference", "ApiKeyReference",
		"AuditReport", "AuditFault", "AuditCheckpoint", "AuditVerification",
		"SystemSetting", "HealthCheck", "HealthCheckConnection", "HealthCheckEdge",
		"ConfiguredType", "Parameter", "OrchestratorType", // what this program can run
		"PreviewedPrompt",             // made of what the request named, and stored nowhere
		"Problem",                     // made of what the request named
		"ConfiguredType", "Parameter", // what this program can run
		"Taxonomy", "TaxonomyEntry", // below Viewer those that come with the program
		"NativeDataset", "FieldMapping", // what it brings
		"ConverterStep", "Verdict", // made of what the request brought
		// Streams find their workspace by directives.ReadingThing, and ask again while they last.
		"Subscription", "ExecutionEvent", "ExecutionState", "ExecutionProgress", "ExecutionItemDone", "ExecutionLogLine", "ConversationUpdate",
		"UserSetting", "NativeTemplate", "TemplateParameter", // of the program, and chosen by the viewer
		"ErrorLog", "ErrorLogConnection", "ErrorLogEdge", "RateLimit", "RateLimitConnection", "RateLimitEdge",
	}
	parsed := load(t)
	reached := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		if reached[name] {
			return
		}
		def := parsed.Types[name]
		if !def.IsCompositeType() {
			return
		}
		reached[name] = true
		for _, possible := range parsed.GetPossibleTypes(def) {
			walk(possible.Name)
		}
		for _, field := range def.Fields {
			if !strings.HasPrefix(field.Name, "__") && field.Directives.ForName("userScoped") == nil {
				walk(field.Type.Name())
			}
		}
	}
	for _, root := range []*ast.Definition{parsed.Query, parsed.Mutation, parsed.Subscription} {
		if root != nil {
			walk(root.Name)
		}
	}
	for name := range reached {
		if !slices.Contains(harmless, name) && !strings.HasSuffix(name, "Payload") {
			t.Errorf("%s can be reached without @userScoped", name)
		}
	}
}

func TestSnapshotIsFresh(t *testing.T) {
	committed, err := os.ReadFile("../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	var fresh bytes.Buffer
	if err := schema.Write(&fresh); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, fresh.Bytes()) {
		t.Error("schema.graphql is stale: run go generate ./...")
	}
}

func TestPageOfRolesIsFresh(t *testing.T) {
	committed, err := os.ReadFile("../docs/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	var fresh bytes.Buffer
	if err := schema.WriteRoles(&fresh); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, fresh.Bytes()) {
		t.Error("docs/roles.md is stale: run go generate ./...")
	}
}

// Whoever adds a mutation says who may make it, and it answers in the one form.
func TestEveryMutationSaysWhoMayMakeIt(t *testing.T) {
	parsed := load(t)
	for _, field := range parsed.Mutation.Fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		if field.Directives.ForName("hasRole") == nil && field.Directives.ForName("authenticated") == nil {
			t.Errorf("%s has neither @hasRole nor @authenticated", field.Name)
		}
		if len(field.Arguments) != 1 || field.Arguments[0].Name != "input" {
			t.Errorf("%s does not take one argument, input", field.Name)
			continue
		}
		input, payload := parsed.Types[field.Arguments[0].Type.Name()], parsed.Types[field.Type.Name()]
		if input.Fields.ForName("clientMutationId") == nil || payload.Fields.ForName("clientMutationId") == nil || payload.Fields.ForName("userErrors") == nil {
			t.Errorf("%s takes or answers no clientMutationId, or no userErrors", field.Name)
		}
		if input.Fields.ForName("workspace") != nil && field.Directives.ForName("memberRole") == nil {
			t.Errorf("%s names a workspace and no @memberRole", field.Name)
		}
	}
}

func load(t *testing.T) *ast.Schema {
	t.Helper()
	parsed, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
