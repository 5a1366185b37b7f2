package storagetest

import (
	"context"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// finding adds a finding, which minute dates.
func finding(t *testing.T, store storage.UserStore, key string, severity storage.Severity, minute int, evidence storage.Chosen) *storage.Finding {
	t.Helper()
	f := &storage.Finding{
		Key: key, Title: "title of " + key, Description: new("about " + key), Severity: severity, Status: storage.FindingNew,
		Assignee: new("bob"), TicketURL: new("https://tickets.example/1"), Author: "alice", CreatedAt: at(minute),
	}
	if err := store.AddFinding(t.Context(), f, evidence); err != nil {
		t.Fatal(err)
	}
	f.ID, f.UpdatedAt = storage.ID{Kind: storage.KindFinding, Store: store.Key(), Key: key}.String(), at(minute)
	return f
}

func findingNow(t *testing.T, store storage.UserStore, key string) *storage.Finding {
	t.Helper()
	return must(store.FindingsByKey(t.Context(), []string{key}))(t)[key]
}

func findingsAreReadBack(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	key := storage.MessageKey{Conversation: 1, Sequence: 1}
	f := finding(t, store, "f1", storage.SeverityHigh, 30, storage.Chosen{Attacks: []int64{1, 1}, Messages: []storage.MessageKey{key}})
	equal(t, "finding", findingNow(t, store, "f1"), f)
	equal(t, "findings of attacks", must(store.FindingsByAttack(t.Context(), []int64{1, 2}))(t), map[int64][]*storage.Finding{1: {f}})
	if m := must(store.MessagesByFinding(t.Context(), []string{"f1", "none"}, 9))(t); len(m) != 1 || len(m["f1"]) != 1 || m["f1"][0].MessageKey != key {
		t.Errorf("messages %v", m)
	}
	has := storage.AttackFilter{HasFinding: new(true)}
	if a := must(store.Attacks(t.Context(), &has, storage.AttackOrder{}, storage.Page{Limit: 9}))(t).Nodes(); len(a) != 1 || a[0].Number != 1 {
		t.Errorf("attacks with a finding: %v", a)
	}

	run := must(store.AttacksByNumber(t.Context(), []int64{1}))(t)[1].ExecutionID
	equal(t, "runs", must(store.RunsByFinding(t.Context(), []string{"f1", "none"}))(t), map[string]storage.FindingRuns{"f1": {First: *run, Last: *run}})

	more := storage.Chosen{Attacks: []int64{1, 2}, Messages: []storage.MessageKey{key, {Conversation: 1}}}
	if n := must(store.AddEvidence(t.Context(), "f1", more, at(31)))(t); n != 2 {
		t.Errorf("%d pieces of evidence are new", n)
	}
	if n := must(store.RemoveEvidence(t.Context(), "f1", storage.Chosen{Attacks: []int64{1}, Messages: []storage.MessageKey{key, {Conversation: 9}}}, at(32)))(t); n != 2 {
		t.Errorf("%d pieces of evidence went", n)
	}
	attacks := must(store.AttacksOf(t.Context(), storage.AttacksOfFinding, []string{"f1"}, nil, storage.AttackOrder{}, storage.Page{Limit: 9}))(t)["f1"].Nodes()
	if len(attacks) != 1 || attacks[0].Number != 2 || !findingNow(t, store, "f1").UpdatedAt.Equal(at(32)) {
		t.Errorf("attacks %v", attacks)
	}
	for name, evidence := range map[string]storage.Chosen{"attacks": {Attacks: []int64{9}}, "messages": {Messages: []storage.MessageKey{{Conversation: 9}}}} {
		if _, err := store.AddEvidence(t.Context(), "f1", evidence, at(33)); storage.CodeOf(err) != storage.CodeNotFound {
			t.Errorf("%s that are not there: %v", name, err)
		}
	}

	if err := store.Delete(t.Context(), storage.Selection{Attacks: []int64{2, 1}}, must(store.Revision(t.Context()))(t), func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if rows := counts(t, store); rows["finding_attacks"] != 0 || rows["finding_messages"] != 0 || rows["findings"] != 1 {
		t.Errorf("evidence of deleted attacks is left: %v", rows)
	}
	must(store.MoveToTrash(t.Context(), deletion("t1", 40, "findings", "f1")))(t)
	if _, err := store.MoveToTrash(t.Context(), deletion("t2", 41, "findings", "f1")); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("deleted twice: %v", err)
	}
}

func findingsChangeByTheirStatus(t *testing.T, store storage.UserStore) {
	finding(t, store, "f1", storage.SeverityLow, 30, storage.Chosen{})
	to := func(status storage.FindingStatus, want storage.Code) {
		t.Helper()
		err := store.ChangeFinding(t.Context(), "f1", storage.FindingChange{Status: &status}, at(40))
		if storage.CodeOf(err) != want {
			t.Errorf("to %s: %v", status, err)
		}
	}
	to(storage.FindingFixed, storage.CodeConflict)
	to(storage.FindingConfirmed, "")
	to(storage.FindingNew, storage.CodeConflict)
	to(storage.FindingAccepted, "")
	to(storage.FindingFixed, "")
	to(storage.FindingConfirmed, "")
	to(storage.FindingFalsePositive, "")
	to(storage.FindingNew, "")
	if err := store.ChangeFinding(t.Context(), "f1", storage.FindingChange{Assignee: new(""), TicketURL: new(""), Title: new("other")}, at(50)); err != nil {
		t.Fatal(err)
	}
	f := findingNow(t, store, "f1")
	if f.Assignee != nil || f.TicketURL != nil || f.Title != "other" || *f.Description != "about f1" || f.Severity != storage.SeverityLow || !f.UpdatedAt.Equal(at(50)) {
		t.Errorf("finding %+v", f)
	}
	for name, wrong := range map[string]storage.FindingChange{
		"no title":  {Title: new(" ")},
		"two lines": {Title: new("a\nb")},
		"a script":  {TicketURL: new("javascript:alert(1)")},
		"no host":   {TicketURL: new("https:///x")},
		"a NUL":     {Description: new("\x00")},
	} {
		if err := store.ChangeFinding(t.Context(), "f1", wrong, at(60)); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := store.ChangeFinding(t.Context(), "none", storage.FindingChange{Title: new("x")}, at(60)); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("changed nothing: %v", err)
	}
}

func findingsAreListedInOrder(t *testing.T, store storage.UserStore) {
	for i, severity := range []storage.Severity{storage.SeverityLow, storage.SeverityCritical, storage.SeverityInfo, storage.SeverityHigh, storage.SeverityLow} {
		finding(t, store, string("abcde"[i]), severity, 30+i/2, storage.Chosen{})
	}
	for by, want := range map[storage.FindingOrder]string{
		{Field: storage.FindingOrderSeverity, Direction: storage.Descending}: "bdeac",
		{Field: storage.FindingOrderSeverity, Direction: storage.Ascending}:  "caedb",
		{Field: storage.FindingOrderUpdatedAt, Direction: storage.Ascending}: "abcde",
		{Field: storage.FindingOrderTitle, Direction: storage.Descending}:    "edcba",
	} {
		got, page := "", storage.Page{Limit: 2}
		for {
			list := must(store.Findings(t.Context(), nil, by, page))(t)
			for _, f := range list.Nodes() {
				got += f.Key
			}
			if !list.PageInfo.HasNextPage {
				break
			}
			page.After = *list.PageInfo.EndCursor
		}
		if got != want {
			t.Errorf("%v gives %s, want %s", by, got, want)
		}
	}
	filter := storage.FindingFilter{
		Severity: &storage.SeverityIn{In: []storage.Severity{storage.SeverityLow}}, Status: &storage.FindingStatusIn{NotIn: []storage.FindingStatus{storage.FindingFixed}},
		Title: &storage.TextMatch{Contains: new("OF E")}, Assignee: &storage.TextIn{In: []string{"bob"}},
	}
	if f := must(store.Findings(t.Context(), &filter, storage.FindingOrder{}, storage.Page{Limit: 9}))(t).Nodes(); len(f) != 1 || f[0].Key != "e" {
		t.Errorf("filtered %v", f)
	}
}
