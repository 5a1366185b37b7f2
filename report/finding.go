// Package report writes what a workspace holds for people who do not use it.
package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

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
	fmt.Fprintf(&page, "# %s\n\n", inline(f.Title))
	fmt.Fprintf(&page, "- Severity: %s\n- Status: %s\n", inline(string(f.Severity)), inline(string(f.Status)))
	if f.Assignee != nil {
		fmt.Fprintf(&page, "- Assignee: %s\n", inline(*f.Assignee))
	}
	if f.TicketURL != nil {
		fmt.Fprintf(&page, "- Ticket: %s\n", inline(*f.TicketURL))
	}
	fmt.Fprintf(&page, "- Found: %s by %s\n", f.CreatedAt.UTC().Format("2006-01-02"), inline(f.Author))
	if f.Description != nil {
		page.WriteString("\n" + fenced(*f.Description))
	}
	if len(evidence.Attacks) > 0 {
		page.WriteString("\n## Attacks\n")
	}
	for _, a := range evidence.Attacks {
		fmt.Fprintf(&page, "\n### Attack %d: %s, %s\n\n", a.Number, inline(a.AttackClass), inline(string(a.Outcome)))
		fmt.Fprintf(&page, "- Decided by: %s\n- Began: %s\n", inline(string(a.OutcomeSource)), a.StartedAt.UTC().Format("2006-01-02 15:04:05Z"))
		if a.ConverterChain != "" {
			fmt.Fprintf(&page, "- Converters: %s\n", inline(a.ConverterChain))
		}
		if a.Objective != nil {
			page.WriteString("\nObjective:\n\n" + fenced(*a.Objective))
		}
		if a.OutcomeReason != nil {
			page.WriteString("\nWhy:\n\n" + fenced(*a.OutcomeReason))
		}
	}
	if len(evidence.Messages) > 0 {
		page.WriteString("\n## Messages\n")
	}
	for _, m := range evidence.Messages {
		fmt.Fprintf(&page, "\n### %s, conversation %d, message %d\n\n%s", inline(string(m.Role)), m.Conversation, m.Sequence, fenced(m.ConvertedValue))
	}
	if evidence.More {
		page.WriteString("\nThere is more evidence than is shown here.\n")
	}
	return page.String()
}

// inline makes a text one line without markup: CommonMark takes a backslash before any
// ASCII punctuation as that character.
func inline(text string) string {
	var line strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			line.WriteByte(' ')
		case r < utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
			line.WriteByte('\\')
			line.WriteRune(r)
		default:
			line.WriteRune(r)
		}
	}
	return strings.TrimSpace(line.String())
}

// fenced quotes a text in a fence that it cannot close: one backtick more than its
// longest run of them.
func fenced(text string) string {
	if len(text) > quotedBytes {
		cut := quotedBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "\n[cut]"
	}
	longest, run := 2, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	return fence + "text\n" + strings.TrimRight(text, "\r\n") + "\n" + fence + "\n"
}
