package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// MostShown is how many attacks of a finding Shown has at most, and how many messages
// and datasets the use of a file.
const MostShown = 100

// Shown is the evidence of a finding with all that a report says of it, whatever else
// the request selects.
type Shown struct {
	Attacks  []*storage.Attack  // by number, at most MostShown
	More     bool               // attacks than those
	Messages []*storage.Message // in their order, at most one more
}

// evidenceOf answers Finding.markdown: two statements for all findings.
func evidenceOf(store storage.UserStore) batchFunc[string, *Shown] {
	return func(ctx context.Context, keys []string) (map[string]*Shown, error) {
		return EvidenceOf(ctx, store, keys, MostShown)
	}
}

// EvidenceOf reads the first attacks and messages of findings, so many of each, and one
// more to know whether there are more.
func EvidenceOf(ctx context.Context, store storage.UserStore, keys []string, most int) (map[string]*Shown, error) {
	whole := store.Reading(nil)
	attacks, err := whole.AttacksOf(ctx, storage.AttacksOfFinding, keys, nil,
		storage.AttackOrder{Field: storage.AttackOrderNumber, Direction: storage.Ascending}, storage.Page{Limit: most})
	if err != nil {
		return nil, err
	}
	messages, err := whole.MessagesByFinding(ctx, keys, most+1)
	if err != nil {
		return nil, err
	}
	shown := make(map[string]*Shown, len(keys))
	for _, key := range keys {
		shown[key] = &Shown{Messages: messages[key]}
		if page := attacks[key]; page != nil {
			shown[key].Attacks, shown[key].More = page.Nodes(), page.PageInfo.HasNextPage
		}
	}
	return shown, nil
}

// messagesOfFinding answers Finding.messages.
func messagesOfFinding(store storage.UserStore) *Loader[string, []*storage.Message] {
	return newListLoader(func(ctx context.Context, keys []string) (map[string][]*storage.Message, error) {
		return store.MessagesByFinding(ctx, keys, storage.MaxEvidence)
	})
}
