package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
)

// importRequest asks the owner of a data folder to import a file, by its absolute
// path.
type importRequest struct {
	User      string          `json:"user"`
	Workspace string          `json:"workspace,omitempty"` // empty: the personal one
	Path      string          `json:"path"`
	Options   interop.Options `json:"options"`
}

// importLine is one line of the answer: progress, and at the end the import or
// the error.
type importLine struct {
	Progress *storage.Progress `json:"progress,omitempty"`
	Import   *storage.Import   `json:"import,omitempty"`
	Error    string            `json:"error,omitempty"`
	Code     storage.Code      `json:"code,omitempty"`
}

// control answers on the control socket, which only the folder's user can reach.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /import", s.importFile)
	mux.HandleFunc("GET /keys", s.keyStatus)
	mux.HandleFunc("POST /keys/rotate", s.rotateKeys)
	mux.HandleFunc("GET /users", s.listUsers)
	mux.HandleFunc("POST /users", s.changeUser)
	mux.HandleFunc("POST /tokens", s.issueToken)
	mux.HandleFunc("GET /audit", s.auditIntegrity)
	mux.HandleFunc("GET /audit/checkpoint", s.auditCheckpoint)
	mux.HandleFunc("POST /audit/checkpoint", s.verifyCheckpoint)
	mux.HandleFunc("POST /runs", s.startRun)
	mux.HandleFunc("POST /runs/cancel", s.cancelRun)
	mux.HandleFunc("POST /runs/follow", s.followRun)
	mux.HandleFunc("POST /runs/results", s.runResults)
	return mux
}

func (s *Server) importFile(w http.ResponseWriter, r *http.Request) {
	s.imports.Add(1)
	defer s.imports.Done()
	var request importRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		writeJSON(w, http.StatusBadRequest, importLine{Error: err.Error(), Code: storage.CodeBadInput})
		return
	}
	lines := json.NewEncoder(w)
	flush := http.NewResponseController(w)
	var told time.Time
	request.Options.Progress = func(p storage.Progress) {
		if time.Since(told) < 100*time.Millisecond {
			return
		}
		told = time.Now()
		_ = lines.Encode(importLine{Progress: &p}) // a command that went away is noticed by its context
		_ = flush.Flush()
	}
	imp, err := s.options.House.ImportByCommand(r.Context(), request.User, request.Workspace, request.Path, request.Options)
	last := importLine{Import: imp}
	if err != nil {
		last.Error, last.Code = err.Error(), storage.CodeOf(err)
	}
	s.log.InfoContext(r.Context(), "import by command", "user", request.User, "workspace", request.Workspace, "code", last.Code)
	if err := lines.Encode(last); err != nil {
		s.log.WarnContext(r.Context(), "answer an import", "error", err)
	}
}

// askOwner sends a request to the process that owns a data folder. The caller reads
// the answer and then calls end.
func askOwner(ctx context.Context, dir, method, path string, body io.Reader) (response *http.Response, end func(), err error) {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", datadir.ControlSocket(dir))
	}}}
	request, err := http.NewRequestWithContext(ctx, method, "http://control"+path, body)
	if err != nil {
		return nil, nil, err
	}
	response, err = client.Do(request)
	if err != nil {
		client.CloseIdleConnections()
		return nil, nil, fmt.Errorf("the data folder %s is in use, and its owner does not answer on the control socket (another command may be at work: try again when it has ended): %w", dir, err)
	}
	return response, func() {
		_ = response.Body.Close()
		client.CloseIdleConnections()
	}, nil
}

// ImportThrough asks the process that owns a data folder to import a file into a
// workspace that the user may change, the personal one without a name. path must be
// absolute.
func ImportThrough(ctx context.Context, dir, user, workspace, path string, opts interop.Options) (*storage.Import, error) {
	body, err := json.Marshal(importRequest{User: user, Workspace: workspace, Path: path, Options: opts})
	if err != nil {
		return nil, err
	}
	response, end, err := askOwner(ctx, dir, http.MethodPost, "/import", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer end()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line importLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("read the server's answer: %w", err)
		}
		switch {
		case line.Progress != nil && opts.Progress != nil:
			opts.Progress(*line.Progress)
		case line.Error != "":
			return nil, &storage.Error{Code: line.Code, Message: line.Error}
		case line.Import != nil:
			return line.Import, nil
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return nil, errors.New("the server ended before the import did: nothing of the file is stored")
}
