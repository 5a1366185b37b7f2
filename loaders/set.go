package loaders

import "github.com/violentutf/violentutf/storage"

// Set holds the loaders of one user store in one request. The names read as
// answers.
type Set struct {
	Store storage.UserStore

	Attack         *Loader[int64, *storage.Attack]
	LabelsOfAttack *Loader[int64, []*storage.Label]
	AttacksOf      *AttackPages

	Conversation          *Loader[int64, *storage.Conversation]
	ConversationsOfAttack *Pages[int64, storage.ConversationFilter, storage.Conversation]
	Branches              *Loader[int64, []*storage.Conversation]
	LabelsOfConversation  *Loader[int64, []*storage.Label]

	Message                *Loader[storage.MessageKey, *storage.Message]
	MessagesOfConversation *Pages[int64, storage.MessageFilter, storage.Message]
	FilesOfMessage         *Loader[storage.MessageKey, *storage.MessageFiles]

	Thread       *Loader[int64, *storage.Thread]
	ScoredThread *Loader[int64, *storage.Thread]

	Score           *Loader[int64, *storage.Score]
	ScoresOfMessage *Loader[storage.MessageKey, []*storage.Score]

	Component *Loader[string, *storage.Component]
	Generator *Loader[string, *storage.Generator]
	Converter *Loader[string, *storage.Converter]
	Scorer    *Loader[string, *storage.Scorer]

	Dataset          *Loader[string, *storage.Dataset]
	Prompt           *Loader[int64, *storage.Prompt]
	PromptsOfDataset *Pages[string, storage.PromptFilter, storage.Prompt]
	LastOutcome      *Loader[Tried, *storage.Outcome]

	Orchestrator             *Loader[string, *storage.Orchestrator]
	OrchestratorsUsing       *Pages[string, struct{}, storage.Orchestrator]
	ExecutionsOfOrchestrator *ExecutionPages
	Price                    *Loader[string, *storage.Price]

	ComponentsOfGenerator, ComponentsOfConverter, ComponentsOfScorer *UsagePages
	ScoresOfComponent, ScoresOfScorer                                *ScorePages
	DatasetVersion                                                   *Loader[storage.VersionKey, *storage.DatasetVersion]
	VersionsOfDataset                                                *Pages[string, struct{}, storage.DatasetVersion]
	PromptsOfVersion                                                 *Pages[string, storage.PromptFilter, storage.Prompt]
	SplitsOfVersion                                                  *Loader[storage.VersionKey, []*storage.Split]

	Execution         *Loader[string, *storage.Execution]
	ExecutionSummary  *Loader[string, *storage.ExecutionSummary]
	ExecutionTally    *Loader[string, *storage.ExecutionTally]
	ErrorClasses      *Loader[string, []*storage.ErrorClassCount] // by the key of the run
	ItemsOfExecution  *Pages[string, storage.ExecutionItemFilter, storage.ExecutionItem]
	EventsOfExecution *Pages[string, storage.ExecutionEventFilter, storage.ExecutionEvent]
	Import            *Loader[string, *storage.Import]

	Annotation                *Loader[string, *storage.Annotation]
	AnnotationsOfAttack       *Loader[int64, []*storage.Annotation]
	AnnotationsOfConversation *Loader[int64, []*storage.Annotation]
	AnnotationsOfMessage      *Loader[storage.MessageKey, []*storage.Annotation]

	Finding           *Loader[string, *storage.Finding]
	FindingsOfAttack  *Loader[int64, []*storage.Finding]
	RunsOfFinding     *Loader[string, *storage.FindingRuns]
	MessagesOfFinding *Loader[string, []*storage.Message]
	EvidenceOfFinding *Loader[string, *Shown]

	SavedQuery               *Loader[string, *storage.SavedQuery]
	ParameterFile            *Loader[string, *storage.ParameterFile]
	Template                 *Loader[string, *storage.Template]
	FindingsOfConversation   *Loader[int64, []*storage.Finding]
	FindingsOfMessage        *Loader[storage.MessageKey, []*storage.Finding]
	FindingsOfExecution      *Pages[string, storage.FindingFilter, storage.Finding]
	ExecutionsOfComponent    *Pages[string, storage.ExecutionFilter, storage.Execution]
	ExecutionsOfFinding      *Pages[string, storage.ExecutionFilter, storage.Execution]
	ConversationsOfExecution *Pages[string, storage.ConversationFilter, storage.Conversation]
	ScoresOfExecution        *Pages[string, struct{}, storage.Score]
	ComponentsOfExecution    *Loader[ExecutionPart, []*storage.Component]
	OutcomesOfPrompt         *Loader[int64, []*storage.TargetOutcome]

	OwnEntry    *Loader[string, *storage.TaxonomyEntry]
	RawExchange *Loader[storage.MessagePlace, *storage.RawExchange]
	TrashEntry  *Loader[string, *storage.TrashEntry]
	File        *Loader[string, *storage.File]
	UseOfFile   *Loader[string, *storage.FileUse]
}

// NewSet makes the loaders of a store for one request.
func NewSet(store storage.UserStore) *Set {
	return &Set{
		Store: store,

		Attack:         newLoader(store.AttacksByNumber),
		LabelsOfAttack: newListLoader(store.LabelsByAttack),
		AttacksOf:      attacksOf(store),

		Conversation:          newLoader(store.ConversationsByNumber),
		ConversationsOfAttack: conversationsOfAttack(store),
		Branches:              newListLoader(store.BranchesByConversation),
		LabelsOfConversation:  newListLoader(store.LabelsByConversation),

		Message:                newLoader(store.MessagesByKey),
		MessagesOfConversation: messagesOfConversation(store),
		FilesOfMessage:         newLoader(store.FilesByMessage),

		Thread:       threads(store),
		ScoredThread: scoredThreads(store),

		Score:           newLoader(store.ScoresByNumber),
		ScoresOfMessage: newListLoader(store.ScoresByMessage),

		Component: newLoader(store.ComponentsByHash),
		Generator: newLoader(store.GeneratorsByKey),
		Converter: newLoader(store.ConvertersByKey),
		Scorer:    newLoader(store.ScorersByKey),

		Dataset:          newLoader(store.DatasetsByKey),
		Prompt:           newLoader(store.PromptsByNumber),
		PromptsOfDataset: promptsOfDataset(store),
		LastOutcome:      newLoader(lastOutcomes(store)),

		Orchestrator:             newLoader(store.OrchestratorsByKey),
		OrchestratorsUsing:       orchestratorsUsing(store),
		ExecutionsOfOrchestrator: executionsOfOrchestrator(store),
		Price:                    newLoader(store.PricesByKey),

		ComponentsOfGenerator: componentsOf(store, storage.KindGenerators),
		ComponentsOfConverter: componentsOf(store, storage.KindConverters),
		ComponentsOfScorer:    componentsOf(store, storage.KindScorers),
		ScoresOfComponent:     scoresOf(store, storage.ScoresOfComponent),
		ScoresOfScorer:        scoresOf(store, storage.ScoresOfScorer),
		DatasetVersion:        newLoader(store.DatasetVersionsByKey),
		VersionsOfDataset:     versionsOfDataset(store),
		PromptsOfVersion:      promptsOfVersion(store),
		SplitsOfVersion:       newListLoader(store.SplitsByVersion),

		Execution:         newLoader(store.ExecutionsByKey),
		ExecutionSummary:  executionSummaries(store),
		ExecutionTally:    executionTallies(store),
		ErrorClasses:      newListLoader(store.ErrorClasses),
		ItemsOfExecution:  itemsOfExecution(store),
		EventsOfExecution: eventsOfExecution(store),
		Import:            newLoader(store.ImportsByKey),

		Annotation:                newLoader(store.AnnotationsByKey),
		AnnotationsOfAttack:       newListLoader(store.AnnotationsByAttack),
		AnnotationsOfConversation: newListLoader(store.AnnotationsByConversation),
		AnnotationsOfMessage:      newListLoader(store.AnnotationsByMessage),

		Finding:           newLoader(store.FindingsByKey),
		FindingsOfAttack:  newListLoader(store.FindingsByAttack),
		RunsOfFinding:     newLoader(store.RunsByFinding),
		MessagesOfFinding: messagesOfFinding(store),
		EvidenceOfFinding: newLoader(evidenceOf(store)),

		SavedQuery:               newLoader(store.SavedQueriesByKey),
		ParameterFile:            newLoader(store.ParameterFilesByKey),
		Template:                 newLoader(store.TemplatesByKey),
		FindingsOfConversation:   newListLoader(store.FindingsByConversation),
		FindingsOfMessage:        newListLoader(store.FindingsByMessage),
		FindingsOfExecution:      findingsOfExecution(store),
		ExecutionsOfComponent:    executionsOf(store, storage.ExecutionsOfComponent),
		ExecutionsOfFinding:      executionsOf(store, storage.ExecutionsOfFinding),
		ConversationsOfExecution: conversationsOfExecution(store),
		ScoresOfExecution:        scoresOfExecution(store),
		ComponentsOfExecution:    componentsOfExecution(store),
		OutcomesOfPrompt:         newListLoader(store.OutcomesByPrompt),

		OwnEntry:    newLoader(store.OwnEntries),
		RawExchange: newLoader(store.RawExchanges),
		TrashEntry:  newLoader(store.TrashByKey),
		File:        newLoader(store.FilesByHash),
		UseOfFile:   newLoader(usesOfFiles(store)),
	}
}
