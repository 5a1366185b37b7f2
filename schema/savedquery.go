package schema

import (
	"encoding/json"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/violentutf/violentutf/storage"
)

// The bounds of the document of a saved query.
const (
	maxDocumentBytes  = 64 << 10
	maxDocumentTokens = 10_000
	maxVariablesBytes = 64 << 10
)

// CheckQuery is BAD_USER_INPUT for a document that is not one valid query of the schema,
// with the place in it, and for default variables that do not fit it. It gives the
// variables as they are stored: an object. Not all need to be there: whoever asks gives
// the others.
func CheckQuery(parsed *ast.Schema, text string, variables storage.JSON) (storage.JSON, error) {
	if err := storage.CheckText("document", &text, maxDocumentBytes); err != nil {
		return "", err
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, maxDocumentTokens)
	if err != nil {
		return "", inDocument(err)
	}
	if len(document.Operations) != 1 || document.Operations[0].Operation != ast.Query {
		return "", storage.BadInput("document", "a saved query is one operation, a query: it may have fragments, but no mutation and no second operation")
	}
	if comparisons, often, times := Comparisons(document); comparisons > MostComparisons {
		return "", storage.BadInput("document", "the document selects %.100s %d times: leave repeated ones out, or make several queries of it", often, times)
	}
	if mistakes := validator.ValidateWithRules(parsed, document, FewErrors()); len(mistakes) > 0 {
		return "", inDocument(mistakes[0])
	}
	return checkVariables(parsed, document.Operations[0], variables)
}

func inDocument(err error) error {
	mistake, ok := err.(*gqlerror.Error)
	if !ok {
		return storage.BadInput("document", "the document is not GraphQL: %s", err)
	}
	CutMessage(mistake)
	if len(mistake.Locations) == 0 {
		return storage.BadInput("document", "%s", mistake.Message)
	}
	return storage.BadInput("document", "line %d, column %d: %s", mistake.Locations[0].Line, mistake.Locations[0].Column, mistake.Message)
}

func checkVariables(parsed *ast.Schema, operation *ast.OperationDefinition, variables storage.JSON) (storage.JSON, error) {
	if variables == "" || variables == "null" {
		return "{}", nil
	}
	if len(variables) > maxVariablesBytes {
		return "", storage.BadInput("variables", "variables is longer than %d bytes", maxVariablesBytes)
	}
	var values map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(variables)))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil || values == nil {
		return "", storage.BadInput("variables", "variables must be an object of names and values")
	}
	given := *operation
	given.VariableDefinitions = nil
	for name := range values {
		definition := operation.VariableDefinitions.ForName(name)
		if definition == nil {
			return "", storage.BadInput("variables", "the document declares no variable $%.100s", name)
		}
		given.VariableDefinitions = append(given.VariableDefinitions, definition)
	}
	if _, err := validator.VariableValues(parsed, &given, values); err != nil {
		message := err.Error()
		if mistake, ok := err.(*gqlerror.Error); ok {
			CutMessage(mistake)
			message = mistake.Path.String() + " " + mistake.Message
		}
		return "", storage.BadInput("variables", "%s", strings.TrimPrefix(message, "variable."))
	}
	return variables, nil
}
