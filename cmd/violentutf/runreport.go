package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/violentutf/violentutf/interop/junit"
	"github.com/violentutf/violentutf/interop/sarif"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// report writes the files that were asked for: all attacks of the run once, as they come.
func (c *command) report(ctx context.Context, at runs, s *summary) error {
	var add []func(*server.RunResult) error
	var end []func() error
	for _, wanted := range []struct {
		file *os.File
		open func(io.Writer, *summary) (func(*server.RunResult) error, func() error)
	}{{s.asked.junit, asJUnit}, {s.asked.sarif, asSARIF}} {
		if wanted.file != nil {
			one, closed := wanted.open(wanted.file, s)
			add, end = append(add, one), append(end, closed, wanted.file.Close)
		}
	}
	if len(add) == 0 {
		return nil
	}
	err := at.Results(ctx, s.run, func(result *server.RunResult) error {
		for _, one := range add {
			if err := one(result); err != nil {
				return err
			}
		}
		return nil
	})
	for _, one := range end {
		err = errors.Join(err, one())
	}
	if err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	return nil
}

// mostName is how long the name of a test case is, in characters.
const mostName = 120

func asJUnit(w io.Writer, s *summary) (func(*server.RunResult) error, func() error) {
	counts := *s.counts()
	ended := s.state.Status == storage.ExecutionSucceeded
	if !ended {
		counts.Attacks, counts.Errors = counts.Attacks+1, counts.Errors+1
	}
	report := junit.NewWriter(w, junit.Suite{Name: s.run.Name, StartedAt: s.began, Took: s.took, Counts: counts, Properties: properties(s)})
	if !ended { // which would look as if all was well
		_ = report.Add(junit.Case{Name: "the run comes to its end", Class: s.run.Orchestrator, Outcome: storage.OutcomeError, Message: s.stands()})
	}
	return func(r *server.RunResult) error { return report.Add(caseOf(s, r)) }, report.Close
}

func caseOf(s *summary, r *server.RunResult) junit.Case {
	a := r.Attack
	made := junit.Case{Name: "attack " + strconv.FormatInt(a.Number, 10), Class: s.run.Orchestrator, Outcome: a.Outcome, Took: tookOf(a)}
	if a.ConverterChain != "" {
		made.Class += "." + a.ConverterChain
	}
	if a.Objective != nil {
		made.Name = shortened(*a.Objective, mostName)
		made.Details = "objective: " + *a.Objective + "\n"
	}
	if a.OutcomeReason != nil {
		made.Message = *a.OutcomeReason
	}
	made.Details += "attack: " + a.ID + "\ntarget: " + r.Target + "\n"
	switch a.Outcome {
	case storage.OutcomeSuccess:
		if made.Message == "" {
			made.Message = "the attack succeeded"
		}
		made.Details += "reply:\n" + r.Reply + "\n"
	case storage.OutcomeError:
		if a.ErrorType != nil {
			made.Message = *a.ErrorType
		}
		if a.ErrorMessage != nil {
			made.Message += ": " + *a.ErrorMessage
		}
	}
	return made
}

func tookOf(a *storage.Attack) time.Duration {
	if a.DurationMs == nil {
		return 0
	}
	return time.Duration(*a.DurationMs) * time.Millisecond
}

func shortened(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

func properties(s *summary) []junit.Property {
	p := s.progress
	made := []junit.Property{
		{Name: "execution", Value: s.run.ID},
		{Name: "orchestrator", Value: s.run.Orchestrator},
		{Name: "status", Value: s.stands()},
		{Name: "calls", Value: strconv.FormatInt(p.Calls, 10)},
		{Name: "inputTokens", Value: strconv.FormatInt(p.InputTokens, 10)},
		{Name: "outputTokens", Value: strconv.FormatInt(p.OutputTokens, 10)},
		{Name: "cost", Value: number(p.Cost)},
	}
	if s.interval != nil {
		made = append(made, junit.Property{Name: "rate", Value: number(*s.rate)}, junit.Property{Name: "lower", Value: number(s.interval.Lower)}, junit.Property{Name: "upper", Value: number(s.interval.Upper)})
	}
	for _, verdict := range s.gate {
		made = append(made, junit.Property{Name: "fail if " + verdict.Condition, Value: fmt.Sprintf("met: %t; %s", verdict.Met, verdict.Message)})
	}
	return made
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', 6, 64) }

func asSARIF(w io.Writer, s *summary) (func(*server.RunResult) error, func() error) {
	run := sarif.Run{
		ToolVersion: version(), Name: s.run.Orchestrator, Key: s.run.Key, StartedAt: s.began, EndedAt: s.began.Add(s.took),
		Succeeded: s.state.Status == storage.ExecutionSucceeded, Properties: map[string]any{"execution": s.run.ID, "status": s.stands(), "progress": s.progress, "rate": s.rate},
		SeverityOf: func(string) storage.Severity { return storage.SeverityHigh },
	}
	if s.interval != nil {
		run.Properties["lower"], run.Properties["upper"] = s.interval.Lower, s.interval.Upper
	}
	if file := s.asked.File; file != nil {
		run.SeverityOf = file.SeverityOf
		if !filepath.IsAbs(file.Path) { // one of another machine finds nothing there
			run.File, run.Line = filepath.ToSlash(filepath.Clean(file.Path)), file.Line
		}
	}
	report := sarif.NewWriter(w, run)
	return func(r *server.RunResult) error {
		if r.Attack.Outcome != storage.OutcomeSuccess {
			return nil
		}
		return report.Add(sarif.Result{Attack: r.Attack, Target: r.Target, Reply: r.Reply})
	}, report.Close
}
