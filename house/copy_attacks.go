package house

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"

	"github.com/violentutf/violentutf/storage"
)

// addAttacks stages attacks with all that they have.
func (c *copying) addAttacks(ctx context.Context, attacks []*storage.Attack) error {
	var numbers, scores, prompts []int64
	var runs, components []string
	for _, attack := range attacks {
		numbers = append(numbers, attack.Number)
		components = append(append(components, attack.ConverterHash...), given(attack.TargetHash, attack.AttackerHash, attack.TechniqueHash)...)
		scores = append(scores, given(attack.ObjectiveScoreNumber)...)
		prompts = append(prompts, given(attack.PromptNumber)...)
		runs = append(runs, given(attack.ExecutionID)...)
	}
	if err := c.addExecutions(ctx, runs); err != nil {
		return err
	}
	promptOf, err := c.source.PromptsByNumber(ctx, prompts)
	if err != nil {
		return err
	}
	for _, prompt := range promptOf {
		if err := c.addDatasets(ctx, []string{prompt.DatasetKey}); err != nil {
			return err
		}
	}
	scoreOf, err := c.source.ScoresByNumber(ctx, scores)
	if err != nil {
		return err
	}
	conversations, err := c.conversations(ctx, numbers)
	if err != nil {
		return err
	}
	labels, err := c.source.OwnLabelsByAttack(ctx, numbers)
	if err != nil {
		return err
	}
	for _, attack := range attacks {
		staged := &storage.StagedAttack{Attack: *attack}
		if attack.ExecutionID != nil {
			staged.Execution = c.executions[*attack.ExecutionID]
		}
		if attack.ConversationNumber != nil && conversations[*attack.ConversationNumber] != nil {
			staged.Conversation = conversations[*attack.ConversationNumber].SourceID
		}
		if attack.PromptNumber != nil && promptOf[*attack.PromptNumber] != nil {
			staged.Prompt = promptOf[*attack.PromptNumber].SourceID
		}
		if attack.ObjectiveScoreNumber != nil {
			if score := scoreOf[*attack.ObjectiveScoreNumber]; score != nil {
				staged.ObjectiveScore = score.SourceID
				if score.Message == nil { // on loose content, which no message leads to
					components = append(components, score.ScorerHash)
					if err := c.stage.AddScore(ctx, &storage.StagedScore{Score: *score}); err != nil {
						return err
					}
				}
			}
		}
		if err := c.stage.AddAttack(ctx, staged); err != nil {
			return err
		}
		for _, label := range labels[attack.Number] {
			if err := c.stage.AddLabel(ctx, &storage.StagedLabel{Source: attack.Source, Attack: attack.SourceID, Label: *label}); err != nil {
				return err
			}
		}
	}
	if err := c.addComponents(ctx, components); err != nil {
		return err
	}
	if err := c.addConversations(ctx, attacks, conversations); err != nil {
		return err
	}
	return c.addPeople(ctx, attacks, conversations)
}

// conversations are all conversations of the attacks, by number.
func (c *copying) conversations(ctx context.Context, attacks []int64) (map[int64]*storage.Conversation, error) {
	found := map[int64]*storage.Conversation{}
	lists, err := c.source.ConversationsByAttack(ctx, attacks, nil, storage.Page{Limit: storage.MaxPageSize})
	if err != nil {
		return nil, err
	}
	for attack, list := range lists {
		for {
			for _, conversation := range list.Nodes() {
				found[conversation.Number] = conversation
			}
			if !list.PageInfo.HasNextPage {
				break
			}
			more, err := c.source.ConversationsByAttack(ctx, []int64{attack}, nil, storage.Page{Limit: storage.MaxPageSize, After: *list.PageInfo.EndCursor})
			if err != nil {
				return nil, err
			}
			list = more[attack]
		}
	}
	return found, nil
}

func (c *copying) addConversations(ctx context.Context, attacks []*storage.Attack, conversations map[int64]*storage.Conversation) error {
	attackOf := map[int64]*storage.Attack{}
	for _, attack := range attacks {
		attackOf[attack.Number] = attack
	}
	numbers := slices.Sorted(maps.Keys(conversations))
	var components []string
	var branches []int64
	for _, conversation := range conversations {
		components = append(components, given(conversation.TargetHash)...)
		branches = append(branches, given(conversation.BranchedFromNumber)...)
	}
	if err := c.addComponents(ctx, components); err != nil {
		return err
	}
	from, err := c.source.ConversationsByNumber(ctx, branches)
	if err != nil {
		return err
	}
	labels, err := c.source.LabelsByConversation(ctx, numbers)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		conversation := conversations[number]
		staged := &storage.StagedConversation{Conversation: *conversation, Attack: attackOf[*conversation.AttackNumber].SourceID}
		if conversation.BranchedFromNumber != nil && from[*conversation.BranchedFromNumber] != nil {
			staged.BranchedFrom = from[*conversation.BranchedFromNumber].SourceID
		}
		if err := c.stage.AddConversation(ctx, staged); err != nil {
			return err
		}
		for _, label := range labels[number] {
			if err := c.stage.AddLabel(ctx, &storage.StagedLabel{Source: conversation.Source, Conversation: conversation.SourceID, Label: *label}); err != nil {
				return err
			}
		}
	}
	for batch := range fewMessages(numbers, conversations) {
		if err := c.addMessagesOf(ctx, batch, conversations); err != nil {
			return err
		}
	}
	return nil
}

// fewMessages are the conversations in batches of about messagesAtOnce messages; one that
// has more is a batch by itself.
func fewMessages(numbers []int64, conversations map[int64]*storage.Conversation) iter.Seq[[]int64] {
	return func(yield func([]int64) bool) {
		start, messages := 0, int64(0)
		for i, number := range numbers {
			count := conversations[number].MessageCount
			if i > start && messages+count > messagesAtOnce {
				if !yield(numbers[start:i]) {
					return
				}
				start, messages = i, 0
			}
			messages += count
		}
		if start < len(numbers) {
			yield(numbers[start:])
		}
	}
}

func (c *copying) addMessagesOf(ctx context.Context, numbers []int64, conversations map[int64]*storage.Conversation) error {
	lists, err := c.source.MessagesByConversation(ctx, numbers, nil, storage.Page{Limit: messagesAtOnce})
	if err != nil {
		return err
	}
	for _, number := range numbers {
		for list := lists[number]; list != nil; {
			if err := c.addMessages(ctx, conversations[number], list.Nodes()); err != nil {
				return err
			}
			if !list.PageInfo.HasNextPage {
				break
			}
			more, err := c.source.MessagesByConversation(ctx, []int64{number}, nil, storage.Page{Limit: messagesAtOnce, After: *list.PageInfo.EndCursor})
			if err != nil {
				return err
			}
			list = more[number]
		}
	}
	return nil
}

func (c *copying) addMessages(ctx context.Context, of *storage.Conversation, messages []*storage.Message) error {
	var keys, originals, named []storage.MessageKey
	var components []string
	for _, message := range messages {
		keys = append(keys, message.MessageKey)
		originals = append(originals, given(message.Original)...)
		components = append(components, message.ConverterHash...)
		if storage.NamesFile(message.DataType) || storage.NamesFile(message.OriginalDataType) {
			named = append(named, message.MessageKey)
		}
	}
	originalOf, err := c.source.MessagesByKey(ctx, originals)
	if err != nil {
		return err
	}
	scores, err := c.source.ScoresByMessage(ctx, keys)
	if err != nil {
		return err
	}
	embeddings, err := c.source.EmbeddingsByMessage(ctx, keys)
	if err != nil {
		return err
	}
	files, err := c.source.FilesByMessage(ctx, named)
	if err != nil {
		return err
	}
	for _, message := range messages {
		staged := &storage.StagedMessage{Message: *message, Conversation: of.SourceID}
		if message.Original != nil && originalOf[*message.Original] != nil {
			staged.Original = originalOf[*message.Original].SourceID
		}
		if err := c.stage.AddMessage(ctx, staged); err != nil {
			return err
		}
		for _, score := range scores[message.MessageKey] {
			components = append(components, score.ScorerHash)
			if err := c.stage.AddScore(ctx, &storage.StagedScore{Score: *score, Message: message.SourceID}); err != nil {
				return err
			}
		}
		for _, embedding := range embeddings[message.MessageKey] {
			if err := c.stage.AddEmbedding(ctx, &storage.StagedEmbedding{
				Source: message.Source, Message: message.SourceID, Model: embedding.Model, Vector: embedding.Vector,
			}); err != nil {
				return err
			}
		}
		if err := c.addMedia(ctx, message, files[message.MessageKey]); err != nil {
			return err
		}
	}
	if err := c.addExchanges(ctx, messages); err != nil {
		return err
	}
	return c.addComponents(ctx, components)
}

// addMedia keeps a message's media for the target before any row names them.
func (c *copying) addMedia(ctx context.Context, message *storage.Message, files *storage.MessageFiles) error {
	if files == nil {
		return nil
	}
	for part, file := range map[storage.MessagePart]*storage.File{storage.PartOriginal: files.Original, storage.PartConverted: files.Converted} {
		if file == nil {
			continue
		}
		if !c.dryRun {
			err := c.files.Copy(ctx, file, c.to, c.held)
			if errors.Is(err, fs.ErrNotExist) {
				c.notes = append(c.notes, fmt.Sprintf("the content of the file %s is missing", file.Name))
				continue
			}
			if err != nil {
				return err
			}
		}
		if err := c.stage.AddMedium(ctx, &storage.StagedMedium{Source: message.Source, Message: message.SourceID, Part: part, File: file}); err != nil {
			return err
		}
	}
	return nil
}

// addComponents stages components, each once.
func (c *copying) addComponents(ctx context.Context, hashes []string) error {
	var fresh []string
	for _, hash := range hashes {
		if !c.components[hash] {
			c.components[hash] = true
			fresh = append(fresh, hash)
		}
	}
	found, err := c.source.ComponentsByHash(ctx, fresh)
	if err != nil {
		return err
	}
	for _, component := range found {
		if err := c.stage.AddComponent(ctx, component); err != nil {
			return err
		}
	}
	return nil
}

// addExecutions stages runs, each once.
func (c *copying) addExecutions(ctx context.Context, keys []string) error {
	var fresh []string
	for _, key := range keys {
		if _, known := c.executions[key]; !known {
			c.executions[key] = ""
			fresh = append(fresh, key)
		}
	}
	found, err := c.source.ExecutionsByKey(ctx, fresh)
	if err != nil {
		return err
	}
	for key, execution := range found {
		c.executions[key] = execution.SourceID
		if err := c.stage.AddExecution(ctx, execution); err != nil {
			return err
		}
	}
	return nil
}

// given are the values that are there.
func given[T any](values ...*T) []T {
	var there []T
	for _, value := range values {
		if value != nil {
			there = append(there, *value)
		}
	}
	return there
}
