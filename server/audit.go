package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/violentutf/violentutf/storage"
)

// auditAnswer answers a command about the audit log.
type auditAnswer struct {
	Report     *storage.AuditReport     `json:"report,omitempty"`
	Fault      *storage.AuditFault      `json:"fault,omitempty"`
	Checkpoint *storage.AuditCheckpoint `json:"checkpoint,omitempty"`
	Error      string                   `json:"error,omitempty"`
	Code       storage.Code             `json:"code,omitempty"`
}

func (s *Server) auditIntegrity(w http.ResponseWriter, r *http.Request) {
	report, err := s.options.House.App.AuditIntegrity(r.Context())
	s.answerAudit(w, r, auditAnswer{Report: report}, err)
}

func (s *Server) auditCheckpoint(w http.ResponseWriter, r *http.Request) {
	checkpoint, err := s.options.House.App.AuditCheckpoint(r.Context())
	s.answerAudit(w, r, auditAnswer{Checkpoint: checkpoint}, err)
}

func (s *Server) verifyCheckpoint(w http.ResponseWriter, r *http.Request) {
	var checkpoint storage.AuditCheckpoint
	if err := json.NewDecoder(r.Body).Decode(&checkpoint); err != nil {
		s.answerAudit(w, r, auditAnswer{}, storage.BadInput("body", "%v", err))
		return
	}
	fault, err := s.options.House.App.VerifyCheckpoint(r.Context(), checkpoint)
	s.answerAudit(w, r, auditAnswer{Fault: fault}, err)
}

func (s *Server) answerAudit(w http.ResponseWriter, r *http.Request, answer auditAnswer, err error) {
	if err != nil {
		answer = auditAnswer{Error: err.Error(), Code: storage.CodeOf(err)}
	}
	s.log.InfoContext(r.Context(), "audit log by command", "path", r.URL.Path, "code", answer.Code)
	writeJSON(w, http.StatusOK, answer)
}

// AuditThrough checks the audit log of a data folder through the process that owns it, as
// storage.AuditLog does.
type AuditThrough struct{ Dir string }

// AuditIntegrity reads the whole chain.
func (a AuditThrough) AuditIntegrity(ctx context.Context) (*storage.AuditReport, error) {
	answer, err := a.ask(ctx, http.MethodGet, "/audit", nil)
	if err == nil && answer.Report == nil {
		err = fmt.Errorf("the process that owns %s tells nothing of the audit log", a.Dir)
	}
	return answer.Report, err
}

// AuditCheckpoint signs where the chain ends now.
func (a AuditThrough) AuditCheckpoint(ctx context.Context) (*storage.AuditCheckpoint, error) {
	answer, err := a.ask(ctx, http.MethodGet, "/audit/checkpoint", nil)
	if err == nil && answer.Checkpoint == nil {
		err = fmt.Errorf("the process that owns %s gives no checkpoint", a.Dir)
	}
	return answer.Checkpoint, err
}

// VerifyCheckpoint returns what is wrong with the chain up to a checkpoint.
func (a AuditThrough) VerifyCheckpoint(ctx context.Context, checkpoint storage.AuditCheckpoint) (*storage.AuditFault, error) {
	body, err := json.Marshal(checkpoint)
	if err != nil {
		return nil, err
	}
	answer, err := a.ask(ctx, http.MethodPost, "/audit/checkpoint", body)
	return answer.Fault, err
}

func (a AuditThrough) ask(ctx context.Context, method, path string, body []byte) (answer auditAnswer, err error) {
	response, end, err := askOwner(ctx, a.Dir, method, path, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	defer end()
	if response.StatusCode == http.StatusNotFound {
		return answer, fmt.Errorf("the process that owns %s does not know this command: it is of another version", a.Dir)
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.Error != "" {
		return answer, &storage.Error{Code: answer.Code, Message: answer.Error}
	}
	return answer, nil
}
