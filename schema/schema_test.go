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

func load(t *testing.T) *ast.Schema {
	t.Helper()
	parsed, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
