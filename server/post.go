package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// post is gqlgen's POST transport, but writes the response's data as it is: its own
// goes over all of it once more, an eighth of a request's time. It also keeps an
// unreadable body out of the error.
type post struct{ transport.POST }

const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
)

// Do answers one request (GraphQL over HTTP, draft, section 6.4).
func (post) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	ctx := r.Context()
	w.Header().Set("Content-Type", responseMedia(r))
	start := graphql.Now()
	refuse := func(status int, message string) {
		w.WriteHeader(status)
		writeResponse(w, exec.DispatchError(ctx, gqlerror.List{gqlerror.Errorf("%s", message)}))
	}
	body, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(http.StatusRequestEntityTooLarge, "the request's body is longer than the limit of "+strconv.FormatInt(tooLarge.Limit, 10)+" bytes"+": send less, or in several requests")
		return
	}
	if err != nil {
		refuse(http.StatusBadRequest, "the request's body ended before its end")
		return
	}
	params := &graphql.RawParams{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(params); err != nil {
		refuse(http.StatusBadRequest, `the request's body is not a JSON object with a "query"`)
		return
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	answerOperation(ctx, w, exec, params)
}

// responseMedia is what a client wants a response to be called.
func responseMedia(r *http.Request) string {
	if strings.Contains(r.Header.Get("Accept"), mediaResponse) {
		return mediaResponse
	}
	return mediaJSON
}

// answerOperation answers what was read of a request, whose answer has its type.
func answerOperation(ctx context.Context, w http.ResponseWriter, exec graphql.GraphExecutor, params *graphql.RawParams) {
	if operation := readOperation(ctx, w, exec, params); operation != nil {
		dispatch(ctx, w, exec, operation)
	}
}

// readOperation is nil for an operation that is refused, and answered with that.
func readOperation(ctx context.Context, w http.ResponseWriter, exec graphql.GraphExecutor, params *graphql.RawParams) *graphql.OperationContext {
	operation, failed := exec.CreateOperationContext(ctx, params)
	if failed != nil {
		if errcode.GetErrorKind(failed) == errcode.KindProtocol {
			status := http.StatusUnprocessableEntity
			if w.Header().Get("Content-Type") == mediaResponse {
				status = http.StatusBadRequest
			}
			w.WriteHeader(status)
		}
		writeResponse(w, exec.DispatchError(graphql.WithOperationContext(ctx, operation), failed))
		return nil
	}
	return operation
}

func dispatch(ctx context.Context, w io.Writer, exec graphql.GraphExecutor, operation *graphql.OperationContext) {
	responses, ctx := exec.DispatchOperation(ctx, operation)
	writeResponse(w, responses(ctx))
}

// writeResponse writes a response whose data is JSON already.
func writeResponse(w io.Writer, response *graphql.Response) {
	data := response.Data
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	rest := map[string]any{}
	if len(response.Errors) > 0 {
		rest["errors"] = response.Errors
	}
	if len(response.Extensions) > 0 {
		rest["extensions"] = response.Extensions
	}
	encoded, err := json.Marshal(rest)
	if err != nil { // errors and extensions are this server's own
		encoded = []byte("{}")
	}
	_, _ = io.WriteString(w, `{"data":`)
	_, _ = w.Write(data)
	if len(encoded) > len("{}") {
		_, _ = io.WriteString(w, ",")
	}
	_, _ = w.Write(encoded[1:])
}
