package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/violentutf/violentutf/analytics"
	"github.com/violentutf/violentutf/gate"
	"github.com/violentutf/violentutf/runfile"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// summary is how a run stands at its end, and what the gate says of it.
type summary struct {
	run      *server.StartedRun
	asked    *ordered
	began    time.Time
	took     time.Duration
	state    storage.StatusEvent
	progress storage.ExecutionProgress
	rate     *float64 // nil when nothing was assessed, as the next
	interval *analytics.Interval
	gate     []gate.Verdict
}

// settle computes the figures.
func (s *summary) settle() {
	s.took = time.Since(s.began)
	p := s.progress
	figures := gate.Figures{
		"successes": float64(p.Successes), "failures": float64(p.Failures), "undetermined": float64(p.Undetermined),
		"errors": float64(p.Errors), "total": float64(p.Done), "calls": float64(p.Calls), "cost": p.Cost,
	}
	s.rate = s.counts().Rate()
	if s.interval = analytics.Wilson(p.Successes, p.Successes+p.Failures, analytics.UsualLevel); s.interval != nil {
		figures["rate"], figures["lower"], figures["upper"] = *s.rate, s.interval.Lower, s.interval.Upper
	}
	for _, condition := range s.asked.conditions {
		s.gate = append(s.gate, condition.Check(figures))
	}
}

func (s *summary) counts() *storage.ExecutionSummary {
	p := s.progress
	return &storage.ExecutionSummary{Attacks: p.Done, Successes: p.Successes, Failures: p.Failures, Undetermined: p.Undetermined, Errors: p.Errors}
}

// verdict is an error for a run that did not come to its end, and one that is too bad.
func (s *summary) verdict() error {
	var errs []error
	if s.state.Status != storage.ExecutionSucceeded {
		errs = append(errs, fmt.Errorf("the run %s is %s", s.run.ID, s.stands()))
	}
	for _, verdict := range s.gate {
		if verdict.Met {
			errs = append(errs, fmt.Errorf("the condition %q is met: %s", verdict.Condition, verdict.Message))
		}
	}
	return errors.Join(errs...)
}

// stands is the state, with the reason where there is one.
func (s *summary) stands() string {
	text := string(s.state.Status)
	if s.state.Reason != nil {
		text += " (" + string(*s.state.Reason) + ")"
	}
	if s.state.Error != "" {
		text += ": " + s.state.Error
	}
	return text
}

// summaryJSON is a summary as --json prints it.
type summaryJSON struct {
	ID           string                    `json:"id"`
	Key          string                    `json:"key"`
	Name         string                    `json:"name"`
	Orchestrator string                    `json:"orchestrator"`
	Status       storage.ExecutionStatus   `json:"status"`
	Reason       *storage.ExecutionReason  `json:"reason,omitempty"`
	Error        string                    `json:"error,omitempty"`
	Progress     storage.ExecutionProgress `json:"progress"`
	Rate         *float64                  `json:"rate"`
	Level        float64                   `json:"level"`
	Lower        *float64                  `json:"lower"`
	Upper        *float64                  `json:"upper"`
	Seconds      float64                   `json:"seconds"`
	Gate         []gate.Verdict            `json:"gate"`
	Passed       bool                      `json:"passed"` // as the exit status says
	Changes      []runfile.Change          `json:"changes"`
}

func (s *summary) print(w io.Writer) error {
	if s.asked.asJSON {
		return s.printJSON(w)
	}
	p := s.progress
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s, %s\n", s.run.Name, s.stands(), s.took.Round(100*time.Millisecond))
	fmt.Fprintf(&out, "  attacks  %d of %d: %s\n", p.Done, p.Total, outcomes(p))
	if s.interval == nil {
		fmt.Fprintln(&out, "  success  no rate: no attack was assessed")
	} else {
		fmt.Fprintf(&out, "  success  %.2f %% of the assessed (%.0f %% interval %.2f %% to %.2f %%)\n", 100**s.rate, 100*analytics.UsualLevel, 100*s.interval.Lower, 100*s.interval.Upper)
	}
	fmt.Fprintf(&out, "  calls    %d, tokens %d in and %d out, cost %.4g\n", p.Calls, p.InputTokens, p.OutputTokens, p.Cost)
	for _, verdict := range s.gate {
		word := "passed"
		if verdict.Met {
			word = "FAILED"
		}
		fmt.Fprintf(&out, "  %s   fail if %s: %s\n", word, verdict.Condition, verdict.Message)
	}
	fmt.Fprintf(&out, "  id       %s\n", s.run.ID)
	_, err := io.WriteString(w, out.String())
	return err
}

func (s *summary) printJSON(w io.Writer) error {
	made := summaryJSON{
		ID: s.run.ID, Key: s.run.Key, Name: s.run.Name, Orchestrator: s.run.Orchestrator,
		Status: s.state.Status, Reason: s.state.Reason, Error: s.state.Error, Progress: s.progress,
		Rate: s.rate, Level: analytics.UsualLevel, Seconds: s.took.Seconds(),
		Gate: append([]gate.Verdict{}, s.gate...), Passed: s.verdict() == nil, Changes: append([]runfile.Change{}, s.run.Changes...),
	}
	if s.interval != nil {
		made.Lower, made.Upper = &s.interval.Lower, &s.interval.Upper
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(made)
}
