package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// uploads is the transport of requests with files, by the GraphQL multipart request
// specification (github.com/jaydenseric/graphql-multipart-request-spec): the parts
// operations, map, and the files in the order of the map.
type uploads struct{ *Server }

const mediaMultipart = "multipart/form-data"

// What a request may have beside its files, in bytes.
const (
	mapBytes  = 64 << 10
	partBytes = 16 << 10 // the header of a part, and what is between parts
)

// carriesFiles says whether a request is one of this transport.
func carriesFiles(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.URL.Path == "/graphql" && r.Method == http.MethodPost && err == nil && media == mediaMultipart
}

// Supports says whether a request is one of this transport.
func (uploads) Supports(r *http.Request) bool { return carriesFiles(r) }

// Do answers one request. The operation is parsed, validated, measured and counted
// before a byte of its files is read; these are read when a resolver asks for them.
func (u uploads) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	ctx := r.Context()
	// Otherwise net/http reads on before it answers, in the hope of another request.
	w.Header().Set("Connection", "close")
	refuse := func(status int, code storage.Code, message string) {
		writeJSON(w, status, errorBody(message, code, requestID(ctx)))
	}
	if auth.ViewerFrom(ctx) == nil {
		refuse(http.StatusUnauthorized, storage.CodeUnauthenticated, "sign in first: a request with files needs a token, an API key or a session")
		return
	}
	release, ok := u.spooling.take(principal(auth.ViewerFrom(ctx)))
	if !ok {
		refuse(http.StatusTooManyRequests, storage.CodeRateLimited, fmt.Sprintf("%d requests with files of yours are under way: wait for the end of one", mostSpooling))
		return
	}
	defer release()
	defer collectAt(filesPercent)()
	limits, err := u.uploadLimits(ctx)
	if err != nil {
		u.log.ErrorContext(ctx, "read the limits of uploads", "requestId", requestID(ctx), "error", err)
		refuse(http.StatusInternalServerError, storage.CodeInternal, "internal error")
		return
	}
	w.Header().Set("Content-Type", responseMedia(r))
	start := graphql.Now()
	// A file takes longer than a request may; a connection that cannot be told has no limit.
	controller, until := http.NewResponseController(w), time.Now().Add(u.options.Limits.UploadTimeout)
	_, _ = controller.SetReadDeadline(until), controller.SetWriteDeadline(until.Add(30*time.Second))
	body := &allowance{Reader: r.Body, left: u.options.Limits.BodyBytes + mapBytes + 2*partBytes}
	form, err := openForm(r, body)
	if err != nil {
		refuse(http.StatusBadRequest, storage.CodeBadInput, err.Error())
		return
	}
	params, files, err := form.operation(u.options.Limits.BodyBytes, limits.files)
	if tooLarge, is := errors.AsType[*tooMuch](err); is {
		refuse(http.StatusRequestEntityTooLarge, storage.CodeBadInput, tooLarge.Error())
		return
	}
	if err != nil {
		refuse(http.StatusBadRequest, storage.CodeBadInput, err.Error())
		return
	}
	spool := &spool{ctx: ctx, server: u.Server, form: form, body: body, limits: limits, files: files}
	defer spool.close()
	for _, file := range files {
		file.spool = spool
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	answerOperation(ctx, w, exec, params)
}

// form reads the parts of a request, one after the other.
type form struct{ parts *multipart.Reader }

func openForm(r *http.Request, body io.Reader) (*form, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" || len(params["boundary"]) > 70 { // RFC 2046, section 5.1.1
		return nil, errors.New("the Content-Type multipart/form-data needs a boundary of 1 to 70 characters")
	}
	return &form{multipart.NewReader(body, params["boundary"])}, nil
}

// operation reads the parts operations and map, and puts an upload to each place that
// the map names. Errors are for the client.
func (f *form) operation(operationBytes, mostFiles int64) (*graphql.RawParams, []*upload, error) {
	text, err := f.text("operations", operationBytes)
	if err != nil {
		return nil, nil, err
	}
	params := &graphql.RawParams{}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(params); err != nil || decoder.More() {
		return nil, nil, errors.New(`the part operations is not one JSON object with a "query": operations in a list are not taken`)
	}
	if text, err = f.text("map", mapBytes); err != nil {
		return nil, nil, err
	}
	files, err := readMap(text, int(mostFiles))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		for _, path := range file.paths {
			if err := place(params.Variables, path, storage.Upload{Part: file}); err != nil {
				return nil, nil, err
			}
		}
	}
	return params, files, nil
}

// text reads a part that has to come now.
func (f *form) text(name string, most int64) (string, error) {
	part, err := f.parts.NextPart()
	if tooLarge, is := errors.AsType[*tooMuch](err); is {
		return "", tooLarge
	}
	if err != nil {
		return "", fmt.Errorf("the part %s is missing: send operations, then map, then the files", name)
	}
	if part.FormName() != name {
		return "", fmt.Errorf("the part %s has to come here, and not %q: send operations, then map, then the files", name, storage.Plain(part.FormName(), 60))
	}
	text, err := io.ReadAll(io.LimitReader(part, most+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("the part %s ended before its end", name)
	case int64(len(text)) > most:
		return "", &tooMuch{fmt.Sprintf("the part %s is longer than the limit of %d bytes", name, most)}
	}
	return string(text), nil
}

// readMap reads which part goes to which variables, in the order in which the parts
// have to come.
func readMap(text string, most int) ([]*upload, error) {
	malformed := errors.New(`the part map is not a JSON object such as {"0": ["variables.input.file"]}`)
	decoder := json.NewDecoder(strings.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, malformed
	}
	var files []*upload
	names, places := map[string]bool{}, map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, isText := token.(string)
		file := &upload{name: name}
		if err != nil || !isText || decoder.Decode(&file.paths) != nil {
			return nil, malformed
		}
		if name == "" || name == "operations" || name == "map" || names[name] {
			return nil, fmt.Errorf("the part map names %q twice, or it is no name of a file", storage.Plain(name, 60))
		}
		names[name] = true
		if len(file.paths) == 0 {
			return nil, fmt.Errorf("the part map says nothing of where the file %q goes", storage.Plain(name, 60))
		}
		for _, path := range file.paths {
			if places[path] {
				return nil, fmt.Errorf("the part map puts two files to %s", storage.Plain(path, 100))
			}
			places[path] = true
		}
		if files = append(files, file); len(files) > most || len(places) > most {
			return nil, fmt.Errorf("a request may have %d files, each at one place: send several requests (the setting %s)", most, storage.UploadFiles)
		}
	}
	if token, err := decoder.Token(); err != nil || token != json.Delim('}') || decoder.More() {
		return nil, malformed
	}
	if len(files) == 0 {
		return nil, errors.New("the part map names no file: send a request without files as application/json")
	}
	return files, nil
}

// place puts an upload where the variables have null.
func place(variables map[string]any, path string, file storage.Upload) error {
	steps := strings.Split(path, ".")
	shown := storage.Plain(path, 100)
	if steps[0] != "variables" || len(steps) < 2 {
		return fmt.Errorf("the part map names %s: a file goes to a variable, as variables.input.file", shown)
	}
	var at any = variables
	for i, step := range steps[1:] {
		last := i == len(steps)-2
		var next any
		var set func(any)
		switch in := at.(type) {
		case map[string]any:
			value, there := in[step]
			if !there {
				return fmt.Errorf("the part map names %s, which the variables do not have: write null there", shown)
			}
			next, set = value, func(v any) { in[step] = v }
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(in) || strconv.Itoa(n) != step {
				return fmt.Errorf("the part map names %s, which the variables do not have: write null there", shown)
			}
			next, set = in[n], func(v any) { in[n] = v }
		default:
			return fmt.Errorf("the part map names %s, which the variables do not have: write null there", shown)
		}
		if !last {
			at = next
			continue
		}
		if next != nil {
			return fmt.Errorf("the variables have a value at %s, where a file goes: write null there", shown)
		}
		set(file)
	}
	return nil
}

// tooMuch is 413.
type tooMuch struct{ message string }

func (t *tooMuch) Error() string { return t.message }

// allowance ends a body that is longer than its parts may be: multipart.Reader passes
// over any number of bytes before the first part.
type allowance struct {
	io.Reader
	left int64
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, &tooMuch{"the request's body is longer than its parts may be"}
	}
	n, err := a.Reader.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	return n, err
}

// limitsOfUploads are what an administrator allows.
type limitsOfUploads struct{ bytes, files int64 }

func (s *Server) uploadLimits(ctx context.Context) (limitsOfUploads, error) {
	var limits limitsOfUploads
	settings, err := s.options.House.App.Settings(ctx)
	for _, setting := range settings {
		switch setting.Key {
		case storage.UploadBytes:
			limits.bytes = setting.Int()
		case storage.UploadFiles:
			limits.files = setting.Int()
		}
	}
	return limits, err
}

var _ graphql.Transport = uploads{}
