package storage

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Severity says how bad a finding is.
type Severity string

// The severities, rising.
const (
	SeverityInfo     Severity = "INFO"
	SeverityLow      Severity = "LOW"
	SeverityMedium   Severity = "MEDIUM"
	SeverityHigh     Severity = "HIGH"
	SeverityCritical Severity = "CRITICAL"
)

// FindingStatus is where a finding stands.
type FindingStatus string

// The statuses of a finding.
const (
	FindingNew           FindingStatus = "NEW"
	FindingConfirmed     FindingStatus = "CONFIRMED"
	FindingFalsePositive FindingStatus = "FALSE_POSITIVE"
	FindingFixed         FindingStatus = "FIXED"
	FindingAccepted      FindingStatus = "ACCEPTED"
)

// next are the statuses that may follow each: what is decided is decided of something
// confirmed, and what comes back is confirmed again.
var next = map[FindingStatus][]FindingStatus{
	FindingNew:           {FindingConfirmed, FindingFalsePositive},
	FindingConfirmed:     {FindingFixed, FindingAccepted, FindingFalsePositive},
	FindingFalsePositive: {FindingNew},
	FindingFixed:         {FindingConfirmed},
	FindingAccepted:      {FindingConfirmed, FindingFixed},
}

// Next lists the statuses that may follow.
func (s FindingStatus) Next() []FindingStatus { return slices.Clone(next[s]) }

// To is CONFLICT unless the status may become the other one. It may always stay.
func (s FindingStatus) To(other FindingStatus) error {
	if s == other || slices.Contains(next[s], other) {
		return nil
	}
	return &Error{
		Code: CodeConflict, Field: "status",
		Message: fmt.Sprintf("a finding that is %s cannot become %s, only %s", s, other, strings.Join(plainOf(next[s]), " or ")),
	}
}

func plainOf[E ~string](values []E) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}

// Finding is a weakness that people follow up, with the attacks and messages that show
// it.
type Finding struct {
	ID          string
	Key         string
	Title       string
	Description *string
	Severity    Severity
	Status      FindingStatus
	Assignee    *string
	TicketURL   *string
	Author      string // username
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// NextStatuses are the statuses that it may take.
func (f *Finding) NextStatuses() []FindingStatus { return f.Status.Next() }

// FindingRuns are the keys of the executions between which a finding was seen.
type FindingRuns struct{ First, Last string }

// FindingChange is what of a finding is to be another; nil stays. An empty text of
// those that may be absent takes it away.
type FindingChange struct {
	Title       *string
	Description *string
	Severity    *Severity
	Status      *FindingStatus
	Assignee    *string
	TicketURL   *string
}

// The longest texts of a finding, in bytes.
const (
	MaxTitleBytes    = 300
	MaxAssigneeBytes = 200
	MaxURLBytes      = 2_000
)

// MaxEvidence is how many attacks, and how many messages, a finding has at most.
const MaxEvidence = 1_000

// Check is BAD_USER_INPUT for what no finding can be.
func (c *FindingChange) Check() error {
	if c.Title != nil && (blank(c.Title) || strings.ContainsAny(*c.Title, "\r\n")) {
		return BadInput("title", "a finding needs a title of one line")
	}
	for _, text := range []struct {
		field string
		value *string
		most  int
	}{
		{"title", c.Title, MaxTitleBytes},
		{"description", c.Description, MaxNoteBytes},
		{"assignee", c.Assignee, MaxAssigneeBytes},
	} {
		if err := CheckText(text.field, text.value, text.most); err != nil {
			return err
		}
	}
	return CheckLink("ticketUrl", c.TicketURL)
}

// CheckLink is BAD_USER_INPUT for a text that is neither empty nor a link that a person
// can follow: javascript: has no place in it.
func CheckLink(field string, text *string) error {
	if err := CheckText(field, text, MaxURLBytes); err != nil || text == nil || *text == "" {
		return err
	}
	if link, err := url.Parse(*text); err != nil || link.Scheme != "https" && link.Scheme != "http" || link.Host == "" {
		return BadInput(field, "%s must be an http or https URL", field)
	}
	return nil
}

// FindingFilter narrows a list of findings. Fields that are set hold together.
type FindingFilter struct {
	ID        *TextIn // ids as clients have them
	Title     *TextMatch
	Severity  *SeverityIn
	Status    *FindingStatusIn
	Assignee  *TextIn
	Author    *TextIn
	CreatedAt *TimeRange
	UpdatedAt *TimeRange
}

// SeverityIn narrows a severity.
type SeverityIn struct{ In, NotIn []Severity }

// FindingStatusIn narrows a status.
type FindingStatusIn struct{ In, NotIn []FindingStatus }

// FindingOrderField is what a list of findings can be ordered by.
type FindingOrderField string

// The orders of findings; equal values are ordered by key.
const (
	FindingOrderUpdatedAt FindingOrderField = "UPDATED_AT"
	FindingOrderCreatedAt FindingOrderField = "CREATED_AT"
	FindingOrderSeverity  FindingOrderField = "SEVERITY"
	FindingOrderTitle     FindingOrderField = "TITLE"
)

// FindingOrder orders a list of findings.
type FindingOrder struct {
	Field     FindingOrderField
	Direction Direction
}
