package resolvers

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) annotate(ctx context.Context, input schema.AnnotateInput) (*schema.AnnotatePayload, error) {
	on := triage{input.Workspace, input.AttackFilter, []idList{
		{"attacks", storage.KindAttack, input.Attacks},
		{"conversations", storage.KindConversation, input.Conversations},
		{"messages", storage.KindMessage, input.Messages},
	}}
	fields := on.fields()
	fields = sorted(append(fields, given(map[string]bool{"verdict": input.Verdict != nil, "note": input.Note != nil, "reason": input.Reason != nil})...))
	done, payload, err := r.mutate(ctx, change{
		field: "annotate", id: input.ClientMutationID, input: input, action: "annotation.create", fields: fields, on: on.subject(),
		do: func(ctx context.Context, w work) (made, error) {
			scope, set, chosen, err := on.choose(ctx, w)
			if err != nil {
				return made{}, err
			}
			annotation := &storage.NewAnnotation{
				Batch: uuid.Must(uuid.NewV7()).String(), On: chosen, Verdict: input.Verdict, Note: input.Note, Reason: input.Reason,
				Author: w.actor.Username, At: now(),
			}
			count, err := set.Store.Annotate(ctx, annotation)
			if err != nil {
				return made{}, inFilter(err)
			}
			w.act.Detail = detail(map[string]any{"fields": fields, "batch": annotation.Batch, "count": count})
			return made{Workspace: scope.Workspace.Key, Row: annotation.Batch, Count: count}, nil
		},
	})
	answer := &schema.AnnotatePayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Count = done.Count
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set != nil {
		answer.Annotations, err = set.Store.AnnotationsOfBatch(ctx, done.Row, storage.MaxPageSize)
	}
	return answer, err
}

func (r *Resolver) retractAnnotation(ctx context.Context, input schema.RetractAnnotationInput) (*schema.RetractAnnotationPayload, error) {
	on := named{storage.KindAnnotation, input.ID, "id"}
	done, payload, err := r.mutate(ctx, change{
		field: "retractAnnotation", id: input.ClientMutationID, input: input, action: "annotation.retract", on: on,
		detail: map[string]any{"batch": input.Batch},
		do: func(ctx context.Context, w work) (made, error) {
			scope, parsed, err := directives.ChangingThing(ctx, input.ID, storage.KindAnnotation)
			if err != nil {
				return made{}, err
			}
			set, err := scope.Open(ctx)
			if err != nil {
				return made{}, err
			}
			w.act.WorkspaceKey = scope.Workspace.Key
			count, err := set.Store.RetractAnnotation(ctx, &storage.Retraction{
				Key: parsed.Key, Whole: input.Batch, Reason: input.Reason, By: w.actor.Username, At: now(),
			})
			if err != nil {
				return made{}, err
			}
			w.act.Detail = detail(map[string]any{"batch": input.Batch, "count": count})
			return made{Workspace: scope.Workspace.Key, Row: parsed.Key, Count: count}, nil
		},
	})
	answer := &schema.RetractAnnotationPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Count = done.Count
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set != nil {
		answer.Annotation, err = set.Annotation.Load(ctx, done.Row)
	}
	return answer, err
}

// setNow fills the workspace of a payload and opens it; nil for who is no member by
// now, or after an error.
func (r *Resolver) setNow(ctx context.Context, done *made, payload *schema.WorkspacePayload) (*loaders.Set, error) {
	var err error
	if payload.Workspace, err = r.workspaceNow(ctx, done.Workspace); err != nil || payload.Workspace == nil {
		return nil, err
	}
	scope, err := directives.Reading(ctx, done.Workspace)
	if err != nil {
		return nil, err
	}
	return scope.Open(ctx)
}

// sorted are fields as the log keeps them, in one order.
func sorted(fields []string) []string { return slices.Sorted(slices.Values(fields)) }

// now is the time as every store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
