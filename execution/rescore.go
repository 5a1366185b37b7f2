package execution

import (
	"context"
	"sync"
	"time"

	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// rescoring is SCORING: each item is an attack whose replies are scored again. The scores
// are added to those that are there.
type rescoring struct {
	store  storage.UserStore
	key    string // of the run
	each   bool   // all replies, not the last alone
	decide bool   // the objective's scorer decides the attack's outcome
	judges []*judge

	mu     sync.Mutex
	blocks map[int64][]*storage.ScoredItem
}

const (
	// blockItems is how many items are read at once, and keptBlocks how many of such are
	// kept: items under way lie together.
	blockItems = 64
	keptBlocks = 3
)

// read returns an item.
func (r *rescoring) read(ctx context.Context, item int64) (*storage.ScoredItem, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := item / blockItems
	block, known := r.blocks[at]
	if !known {
		var err error
		if block, err = r.store.ScoredItems(ctx, r.key, at*blockItems, blockItems, r.each); err != nil {
			return nil, err
		}
		if r.blocks == nil {
			r.blocks = map[int64][]*storage.ScoredItem{}
		}
		r.blocks[at] = block
		for other := range r.blocks {
			if other <= at-keptBlocks {
				delete(r.blocks, other)
			}
		}
	}
	if place := item % blockItems; place < int64(len(block)) {
		return block[place], nil
	}
	return nil, storage.Errorf(storage.CodeConflict, "the attacks of the run are not there any more")
}

// do scores one attack.
func (r *rescoring) do(ctx context.Context, item int64) (*storage.ItemResult, error) {
	began := time.Now()
	found, err := r.read(ctx, item)
	if err != nil {
		return nil, err
	}
	ctx, account := withAccount(ctx)
	a := &attempt{judges: r.judges}
	if found.Objective != nil {
		a.objective = *found.Objective
	}
	result := &storage.ItemResult{Item: item, Scored: &found.Attack}
	var verdict *scorer.Verdict
	var failure *target.Error
	if found.Gone {
		failure = &target.Error{Class: target.ClassNotFound, Message: "the attack was deleted"}
	}
	for _, reply := range found.Replies {
		said := spokenAgain(reply)
		if said == nil {
			continue
		}
		verdict, err = a.decide(ctx, said)
		if failure, err = failureOf(ctx, err); err != nil {
			return nil, err
		}
		if failure != nil {
			break
		}
		on := reply.Pieces[len(reply.Pieces)-1].ScoredKey()
		for _, score := range said.message.Scores {
			score.Message = &on
			result.Scores = append(result.Scores, score)
		}
	}
	outcome, _, reason := outcomeOf(verdict, failure, a.decides() != nil)
	result.Outcome = outcome
	switch {
	case failure != nil:
		class := string(failure.Class)
		result.ErrorClass, result.Scores = &class, nil // another try would add them twice
	case r.decide && len(result.Scores) > 0 && a.decides() != nil:
		result.Decision = &storage.Decision{Attack: found.Attack, Outcome: outcome, Reason: reason}
	}
	result.Conversations = account.helpers
	for _, c := range account.components {
		result.Components = append(result.Components, c)
	}
	result.Attempts, result.Calls = max(account.attempts, 1), account.calls
	result.InputTokens, result.OutputTokens, result.Cost = account.input, account.output, account.cost
	result.Latency, result.FinishedAt = time.Since(began), time.Now()
	return result, nil
}

// spokenAgain is a stored reply as a turn; nil for one that says that the call failed.
func spokenAgain(reply *storage.ScoredReply) *turn {
	said := &turn{reply: &target.Reply{}}
	for _, piece := range reply.Pieces {
		said.reply.Pieces = append(said.reply.Pieces, target.Piece{DataType: piece.DataType, Text: piece.ConvertedValue})
	}
	last := reply.Pieces[len(reply.Pieces)-1]
	if last.DataType == "error" {
		if last.ResponseError != "blocked" {
			return nil
		}
		said.reply = nil // as a run judges what was blocked
	}
	said.message = &storage.ResultMessage{Message: *last}
	if reply.Prompt != nil {
		said.prompt, said.sent = reply.Prompt.OriginalValue, reply.Prompt.ConvertedValue
	}
	return said
}
