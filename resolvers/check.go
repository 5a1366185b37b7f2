package resolvers

import (
	"context"
	"slices"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// partsOf are the nouns of configured things by what clients call them.
var partsOf = map[schema.PartKind]noun{schema.PartGenerator: generators, schema.PartConverter: converters, schema.PartScorer: scorers}

func (r *Resolver) validateConfiguration(ctx context.Context, input graph.ValidateConfigurationInput) (*schema.ProblemsPayload, error) {
	answer := &schema.ProblemsPayload{}
	of := partsOf[input.Kind]
	var err error
	answer.Payload, err = r.preview(ctx, of, "validateConfiguration", input, input.Workspace, input.ClientMutationID, func(ctx context.Context, store storage.UserStore) error {
		part, err := partOf(store, "part", of.kind, input.Part)
		if err != nil {
			return err
		}
		name := ""
		if input.Name != nil {
			name = *input.Name
		}
		answer.Problems, err = r.things.Validate(ctx, store, of.table, part, name)
		return err
	})
	return answer, err
}

func (r *Resolver) testGenerators(ctx context.Context, input graph.TestGeneratorsInput) (*schema.GeneratorTestsPayload, error) {
	var tested []configured.Tested
	on := triage{workspace: input.Workspace, lists: []idList{{"ids", storage.KindGenerator, input.Ids}}}
	done, payload, err := r.mutate(ctx, change{
		field: "testGenerators", id: input.ClientMutationID, input: input, action: generators.action + "test", fields: []string{"status", "lastTest"},
		on: on.subject(),
		do: func(ctx context.Context, w work) (made, error) {
			scope, err := on.scope(ctx)
			if err != nil {
				return made{}, err
			}
			set, err := scope.Open(ctx)
			if err != nil {
				return made{}, err
			}
			w.act.WorkspaceKey = scope.Workspace.Key
			keys, err := generatorsMeant(ctx, set.Store, input)
			if err != nil {
				return made{}, err
			}
			if tested, err = r.things.Test(ctx, set.Store, keys...); err != nil {
				return made{}, about("ids", err)
			}
			w.act.Detail = detail(map[string]any{"count": len(keys)})
			done := made{Workspace: scope.Workspace.Key, Rows: keys, Count: int64(len(keys))}
			for _, one := range tested {
				if one.Err != nil {
					done.Left = append(done.Left, one.Key)
				}
			}
			return done, nil
		},
	})
	answer := &schema.GeneratorTestsPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set == nil || err != nil {
		return answer, err
	}
	found, err := set.Generator.LoadAll(ctx, done.Rows)
	if err != nil {
		return answer, err
	}
	failed := map[string]error{}
	for _, one := range tested {
		failed[one.Key] = one.Err
	}
	answer.Results = []*schema.GeneratorTest{}
	for i, generator := range found {
		if generator == nil {
			continue // deleted meanwhile
		}
		result := &schema.GeneratorTest{Generator: generator, Called: !slices.Contains(done.Left, done.Rows[i])}
		if why := failed[done.Rows[i]]; why != nil {
			result.Problem = said(why)
		}
		answer.Results = append(answer.Results, result)
	}
	return answer, nil
}

// said is an error as a client may see it.
func said(err error) *string {
	message := "it could not be called: ask an administrator to look at the log"
	if problem := mendable(err); problem != nil || storage.CodeOf(err) == storage.CodeRateLimited {
		message = err.Error()
	}
	return &message
}

// generatorsMeant are the keys of the generators that an input names, each once.
func generatorsMeant(ctx context.Context, store storage.UserStore, input graph.TestGeneratorsInput) ([]string, error) {
	if (len(input.Ids) == 0) == (input.Filter == nil) {
		return nil, storage.BadInput("ids", "name generators by ids, or choose them by a filter: {} means all")
	}
	if input.Filter != nil {
		found, err := store.Generators(ctx, input.Filter, storage.NameOrder{}, storage.Page{Limit: configured.MostTests})
		if err != nil {
			return nil, err
		}
		if found.PageInfo.HasNextPage {
			return nil, storage.BadInput("filter", "at most %d generators are tested at once: narrow the filter", configured.MostTests)
		}
		keys := make([]string, 0, len(found.Edges))
		for _, generator := range found.Nodes() {
			keys = append(keys, generator.Key)
		}
		return keys, nil
	}
	if len(input.Ids) > configured.MostTests {
		return nil, storage.BadInput("ids", "at most %d generators are tested at once, not %d", configured.MostTests, len(input.Ids))
	}
	keys, err := keysOf{store.Key()}.all("ids", storage.KindGenerator, input.Ids)
	if err != nil {
		return nil, err
	}
	seen, each := map[string]bool{}, keys[:0]
	for _, key := range keys {
		if !seen[key] {
			seen[key], each = true, append(each, key)
		}
	}
	known, err := store.GeneratorsByKey(ctx, each)
	if err == nil && len(known) != len(each) {
		err = directives.Missing("ids")
	}
	return each, err
}

func (r *Resolver) testScorer(ctx context.Context, input graph.TestScorerInput) (*schema.ScorerTestPayload, error) {
	answer := &schema.ScorerTestPayload{}
	on := triage{workspace: input.Workspace, lists: []idList{{"messages", storage.KindMessage, input.Messages}}}
	done, payload, err := r.mutate(ctx, change{
		field: "testScorer", input: input, action: scorers.action + "test", on: on.subject(),
		do: func(ctx context.Context, w work) (made, error) {
			scope, set, chosen, err := on.choose(ctx, w)
			if err != nil {
				return made{}, err
			}
			part, err := partOf(set.Store, "scorer", storage.KindScorer, input.Scorer)
			if err != nil {
				return made{}, err
			}
			messages, err := messagesMeant(ctx, set.Store, input, chosen.Messages)
			if err != nil {
				return made{}, err
			}
			found, err := r.things.TestScorer(ctx, set.Store, part, messages)
			if err != nil {
				return made{}, about("scorer", err)
			}
			answer.Test = testOf(found)
			return made{Workspace: scope.Workspace.Key}, nil
		},
	})
	payload.ClientMutationID = input.ClientMutationID
	answer.Payload = payload
	if done == nil || err != nil {
		return answer, err
	}
	answer.Workspace, err = r.workspaceNow(ctx, done.Workspace)
	return answer, err
}

// messagesMeant are the messages that an input names, in its order.
func messagesMeant(ctx context.Context, store storage.UserStore, input graph.TestScorerInput, keys []storage.MessageKey) ([]*storage.Message, error) {
	store = store.Reading(nil)
	switch {
	case (len(keys) == 0) == (input.Filter == nil):
		return nil, storage.BadInput("messages", "name messages by ids, or choose them by a filter: {} means all replies")
	case len(keys) > configured.MostScored || input.Limit < 1 || input.Limit > configured.MostScored:
		return nil, storage.BadInput("limit", "1 to %d messages are scored at once", configured.MostScored)
	case input.Filter != nil:
		filter := *input.Filter
		if filter.Role == nil {
			filter.Role = &storage.RoleIn{In: []storage.Role{storage.RoleAssistant}}
		}
		found, err := store.Messages(ctx, &filter, storage.MessageOrder{Field: storage.MessageOrderNumber}, storage.Page{Limit: int(input.Limit)})
		if err != nil {
			return nil, err
		}
		return found.Nodes(), nil
	}
	found, err := store.MessagesByKey(ctx, keys)
	if err != nil {
		return nil, err
	}
	messages := make([]*storage.Message, len(keys))
	for i, key := range keys {
		if messages[i] = found[key]; messages[i] == nil {
			return nil, directives.Missing("messages")
		}
	}
	return messages, nil
}

func testOf(found *configured.ScorerTest) *schema.ScorerTest {
	test := &schema.ScorerTest{Results: make([]*schema.ScoredMessage, len(found.Results)), People: found.People, Saved: found.Saved}
	for i, one := range found.Results {
		test.Results[i] = &schema.ScoredMessage{Message: one.Message, Annotation: one.Annotation, Problem: nonEmpty(one.Why)}
		if one.Verdict == nil {
			test.UnjudgedCount++
			continue
		}
		v := verdictOf(one.Verdict)
		test.Results[i].Verdict = v
		switch {
		case v.Status == storage.ScoreUndetermined:
			test.UndeterminedCount++
		case v.IsTrue == nil:
			test.OtherCount++
		case *v.IsTrue:
			test.TrueCount++
		default:
			test.FalseCount++
		}
	}
	return test
}
