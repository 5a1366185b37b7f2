package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/report"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// findings is the noun of inStore, which uses no table of it.
var findings = noun{name: "Finding", action: "finding.", kind: storage.KindFinding}

func (r *Resolver) createFinding(ctx context.Context, input schema.CreateFindingInput) (*schema.FindingPayload, error) {
	on := triage{workspace: input.Workspace, filter: input.AttackFilter, lists: evidenceLists(input.Attacks, input.Messages)}
	fields := given(map[string]bool{
		"title": true, "severity": true, "description": input.Description != nil, "assignee": input.Assignee != nil,
		"ticketUrl": input.TicketURL != nil, "attacks": len(input.Attacks) > 0, "messages": len(input.Messages) > 0,
		"attackFilter": input.AttackFilter != nil,
	})
	return r.changeFinding(ctx, change{
		field: "createFinding", id: input.ClientMutationID, input: input, action: "finding.create", fields: fields, on: named{kind: storage.KindFinding},
		do: func(ctx context.Context, w work) (made, error) {
			scope, set, evidence, err := on.choose(ctx, w)
			if err != nil {
				return made{}, err
			}
			finding := &storage.Finding{
				Key: uuid.Must(uuid.NewV7()).String(), Title: input.Title, Description: input.Description, Severity: input.Severity,
				Status: storage.FindingNew, Assignee: input.Assignee, TicketURL: input.TicketURL, Author: w.actor.Username, CreatedAt: now(),
			}
			if err := set.Store.AddFinding(ctx, finding, evidence); err != nil {
				return made{}, inFilter(err)
			}
			w.act.SubjectKey = finding.Key
			return made{Workspace: scope.Workspace.Key, Row: finding.Key}, nil
		},
	})
}

func (r *Resolver) updateFinding(ctx context.Context, input schema.UpdateFindingInput) (*schema.FindingPayload, error) {
	fields := given(map[string]bool{
		"title": input.Title != nil, "severity": input.Severity != nil, "status": input.Status != nil,
		"description": input.Description.IsSet(), "assignee": input.Assignee.IsSet(), "ticketUrl": input.TicketURL.IsSet(),
	})
	c := change{field: "updateFinding", id: input.ClientMutationID, input: input, action: "finding.update", fields: fields}
	if input.Status != nil {
		c.detail = map[string]any{"status": *input.Status}
	}
	return r.changeFinding(ctx, r.inStore(findings, c, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		return key, set.Store.ChangeFinding(ctx, key, storage.FindingChange{
			Title: input.Title, Description: emptied(input.Description), Severity: input.Severity, Status: input.Status,
			Assignee: emptied(input.Assignee), TicketURL: emptied(input.TicketURL),
		}, now())
	}))
}

// emptied is the empty text for null, and nil for what was left out.
func emptied(given graphql.Omittable[*string]) *string {
	if given.IsSet() && given.Value() == nil {
		return new("")
	}
	return given.Value()
}

func (r *Resolver) deleteFinding(ctx context.Context, input graph.DeleteFindingInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, findings, change{
		field: "deleteFinding", id: input.ClientMutationID, input: input, action: "finding.delete",
	}, input.ID, storage.Deletion{}, "findings")
}

// evidence adds or removes attacks and messages, as move does it on a store.
func (r *Resolver) evidence(ctx context.Context, field, action string, input schema.EvidenceInput, move evidenceMove) (*schema.FindingPayload, error) {
	lists := evidenceLists(input.Attacks, input.Messages)
	var count int64
	c := r.inStore(findings, change{
		field: field, id: input.ClientMutationID, input: input, action: action, fields: triage{filter: input.AttackFilter, lists: lists}.fields(),
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		chosen := storage.Chosen{Filter: input.AttackFilter}
		for _, list := range lists {
			if err := list.addTo(&chosen, set.Store.Key()); err != nil {
				return "", err
			}
		}
		var err error
		count, err = move(ctx, set.Store, key, chosen)
		return key, inFilter(err)
	})
	inStore := c.do
	c.do = func(ctx context.Context, w work) (made, error) {
		done, err := inStore(ctx, w)
		done.Count = count
		if err == nil {
			w.act.Detail = detail(map[string]any{"fields": c.fields, "count": count})
		}
		return done, err
	}
	return r.changeFinding(ctx, c)
}

type evidenceMove func(ctx context.Context, store storage.UserStore, key string, evidence storage.Chosen) (int64, error)

func evidenceLists(attacks, messages []string) []idList {
	return []idList{{"attacks", storage.KindAttack, attacks}, {"messages", storage.KindMessage, messages}}
}

// changeFinding makes a change and reads the finding.
func (r *Resolver) changeFinding(ctx context.Context, c change) (*schema.FindingPayload, error) {
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.FindingPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Count = done.Count
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set != nil {
		answer.Finding, err = set.Finding.Load(ctx, done.Row)
	}
	return answer, err
}

// markdown is the finding as Markdown with that much evidence.
func markdown(ctx context.Context, finding *storage.Finding, most int) (*string, error) {
	if most < 0 || most > loaders.MostShown {
		return nil, storage.BadInput("evidence", "evidence must be between 0 and %d, not %d", loaders.MostShown, most)
	}
	set, err := directives.In(ctx, finding.ID)
	if err != nil {
		return nil, err
	}
	shown, err := set.EvidenceOfFinding.Load(ctx, finding.Key)
	if err != nil {
		return nil, err
	}
	text := report.Finding(finding, shownOf(shown, most))
	return &text, nil
}

// What one document of several findings holds at most.
const (
	mostFindings     = 50
	mostEvidenceEach = 20
)

// findingsMarkdown is the first of the findings as one document.
func findingsMarkdown(ctx context.Context, workspace *storage.Workspace, filter *storage.FindingFilter, order storage.FindingOrder, first, most int) (*string, error) {
	if first < 1 || first > mostFindings {
		return nil, storage.BadInput("first", "first must be between 1 and %d, not %d", mostFindings, first)
	}
	if most < 0 || most > mostEvidenceEach {
		return nil, storage.BadInput("evidence", "evidence must be between 0 and %d, not %d", mostEvidenceEach, most)
	}
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	list, err := set.Store.Findings(ctx, filter, order, storage.Page{Limit: first})
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(list.Edges))
	for i, finding := range list.Nodes() {
		keys[i] = finding.Key
	}
	evidence, err := loaders.EvidenceOf(ctx, set.Store, keys, most)
	if err != nil {
		return nil, err
	}
	var entries []report.Entry
	for _, finding := range list.Nodes() {
		entries = append(entries, report.Entry{Finding: finding, Evidence: shownOf(evidence[finding.Key], most)})
	}
	text := report.Findings(entries, list.PageInfo.HasNextPage)
	return &text, nil
}

// shownOf cuts evidence to so many attacks and messages.
func shownOf(shown *loaders.Shown, most int) report.Evidence {
	return report.Evidence{
		Attacks: shown.Attacks[:min(most, len(shown.Attacks))], Messages: shown.Messages[:min(most, len(shown.Messages))],
		More: shown.More || len(shown.Attacks) > most || len(shown.Messages) > most,
	}
}

// ranIn is the run of a finding that which chooses, nil without any.
func ranIn(ctx context.Context, finding *storage.Finding, which func(*storage.FindingRuns) string) (*storage.Execution, error) {
	set, err := directives.In(ctx, finding.ID)
	if err != nil {
		return nil, err
	}
	runs, err := set.RunsOfFinding.Load(ctx, finding.Key)
	if runs == nil || err != nil {
		return nil, err
	}
	return set.Execution.Load(ctx, which(runs))
}

// given are the names that are set, in one order.
func given(names map[string]bool) []string {
	var fields []string
	for name, set := range names {
		if set {
			fields = append(fields, name)
		}
	}
	return sorted(fields)
}
