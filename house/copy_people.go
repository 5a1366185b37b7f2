package house

import (
	"context"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// addFindings stages findings, and returns the attacks that show them, which go along.
func (c *copying) addFindings(ctx context.Context, keys []string) ([]int64, error) {
	found, err := c.source.FindingsByKey(ctx, keys)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	there, err := c.target.FindingsByKey(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		finding := found[key]
		if finding == nil {
			continue
		}
		delete(found, key) // named twice is once
		if there[key] != nil {
			c.notes = append(c.notes, "a finding is there already: it was left as it is, and got what evidence is new")
		}
		if err := c.stage.AddFinding(ctx, finding); err != nil {
			return nil, err
		}
		c.findings = append(c.findings, key)
	}
	attacks, beside, err := c.source.AttacksToShow(ctx, c.findings)
	if beside > 0 && c.move {
		return nil, &storage.Error{
			Code: storage.CodeConflict, Field: "findings",
			Message: fmt.Sprintf("%d messages that show these findings belong to no attack and cannot go along: copy instead, or take them out first", beside),
		}
	}
	if beside > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%d messages that show findings belong to no attack and were not taken along", beside))
	}
	return attacks, err
}

// addEvidence stages what shows the findings, once its attacks are staged.
func (c *copying) addEvidence(ctx context.Context) error {
	byNumber := storage.AttackOrder{Field: storage.AttackOrderNumber, Direction: storage.Ascending}
	lists, err := c.source.AttacksOf(ctx, storage.AttacksOfFinding, c.findings, nil, byNumber, storage.Page{Limit: storage.MaxEvidence})
	if err != nil {
		return err
	}
	for finding, list := range lists {
		for _, attack := range list.Nodes() {
			if err := c.stage.AddEvidence(ctx, &storage.StagedEvidence{Finding: finding, Source: attack.Source, Attack: attack.SourceID}); err != nil {
				return err
			}
		}
	}
	// Of the messages only the names: a finding may have a thousand long ones.
	messages, err := c.source.Reading(storage.Fields{"source": true, "sourceId": true}).MessagesByFinding(ctx, c.findings, storage.MaxEvidence)
	for finding, shown := range messages {
		for _, message := range shown {
			if err := c.stage.AddEvidence(ctx, &storage.StagedEvidence{Finding: finding, Source: message.Source, Message: message.SourceID}); err != nil {
				return err
			}
		}
	}
	return err
}

// addPeople stages what people said of attacks and of what is part of them: annotations
// with their history, and the words about tags.
func (c *copying) addPeople(ctx context.Context, attacks []*storage.Attack, conversations map[int64]*storage.Conversation) error {
	attackOf, numbers := map[int64]*storage.Attack{}, make([]int64, len(attacks))
	for i, attack := range attacks {
		attackOf[attack.Number], numbers[i] = attack, attack.Number
	}
	words, err := c.source.TagWordsByAttack(ctx, numbers)
	if err != nil {
		return err
	}
	for number, said := range words {
		of := attackOf[number]
		for _, word := range said {
			if err := c.stage.AddTagWord(ctx, &storage.StagedTagWord{TagWord: *word, Source: of.Source, Attack: of.SourceID}); err != nil {
				return err
			}
		}
	}
	annotations, err := c.source.AnnotationsToCopy(ctx, numbers)
	if err != nil {
		return err
	}
	var keys []storage.MessageKey
	for _, annotation := range annotations {
		keys = append(keys, given(annotation.Message)...)
	}
	messages, err := c.source.Reading(storage.Fields{"source": true, "sourceId": true}).MessagesByKey(ctx, keys)
	if err != nil {
		return err
	}
	for _, annotation := range annotations {
		staged := &storage.StagedAnnotation{KeptAnnotation: *annotation}
		switch {
		case annotation.AttackNumber != nil:
			of := attackOf[*annotation.AttackNumber]
			staged.Source, staged.Attack = of.Source, of.SourceID
		case annotation.Message != nil:
			of := messages[*annotation.Message]
			if of == nil {
				continue
			}
			staged.Source, staged.Message = of.Source, of.SourceID
		default:
			of := conversations[*annotation.ConversationNumber]
			if of == nil {
				continue
			}
			staged.Source, staged.Conversation = of.Source, of.SourceID
		}
		if err := c.stage.AddAnnotation(ctx, staged); err != nil {
			return err
		}
	}
	return nil
}

// addExchanges stages what went over the wire for messages, once for the pieces of one.
func (c *copying) addExchanges(ctx context.Context, messages []*storage.Message) error {
	pieces := map[storage.MessagePlace]*storage.Message{}
	var places []storage.MessagePlace
	for _, message := range messages {
		if place := message.Place(); pieces[place] == nil {
			pieces[place], places = message, append(places, place)
		}
	}
	found, err := c.source.RawExchanges(ctx, places)
	for place, exchange := range found {
		of := pieces[place]
		if err := c.stage.AddExchange(ctx, &storage.StagedExchange{RawExchange: *exchange, Source: of.Source, Message: of.SourceID}); err != nil {
			return err
		}
	}
	return err
}
