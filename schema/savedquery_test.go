package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

const findQuery = `query Find($n: Int = 5, $f: AttackFilter, $name: String!) {
  viewer { workspace(name: $name) { attacks(first: $n, filter: $f) { ...some } } }
}
fragment some on AttackConnection { nodes { id objective } }`

func TestSavedQueriesAreCheckedAgainstTheSchema(t *testing.T) {
	parsed := load(t)
	for _, variables := range []storage.JSON{"", "null", "{}", `{"n": 7, "f": {"outcome": {"in": ["SUCCESS"]}}}`, `{"n": null, "name": "x"}`} {
		kept, err := schema.CheckQuery(parsed, findQuery, variables)
		if err != nil || len(kept) < 2 || kept[0] != '{' {
			t.Errorf("%s: %q, %v", variables, kept, err)
		}
	}
	for _, test := range []struct{ document, variables, field, want string }{
		{"", "", "document", "a saved query is one operation"},
		{"{", "", "document", "line 1, column 2: "},
		{"mutation { leaveWorkspace(input: {workspace: \"x\"}) { workspaceId } }", "", "document", "a saved query is one operation"},
		{"query a { viewer { username } } query b { viewer { username } }", "", "document", "a saved query is one operation"},
		{"{ viewer {\n  usernam\n} }", "", "document", `line 2, column 3: Cannot query field "usernam"`},
		{"query($x: Int) { viewer { username } }", "", "document", "line 1, column 7: Variable"},
		{"{ viewer { " + strings.Repeat("username ", 11_000) + "} }", "", "document", "text"},
		{strings.Repeat("#", 70_000), "", "document", "document is longer"},
		{"{ viewer { " + strings.Repeat("username ", 1_000) + "} }", "", "document", "the document selects username 1000 times"},
		{findQuery, "[]", "variables", "variables must be an object"},
		{findQuery, `{"m": 1}`, "variables", "the document declares no variable $m"},
		{findQuery, `{"n": "seven"}`, "variables", "n "},
		{findQuery, `{"n": 1.5}`, "variables", "n "},
		{findQuery, `{"name": null}`, "variables", "name "},
		{findQuery, `{"f": {"outcome": {"in": ["WON"]}}}`, "variables", "f.outcome.in[0] "},
		{findQuery, `{"f": {"nothing": 1}}`, "variables", "f.nothing "},
		{findQuery, `{"n": ` + strings.Repeat("1", 70_000) + `}`, "variables", "variables is longer"},
	} {
		_, err := schema.CheckQuery(parsed, test.document, storage.JSON(test.variables))
		e, ok := err.(*storage.Error)
		if !ok || e.Code != storage.CodeBadInput || e.Field != test.field || !strings.HasPrefix(e.Message, test.want) && test.want != "text" || len(e.Message) > 2000 {
			t.Errorf("%.80q %.40s: %v, want %s", test.document, test.variables, fmt.Sprintf("%+.300v", err), test.want)
		}
	}
}
