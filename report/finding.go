// Package report writes what a workspace holds for people who do not use it.
package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/violentutf/violentutf/quote"
	"github.com/violentutf/violentutf/storage"
)

// Evidence is what shows a finding; More says that there is more of it than is given.
type Evidence struct {
	Attacks  []*storage.Attack
	Messages []*storage.Message
	More     bool
}

// quotedBytes is how much of one text is quoted: an issue tracker takes 65 536 in all.
const quotedBytes = 4_000

// Finding is the finding as Markdown (CommonMark). Prompts and replies are hostile
// texts: each stands in a fence longer than any in it, and what stands in a line is
// escaped, so that none becomes markup, a link or HTML.
func Finding(f *storage.Finding, evidence Evidence) string {
	var page strings.Builder
	finding(&page, f, evidence, "#")
	return page.String()
}

// Entry is a finding of a document with what shows it.
type Entry struct {
	Finding  *storage.Finding
	Evidence Evidence
}

// Findings are several findings as one document: a table of them, and then each one as
// Finding writes it, a heading deeper. more says that there are more than those.
func Findings(entries []Entry, more bool) string {
	var page strings.Builder
	page.WriteString("# Findings\n\n")
	if len(entries) == 0 {
		page.WriteString("There are none.\n")
		return page.String()
	}
	page.WriteString("| # | Finding | Severity | Status | Assignee |\n|---|---|---|---|---|\n")
	for i, entry := range entries {
		assignee := ""
		if entry.Finding.Assignee != nil {
			assignee = quote.Inline(*entry.Finding.Assignee)
		}
		fmt.Fprintf(&page, "| %d | %s | %s | %s | %s |\n", i+1, quote.Inline(entry.Finding.Title), quote.Inline(string(entry.Finding.Severity)),
			quote.Inline(string(entry.Finding.Status)), assignee)
	}
	if more {
		page.WriteString("\nThere are more findings than are shown here.\n")
	}
	for i, entry := range entries {
		page.WriteString("\n")
		finding(&page, entry.Finding, entry.Evidence, fmt.Sprintf("## %d.", i+1))
	}
	return page.String()
}

// finding writes one down; heading is what stands before its title, whose number signs
// those of its parts follow.
func finding(page *strings.Builder, f *storage.Finding, evidence Evidence, heading string) {
	signs := heading[:strings.LastIndexByte(heading, '#')+1]
	fmt.Fprintf(page, "%s %s\n\n", heading, quote.Inline(f.Title))
	fmt.Fprintf(page, "- Severity: %s\n- Status: %s\n", quote.Inline(string(f.Severity)), quote.Inline(string(f.Status)))
	if f.Assignee != nil {
		fmt.Fprintf(page, "- Assignee: %s\n", quote.Inline(*f.Assignee))
	}
	if f.TicketURL != nil {
		fmt.Fprintf(page, "- Ticket: %s\n", quote.Link(*f.TicketURL))
	}
	fmt.Fprintf(page, "- Found: %s by %s\n", f.CreatedAt.UTC().Format("2006-01-02"), quote.Inline(f.Author))
	if f.Description != nil {
		page.WriteString("\n" + quoted(*f.Description))
	}
	if len(evidence.Attacks) > 0 {
		page.WriteString("\n" + signs + "# Attacks\n")
	}
	for _, a := range evidence.Attacks {
		fmt.Fprintf(page, "\n%s## Attack %d: %s, %s\n\n", signs, a.Number, quote.Inline(a.AttackClass), quote.Inline(string(a.Outcome)))
		fmt.Fprintf(page, "- Decided by: %s\n- Began: %s\n", quote.Inline(string(a.OutcomeSource)), a.StartedAt.UTC().Format("2006-01-02 15:04:05Z"))
		if a.ConverterChain != "" {
			fmt.Fprintf(page, "- Converters: %s\n", quote.Inline(a.ConverterChain))
		}
		if a.Objective != nil {
			page.WriteString("\nObjective:\n\n" + quoted(*a.Objective))
		}
		if a.OutcomeReason != nil {
			page.WriteString("\nWhy:\n\n" + quoted(*a.OutcomeReason))
		}
	}
	if len(evidence.Messages) > 0 {
		page.WriteString("\n" + signs + "# Messages\n")
	}
	for _, m := range evidence.Messages {
		fmt.Fprintf(page, "\n%s## %s, conversation %d, message %d\n\n%s", signs, quote.Inline(string(m.Role)), m.Conversation, m.Sequence, quoted(m.ConvertedValue))
	}
	if evidence.More {
		page.WriteString("\nThere is more evidence than is shown here.\n")
	}
}

// quoted is a text as a block, cut where it is long.
func quoted(text string) string {
	if len(text) > quotedBytes {
		cut := quotedBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "\n[cut]"
	}
	return quote.Block(strings.TrimRight(text, "\r\n"))
}
