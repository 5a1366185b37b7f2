package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// get is gqlgen's GET transport, but whatever it refuses is an error of the usual form.
type get struct{ transport.GET }

// Do answers one query (GraphQL over HTTP, draft, section 6.3).
func (get) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	ctx := r.Context()
	w.Header().Set("Content-Type", responseMedia(r))
	params := &graphql.RawParams{Headers: r.Header, ReadTime: graphql.TraceTiming{Start: graphql.Now()}}
	given, err := url.ParseQuery(r.URL.RawQuery)
	refuse := func(status int, message string) {
		w.WriteHeader(status)
		writeResponse(w, exec.DispatchError(ctx, gqlerror.List{gqlerror.Errorf("%s", message)}))
	}
	if err != nil {
		refuse(http.StatusBadRequest, "the parameters of the request's URL cannot be read")
		return
	}
	params.Query, params.OperationName = given.Get("query"), given.Get("operationName")
	for name, to := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if text := given.Get(name); text != "" && decodeObject(text, to) != nil {
			refuse(http.StatusBadRequest, name+" are not a JSON object")
			return
		}
	}
	params.ReadTime.End = graphql.Now()
	operation := readOperation(ctx, w, exec, params)
	switch {
	case operation == nil:
	case operation.Operation.Operation == ast.Mutation:
		w.Header().Set("Allow", http.MethodPost)
		refuse(http.StatusMethodNotAllowed, "a GET is for queries: send a mutation by POST")
	default:
		dispatch(ctx, w, exec, operation)
	}
}

func decodeObject(text string, to *map[string]any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(to)
}
