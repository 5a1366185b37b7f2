package schema

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/storage"
)

// OrchestratorSettings are what an orchestrator is to have, ids as clients have them.
// What is left out stays; null, where it is told from that, takes away.
type OrchestratorSettings struct {
	Generator          graphql.Omittable[*string]
	Dataset            graphql.Omittable[*DatasetVersionInput]
	Prompts            []string
	Chains             [][]string
	Scorers            []string
	ObjectiveScorer    graphql.Omittable[*string]
	Parameters         *storage.JSON
	Labels             []*storage.Label
	Tags               []string
	Budget             graphql.Omittable[*storage.Budget]
	Concurrency        *int64
	CallTimeoutSeconds graphql.Omittable[*int64]
	RunTimeoutSeconds  graphql.Omittable[*int64]
}

// CreateOrchestratorInput is what an orchestrator is to be.
type CreateOrchestratorInput struct {
	Workspace  *string
	Name, Type string
	OrchestratorSettings
	ClientMutationID *string
}

// UpdateOrchestratorInput is what one is to become.
type UpdateOrchestratorInput struct {
	ID         string
	Name, Type *string
	OrchestratorSettings
	ClientMutationID *string
}

// DatasetVersionInput is a version of a dataset, the newest without one.
type DatasetVersionInput struct {
	ID      string
	Version *int64
}

// ConverterChain is converters that work one after the other.
type ConverterChain struct{ Converters []*storage.Converter }

// OrchestratorScorer is a scorer of an orchestrator.
type OrchestratorScorer struct {
	Scorer      *storage.Scorer
	IsObjective bool
}

// OrchestratorPayload is the answer of a mutation of an orchestrator.
type OrchestratorPayload struct {
	WorkspacePayload
	Orchestrator *storage.Orchestrator
}

// ExecutionPayload is the answer of a mutation of a run.
type ExecutionPayload struct {
	WorkspacePayload
	Execution *storage.Execution
}

// OrchestratorValidation is what is wrong with an orchestrator and what it would take.
type OrchestratorValidation struct {
	Problems []*storage.Problem // never null
	Estimate *storage.Estimate
}

// Ok tells that nothing keeps it from running.
func (v *OrchestratorValidation) Ok() bool { return usable(v.Problems) }

func usable(problems []*storage.Problem) bool {
	for _, problem := range problems {
		if problem.Severity == storage.ProblemError {
			return false
		}
	}
	return true
}

// ValidationPayload is the answer of validateOrchestrator.
type ValidationPayload struct {
	WorkspacePayload
	Validation *OrchestratorValidation
}

// PricePayload is the answer of setPrice.
type PricePayload struct {
	WorkspacePayload
	Price *storage.Price
}

// PartKind is what a configured thing is.
type PartKind string

// The kinds of configured things.
const (
	PartGenerator PartKind = "GENERATOR"
	PartConverter PartKind = "CONVERTER"
	PartScorer    PartKind = "SCORER"
)

// ProblemsPayload is the answer of validateConfiguration; with user errors Problems is nil.
type ProblemsPayload struct {
	Payload
	Problems []*storage.Problem
}

// Ok tells that nothing keeps it from being used, nil when nothing was checked.
func (p *ProblemsPayload) Ok() *bool {
	if p.Problems == nil {
		return nil
	}
	ok := usable(p.Problems)
	return &ok
}

// GeneratorTest is what became of the test of one generator.
type GeneratorTest struct {
	Generator *storage.Generator
	Called    bool
	Problem   *string
}

// GeneratorTestsPayload is the answer of testGenerators.
type GeneratorTestsPayload struct {
	WorkspacePayload
	Results []*GeneratorTest
}

// ScoredMessage is what a scorer says of a message.
type ScoredMessage struct {
	Message    *storage.Message
	Verdict    *Verdict
	Problem    *string
	Annotation *storage.Annotation
}

// ScorerTest is what a scorer says of saved messages.
type ScorerTest struct {
	Results                                                             []*ScoredMessage // never null
	TrueCount, FalseCount, OtherCount, UndeterminedCount, UnjudgedCount int64
	People                                                              *storage.Agreement
	Saved                                                               []*storage.ScorerAgreement // never null
}

// ScorerTestPayload is the answer of testScorer.
type ScorerTestPayload struct {
	WorkspacePayload
	Test *ScorerTest
}
