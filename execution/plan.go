package execution

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/storage"
)

// Plan is what a run is to do: its orchestrator and all that it is made of, as they were
// when it was queued. So a change in between does not change the run, and it can be made
// again. Credentials are not in it: they are those of the time of a call.
type Plan struct {
	Orchestrator *storage.Orchestrator `json:"orchestrator"`
	Generators   map[string]*Part      `json:"generators"` // by key, as the next two
	Converters   map[string]*Part      `json:"converters"`
	Scorers      map[string]*Part      `json:"scorers"`
	Prompts      int64                 `json:"prompts"`
	Seed         uint64                `json:"seed,string"`
	// Only are the items of the run that this one tries again; nil for all.
	Only []int64 `json:"only,omitempty"`
	// Attacks is how many attacks are scored again. Which they are stands in the store: as
	// the filter says when the run is queued, or as scored does.
	Attacks int64 `json:"attacks,omitempty"`
	scored  *storage.ScoredAttacks
}

// Part is a configured thing as it was.
type Part struct {
	Name       string       `json:"name"`
	Type       string       `json:"type"`
	Parameters storage.JSON `json:"parameters"`
}

// NewPlan plans a run of an orchestrator and returns it with its number of items.
// CodeNotFound for none, CodeConflict for one that cannot be run.
func NewPlan(ctx context.Context, things *configured.Things, store storage.UserStore, orchestratorKey string) (*Plan, int64, error) {
	found, err := store.OrchestratorsByKey(ctx, []string{orchestratorKey})
	if err != nil {
		return nil, 0, err
	}
	o := found[orchestratorKey]
	if o == nil {
		return nil, 0, storage.Errorf(storage.CodeNotFound, "there is no such thing")
	}
	checked, err := things.ValidateOrchestrator(ctx, store, orchestratorKey)
	if err != nil {
		return nil, 0, err
	}
	for _, problem := range checked.Problems {
		if problem.Severity == storage.ProblemError {
			return nil, 0, storage.Errorf(storage.CodeConflict, "it cannot be run: %s: %s", problem.Message, problem.Remedy)
		}
	}
	p, err := fixedPlan(ctx, things, store, o)
	if err != nil {
		return nil, 0, err
	}
	if p.Prompts, err = p.countPrompts(ctx, store); err != nil {
		return nil, 0, err
	}
	if o.Type == orchestrator.Scoring {
		settings, _ := orchestrator.Check(o)
		p.scored = &storage.ScoredAttacks{Filter: settings.Attacks}
		if p.Attacks, err = store.CountToScore(ctx, settings.Attacks); err != nil {
			return nil, 0, err
		}
	}
	p.Seed = newSeed()
	return p, p.Items(), nil
}

func newSeed() uint64 {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails
	return binary.LittleEndian.Uint64(seed[:])
}

// Items is how many items the run has.
func (p *Plan) Items() int64 {
	if p.Only != nil {
		return int64(len(p.Only))
	}
	if p.Orchestrator.Type == orchestrator.Scoring {
		return p.Attacks
	}
	settings, _ := orchestrator.Check(p.Orchestrator)
	prompts := p.Prompts
	if settings.Type.Name == orchestrator.MultiPrompt {
		prompts = max(prompts, 1)
	}
	return prompts * p.chains() * settings.Repetitions
}

func (p *Plan) chains() int64 { return max(int64(len(p.Orchestrator.Chains)), 1) }

// JSON writes the plan.
func (p *Plan) JSON() (storage.JSON, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write a plan: %w", err)
	}
	return storage.JSON(text), nil
}

// ReadPlan reads what JSON wrote.
func ReadPlan(text storage.JSON) (*Plan, error) {
	p := &Plan{}
	if err := json.Unmarshal([]byte(text), p); err != nil || p.Orchestrator == nil {
		return nil, storage.Errorf(storage.CodeConflict, "the plan of the run cannot be read: queue its orchestrator again")
	}
	return p, nil
}

// fixedPlan is a plan with all that its orchestrator is made of, and no items yet.
func fixedPlan(ctx context.Context, things *configured.Things, store storage.UserStore, o *storage.Orchestrator) (*Plan, error) {
	p := &Plan{Orchestrator: o, Generators: map[string]*Part{}, Converters: map[string]*Part{}, Scorers: map[string]*Part{}}
	return p, p.fix(ctx, things, store)
}

// fix keeps everything that the orchestrator names, and what that names in turn.
func (p *Plan) fix(ctx context.Context, things *configured.Things, store storage.UserStore) error {
	o := p.Orchestrator
	waiting := orchestrator.References(o)
	if o.GeneratorKey != nil {
		waiting = append(waiting, storage.Named{Table: storage.KindGenerators, Key: *o.GeneratorKey})
	}
	for _, chain := range o.Chains {
		for _, key := range chain {
			waiting = append(waiting, storage.Named{Table: storage.KindConverters, Key: key})
		}
	}
	for _, key := range o.Scorers {
		waiting = append(waiting, storage.Named{Table: storage.KindScorers, Key: key})
	}
	for len(waiting) > 0 {
		next := waiting[0]
		waiting = waiting[1:]
		parts := p.parts(next.Table)
		if parts[next.Key] != nil {
			continue
		}
		thing, err := things.Usable(ctx, store, next.Table, next.Key)
		if err != nil {
			return err
		}
		parts[next.Key] = &Part{Name: thing.Name, Type: thing.Type, Parameters: thing.Parameters}
		waiting = append(waiting, things.References(next.Table, thing)...)
	}
	return nil
}

func (p *Plan) parts(table storage.ConfiguredKind) map[string]*Part {
	switch table {
	case storage.KindGenerators:
		return p.Generators
	case storage.KindConverters:
		return p.Converters
	}
	return p.Scorers
}

// index is an item in the numbers of the first run.
func (p *Plan) index(item int64) int64 {
	if p.Only != nil {
		return p.Only[item]
	}
	return item
}

// place is where an item of the first run stands in the plan: a prompt, a chain and one of
// so many repetitions. Items of one prompt lie together, so that prompts are read once.
func (p *Plan) place(index, repetitions int64) (prompt, chain int64) {
	each := p.chains() * repetitions
	return index / each, index % each / repetitions
}

// countPrompts fixes the version of the dataset and counts what is sent.
func (p *Plan) countPrompts(ctx context.Context, store storage.UserStore) (int64, error) {
	o := p.Orchestrator
	if o.DatasetKey == nil {
		return int64(len(o.Prompts)), nil
	}
	key := storage.VersionKey{Dataset: *o.DatasetKey}
	if o.DatasetVersion != nil {
		key.Number = *o.DatasetVersion
	}
	versions, err := store.DatasetVersionsByKey(ctx, []storage.VersionKey{key})
	if err != nil {
		return 0, err
	}
	version := versions[key]
	if version == nil {
		return 0, storage.Errorf(storage.CodeConflict, "it cannot be run: the version of its dataset is not there any more: name another one")
	}
	fixed := *o
	fixed.DatasetVersion = &version.Number
	p.Orchestrator = &fixed
	return version.PromptCount, nil
}
