// Package rooms holds the house to its plan: which package may import which.
// docs/architecture.md says why.
package rooms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/violentutf/violentutf"

// room is a package, or with "/..." a package and all below it, and the rooms that
// it may import beside itself.
type room struct {
	name string
	may  []string
}

// plan is the table of docs/architecture.md. A package belongs to the room with the
// longest name that fits; one that fits none may not exist. No room names cmd, so
// nothing imports it.
var plan = []room{
	{"cmd/...", []string{everyRoom}},
	{"server/...", []string{everyRoom}},
	{"configured", []string{"execution/orchestrator", "execution/target", "execution/converter", "execution/scorer", "outbound", "secret/...", "storage"}},
	{"report", []string{"quote", "storage"}},
	{"resolvers/...", []string{"configured", "dataset", "events", "evidence", "execution", "kept", "native", "taxonomy", "template", "uploads", "report", "webhooks", "graph/...", "schema/...", "loaders/...", "directives/...", "auth/...", "storage"}},
	{"webhooks", []string{"outbound", "secret/...", "storage"}},
	{"template", nil},
	{"kept", []string{"secret/...", "storage", "template"}},
	{"quote", nil},
	{"taxonomy", []string{"storage"}},
	{"uploads", []string{"interop/...", "native", "storage", "storage/files"}},
	{"native", []string{"storage"}},
	{"dataset", []string{"execution/converter", "storage", "template"}},
	{"directives/...", []string{"auth/...", "loaders/...", "storage"}},
	{"loaders/...", []string{"storage"}},
	{"graph/...", []string{"schema/...", "auth/...", "storage"}},
	{"schema/...", []string{"storage"}},
	{"auth/...", []string{"storage"}},
	{"house/...", []string{
		"auth/...", "secret/...", "interop/...", "storage", "storage/datadir", "storage/appstore",
		"storage/userstore", "storage/sqlite", "storage/duckdb", "storage/files", "webhooks",
	}},
	{"interop/...", []string{"secret/...", "storage", "storage/files"}},
	{"secret/...", nil},
	{"outbound", nil},
	{"execution/orchestrator", []string{"storage"}},
	{"events", nil},
	{"execution", []string{"events", "execution/orchestrator", "execution/target", "execution/converter", "execution/scorer", "configured", "storage"}},
	{"execution/target", []string{"storage", "outbound"}},
	{"execution/converter", []string{"storage"}},
	{"execution/scorer", []string{"storage"}},
	{"limit", []string{"storage"}},
	{"evidence", []string{"quote", "storage"}},
	{"storage", nil},
	{"storage/appstore", []string{"storage"}},
	{"storage/userstore", []string{"storage", "taxonomy"}},
	{"storage/sqlite", []string{"storage", "storage/appstore"}},
	{"storage/duckdb", []string{"storage", "storage/userstore"}},
	{"storage/files", []string{"storage"}},
	{"storage/datadir", nil},
	{"storage/storagetest", []string{"storage"}},
	{"web", nil},
	{"bench/...", []string{everyRoom}},
	{"internal/testfiles", nil},
	{"internal/keycloak", nil},
	{"internal/provider", nil},
	{"internal/mocktarget", nil},
	{"internal/rooms", nil},
}

// everyRoom stands for all rooms but cmd, bench and internal.
const everyRoom = "*"

// drivers says who alone may import a library that opens databases, tokens or
// credentials. bench measures the raw engines.
var drivers = map[string][]string{
	"github.com/duckdb/duckdb-go":    {"storage/duckdb", "bench/..."},
	"github.com/mattn/go-sqlite3":    {"storage/sqlite", "bench/..."},
	"github.com/lestrrat-go/jwx":     {"auth/..."},
	"github.com/zitadel/oidc":        {"auth/...", "internal/provider"},
	"github.com/tink-crypto/tink-go": {"secret/..."},
	"github.com/graph-gophers":       {"loaders/..."},
}

// Two SQLite libraries in one process break each other's locks, and so files.
const forbidden = "modernc.org/sqlite"

// vague names say nothing about what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "base"}

// listed is what `go list -json` tells about a package; Imports leaves tests out.
type listed struct {
	ImportPath string
	Imports    []string
}

func TestEveryRoomImportsOnlyWhatThePlanAllows(t *testing.T) {
	packages, err := list("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 100 {
		t.Fatalf("go list names %d packages: the module and what it imports are more", len(packages))
	}
	for _, violation := range violations(packages) {
		t.Error(violation)
	}
}

func TestViolationsAreFound(t *testing.T) {
	for _, test := range []struct {
		name     string
		from, to string
		want     string // empty: allowed
	}{
		{"a resolver asks a loader", "resolvers", "loaders", ""},
		{"a reader uses the part of another", "interop/violentutf", "interop/pyrit", ""},
		{"the command opens the house", "cmd/violentutf", "house", ""},
		{"another module is not ours to judge", "loaders", "example.org/cmd", ""},
		{"a resolver opens an engine", "resolvers", "storage/duckdb", "resolvers/... may not import storage/duckdb"},
		{"the domain knows its SQL", "storage", "storage/userstore", "storage may not import storage/userstore"},
		{"one engine uses the other", "storage/duckdb", "storage/sqlite", "storage/duckdb may not import storage/sqlite"},
		{"something points back up", "auth", "graph", "auth/... may not import graph/..."},
		{"the server runs a command", "server", "cmd/violentutf", "server/... may not import cmd/..."},
		{"the house is reached from below", "loaders", "house", "loaders/... may not import house/..."},
		{"test files are in the program", "house", "internal/testfiles", "house/... may not import internal/testfiles"},
		{"a Keycloak for tests is in the program", "auth", "internal/keycloak", "auth/... may not import internal/keycloak"},
		{"an engine that the plan does not know", "storage/postgres", "storage", "storage/postgres is in no room"},
		{"a package that says nothing", "server/util", "storage", "server/util: a package is named after what it holds"},
		{"SQL beside the engine", "house", "github.com/duckdb/duckdb-go/v2", "only storage/duckdb, bench/... may import github.com/duckdb/duckdb-go/v2"},
		{"tokens outside auth", "server", "github.com/lestrrat-go/jwx/v3/jwt", "only auth/... may import github.com/lestrrat-go/jwx/v3/jwt"},
		{"sign-in outside auth", "server", "github.com/zitadel/oidc/v3/pkg/client/rp", "only auth/..., internal/provider may import github.com/zitadel/oidc/v3/pkg/client/rp"},
		{"a second SQLite", "storage/sqlite", "modernc.org/sqlite", "modernc.org/sqlite is in the program"},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := test.to
			if !strings.Contains(to, ".") {
				to = module + "/" + to
			}
			found := violations([]listed{
				{ImportPath: module + "/" + test.from, Imports: []string{"context", to}},
				{ImportPath: to},
			})
			if test.want == "" {
				if len(found) > 0 {
					t.Fatalf("refused: %v", found)
				}
				return
			}
			if !slices.ContainsFunc(found, func(violation string) bool { return strings.Contains(violation, test.want) }) {
				t.Fatalf("got %q, want one with %q", found, test.want)
			}
		})
	}
}

// list asks the go command for all packages of the module and their dependencies,
// those of the benchmarks too.
func list(root string) ([]listed, error) {
	command := exec.Command("go", "list", "-deps", "-tags", "bench", "-json=ImportPath,Imports", "./...")
	command.Dir = root
	out, err := command.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("go list: %w: %s", err, failed.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var one listed
		switch err := decoder.Decode(&one); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("read what go list prints: %w", err)
		}
		packages = append(packages, one)
	}
}

// violations tells each breach of the plan once.
func violations(packages []listed) []string {
	var found []string
	for _, p := range packages {
		if within(p.ImportPath, forbidden) {
			found = append(found, fmt.Sprintf("%s is in the program: two SQLite libraries in a process break each other's locks", p.ImportPath))
		}
		name, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		if slices.Contains(vague, path.Base(name)) {
			found = append(found, name+": a package is named after what it holds")
		}
		from, ok := roomOf(name)
		if !ok {
			found = append(found, name+" is in no room: give it a line in the plan and in docs/architecture.md")
			continue
		}
		for _, imported := range p.Imports {
			if breach := judge(from, imported); breach != "" {
				found = append(found, name+": "+breach)
			}
		}
	}
	return found
}

// judge says what is wrong with an import from a room, or nothing.
func judge(from room, imported string) string {
	for library, who := range drivers {
		if within(imported, library) && !slices.Contains(who, from.name) {
			return fmt.Sprintf("only %s may import %s", strings.Join(who, ", "), imported)
		}
	}
	name, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		return ""
	}
	to, ok := roomOf(name)
	if !ok || to.name == from.name || slices.Contains(from.may, to.name) {
		return "" // a package in no room is told by itself
	}
	closed := slices.Contains([]string{"cmd", "bench", "internal"}, strings.Split(name, "/")[0])
	if slices.Contains(from.may, everyRoom) && !closed {
		return ""
	}
	// The command that makes large memories is a part of the program.
	if from.name == "cmd/..." && to.name == "bench/..." {
		return ""
	}
	return fmt.Sprintf("%s may not import %s (%s)", from.name, to.name, name)
}

// roomOf finds the room with the longest name that fits.
func roomOf(name string) (room, bool) {
	var found room
	for _, r := range plan {
		top, deep := strings.CutSuffix(r.name, "/...")
		if (name == top || deep && within(name, top)) && len(r.name) > len(found.name) {
			found = r
		}
	}
	return found, found.name != ""
}

func within(name, top string) bool { return name == top || strings.HasPrefix(name, top+"/") }
