package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/storage"
)

// runAsked asks the owner of a data folder about a run. Its request may hold credentials:
// only the folder's user can reach the socket.
type runAsked struct {
	Request RunRequest  `json:"request"`
	Run     *StartedRun `json:"run,omitempty"`
}

// runLine is one line of an answer: what was asked for, or at the end End or the error.
type runLine struct {
	Run    *StartedRun      `json:"run,omitempty"`
	Frame  *execution.Frame `json:"frame,omitempty"`
	Result *RunResult       `json:"result,omitempty"`
	End    bool             `json:"end,omitempty"`
	Error  string           `json:"error,omitempty"`
	Code   storage.Code     `json:"code,omitempty"`
}

// startRun queues a run. When the command went away meanwhile, nobody would know of it.
func (s *Server) startRun(w http.ResponseWriter, r *http.Request) {
	s.answerRun(w, r, func(ctx context.Context, asked runAsked, tell func(runLine) error) error {
		run, err := s.runner.Start(ctx, asked.Request)
		if err != nil {
			return err
		}
		err = tell(runLine{Run: run})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil && !asked.Request.Detach {
			err = errors.Join(err, s.runner.Cancel(context.WithoutCancel(ctx), asked.Request, run))
		}
		return err
	})
}

func (s *Server) cancelRun(w http.ResponseWriter, r *http.Request) {
	s.answerRun(w, r, func(ctx context.Context, asked runAsked, _ func(runLine) error) error {
		return s.runner.Cancel(ctx, asked.Request, asked.Run)
	})
}

func (s *Server) followRun(w http.ResponseWriter, r *http.Request) {
	s.answerRun(w, r, func(ctx context.Context, asked runAsked, tell func(runLine) error) error {
		return s.runner.Follow(ctx, asked.Run, func(frame *execution.Frame) error { return tell(runLine{Frame: frame}) })
	})
}

func (s *Server) runResults(w http.ResponseWriter, r *http.Request) {
	s.answerRun(w, r, func(ctx context.Context, asked runAsked, tell func(runLine) error) error {
		return s.runner.Results(ctx, asked.Run, func(result *RunResult) error { return tell(runLine{Result: result}) })
	})
}

// answerRun answers with lines, at once. It ends when the command goes away, and when the
// server does.
func (s *Server) answerRun(w http.ResponseWriter, r *http.Request, answer func(ctx context.Context, asked runAsked, tell func(runLine) error) error) {
	s.imports.Add(1)
	defer s.imports.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ending, cancel)()
	lines, flush := json.NewEncoder(w), http.NewResponseController(w)
	tell := func(line runLine) error {
		if err := lines.Encode(line); err != nil {
			return err
		}
		if line.Result != nil {
			return nil // of many
		}
		return flush.Flush()
	}
	var asked runAsked
	err := json.NewDecoder(r.Body).Decode(&asked)
	if err == nil && asked.Run == nil {
		asked.Run = &StartedRun{}
	}
	if err == nil {
		err = answer(ctx, asked, tell)
	}
	last := runLine{End: true}
	if err != nil {
		last = runLine{Error: err.Error(), Code: storage.CodeOf(err)}
		if s.ending.Err() != nil {
			last.Error = serverEnded
		}
	}
	s.log.InfoContext(r.Context(), "run by command", "path", r.URL.Path, "user", asked.Request.User, "execution", asked.Run.Key, "code", last.Code)
	_ = tell(last) // a command that went away needs no answer
}

// RunsThrough is a Runner in the process that owns a data folder.
type RunsThrough struct{ Dir string }

// Start is Runner.Start.
func (t RunsThrough) Start(ctx context.Context, request RunRequest) (run *StartedRun, err error) {
	err = t.ask(ctx, "/runs", runAsked{Request: request}, func(line runLine) error {
		run = line.Run
		return nil
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}

// Cancel is Runner.Cancel.
func (t RunsThrough) Cancel(ctx context.Context, request RunRequest, run *StartedRun) error {
	return t.ask(ctx, "/runs/cancel", runAsked{withoutFile(request), run}, nil)
}

// Follow is Runner.Follow.
func (t RunsThrough) Follow(ctx context.Context, run *StartedRun, tell func(*execution.Frame) error) error {
	return t.ask(ctx, "/runs/follow", runAsked{Run: run}, func(line runLine) error { return tell(line.Frame) })
}

// Results is Runner.Results.
func (t RunsThrough) Results(ctx context.Context, run *StartedRun, tell func(*RunResult) error) error {
	return t.ask(ctx, "/runs/results", runAsked{Run: run}, func(line runLine) error { return tell(line.Result) })
}

func withoutFile(request RunRequest) RunRequest {
	request.File = nil
	return request
}

const serverEnded = "the server ended: the run goes on when it is started again"

// mostLine is how long a line may be: a result has an objective and the tags of an attack.
const mostLine = 16 << 20

// ask sends a request and takes its answer, line by line. An error of take ends it.
func (t RunsThrough) ask(ctx context.Context, path string, asked runAsked, take func(runLine) error) error {
	body, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	response, end, err := askOwner(ctx, t.Dir, http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer end()
	if response.StatusCode == http.StatusNotFound {
		return fmt.Errorf("the process that owns %s does not know this command: it is of another version", t.Dir)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		var line runLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("read the server's answer: %w", err)
		}
		switch {
		case line.End:
			return nil
		case line.Error != "":
			return &storage.Error{Code: line.Code, Message: line.Error}
		case take != nil:
			if err := take(line); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return errors.New(serverEnded)
}
