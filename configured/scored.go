package configured

import (
	"context"
	"slices"
	"sync"

	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/storage"
)

// MostScored is how many messages a scorer is tried on at once, and scoredAtOnce how many
// of them side by side.
const (
	MostScored   = 200
	scoredAtOnce = 8
)

// Scored is what a scorer says of one saved message, beside what a person said.
type Scored struct {
	Message    *storage.Message
	Verdict    *scorer.Verdict     // nil where it was not judged
	Why        string              // it was not judged
	Annotation *storage.Annotation // the newest verdict of a person that stands
}

// ScorerTest is what a scorer says of saved messages. Nothing of it is stored.
type ScorerTest struct {
	Results []*Scored
	People  *storage.Agreement
	Saved   []*storage.ScorerAgreement // by name
}

// TestScorer judges messages as a run would, up to what the request's time and the user's
// calls allow. The error is that no message was judged.
func (t *Things) TestScorer(ctx context.Context, store storage.UserStore, part Part, messages []*storage.Message) (*ScorerTest, error) {
	subjects, err := subjectsOf(ctx, store, messages)
	if err != nil {
		return nil, err
	}
	models := t.models(store)
	defer models.close()
	made, _, err := models.scorer(ctx, part)
	if err != nil {
		return nil, err
	}
	judging, cancel := context.WithCancel(ctx)
	defer cancel()
	if until, bounded := ctx.Deadline(); bounded {
		judging, cancel = context.WithDeadline(judging, until.Add(-timeToStore))
		defer cancel()
	}
	test := &ScorerTest{Results: make([]*Scored, len(messages)), People: &storage.Agreement{}, Saved: []*storage.ScorerAgreement{}}
	var all sync.WaitGroup
	free := make(chan struct{}, scoredAtOnce)
	for i, message := range messages {
		test.Results[i] = &Scored{Message: message}
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			test.Results[i].judge(judging, models, made, subjects[i])
		})
	}
	all.Wait()
	if stopped := models.stopped(); stopped != nil && !slices.ContainsFunc(test.Results, func(s *Scored) bool { return s.Verdict != nil }) {
		return nil, stopped
	}
	return test, test.compare(ctx, store)
}

func (s *Scored) judge(ctx context.Context, models *models, by scorer.Scorer, subject Subject) {
	if stopped := models.stopped(); stopped != nil {
		s.Why = stopped.Error()
		return
	}
	verdict, err := by.Score(ctx, subject)
	switch stopped := models.stopped(); {
	case err != nil:
		s.Why = "the time of the request was over: name fewer messages"
	case stopped != nil && verdict.Status == storage.ScoreUndetermined:
		s.Why = stopped.Error()
	default:
		s.Verdict = &verdict
	}
}

// subjectsOf are the messages with what led to them: what they answer, and what the
// attack was after.
func subjectsOf(ctx context.Context, store storage.UserStore, messages []*storage.Message) ([]Subject, error) {
	keys, conversations := make([]storage.MessageKey, len(messages)), make([]int64, len(messages))
	for i, message := range messages {
		keys[i], conversations[i] = message.MessageKey, message.Conversation
	}
	prompts, err := store.PromptsBefore(ctx, keys)
	if err != nil {
		return nil, err
	}
	of, err := store.ConversationsByNumber(ctx, conversations)
	if err != nil {
		return nil, err
	}
	var numbers []int64
	for _, conversation := range of {
		if conversation.AttackNumber != nil {
			numbers = append(numbers, *conversation.AttackNumber)
		}
	}
	attacks, err := store.AttacksByNumber(ctx, numbers)
	if err != nil {
		return nil, err
	}
	subjects := make([]Subject, len(messages))
	for i, message := range messages {
		s := Subject{Reply: message.ConvertedValue, DataType: message.DataType, ResponseError: message.ResponseError}
		if prompt := prompts[message.MessageKey]; prompt != nil {
			s.Prompt, s.SentPrompt = prompt.OriginalValue, prompt.ConvertedValue
		}
		if conversation := of[message.Conversation]; conversation != nil && conversation.AttackNumber != nil {
			if attack := attacks[*conversation.AttackNumber]; attack != nil && attack.Objective != nil {
				s.Objective = *attack.Objective
			}
		}
		subjects[i] = s
	}
	return subjects, nil
}

// compare counts how far the scorer agrees with people and with saved scores.
func (t *ScorerTest) compare(ctx context.Context, store storage.UserStore) error {
	keys, scored := make([]storage.MessageKey, len(t.Results)), make([]storage.MessageKey, len(t.Results))
	conversations := make([]int64, len(t.Results))
	for i, one := range t.Results {
		keys[i], scored[i], conversations[i] = one.Message.MessageKey, one.Message.ScoredKey(), one.Message.Conversation
	}
	saved, err := store.ScoresByMessage(ctx, scored)
	if err != nil {
		return err
	}
	onMessages, err := store.AnnotationsByMessage(ctx, keys)
	if err != nil {
		return err
	}
	onConversations, err := store.AnnotationsByConversation(ctx, conversations)
	if err != nil {
		return err
	}
	by := map[string]*storage.Agreement{}
	for i, one := range t.Results {
		one.Annotation = standing(onMessages[keys[i]])
		if one.Annotation == nil {
			one.Annotation = standing(onConversations[conversations[i]])
		}
		if one.Verdict == nil || one.Verdict.IsTrue == nil {
			continue
		}
		here := *one.Verdict.IsTrue
		if one.Annotation != nil && *one.Annotation.Verdict != storage.VerdictUndetermined {
			t.People.Add(here, *one.Annotation.Verdict == storage.VerdictSuccess)
		}
		for _, score := range saved[scored[i]] {
			if score.Value == nil || score.Status != storage.ScoreComplete {
				continue
			}
			if by[score.ScorerName] == nil {
				by[score.ScorerName] = &storage.Agreement{}
				t.Saved = append(t.Saved, &storage.ScorerAgreement{ScorerName: score.ScorerName, Agreement: by[score.ScorerName]})
			}
			by[score.ScorerName].Add(here, *score.Value)
		}
	}
	return nil
}

// standing is the newest verdict that is not retracted, nil without any.
func standing(annotations []*storage.Annotation) *storage.Annotation {
	for _, annotation := range slices.Backward(annotations) {
		if annotation.Verdict != nil && annotation.RetractedAt == nil {
			return annotation
		}
	}
	return nil
}
