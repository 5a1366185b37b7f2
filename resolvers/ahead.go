package resolvers

import (
	"context"
	"sync"

	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/storage"
)

// ahead answers what a client selected below the rows of a list, level by level,
// before gqlgen walks the list: each edge is one statement for all rows, and no
// level waits for a loader's timer. What is not here is left to the loaders.
//
// Every method waits for what it began.
type ahead struct{ set *loaders.Set }

func (a ahead) attacks(ctx context.Context, on selection, rows []*storage.Attack) {
	var components, executions []string
	var labels, conversations, scores, prompts []int64
	var own []string
	replay := on.has("replay")
	target, attacker, converters := on.has("target"), on.has("attacker"), on.has("converters")
	for _, row := range rows {
		labels = append(labels, row.Number)
		if target || replay {
			components = push(components, row.TargetHash)
		}
		if attacker {
			components = push(components, row.AttackerHash)
		}
		if converters {
			components = append(components, row.ConverterHash...)
		}
		conversations = push(conversations, row.ConversationNumber)
		scores = push(scores, row.ObjectiveScoreNumber)
		prompts = push(prompts, row.PromptNumber)
		executions = push(executions, row.ExecutionID)
		if on.has("taxonomyTags") {
			own = ownTags(own, row.Tags)
		}
	}
	var level sync.WaitGroup
	defer level.Wait()
	level.Go(func() { a.components(ctx, on, components) })
	if on.has("labels") {
		level.Go(func() { a.set.LabelsOfAttack.Prefetch(ctx, labels) })
	}
	if replay {
		level.Go(func() { a.set.Thread.Prefetch(ctx, conversations) })
	}
	if on.has("conversation") {
		level.Go(func() {
			found := a.set.Conversation.Prefetch(ctx, conversations)
			a.conversations(ctx, on.under("conversation", "Conversation", "Node"), found)
		})
	}
	if on.has("objectiveScore") {
		level.Go(func() {
			found := a.set.Score.Prefetch(ctx, scores)
			a.scores(ctx, on.under("objectiveScore", scoreTypes...), found)
		})
	}
	if on.has("annotations") {
		level.Go(func() {
			found := a.set.AnnotationsOfAttack.Prefetch(ctx, labels)
			a.annotations(ctx, on.under("annotations", "Annotation", "Node"), found)
		})
	}
	if on.has("findings") {
		level.Go(func() { a.set.FindingsOfAttack.Prefetch(ctx, labels) })
	}
	if len(own) > 0 {
		level.Go(func() { a.set.OwnEntry.Prefetch(ctx, own) })
	}
	if on.has("prompt") {
		level.Go(func() { a.set.Prompt.Prefetch(ctx, prompts) })
	}
	if on.has("execution") {
		level.Go(func() { a.set.Execution.Prefetch(ctx, executions) })
	}
}

func (a ahead) conversations(ctx context.Context, on selection, rows []*storage.Conversation) {
	var numbers, attacks []int64
	var targets []string
	for _, row := range rows {
		numbers = append(numbers, row.Number)
		attacks = push(attacks, row.AttackNumber)
		targets = push(targets, row.TargetHash)
	}
	var level sync.WaitGroup
	defer level.Wait()
	if on.has("target") {
		level.Go(func() { a.components(ctx, on, targets) })
	}
	if on.has("labels") {
		level.Go(func() { a.set.LabelsOfConversation.Prefetch(ctx, numbers) })
	}
	if on.has("attack") {
		level.Go(func() {
			found := a.set.Attack.Prefetch(ctx, attacks)
			a.attacks(ctx, on.under("attack", "Attack", "Node"), found)
		})
	}
	if on.has("transcript") {
		level.Go(func() { a.set.ScoredThread.Prefetch(ctx, numbers) })
	}
	if on.has("findings") {
		level.Go(func() { a.set.FindingsOfConversation.Prefetch(ctx, numbers) })
	}
	if on.has("annotations") {
		level.Go(func() {
			found := a.set.AnnotationsOfConversation.Prefetch(ctx, numbers)
			a.annotations(ctx, on.under("annotations", "Annotation", "Node"), found)
		})
	}
	for page, below := range on.pages("messages", "Message") {
		level.Go(func() {
			found := a.set.MessagesOfConversation.Prefetch(ctx, numbers, page)
			a.messages(ctx, below.rows("Message"), allNodes(found))
		})
	}
}

func (a ahead) messages(ctx context.Context, on selection, rows []*storage.Message) {
	var conversations []int64
	var keys, scored, filed []storage.MessageKey
	var converters []string
	for _, row := range rows {
		conversations = append(conversations, row.MessageKey.Conversation)
		keys = append(keys, row.MessageKey)
		scored = append(scored, row.ScoredKey())
		converters = append(converters, row.ConverterHash...)
		if storage.NamesFile(row.DataType) || storage.NamesFile(row.OriginalDataType) {
			filed = append(filed, row.MessageKey)
		}
	}
	var level sync.WaitGroup
	defer level.Wait()
	if on.has("media", "originalMedia") {
		level.Go(func() { a.set.FilesOfMessage.Prefetch(ctx, filed) })
	}
	if on.has("scores") {
		level.Go(func() {
			var found []*storage.Score
			for _, scores := range a.set.ScoresOfMessage.Prefetch(ctx, scored) {
				found = append(found, scores...)
			}
			a.scores(ctx, on.under("scores", scoreTypes...), found)
		})
	}
	if on.has("annotations") {
		level.Go(func() {
			found := a.set.AnnotationsOfMessage.Prefetch(ctx, keys)
			a.annotations(ctx, on.under("annotations", "Annotation", "Node"), found)
		})
	}
	if on.has("findings") {
		level.Go(func() { a.set.FindingsOfMessage.Prefetch(ctx, keys) })
	}
	if on.has("converters") {
		level.Go(func() { a.components(ctx, on, converters) })
	}
	if on.has("conversation") {
		level.Go(func() {
			found := a.set.Conversation.Prefetch(ctx, conversations)
			a.conversations(ctx, on.under("conversation", "Conversation", "Node"), found)
		})
	}
}

// scoreTypes are all types that a selection on a score can be on.
var scoreTypes = []string{"Score", "Node", "TrueFalseScore", "FloatScaleScore", "CategoryScore"}

func (a ahead) scores(ctx context.Context, on selection, rows []*storage.Score) {
	var scorers []string
	var messages []storage.MessageKey
	for _, row := range rows {
		scorers = append(scorers, row.ScorerHash)
		messages = push(messages, row.Message)
	}
	var level sync.WaitGroup
	defer level.Wait()
	if on.has("scorer") {
		level.Go(func() { a.components(ctx, on, scorers) })
	}
	if on.has("message") {
		level.Go(func() {
			found := a.set.Message.Prefetch(ctx, messages)
			a.messages(ctx, on.under("message", "Message", "Node"), found)
		})
	}
}

// components answers every edge to components of one level.
func (a ahead) components(ctx context.Context, on selection, hashes []string) {
	var generators []string
	for _, component := range a.set.Component.Prefetch(ctx, hashes) {
		generators = push(generators, component.GeneratorID)
	}
	for _, edge := range []string{"target", "attacker", "converters", "scorer"} {
		if on.under(edge, "Component", "Node").has("generator") {
			a.set.Generator.Prefetch(ctx, generators)
			return
		}
	}
}

func (a ahead) datasets(ctx context.Context, on selection, rows []*storage.Dataset) {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = row.Key
	}
	var level sync.WaitGroup
	defer level.Wait()
	for page := range on.pages("prompts", "Prompt") {
		level.Go(func() { a.set.PromptsOfDataset.Prefetch(ctx, keys, page) })
	}
}

func (a ahead) executions(ctx context.Context, on selection, rows []*storage.Execution) {
	keys, orchestrators := make([]string, len(rows)), []string{}
	for i, row := range rows {
		keys[i] = row.Key
		orchestrators = push(orchestrators, row.OrchestratorKey)
	}
	var level sync.WaitGroup
	defer level.Wait()
	if on.has("summary") {
		level.Go(func() { a.set.ExecutionSummary.Prefetch(ctx, keys) })
	}
	if on.has("progress") {
		level.Go(func() { a.set.ExecutionTally.Prefetch(ctx, keys) })
	}
	if on.has("errorClasses") {
		level.Go(func() { a.set.ErrorClasses.Prefetch(ctx, keys) })
	}
	if on.has("madeBy") {
		level.Go(func() { a.set.Orchestrator.Prefetch(ctx, orchestrators) })
	}
}

// below looks ahead from a list that the store answered, and hands it on.
func below[T any](ctx context.Context, noun string, look func(context.Context, selection, []*T), page *storage.Connection[T], err error) (*storage.Connection[T], error) {
	if err != nil {
		return nil, err
	}
	if on := listed(ctx, noun); len(on.fields) > 0 && len(page.Edges) > 0 {
		look(ctx, on, page.Nodes())
	}
	return page, nil
}

func push[T any](keys []T, key *T) []T {
	if key == nil {
		return keys
	}
	return append(keys, *key)
}

func allNodes[T any](pages []*storage.Connection[T]) []*T {
	var rows []*T
	for _, page := range pages {
		rows = append(rows, page.Nodes()...)
	}
	return rows
}
