package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/report"
	"github.com/violentutf/violentutf/storage"
)

// outside are the lines of a page that stand in no fence.
func outside(t *testing.T, page string) []string {
	t.Helper()
	var lines []string
	fence := ""
	for line := range strings.Lines(strings.ReplaceAll(page, "\r", "\n")) {
		line = strings.TrimSuffix(line, "\n")
		ticks := len(line) - len(strings.TrimLeft(line, "`"))
		switch {
		case fence == "" && ticks >= 3:
			fence = line[:ticks]
		case fence != "" && ticks >= len(fence) && strings.Trim(line, "`") == "":
			fence = ""
		case fence == "":
			lines = append(lines, line)
		}
	}
	if fence != "" {
		t.Errorf("a fence is left open:\n%s", page)
	}
	return lines
}

func TestNoTextOfAFindingBecomesMarkup(t *testing.T) {
	const evil = "first\n```\n# EVIL <script>alert(1)</script>\r````\rEVIL ![](http://evil)\n``````````\nEVIL"
	f := &storage.Finding{
		Title: "EVIL](http://x) <img src=x> `code` # *b*", Description: new(evil), Severity: storage.SeverityHigh, Status: storage.FindingNew,
		Assignee: new("[EVIL](javascript:1)"), TicketURL: new("https://t.example/1> <b>`*"), Author: "alice", CreatedAt: time.Unix(0, 0),
	}
	page := report.Finding(f, report.Evidence{
		Attacks: []*storage.Attack{{
			Number: 7, AttackClass: "EVIL\n# class", Outcome: storage.OutcomeSuccess, OutcomeSource: storage.OutcomeHuman,
			Objective: new(evil), OutcomeReason: new(evil), ConverterChain: "A > B",
		}},
		Messages: []*storage.Message{{Role: storage.RoleAssistant, MessageKey: storage.MessageKey{Conversation: 3}, ConvertedValue: evil + strings.Repeat("é", 5000)}},
		More:     true,
	})
	const ticket = "- Ticket: <https://t.example/1%3E%20%3Cb%3E%60*>"
	if !strings.Contains(page, "\n"+ticket+"\n") {
		t.Errorf("no %q in\n%s", ticket, page)
	}
	for _, line := range outside(t, strings.Replace(page, ticket, "", 1)) {
		for _, markup := range []string{"<", "](", "`", "*"} {
			for rest := line; ; {
				_, after, found := strings.Cut(rest, markup)
				if !found {
					break
				}
				if before := rest[:len(rest)-len(after)-len(markup)]; !strings.HasSuffix(before, `\`) {
					t.Errorf("%q is markup in %q", markup, line)
				}
				rest = after
			}
		}
		if strings.HasPrefix(line, "EVIL") || strings.HasPrefix(line, "# EVIL <") {
			t.Errorf("a text left its fence: %q", line)
		}
	}
	for _, want := range []string{"# EVIL", "- Severity: HIGH", "### Attack 7", "Objective:", "[cut]", "more evidence"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}
